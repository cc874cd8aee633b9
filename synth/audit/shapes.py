"""The shapes of data sets, told by their columns, and how a row of each becomes prompt, reference and tests.

Place in the flow: the first row's columns choose the shape; each row then becomes an `AuditRow`. The one
rule: a shape reuses the reader of its benchmark where there is one, and columns that fit none are an error
that names what was found.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from synth.audit.data_files import PAGE, Fields
from synth.errors import Problem, UserError
from synth.prompts.fences import read_fences
from synth.verify.formats.contests import calls, stdio
from synth.verify.formats.registry import get_format
from synth.verify.formats.spec import BenchmarkSample, RowParts, need, refuse, texts

IDS: Final = ("id", "task_id", "question_id", "problem_id", "name")
PROMPTS: Final = (
    "prompt", "question", "instruction", "text", "question_content", "problem_statement", "description",
    "complete_prompt", "instruct_prompt", "problem", "messages",
)  # fmt: skip
_ANSWERS: Final = ("completion", "solution", "response", "answer", "code", "chosen", "messages")
_TESTS: Final = ("tests", "test", "unit_tests", "test_cases", "test_list", "ground_truth", "assertion")


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row of a data set. Parts that it does not have are empty."""

    number: int
    id: str
    language: str = ""
    prompt: str = ""
    reference: str = ""
    """The whole program that the tests are for."""
    tests: Fields | None = None
    limits: Fields | None = None
    problem: str = ""
    """Why its programs cannot be tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The columns that tell a shape, and its reader: (row, reference program or empty) -> row parts."""

    name: str
    needs: tuple[str, ...]
    """Each must be there; `a|b` is either of two."""
    reference: Callable[[Fields], tuple[str, bool]]
    """The reference as it stands in the row, and whether it is a whole program."""
    parts: Callable[[Fields, BenchmarkSample], RowParts]

    def fits(self, columns: frozenset[str]) -> bool:
        """Whether a data set with these columns has this shape."""
        return all(any(one in columns for one in either.split("|")) for either in self.needs)


def find_shape(row: Fields, where: str) -> Shape:
    """The shape of a data set by its first row. Raises UserError that names the columns."""
    columns = frozenset(name for name, value in row.items() if value is not None)
    for shape in SHAPES:
        if shape.fits(columns):
            return shape
    found = ", ".join(sorted(map(str, row)))[:300] or "none"
    known = "; ".join(f"{shape.name}: {', '.join(shape.needs).replace('|', ' or ')}" for shape in SHAPES)
    raise UserError(
        Problem(f"{where}: columns {found}", f"fit no known data set ({known})", "rename the columns", PAGE)
    )


def read_row(row: Fields, number: int, shape: Shape, language: str = "") -> AuditRow:
    """The row. What keeps it from being tried is told in its `problem`."""
    named = str(next((row[name] for name in IDS if row.get(name) not in (None, "")), f"row {number}"))
    prompt = as_text(next((row[name] for name in PROMPTS if row.get(name)), ""))
    stated = str(row.get("language") or row.get("lang") or language)
    try:
        code, whole = shape.reference(row)
        parts = shape.parts(row, BenchmarkSample(code, whole or not code, stated))
    except UserError as error:
        words = "; ".join(f"{problem.where}: {problem.message}" for problem in error.problems)
        return AuditRow(number, named, stated, prompt, problem=words)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        return AuditRow(number, named, stated, prompt, problem=f"is no row of {shape.name}: {error!r}"[:300])
    limits = row.get("limits")
    return AuditRow(
        number,
        named,
        parts.language,
        prompt,
        parts.code if code.strip() else "",
        parts.tests,
        limits if isinstance(limits, Mapping) else None,
    )


def as_text(value: object) -> str:
    """A text, or the contents of chat messages."""
    if isinstance(value, list):
        return "\n".join(str(one.get("content", "")) if isinstance(one, dict) else str(one) for one in value)
    return str(value)


def program_in(answer: str) -> str:
    """The last fenced block of an answer, or the answer itself."""
    blocks = read_fences(answer)
    return blocks[-1].text if blocks else answer


def _column(*names: str, whole: bool = True) -> Callable[[Fields], tuple[str, bool]]:
    """The reference in the first of these columns."""

    def read(row: Fields) -> tuple[str, bool]:
        found = next((row[name] for name in names if row.get(name)), "")
        if isinstance(found, list):
            found = next((one for one in found if isinstance(one, str)), "")
        return str(found), whole

    return read


def _format(name: str) -> Callable[[Fields, BenchmarkSample], RowParts]:
    return lambda row, sample: get_format(name).convert(row, sample)


def _first_of_json(name: str) -> Callable[[Fields], tuple[str, bool]]:
    """The first of a list of programs that is written as JSON."""

    def read(row: Fields) -> tuple[str, bool]:
        given = row.get(name)
        found = json.loads(given) if isinstance(given, str) and given.strip() else given
        return (str(found[0]), True) if isinstance(found, list) and found else ("", True)

    return read


def _accepted_solution(row: Fields) -> tuple[str, bool]:
    """The first Python solution of CodeContests, whose languages are numbers."""
    found = row.get("solutions")
    if not isinstance(found, Mapping):
        return "", True
    pairs = zip(found.get("language") or (), found.get("solution") or (), strict=False)
    return next((str(code) for language, code in pairs if language in (3, "PYTHON3")), ""), True


def _chat_answer(*names: str) -> Callable[[Fields], tuple[str, bool]]:
    """The program in an answer: a text, or the last message."""

    def read(row: Fields) -> tuple[str, bool]:
        found = next((row[name] for name in names if row.get(name)), "")
        if isinstance(found, list):
            last = found[-1] if found else ""
            found = last.get("content", "") if isinstance(last, Mapping) else last
        return program_in(str(found)), True

    return read


def _own(row: Fields, sample: BenchmarkSample) -> RowParts:
    tests = row["tests"]
    if not isinstance(tests, Mapping):
        raise refuse(f"tests = {str(tests)[:60]!r}", "must be an object with a kind")
    return RowParts(str(row["language"]), sample.text, tests)


def _verification_info(row: Fields, sample: BenchmarkSample) -> RowParts:
    given = row["verification_info"]
    told = json.loads(given) if isinstance(given, str) else given
    if not isinstance(told, Mapping):
        raise refuse("verification_info", "must be an object with test_cases")
    language = str(told.get("language") or sample.language or "python").lower()
    return RowParts(language, sample.text, _cases(told.get("test_cases") or ()))


def _cases(given: object) -> Fields:
    """Tests from cases with `input` and `output`, which may name a function. Raises RowError."""
    if not isinstance(given, Sequence) or not all(isinstance(case, Mapping) for case in given):
        raise refuse("test cases", "must be a list of objects with input and output")
    outputs = [case["output"] for case in given]
    named = next((case["fn_name"] for case in given if case.get("fn_name")), None)
    if named:
        return calls(str(named), [_value(case["input"]) for case in given], [_value(o) for o in outputs])
    return stdio([case["input"] for case in given], outputs)


def _value(given: object) -> object:
    """A value that may be written as JSON, one line an argument."""
    if not isinstance(given, str):
        return given
    try:
        lines = [json.loads(line) for line in given.split("\n") if line.strip()]
    except ValueError:
        return given
    return lines[0] if len(lines) == 1 else lines


def _bigcodebench(row: Fields, sample: BenchmarkSample) -> RowParts:
    head = need(row, "code_prompt", "complete_prompt")
    code = sample.text if not sample.text else f"{head}\n{sample.text}"
    return RowParts("python", code, {"kind": "script", "script": need(row, "test")})


def _kodcode(row: Fields, sample: BenchmarkSample) -> RowParts:
    return RowParts("python", sample.text, {"kind": "script", "script": need(row, "test")})


def _trl(row: Fields, sample: BenchmarkSample) -> RowParts:
    """Tests in whatever form training data has them: an object, cases, assertions, a script."""
    given = next(row[name] for name in _TESTS if row.get(name))
    if isinstance(given, str) and given.lstrip()[:1] in ("{", "["):
        try:
            given = json.loads(given)
        except ValueError:
            given = str(given)
    language = (sample.language or "python").lower()
    if isinstance(given, Mapping):
        tests = given if "kind" in given else _cases(given.get("test_cases") or given.get("cases"))
    elif isinstance(given, list) and all(isinstance(line, str) for line in given):
        tests = {"kind": "script", "script": "\n".join(given) + "\n"}
    elif isinstance(given, list):
        tests = _cases(given)
    else:
        tests = {"kind": "script", "script": f"{given}\n"}
    return RowParts(language, sample.text, tests)


def _mbpp(row: Fields, sample: BenchmarkSample) -> RowParts:
    return get_format("evalplus" if texts(row, "test_imports") and row.get("test") else "mbpp").convert(
        row, sample
    )


_CANONICAL: Final = _column("canonical_solution", whole=False)
SHAPES: Final = (
    Shape(name="open-r1", needs=("verification_info",), parts=_verification_info,
          reference=_chat_answer("gold_standard_solution", "solution", "generation", "completion")),
    Shape(name="apps", needs=("input_output",), parts=_format("apps"), reference=_first_of_json("solutions")),
    Shape(name="livecodebench", needs=("public_test_cases|private_test_cases",),
          parts=_format("livecodebench"), reference=_column("solution", "code")),
    Shape(name="code-contests", needs=("public_tests|private_tests|generated_tests",),
          parts=_format("code-contests"), reference=_accepted_solution),
    Shape(name="bigcodebench", needs=("code_prompt|complete_prompt", "canonical_solution", "test"),
          parts=_bigcodebench, reference=_CANONICAL),
    Shape(name="mceval", needs=("canonical_solution", "test", "task_id", "level"), parts=_format("mceval"),
          reference=_CANONICAL),
    Shape(name="evalplus", needs=("prompt", "canonical_solution", "base_input|plus_input"),
          parts=_format("evalplus"), reference=_CANONICAL),
    Shape(name="humaneval", needs=("prompt", "canonical_solution", "test", "entry_point"),
          parts=_format("humaneval"), reference=_CANONICAL),
    Shape(name="mbpp", needs=("code", "test_list"), parts=_mbpp, reference=_column("code")),
    Shape(name="kodcode", needs=("solution", "test", "question|question_id"), parts=_kodcode,
          reference=_column("solution")),
    Shape(name="codemill", needs=("language", "code", "tests"), parts=_own, reference=_column("code")),
    Shape(name="multipl-e", needs=("name", "language", "prompt", "tests"), parts=_format("multipl-e"),
          reference=_column("canonical_solution", "solution", whole=False)),
    Shape(name="trl", needs=("|".join(_ANSWERS), "|".join(_TESTS)), parts=_trl,
          reference=_chat_answer(*_ANSWERS)),
)  # fmt: skip
"""The most particular first."""
