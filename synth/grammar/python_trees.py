"""Python's own syntax tree of a text, for the callers that read and write that tree.

Place in the flow: signatures, normalized programs and closed functions come from here. The one rule: a text
is read in this process only after a parser process has read it within its limits, and only up to
`MOST_BYTES`.
"""

import ast
import warnings
from typing import Final

from synth.grammar.parser_process import UnparsedError
from synth.grammar.trees import native_error

MOST_BYTES: Final = 1 << 18
"""A tree takes a hundred times the memory of its text."""


def parse_python(text: str) -> ast.Module | None:
    """The syntax tree; None if the text does not parse, or costs too much."""
    try:
        if len(text) > MOST_BYTES or native_error(text, "cpython") is not None:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (UnparsedError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None
