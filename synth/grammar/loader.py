"""Loads a grammar by its name.

Place in the flow: `trees` asks here, and nothing else does. The one rule: this is the only place that knows
where grammars come from; the package is imported on first use.
"""

from functools import cache
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from tree_sitter import Language


class NoGrammar(LookupError):
    """No tree-sitter grammar of that name is installed."""


@cache
def load_grammar(name: str) -> "Language":
    """The grammar of that name. Raises NoGrammar."""
    from tree_sitter_language_pack import get_language

    try:
        return cast("Language", get_language(name))
    except LookupError as error:
        raise NoGrammar(name) from error
