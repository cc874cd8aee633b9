"""Whole programs over stdin and stdout: from a file of real code to a reference, a question, a suite and a
verdict."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from synth.config import InputsConfig, SourceTreeSeedsConfig
from synth.execution.local.sandbox import LocalSandbox
from synth.filters.protocol import Reject
from synth.generation.scripted import ScriptedEngine
from synth.prompts.library import PromptLibrary
from synth.records import (
    Case,
    Decision,
    Limits,
    Observation,
    Outcome,
    Reference,
    Seed,
    Solution,
    StdioContract,
    Task,
    TestSuite,
    Verdict,
)
from synth.rules.program_trials import ProgramTrial
from synth.rules.reference_judging import FoundReference
from synth.rules.trials import AnyTrial, begin_trial, continue_trial
from synth.seeds.programs import cut_program
from synth.seeds.protocol import FileRef, SeedRejection, SourceFile
from synth.stages.context import Context
from synth.stages.contract_prompts import read_rows
from synth.stages.execute import ExecuteStage
from synth.stages.inputs import InputsStage
from synth.stages.instruct import InstructStage
from synth.stages.solve import SolveStage
from tests.builders import Run, build_reference, build_seed, build_solution, build_suite, build_task
from tests.languages.toolchains import need
from tests.stages.harness import build_context, build_shard, run_stage

CONFIG = InputsConfig(drawn=12, minimum=6, maximum=12)
LIMITS = Limits(cpu_s=2, wall_s=20)
PYTHON = '''"""Largest of the numbers."""


def largest(numbers: list[int]) -> int:
    return max(numbers)


if __name__ == "__main__":
    user_input = input("Enter numbers separated by a comma:\\n").strip()
    numbers = [int(item) for item in user_input.split(",")]
    print(f"largest: {largest(numbers)}")
'''
CPP = """#include <iostream>
#include <vector>
int main() {
    int n, key;
    std::cin >> n;
    std::vector<int> a(n);
    for (int &x : a) std::cin >> x;
    std::cin >> key;
    for (int x : a) std::cout << x * 1000 + key << ' ';
    std::cout << "of " << n << std::endl;
}
"""
CONTRACT = StdioContract()
PROGRAM_CASES = (Case(arguments=("3\n",), expected="7\n"), Case(arguments=("0\n",), expected="1\n"))


def cut(text: str, language: str, name: str = "main.x") -> Seed | SeedRejection | None:
    return cut_program(SourceFile(FileRef("tree", name, name, language), text), max_tokens=512)


def refer(seed: Seed, sandbox: LocalSandbox, run: Run[Any]) -> FoundReference | Reject:
    random = Random(3)
    found: AnyTrial | FoundReference | Reject = begin_trial(seed, random, random, LIMITS, CONFIG)
    while not isinstance(found, FoundReference | Reject):
        assert isinstance(found, ProgramTrial)
        seen: list[Observation] = run(sandbox.execute(list(found.to_run)))
        found = continue_trial(found, seen, random, CONFIG)
    return found


@pytest.mark.parametrize(
    ("text", "language", "shape"),
    [
        (PYTHON, "python", "integers with commas, then integers"),
        (CPP, "cpp", "a count and integers on a line"),
    ],
)
def test_a_program_becomes_a_reference_on_inputs_of_the_shape_that_it_reads(
    text: str, language: str, shape: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    need(language)
    seed = cut(text, language)
    assert isinstance(seed, Seed)
    found = refer(seed, local_sandbox, run)
    assert isinstance(found, FoundReference), found
    assert found.reference.contract == CONTRACT
    assert found.evidence["shape"] == shape
    assert CONFIG.minimum <= len(found.reference.cases) <= CONFIG.maximum
    assert len({case.expected for case in found.reference.cases}) > 1


def test_what_the_program_says_to_a_person_is_no_output_and_what_it_does_not_read_no_input(
    local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    seed = cut(PYTHON, "python")
    assert isinstance(seed, Seed)
    assert "input()" in seed.code
    found = refer(seed, local_sandbox, run)
    assert isinstance(found, FoundReference)
    for case in found.reference.cases:
        (stdin,) = case.arguments
        assert case.expected == f"largest: {max(map(int, stdin.split(',')))}\n"
        assert stdin.count("\n") == 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("input()\nprint('done')\n", "reference_constant"),
        ("print(input())\n", "reference_identity"),
        ("import random\nprint(input(), random.random())\n", "reference_unstable"),
        ("raise SystemExit(int(input() and 3))\n", "reference_crashed"),
        ("while True:\n    input()\n    print(1)\n", "reference_crashed"),
        ("while True:\n    try:\n        input()\n    except EOFError:\n        pass\n", "reference_crashed"),
    ],
)
def test_a_program_whose_output_says_nothing_is_refused_with_words(
    code: str, reason: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    found = refer(build_seed(code=code, contract=CONTRACT), local_sandbox, run)
    assert isinstance(found, Reject)
    assert found.reason == reason
    assert all(value != "" for value in found.evidence.values())


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("def f(x):\n    # input()\n    return x\n", "python"),
        ("int twice(int x) { return 2 * x; }", "cpp"),
        ("class A { static int f() { return System.in.read(); } }", "java"),
        ('func main() { fmt.Println("hello") }', "go"),
        ("echo hello", "bash"),
    ],
)
def test_a_file_that_reads_nothing_or_does_not_start_is_no_program(text: str, language: str) -> None:
    assert cut(text, language) is None


def test_a_program_that_is_a_test_or_too_long_is_refused() -> None:
    refused = [cut(PYTHON, "python", "tests/main.py"), cut(PYTHON + "x = 1\n" * 900, "python")]
    reasons = [one.reject.reason for one in refused if isinstance(one, SeedRejection)]
    assert reasons == ["test_code", "too_long"]


def test_the_cutter_returns_the_program_beside_its_functions(tmp_path: Path) -> None:
    from synth.seeds.cut import cut_file

    path = tmp_path / "largest.py"
    path.write_text(PYTHON)
    ref = FileRef("tree", str(path), "largest.py", "python")
    units = cut_file(ref, SourceTreeSeedsConfig(paths=("x",), min_lines=2)).units
    contracts = [unit.contract for unit in units if isinstance(unit, Seed)]
    assert contracts.count(CONTRACT) == 1


def default_context(engine: ScriptedEngine, data: dict[str, object]) -> Context:
    context = build_context(data, engine=engine)
    return Context(
        context.recipe,
        context.data,
        context.recipe_folder,
        context.sandbox,
        engine,
        PromptLibrary.load("default"),
    )


def test_a_model_is_asked_for_the_task_and_the_inputs_of_a_program() -> None:
    reference = build_reference(contract=CONTRACT, code=PYTHON)
    engine = ScriptedEngine(lambda _: "Read integers and print the largest.")
    run = run_stage(InstructStage(default_context(engine, {})), build_shard(build_seed(), reference))
    (task,) = run.made(Task)
    assert task.contract == CONTRACT
    assert "standard input" in engine.requests[0].messages[1].content
    rows = read_rows(CONTRACT, '```\n["3\\n4\\n"]\n["5"]\n```')
    assert rows == (("3\n4\n",), ("5\n",))


def test_a_set_without_the_prompt_has_no_tasks_of_programs() -> None:
    run = run_stage(
        InstructStage(build_context()), build_shard(build_seed(), build_reference(contract=CONTRACT))
    )
    assert run.decision("seed-1") == (Decision.REJECTED, "no_prompt")
    assert run.evidence("seed-1") == {"prompt": "instruct_program"}


def test_a_program_is_asked_for_in_languages_without_typed_calls_as_well() -> None:
    engine = ScriptedEngine(lambda _: "```\nread n\necho $((2 * n + 1))\n```")
    shard = build_shard(
        build_task(contract=CONTRACT, natural_language="zh"),
        build_suite(contract=CONTRACT).model_copy(update={"cases": PROGRAM_CASES}),
    )
    run = run_stage(SolveStage(default_context(engine, {"solve": {"languages": ["bash"], "n": 1}})), shard)
    assert [one.code for one in run.made(Solution)] == ["read n\necho $((2 * n + 1))"]
    assert "标准输入" in engine.requests[0].messages[1].content


def test_the_seed_prints_the_expected_output_of_the_models_inputs_and_candidates_are_judged_by_it(
    local_sandbox: LocalSandbox,
) -> None:
    code = "print(2 * int(input()) + 1)\n"
    reference = Reference(
        seed_id="seed-1", language="python", code=code, contract=CONTRACT, cases=PROGRAM_CASES
    )
    engine = ScriptedEngine(lambda _: '```\n["20\\n"]\n["no number\\n"]\n```')
    data: dict[str, object] = {"inputs": {"minimum": 3, "maximum": 6}}
    context = default_context(engine, data)
    context = Context(
        context.recipe, context.data, context.recipe_folder, local_sandbox, engine, context.prompts
    )
    state = build_shard(build_seed(), reference, build_task(contract=CONTRACT))
    (suite,) = run_stage(InputsStage(context), state).made(TestSuite)
    assert [(case.arguments, case.expected) for case in suite.cases][:1] == [(("20\n",), "41\n")]
    assert len(suite.cases) == 3
    right = build_solution("right", code="n = int(input())\nprint(n + n + 1)")
    wrong = build_solution("wrong", code="print(2 * int(input()))")
    state = build_shard(build_task(contract=CONTRACT), suite, right, wrong)
    verdicts = run_stage(ExecuteStage(context), state).made(Verdict)
    assert [verdict.outcome for verdict in verdicts] == [Outcome.PASS, Outcome.WRONG_ANSWER]
