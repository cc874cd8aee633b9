"""The option `--comparison`: a rule that replaces those of the rows. The one rule: what is no rule is refused
before anything runs; whether it fits the tests is asked of each row."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synth.cli.program_files import find_language, read_text
from synth.errors import Problem, UserError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from synth.comparison_rules import Comparison

ComparisonOption = Annotated[
    str | None,
    typer.Option(
        "--comparison",
        metavar="RULE",
        help="When a result is right, instead of what rows or their format say: a kind (tokens), a mapping "
        "such as '{kind: tokens, rel: 1e-6}', or a file: YAML or JSON with one, or the program of a checker.",
    ),
]

_SEE = "docs/architecture/verify.md"
_FIX = "--comparison '{kind: tokens, rel: 1e-6}'"


def read_comparison(given: str | None) -> "Comparison | None":
    """The rule that the option states; None without one. Raises UserError."""
    if given is None:
        return None
    from pydantic import TypeAdapter, ValidationError

    from synth.comparison_rules import Comparison

    try:
        rule: Comparison = TypeAdapter(Comparison).validate_python(_mapping(given))
    except ValidationError as error:
        raise UserError(*(_problem(given, one) for one in error.errors(include_url=False))) from None
    return rule


def _problem(given: str, error: "ErrorDetails") -> Problem:
    from synth.verify.rows import in_our_words

    if error["type"].startswith("union_tag"):
        kinds = str(error.get("ctx", {}).get("expected_tags", "")).replace("'", "") or "a kind"
        words = f"must be a kind of rule ({kinds}), a mapping with a kind, or a file"
        return Problem(f"--comparison {given[:60]}", words, _FIX, _SEE)
    keys = ".".join(map(str, error["loc"][1:]))
    return Problem(f"--comparison: {keys}", in_our_words(error["msg"]), _FIX, _SEE)


def _mapping(given: str) -> dict[str, object]:
    """The rule as a mapping, whichever way it is written."""
    import yaml

    path = Path(given)
    if given.lstrip().startswith("{"):
        text = given
    elif path.suffix in (".yaml", ".yml", ".json"):
        text = read_text(path, "--comparison")
    elif path.is_file():
        return {
            "kind": "checker",
            "language": find_language(path, None),
            "code": read_text(path, "--comparison"),
        }
    else:
        return {"kind": given}
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _refused(given, f"is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict):
        raise _refused(given, "must be a mapping with a kind")
    return found


def _refused(given: str, words: str) -> UserError:
    return UserError(Problem(f"--comparison {given[:60]}", words, _FIX, _SEE))
