"""The syntax filter: rejects code that does not parse (Qwen2.5-Coder report, 4.1: static check
before the sandbox).

It asks the language's own parse check, as the sandbox does. The one rule: a language without a parse check,
and a program that costs its parser too much, are kept, with evidence that nothing was checked, since the
compiler will judge them.
"""

from synth.filters.protocol import Keep, Reject
from synth.grammar.parser_process import UnparsedError
from synth.languages.registry import find_language


def check_syntax(code: str, language: str) -> Keep | Reject:
    """Whether the code parses. Evidence: line (from 1) of the first error."""
    if not code.strip():
        return Reject("parse_error", {"line": 1, "error": "empty"})
    spoken = find_language(language)
    if spoken is None or not spoken.has_parse_check:
        return Keep({"checked": "no grammar"})
    try:
        error = spoken.parse_error(code)
    except UnparsedError as why:
        return Keep({"checked": f"not parsed: {why}"})
    return Reject("parse_error", {"line": error.line, "error": error.message}) if error else Keep()
