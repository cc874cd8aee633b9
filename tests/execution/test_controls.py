"""Every suite has to reject programs that solve nothing: the controls of each language run, and a suite that
accepts one is named."""

import asyncio
import json
from collections.abc import Sequence
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import pytest

from synth.execution.local.sandbox import LocalSandbox
from synth.languages.registry import all_languages, get_language
from synth.records import ExecutionRequest, Limits, Observation, Outcome
from synth.values import decode
from synth.verify.answers import VerifyResult, make_answer
from synth.verify.json_values import to_json
from synth.verify.negative_controls import MUTANTS, STUB, SuiteControls, control_programs, mutants
from synth.verify.rows import Prepared, RowError, prepare, read_row
from synth.verify.verify import verify
from tests.builders import Run
from tests.languages.toolchains import need

CONTROLLED = [language.name for language in all_languages() if language.controls]
LIMITS = Limits(cpu_s=10, wall_s=100)
SIGNATURES: dict[str, tuple[list[object], object]] = {
    "(list[int]) -> int": ([[1, 2]], 3),
    "(float) -> float": ([1.5], 2.5),
    "(str) -> str": (["a"], "b"),
    "(bool) -> bool": ([False], True),
    "(list[str]) -> list[str]": ([["a"]], ["b"]),
    "(int, int) -> map[str, int]": ([1, 2], {"a": 1}),
    "(int) -> tuple[int, str]": ([1], [1, "a"]),
}
SCRIPTS_THAT_TEST_NOTHING = {
    "bash": "true",
    "c": "int main(void) { return 0; }",
    "cpp": "int main() { return 0; }",
    "go": "func main() {}",
    "java": "public class Main { public static void main(String[] words) {} }",
    "javascript": "function check(candidate) { console.assert(candidate(1) === 2); }",
    "lua": "local function check(candidate) assert(candidate(1) == 2) end",
    "perl": "sub check { die unless $_[0]->(1) == 2; }",
    "php": "$nothing = 1;",
    "python": "def check(candidate):\n    assert candidate(1) == 2\n",
    "ruby": "def check(candidate)\n  raise unless candidate.(1) == 2\nend\n",
    "rust": "fn main() {}",
    "typescript": "function check(candidate: (x: number) => number) { if (candidate(1) !== 2) throw 1; }",
}


def row(language: str, code: str, tests: dict[str, object], identity: str = "a") -> dict[str, object]:
    return {"id": identity, "language": language, "code": code, "tests": tests}


def function(
    signature: str, given: list[object], expected: object, entry_point: str = "solve"
) -> dict[str, object]:
    return {
        "kind": "function",
        "entry_point": entry_point,
        "signature": signature,
        "cases": [{"input": given, "output": expected}],
    }


def tried(
    tests: dict[str, object], language: str, sandbox: LocalSandbox, run: Run[Any]
) -> dict[str, tuple[Observation, VerifyResult]]:
    """What each control did, and its verdict."""
    prepared = prepare(read_row(row(language, "", tests), "row"), "row", LIMITS)
    programs = control_programs(get_language(language), prepared.request.call)
    requests = [
        prepared.request.model_copy(update={"id": name, "code": code}) for name, code in programs.items()
    ]
    observations = run(sandbox.execute(requests))
    return {
        name: (seen, make_answer(prepared, seen)) for name, seen in zip(programs, observations, strict=True)
    }


def assert_it_did_what_it_says(name: str, seen: Observation, answer: VerifyResult) -> None:
    if name == "an empty program":
        assert answer.verdict not in (Outcome.PASS, Outcome.INFRASTRUCTURE)
    elif name == "an exit with code 0":
        assert (answer.verdict, seen.exit_code, seen.finished) == (Outcome.RUNTIME_ERROR, 0, False), answer
    else:
        assert answer.verdict is Outcome.WRONG_ANSWER, (name, answer)
        assert seen.finished


@pytest.mark.parametrize("language", CONTROLLED)
def test_the_controls_of_a_function_run_and_do_what_they_say(
    language: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    need(language)
    driver = get_language(language).driver
    if driver is None:
        pytest.skip("it has no typed calls")
    for signature, (given, expected) in SIGNATURES.items():
        try:
            found = tried(function(signature, given, expected), language, local_sandbox, run)
        except RowError:
            continue  # a type that the language does not have
        assert {"an empty program", "a stub", "an exit with code 0", "PASS on stdout"} <= set(found)
        for name, (seen, answer) in found.items():
            assert_it_did_what_it_says(name, seen, answer)
        if not any("1>&3" in word for word in driver.run_command):  # there stdout is the channel's
            assert "PASS" in found["PASS on stdout"][0].stdout.head


@pytest.mark.parametrize("language", CONTROLLED)
def test_the_controls_of_a_stdin_program_run_and_do_what_they_say(
    language: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    need(language)
    tests: dict[str, object] = {"kind": "stdio", "cases": [{"stdin": "1 2\n", "stdout": "3\n"}]}
    found = tried(tests, language, local_sandbox, run)
    outputs = {name: [case.output for case in seen.cases] for name, (seen, _) in found.items()}
    assert outputs["a program that prints nothing"] == [""]
    assert outputs["a program that prints PASS"] == ["PASS\n"]
    assert not [name for name, (_, answer) in found.items() if answer.verdict is Outcome.PASS]


@pytest.mark.parametrize("language", sorted(SCRIPTS_THAT_TEST_NOTHING))
def test_a_script_that_tests_nothing_accepts_what_does_not_exit(
    language: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    need(language)
    found = tried(
        {"kind": "script", "script": SCRIPTS_THAT_TEST_NOTHING[language]}, language, local_sandbox, run
    )
    verdicts = {name: answer.verdict for name, (_, answer) in found.items()}
    early = verdicts.pop("an exit with code 0 before the tests", Outcome.RUNTIME_ERROR)
    assert early is Outcome.RUNTIME_ERROR
    if language != "go":  # an empty file is no package, so that there the empty program is no program
        assert verdicts.pop("an empty program") is Outcome.PASS
    assert set(verdicts.values()) <= {Outcome.PASS, Outcome.COMPILE_ERROR}
    assert len(found) == (1 if language == "java" else 3)


@pytest.mark.parametrize("language", [name for name in CONTROLLED if get_language(name).samples.script])
def test_a_script_that_means_something_accepts_none(
    language: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    need(language)
    programs = get_language(language).samples.script
    assert programs is not None
    found = tried({"kind": "script", "script": programs.script}, language, local_sandbox, run)
    assert not {answer.verdict for _, answer in found.values()} & {Outcome.PASS, Outcome.INFRASTRUCTURE}


@pytest.mark.parametrize("language", [language.name for language in all_languages() if language.driver])
def test_the_gold_suite_of_every_language_rejects_all_controls(
    language: str, local_sandbox: LocalSandbox
) -> None:
    need(language)
    gold = get_language(language).gold
    assert gold is not None
    tests = function(
        gold.signature,
        [to_json(decode(text)) for text in gold.arguments],
        to_json(decode(gold.expected)),
        gold.entry_point,
    )
    (answer,) = verify([row(language, gold.code, tests)], controls=True, limits=LIMITS)
    assert (answer.verdict, answer.accepts) == (Outcome.PASS, ())


WEAK: list[tuple[str, dict[str, object], set[str]]] = [
    (
        "def f(x):\n    return None\n",
        function("(int) -> any", [1], None, "f"),
        {"a stub", "PASS on stdout", "a stub that returns nothing"},
    ),
    ("def f(x):\n    return 0 * x\n", function("(int) -> int", [1], 0, "f"), {"a stub", "PASS on stdout"}),
    ("def f(a, b):\n    return a * b\n", function("(int, int) -> int", [2, 2], 4, "f"), {MUTANTS}),
    (
        "def f(x):\n    return sorted(x)\n",
        function("(list[int]) -> list[int]", [[1, 2]], [1, 2], "f"),
        {"its own argument"},
    ),
    (
        "print(end='')\n",
        {"kind": "stdio", "cases": [{"stdin": "", "stdout": ""}]},
        {"an empty program", "a program that prints nothing"},
    ),
    (
        "print('PASS')\n",
        {"kind": "stdio", "cases": [{"stdin": "", "stdout": "PASS"}]},
        {"a program that prints PASS"},
    ),
    (
        "def f(x):\n    return x + 1\n",
        {"kind": "script", "script": "def check(f):\n    assert f(1) == 2\n"},
        {"an empty program", "PASS on stdout before the tests", STUB, MUTANTS},
    ),
    ("def f(x):\n    return x + x\n", {"kind": "script", "script": "assert f(0) == 0\n"}, {MUTANTS}),
]


@pytest.mark.parametrize(("code", "tests", "accepted"), WEAK)
def test_a_weak_suite_is_marked_with_what_it_accepts(
    code: str, tests: dict[str, object], accepted: set[str], local_sandbox: LocalSandbox
) -> None:
    (answer,) = verify([row("python", code, tests)], controls=True)
    assert answer.verdict is (Outcome.VACUOUS if STUB in accepted else Outcome.PASS)
    assert set(answer.accepts) == accepted


@pytest.mark.parametrize(("operator", "mutants_run"), [("*", 0), ("+", 1)])
def test_the_controls_of_a_suite_run_once_however_many_rows_have_it(
    operator: str, mutants_run: int, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    class Counted(LocalSandbox):
        asked = 0

        # passed on
        async def execute(self, requests: Any, priority: int = 0) -> list[Observation]:  # noqa: ANN401
            Counted.asked += len(requests)
            return await super().execute(requests, priority)

    tests = function("(int, int) -> int", [1, 2], 3)
    rows = [
        row("python", f"# {n}\ndef solve(a, b):\n    return a {operator} b\n", tests, str(n))
        for n in range(20)
    ]
    answers = list(verify(rows, sandbox=Counted(2, remembered=256), controls=True))
    assert {answer.accepts for answer in answers} == {()}
    programs = len(control_programs(get_language("python"), prepared("python", tests).request.call))
    assert Counted.asked == 20 + programs + mutants_run


TWO_AND_TWO = function("(int, int) -> int", [2, 2], 4)
PRODUCT, SUM, WRONG = (
    row("python", f"def solve(a, b):\n    return {result}\n", TWO_AND_TWO, result)
    for result in ("a * b", "a + b", "a")
)
"""The sum, which is the mutant of the product, passes too; the mutant of the sum does not."""


@pytest.mark.parametrize(
    ("rows", "accepted"),
    [
        ((PRODUCT, SUM, WRONG), [(MUTANTS,), (MUTANTS,), ()]),
        ((SUM, PRODUCT, WRONG), [(), (), ()]),
        ((WRONG, PRODUCT, SUM), [(), (MUTANTS,), (MUTANTS,)]),
        ((WRONG, WRONG, SUM), [(), (), ()]),
    ],
)
def test_the_mutants_of_a_suite_are_of_its_first_right_row_whichever_ends_first(
    rows: tuple[dict[str, object], ...],
    accepted: list[tuple[str, ...]],
    local_sandbox: LocalSandbox,
    run: Run[Any],
) -> None:
    waiting = [
        prepare(read_row(one, "row"), "row", LIMITS, number) for number, one in enumerate(rows, start=1)
    ]
    verdicts = [Outcome.WRONG_ANSWER if one is WRONG else Outcome.PASS for one in rows]

    async def ended(order: Sequence[int]) -> list[tuple[str, ...]]:
        controls, found = SuiteControls(local_sandbox, every=True), dict[int, asyncio.Task[tuple[str, ...]]]()
        for one in waiting:
            controls.expect(one)
        for at in order:
            found[at] = asyncio.create_task(controls.accepted(waiting[at], verdicts[at]))
            await asyncio.wait([found[at]], timeout=0.05)
        return [await found[at] for at in range(len(rows))]

    for order in permutations(range(len(rows))):
        assert run(ended(order)) == accepted


@pytest.mark.parametrize("rows", list(permutations((PRODUCT, SUM, WRONG))))
def test_a_verify_that_goes_on_answers_as_one_that_was_not_interrupted(
    rows: tuple[dict[str, object], ...], local_sandbox: LocalSandbox, tmp_path: Path
) -> None:
    whole = {answer.row: answer.accepts for answer in verify(rows, tmp_path / "out", controls=True)}
    lines = (tmp_path / "out").read_text().splitlines(keepends=True)
    for kept in (*combinations(lines, 1), *combinations(lines, 2)):
        (tmp_path / "out").write_text("".join(kept))
        list(verify(rows, tmp_path / "out", controls=True))
        answers = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
        assert {answer["row"]: tuple(answer["accepts"]) for answer in answers} == whole


class Losing(LocalSandbox):
    """Loses the machine under some programs, the controls or mutants of a suite."""

    def __init__(self, lost: str) -> None:
        super().__init__(workers=1)
        self.lost = lost

    async def execute(self, requests: Sequence[ExecutionRequest], priority: int = 0) -> list[Observation]:
        seen = await super().execute(requests, priority)
        is_lost = any(self.lost == request.id for request in requests)
        return (
            [one.model_copy(update={"infrastructure": "the machine was lost"}) for one in seen]
            if is_lost
            else seen
        )


@pytest.mark.parametrize("lost", ["a stub", "0"])
def test_controls_that_could_not_be_run_are_no_answer_and_are_asked_again(
    lost: str, local_sandbox: LocalSandbox, tmp_path: Path
) -> None:
    rows = [{**PRODUCT, "id": "product"}]
    (answer,) = verify(rows, tmp_path / "out", sandbox=Losing(lost), controls=True)
    assert answer.verdict is Outcome.INFRASTRUCTURE
    assert answer.reason == "the controls of its tests could not be run: the machine was lost"
    (answer,) = verify(rows, tmp_path / "out", controls=True)
    assert (answer.verdict, answer.accepts) == (Outcome.PASS, (MUTANTS,))


def prepared(language: str, tests: dict[str, object]) -> Prepared:
    return prepare(read_row(row(language, "", tests), "row"), "row", LIMITS)


def test_mutants_change_operators_between_operands_and_nothing_else() -> None:
    python = (
        "def f(a: list[int], *b, c=-1):\n    # 1 + 1\n    return 'x + y' if a[0] < 1 and b else a[0] "
        "+ c * 2\n"
    )
    assert [code.splitlines()[2].strip() for code in mutants(python, "python")] == [
        "return 'x + y' if a[0] < 1 or b else a[0] + c * 2",
        "return 'x + y' if a[0] < 1 and b else a[0] - c * 2",
        "return 'x + y' if a[0] < 1 and b else a[0] + c + 2",
    ]
    assert mutants("static Map<String, List<Long>> f(List<Long> xs) { return g(xs); }", "java") == []
    assert mutants("int *f(int *x) { return &x[0]; }", "c") == []
    assert mutants("", "python") == mutants("x + y", "") == []


def test_a_language_that_states_no_controls_has_the_empty_program_and_its_identity() -> None:
    call = prepared("haskell", function("(int) -> int", [1], 2)).request.call
    programs = control_programs(get_language("haskell"), call)
    assert set(programs) == {"an empty program", "its own argument"}
    assert programs["its own argument"].endswith("solve x = x\n")


def test_answers_without_controls_are_not_taken_for_answers_with_them(
    local_sandbox: LocalSandbox, tmp_path: Path
) -> None:
    rows = [row("python", "def solve(x):\n    return x\n", function("(int) -> int", [1], 1))]
    list(verify(rows, tmp_path / "out"))
    with pytest.raises(Exception, match="belongs to another row"):
        list(verify(rows, tmp_path / "out", controls=True))
    (tmp_path / "out").unlink()
    list(verify(rows, tmp_path / "out", controls=True))
    assert json.loads((tmp_path / "out").read_text())["accepts"] == ["its own argument"]
