"""One row of `codemill verify`: a program and its tests as people write them, and the request made from it.

Place in the flow: a line of a file or a dict -> `VerifyRow` -> `prepare` -> a request for a sandbox and a
suite that stays outside. The one rule: invalid rows are rejected here, before anything runs, with the place
and the fix.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import Field, ValidationError, model_validator

from synth.comparison_rules import Comparison
from synth.errors import Problem
from synth.languages.registry import UnknownLanguage, get_language
from synth.languages.spec import Language, UnsupportedType, render_signature
from synth.records import (
    Case,
    EvidenceRank,
    ExecutionRequest,
    FunctionContract,
    Limits,
    Record,
    ScriptContract,
    StdioContract,
    TestSuite,
)
from synth.values import Signature, ValueSyntaxError, ValueType, encode, parse_signature
from synth.verify.json_values import Misfit, from_json
from synth.verify.row_error import PAGE as PAGE
from synth.verify.row_error import RowError as RowError
from synth.verify.row_rules import check_rule, suite_rule

Trust = Literal["T1", "T2", "T3"]


class FunctionCase(Record):
    """One call: its arguments and its result, as JSON."""

    input: list[object]
    output: object
    also: tuple[object, ...] = ()
    """Other results that are right as well."""
    raises: str = ""
    """Instead of a result: the kind of the error in which the call is to end. Any error is right."""

    @model_validator(mode="before")
    @classmethod
    def _needs_no_output(cls, given: object) -> object:
        if not isinstance(given, dict) or not given.get("raises"):
            return given
        if "output" in given:
            raise ValueError("`output` and `raises` do not go together: a call returns or ends in an error")
        return {**given, "output": None}


class FunctionTests(Record):
    """The program defines a function; it is called with typed values."""

    kind: Literal["function"]
    entry_point: str
    signature: str
    cases: tuple[FunctionCase, ...]
    compare: Comparison | None = None


class StdioCase(Record):
    stdin: str
    stdout: str
    also: tuple[str, ...] = ()
    """Other outputs that are right as well."""


FILE_NAME: Final = r"^$|^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$"
"""A file in the program's working folder."""


class StdioTests(Record):
    """The program reads stdin and writes stdout, or files in its working folder instead."""

    kind: Literal["stdio"]
    cases: tuple[StdioCase, ...]
    compare: Comparison | None = None
    input_file: str = Field(default="", pattern=FILE_NAME)
    output_file: str = Field(default="", pattern=FILE_NAME)


class ScriptTests(Record):
    """The program is followed by a script in the same language, which ends early with an error if
    a test fails."""

    kind: Literal["script"]
    script: str
    compare: Comparison | None = None
    """Refused: a script compares by itself."""


Tests = Annotated[FunctionTests | StdioTests | ScriptTests, Field(discriminator="kind")]


class VerifyRow(Record):
    """A program and its tests. Limits that the row does not set are those of the command."""

    id: str | int
    language: str
    code: str
    tests: Tests
    limits: Limits | None = None
    note: str = ""
    """Said before the reason of any verdict but a pass."""


class Prepared(NamedTuple):
    """A row that is ready to run. `number` and `key` identify its answer (see `answer_file.py`)."""

    number: int
    key: int
    request: ExecutionRequest
    suite: TestSuite
    trust: Trust
    checker_limits: Limits
    """Of the program that checks outputs, where the rule of comparison is one: those of the command."""
    note: str = ""


def read_row(value: object, where: str) -> VerifyRow:
    """The row in a JSON value. Raises RowError with every problem of the row."""
    try:
        return VerifyRow.model_validate(value)
    except ValidationError as error:
        raise RowError(*validation_problems(error, where)) from None
    except RecursionError:
        raise RowError(Problem(where, "is nested too deeply", "write a flatter value", PAGE)) from None


def validation_problems(error: ValidationError, where: str) -> Iterator[Problem]:
    """The problems of a validation error, in our wording."""
    for one in error.errors(include_url=False, include_context=False):
        kinds = ("function", "stdio", "script")
        steps = [str(step) for at, step in enumerate(one["loc"]) if not (at == 1 and step in kinds)]
        if steps[:2] == ["tests", "compare"]:
            del steps[2:3]  # the kind of the rule
        found = (
            ""
            if one["type"] == "missing" or isinstance(one["input"], Mapping)
            else f" = {str(one['input'])[:60]!r}"
        )
        yield Problem(
            f"{where}: {'.'.join(steps) or 'row'}{found}", in_our_words(one["msg"]), _fix(steps), PAGE
        )


def in_our_words(message: str) -> str:
    """A message of pydantic in our wording."""
    return (
        message.replace("Input should", "must")
        .replace("Field required", "is missing")
        .replace("Extra inputs are not permitted", "is not a known field")
    )


def _fix(steps: list[str]) -> str:
    limit = Limits.model_fields.get(steps[-1]) if steps[:-1] == ["limits"] else None
    return f'write for example "{steps[-1]}": {limit.default}' if limit else "correct the fields of the row"


def prepare(
    row: VerifyRow,
    where: str,
    limits: Limits,
    number: int = 1,
    key: int = 0,
    *,
    row_limits: bool = False,
    comparison: Comparison | None = None,
) -> Prepared:
    """Request and suite of a row. The request contains no expected values. A row may lower the command's
    limits, and raise them only with `row_limits`. The command's `comparison` replaces the rule of the row.
    Raises RowError."""
    language = _language(row, where)
    contract, cases = _contract(row, language, where)
    if not cases:
        raise _misfit(where, "tests.cases = []", "must contain at least one case", "add a case")
    own = (
        {}
        if row.limits is None
        else {name: getattr(row.limits, name) for name in row.limits.model_fields_set}
    )
    if not row_limits:
        _check_limits(own, limits, where)
    rule, stated = comparison or row.tests.compare, "tests.compare" if comparison is None else "--comparison"
    check_rule(rule, contract, cases, f"{where}: {stated}")
    suite = TestSuite(
        task_id=str(row.id),
        contract=contract,
        cases=cases,
        rank=EvidenceRank.EXAMPLES,
        compare=suite_rule(rule, contract),
    )
    request = ExecutionRequest(
        id=str(row.id),
        language=language.name,
        code=row.code,
        call=suite.call(),
        limits=limits.model_copy(update=own),
    )
    return Prepared(number, key, request, suite, _TRUST[contract.kind], limits, row.note)


_TRUST: Final[Mapping[str, Trust]] = {"stdio": "T1", "function": "T2", "script": "T3"}


def _check_limits(own: Mapping[str, int | float], limits: Limits, where: str) -> None:
    """Raises RowError where a row asks for more than the command allows: rows come from elsewhere, and the
    machine is the operator's."""
    fix = "lower it, raise the command's own limit, or let rows raise limits with --row-limits"
    problems = [
        Problem(
            f"{where}: limits.{name} = {own[name]}",
            f"must be at most {getattr(limits, name)}, the limit of this command",
            fix,
            PAGE,
        )
        for name in Limits.model_fields
        if name in own and own[name] > getattr(limits, name)
    ]
    if problems:
        raise RowError(*problems)


def _misfit(where: str, what: str, expected: str, fix: str) -> RowError:
    return RowError(Problem(f"{where}: {what}", expected, fix, PAGE))


def _language(row: VerifyRow, where: str) -> Language:
    try:
        return get_language(row.language)
    except UnknownLanguage as error:
        (problem,) = error.problems
        raise RowError(
            Problem(f"{where}: {problem.where}", problem.message, problem.fix, problem.see)
        ) from None


def _contract(
    row: VerifyRow, language: Language, where: str
) -> tuple[FunctionContract | StdioContract | ScriptContract, tuple[Case, ...]]:
    tests = row.tests
    if isinstance(tests, StdioTests):
        return StdioContract(input_file=tests.input_file, output_file=tests.output_file), tuple(
            Case(arguments=(case.stdin,), expected=case.stdout, also=case.also) for case in tests.cases
        )
    if isinstance(tests, ScriptTests):
        _check_script(tests, language, where)
        return ScriptContract(script=tests.script), (END_REACHED,)
    signature = _check_function(tests, language, where)
    cases = tuple(
        _function_case(case, signature, f"{where}: tests.cases.{index}")
        for index, case in enumerate(tests.cases)
    )
    return FunctionContract(entry_point=tests.entry_point, signature=tests.signature), cases


END_REACHED = Case(arguments=(), expected="b1")
"""The one case of a script: its end."""


def _check_script(tests: ScriptTests, language: Language, where: str) -> None:
    if language.script is None:
        raise _misfit(
            where,
            "tests.kind = 'script'",
            f"is not supported for {language.title}, which has no script mode yet",
            "write stdio tests",
        )
    if not tests.script.strip():
        raise _misfit(where, "tests.script = ''", "must contain at least one test", "add a test")


def _check_function(tests: FunctionTests, language: Language, where: str) -> Signature:
    if language.driver is None:
        raise _misfit(
            where,
            "tests.kind = 'function'",
            f"is not supported for {language.title}, which has no driver for typed calls yet",
            "write stdio tests",
        )
    if not tests.entry_point.isidentifier() or not tests.entry_point.isascii():
        raise _misfit(
            where,
            f"tests.entry_point = {tests.entry_point[:60]!r}",
            "must be the name of a function",
            "name the function",
        )
    try:
        signature = parse_signature(tests.signature)
        render_signature(language, tests.entry_point, (), signature)
    except (ValueSyntaxError, UnsupportedType) as error:
        raise _misfit(
            where,
            f"tests.signature = {tests.signature[:60]!r}",
            f"cannot be used: {error}",
            "write a signature such as (list[int], int) -> int",
        ) from None
    _check_errors(tests, language, where)
    return signature


def _check_errors(tests: FunctionTests, language: Language, where: str) -> None:
    raising = [at for at, case in enumerate(tests.cases) if case.raises]
    assert language.driver is not None, "checked before"
    if raising and "errors of calls" in language.driver.unsupported_values:
        raise _misfit(
            where,
            f"tests.cases.{raising[0]}.raises",
            f"is not supported for {language.title}, whose calls cannot end in an error",
            "leave the case out",
        )
    if raising and len(raising) == len(tests.cases):
        raise _misfit(
            where,
            "tests.cases",
            "must contain a case with an output: a program that only fails would pass",
            "add one",
        )


def _function_case(case: FunctionCase, signature: Signature, where: str) -> Case:
    if len(case.input) != len(signature.parameters):
        expected = f"must have {len(signature.parameters)} values for {signature}, but has {len(case.input)}"
        raise _misfit(where, "input", expected, "give one value per parameter")
    arguments = tuple(
        _wire(value, kind, f"{where}.input[{at}]")
        for at, (value, kind) in enumerate(_zip(case.input, signature.parameters))
    )
    if case.raises:
        return Case(arguments=arguments, raises=case.raises)
    expected = _wire(case.output, signature.result, f"{where}.output")
    also = (_wire(value, signature.result, f"{where}.also[{at}]") for at, value in enumerate(case.also))
    return Case(arguments=arguments, expected=expected, also=tuple(also))


def _zip(values: Iterable[object], kinds: Iterable[ValueType]) -> Iterator[tuple[object, ValueType]]:
    return zip(values, kinds, strict=True)


def _wire(value: object, kind: ValueType, where: str) -> str:
    try:
        return encode(from_json(value, kind))
    except Misfit as error:
        what = f"{where}{error.place} = {str(error.found)[:60]!r}"
        raise RowError(
            Problem(
                what,
                f"must be {error.expected} (the signature says {kind})",
                "correct the value or the signature",
                PAGE,
            )
        ) from None
    except (TypeError, RecursionError, ValueError) as error:
        raise RowError(Problem(where, f"cannot be read: {error}", "write a simpler value", PAGE)) from None
