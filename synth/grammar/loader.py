"""From the name of a grammar to the grammar itself: each is in a package of its own, loaded on first use.

Place in the flow: `trees` makes parsers of what this module loads. The one rule: the packages are
dependencies of the core at exact versions, so a verdict never depends on what is installed. A language
without such a package has no grammar anywhere.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Language

_SAME_NAME = (
    "ada bash c commonlisp cpp dart elixir fortran fsharp go haskell java javascript julia kotlin lua perl "
    "powershell python ruby rust scala swift zig"
).split()

GRAMMARS: Mapping[str, tuple[str, str]] = {
    **{name: (f"tree_sitter_{name}", "language") for name in _SAME_NAME},
    "csharp": ("tree_sitter_c_sharp", "language"),
    "ocaml": ("tree_sitter_ocaml", "language_ocaml"),
    "php": ("tree_sitter_php", "language_php"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
}
"""By name: the module of the grammar's package, and its function that returns the grammar."""


class NoGrammar(LookupError):
    """There is no tree-sitter grammar of that name."""


@cache
def load_grammar(name: str) -> "Language":
    """The grammar of that name, loaded once in a process. Raises NoGrammar."""
    if name not in GRAMMARS:
        raise NoGrammar(name)
    from tree_sitter import Language

    module, function = GRAMMARS[name]
    return Language(getattr(import_module(module), function)())
