"""The syntax filter: code that does not parse goes no further (Qwen2.5-Coder report, 4.1: static check before
the sandbox).

Python is read by its own parser, every other language by tree-sitter: an ERROR or MISSING node rejects. The
one rule: a language without a grammar is kept, with evidence that nothing was checked, since the compiler
will judge it.
"""

import ast
import warnings

from synth.filters.protocol import FilterInput, Keep, Reject
from synth.grammar.table import normalize_language
from synth.grammar.trees import first_error, has_grammar, parse


class SyntaxFilter:
    """Rejects code that does not parse, with the line of the first error."""

    stage = "syntax"

    def check(self, unit: FilterInput) -> Keep | Reject:
        return check_syntax(unit.code, unit.language)


def check_syntax(code: str, language: str) -> Keep | Reject:
    """Whether the code parses. Evidence: line (from 1) of the first error."""
    language = normalize_language(language)
    if not code.strip():
        return Reject("parse_error", {"line": 1, "error": "empty"})
    if language == "python":
        return _check_python(code)
    if not has_grammar(language):
        return Keep({"checked": "no grammar"})
    tree = parse(code.encode("utf-8", "surrogatepass"), language)
    error = first_error(tree.root_node)
    if error is None:
        return Keep()
    return Reject(
        "parse_error",
        {
            "line": error.start_point.row + 1,
            "error": "missing " + error.type if error.is_missing else "unexpected text",
        },
    )


def _check_python(code: str) -> Keep | Reject:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code)
    except SyntaxError as error:
        return Reject("parse_error", {"line": error.lineno or 1, "error": error.msg[:200]})
    except (ValueError, RecursionError, MemoryError) as error:
        return Reject("parse_error", {"line": 1, "error": f"{type(error).__name__}: {error}"[:200]})
    return Keep()
