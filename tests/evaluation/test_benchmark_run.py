"""A benchmark is asked and judged: what is counted, what waits, and what is never paid for or run twice."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from posttrain.evaluate.benchmark import Benchmark, Style, load_benchmark
from posttrain.evaluate.benchmark_run import RIGHT, BenchmarkContext, Measured, evaluate_benchmark
from posttrain.evaluate.estimators import wilson_interval
from posttrain.evaluate.own_template import OwnTemplate
from synth.config import BenchmarkConfig
from synth.errors import EngineError, Problem, RequestRefusedError
from synth.execution.local.sandbox import LocalSandbox
from synth.execution.protocol import Sandbox
from synth.generation.journal import JournalledEngine
from synth.generation.protocol import Completion, GenerationRequest
from synth.generation.scripted import ScriptedAnswer, ScriptedEngine
from synth.protocols.registry import find_protocol
from synth.records import ExecutionRequest, Limits, Observation, Outcome
from synth.verify.answer_file import AnswerFile
from synth.verify.formats.samples import sample_entries
from synth.verify.verify import settings, verify_entries
from tests.builders import Run
from tests.evaluation.problems import answer, asked_function, problem, problems, write_problems
from tests.evaluation.test_own_template import foreign_tokenizer
from tests.languages.toolchains import need
from tests.protocols.test_protocol_samples import TOLD

WRONG = "return None"
Write = Callable[[GenerationRequest], ScriptedAnswer]


def load(folder: Path, count: int = 3, **settings: object) -> Benchmark:
    path = write_problems(folder / "p.jsonl", problems(count))
    config = BenchmarkConfig.model_validate({"suite": "humaneval+", "problems": str(path), **settings})
    return load_benchmark(config, folder, "chat", Limits(), prefills=False)


class CountingSandbox:
    """The given sandbox, and what it was asked to run. The first `lost` programs are lost."""

    def __init__(self, inner: Sandbox, lost: int = 0) -> None:
        self._inner, self._lost = inner, lost
        self.codes: list[str] = []
        self.level, self.start, self.close = inner.level, inner.start, inner.close
        self.toolchain = inner.toolchain

    async def execute(self, requests: Sequence[ExecutionRequest], priority: int = 0) -> list[Observation]:
        self.codes += [one.code for one in requests]
        found = await self._inner.execute(requests, priority)
        for at in range(min(self._lost, len(found))):
            self._lost -= 1
            found[at] = found[at].model_copy(update={"infrastructure": "the disk is full"})
        return found


def right(request: GenerationRequest) -> ScriptedAnswer:
    return answer(asked_function(request.messages[-1].content))


class Evaluator:
    """Evaluates in one folder, as starts of one command do."""

    def __init__(self, folder: Path, run: Run[Any], sandbox: Sandbox) -> None:
        self._folder, self._run, self._sandbox = folder, run, sandbox
        self.engine, self.folder = ScriptedEngine(right), folder

    def start(self, benchmark: Benchmark, write: Write = right, lost: int = 0) -> Measured:
        """One start; `engine.requests` and `sandbox.codes` say what it cost."""
        self.engine, self.sandbox = ScriptedEngine(write), CountingSandbox(self._sandbox, lost)
        journal = JournalledEngine(self.engine, self._folder / "journal")
        self.folder = self._folder / benchmark.protocol_hash

        async def work() -> Measured:
            context = BenchmarkContext(journal, self.sandbox, Limits(), 7, None, self.folder)
            try:
                return await evaluate_benchmark(
                    context, benchmark, "base", "mine", lambda part: lambda done, total: None
                )
            finally:
                await journal.close()

        measured: Measured = self._run(work())
        return measured


@pytest.fixture
def evaluator(tmp_path: Path, run: Run[Any], local_sandbox: LocalSandbox) -> Evaluator:
    return Evaluator(tmp_path, run, local_sandbox)


def outcomes(measured: Measured) -> list[dict[str, int]]:
    return [one.outcomes for one in measured.evaluation.answered]


def test_greedy_answers_give_pass_at_1_with_an_interval_that_has_a_width(
    evaluator: Evaluator, tmp_path: Path
) -> None:
    found = evaluator.start(load(tmp_path)).evaluation
    assert (found.n, found.temperature, found.total.questions) == (1, 0.0, 3)
    measure = found.total.pass_at[1]
    assert (measure.value, measure.high) == (1.0, 1.0)
    assert measure.low == pytest.approx(wilson_interval(1.0, 3).low) == pytest.approx(0.4385, abs=1e-3)
    assert set(found.total.pass_at) == {1}
    assert list(found.languages) == ["python"]
    nothing = evaluator.start(load(tmp_path, temperature=0.5), lambda _: "I do not know.").evaluation
    assert (nothing.total.pass_at[1].value, nothing.total.pass_at[1].low) == (0.0, 0.0)
    assert nothing.total.pass_at[1].high > 0.5


def test_n_samples_are_counted_by_the_unbiased_estimator(evaluator: Evaluator, tmp_path: Path) -> None:
    def two_of_ten(request: GenerationRequest) -> ScriptedAnswer:
        name = asked_function(request.messages[-1].content)
        return [answer(name, "" if at < 2 and name != "larger" else WRONG) for at in range(request.n)]

    measured = evaluator.start(load(tmp_path, n=10, temperature=0.8), two_of_ten)
    found = measured.evaluation
    assert [(one.n, one.passed) for one in found.answered] == [(10, 2), (10, 2), (10, 0)]
    assert found.total.pass_at[1].value == pytest.approx(0.4 / 3)
    assert found.total.pass_at[10].value == pytest.approx(2 / 3)
    assert found.changed == ("n=10", "temperature=0.8")
    assert len({one.id for one in measured.programs}) == 30


def test_every_program_has_the_verdict_that_verify_gives_its_sample(
    evaluator: Evaluator, tmp_path: Path, local_sandbox: LocalSandbox
) -> None:
    def mixed(request: GenerationRequest) -> ScriptedAnswer:
        name = asked_function(request.messages[-1].content)
        return [
            answer(name),
            answer(name, WRONG),
            answer(name, "raise ValueError"),
            answer(name, "import os; os._exit(0)"),
            "no program at all",
            f"```python\ndef {name}(a, b:\n```",
            "<think>```python\nno\n",
        ]

    benchmark = load(tmp_path, n=7, temperature=1.0)
    measured = evaluator.start(benchmark, mixed)
    found = [one.outcome for one in measured.programs]
    assert found[:4] == [Outcome.PASS, Outcome.WRONG_ANSWER, *[Outcome.RUNTIME_ERROR] * 2]
    assert found.count(Outcome.PASS) == 3
    samples, answers = evaluator.folder / "samples.jsonl", AnswerFile(tmp_path / "again.jsonl")
    entries = sample_entries(samples, "evalplus", tmp_path / "p.jsonl", None, settings(Limits()))
    again = {
        one.row: one.verdict
        for one in verify_entries(entries, LocalSandbox(minimum_level="B"), Limits(), answers)
    }
    answers.close()
    assert [again[number] for number in range(1, 22)] == found


def test_tests_that_anything_passes_count_as_their_benchmark_counts_them_and_are_said(
    evaluator: Evaluator, tmp_path: Path
) -> None:
    path = write_problems(tmp_path / "p.jsonl", [problem(0, "add"), problem(1, "times", "    pass\n")])
    config = BenchmarkConfig(suite="humaneval+", problems=str(path))
    benchmark = load_benchmark(config, tmp_path, "chat", Limits(), prefills=False)
    measured = evaluator.start(benchmark)
    assert outcomes(measured) == [{"pass": 1}, {"vacuous": 1}]
    assert measured.evaluation.total.pass_at[1].value == 1.0


# --- what waits ---------------------------------------------------------------------------------------------


def broken_for(name: str, error: Exception) -> Write:
    return lambda request: error if asked_function(request.messages[-1].content) == name else right(request)


def test_an_engine_that_fails_decides_nothing_and_only_that_is_asked_again(
    evaluator: Evaluator, tmp_path: Path
) -> None:
    error = EngineError(Problem("the engine", "is down", "wait"))
    measured = evaluator.start(load(tmp_path, n=2, temperature=1.0), broken_for("times", error))
    assert [(one.n, one.faults, one.fault) for one in measured.evaluation.answered] == [
        (2, 0, ""),
        (0, 2, "engine_failed"),
        (2, 0, ""),
    ]
    assert measured.evaluation.total.pass_at[1].value == 1.0
    assert [one.reason for one in measured.failed] == ["engine_failed"] * 2
    again = evaluator.start(load(tmp_path, n=2, temperature=1.0))
    assert [asked_function(one.messages[-1].content) for one in evaluator.engine.requests] == ["times"]
    assert not [code for code in evaluator.sandbox.codes if "def add" in code or "def larger" in code]
    assert again.failed == []
    assert outcomes(again) == [{"pass": 2}] * 3


def test_a_sandbox_that_loses_a_program_decides_nothing_and_only_that_is_run_again(
    evaluator: Evaluator, tmp_path: Path
) -> None:
    measured = evaluator.start(load(tmp_path), lost=1)
    assert [(one.reason, one.error) for one in measured.failed] == [("infrastructure", "the disk is full")]
    assert sum(one.n for one in measured.evaluation.answered) == 2
    again = evaluator.start(load(tmp_path))
    assert evaluator.engine.requests == []
    assert outcomes(again) == [{"pass": 1}] * 3
    lost = next(one for one, old in zip(again.programs, measured.programs, strict=True) if old.fault)
    assert {code for code in evaluator.sandbox.codes if "return" in code and lost.code in code}
    kept = [one.code for one in again.programs if one.id != lost.id]
    assert not set(kept) & set(evaluator.sandbox.codes)


def test_what_an_endpoint_refuses_is_neither_a_failure_nor_a_wrong_answer(
    evaluator: Evaluator, tmp_path: Path
) -> None:
    error = RequestRefusedError(Problem("endpoint", "refused", "ask less"), reason="request_too_long")
    measured = evaluator.start(load(tmp_path), broken_for("add", error))
    first = measured.evaluation.answered[0]
    assert (first.n, first.faults, first.refused) == (0, 0, 1)
    assert measured.programs[0].reason == "request_too_long"
    assert measured.failed == []
    filtered = Completion(text="", finish="refused", tokens=0)
    other = evaluator.start(load(tmp_path, temperature=0.1), lambda _: filtered)
    assert {one.reason for one in other.programs} == {"request_filtered"}


def test_an_error_that_asking_again_cannot_mend_is_raised_when_the_others_are_answered(
    evaluator: Evaluator, tmp_path: Path
) -> None:
    error = EngineError(Problem("the engine", "has no room", "--max-tokens 64"), retryable=False)
    with pytest.raises(EngineError, match="has no room"):
        evaluator.start(load(tmp_path), broken_for("add", error))
    evaluator.start(load(tmp_path))
    assert len(evaluator.engine.requests) == 1


# --- nothing twice ------------------------------------------------------------------------------------------


def test_a_start_that_ended_in_the_middle_of_judging_goes_on_there(
    evaluator: Evaluator, tmp_path: Path
) -> None:
    whole = evaluator.start(load(tmp_path, 6))
    verdicts = evaluator.folder / "verdicts.jsonl"
    lines = verdicts.read_bytes().splitlines(keepends=True)
    verdicts.write_bytes(b"".join(lines[:3]) + lines[3][:20])  # as kill -9 leaves it
    again = evaluator.start(load(tmp_path, 6))
    assert evaluator.engine.requests == []
    kept = {json.loads(line)["row"] for line in lines[:3]}
    own = [one.code for number, one in enumerate(whole.programs, 1) if number not in kept]
    assert set(own) <= set(evaluator.sandbox.codes)
    assert again.evaluation == whole.evaluation
    assert [(one.id, one.code, one.outcome) for one in again.programs] == [
        (one.id, one.code, one.outcome) for one in whole.programs
    ]


def test_a_template_that_writes_the_date_is_asked_with_the_first_one(
    tmp_path: Path, run: Run[Any], local_sandbox: LocalSandbox
) -> None:
    def start(day: str) -> ScriptedEngine:
        template = OwnTemplate(foreign_tokenizer("Today is " + day + "\n{{ messages[0]['content'] }}"), "m")
        engine = ScriptedEngine(lambda request: answer(asked_function(request.prompt)))
        journal = JournalledEngine(engine, tmp_path / "journal")
        context = BenchmarkContext(journal, local_sandbox, Limits(), 7, template, tmp_path / "benchmarks")
        path = write_problems(tmp_path / "p.jsonl", problems())
        config = BenchmarkConfig(suite="humaneval+", problems=str(path))
        benchmark = load_benchmark(config, tmp_path, "chat", Limits(), prefills=False)

        async def work() -> None:
            await evaluate_benchmark(
                context, benchmark, "base", "mine", lambda part: lambda done, total: None
            )
            await journal.close()

        run(work())
        return engine

    first = start("Monday").requests
    assert [one.prompt.splitlines()[0] for one in first] == ["Today is Monday"] * 3
    assert all(one.is_rendered and not one.messages for one in first)
    assert start("Tuesday").requests == []


# --- every suite --------------------------------------------------------------------------------------------

WAYS = sorted({(told.suite, told.style) for told in TOLD})


@pytest.mark.parametrize(("suite", "style"), WAYS)
def test_every_suite_is_asked_and_judged_in_each_of_its_styles(
    suite: str, style: Style, tmp_path: Path, run: Run[Any], local_sandbox: LocalSandbox
) -> None:
    told = [one for one in TOLD if (one.suite, one.style) == (suite, style)]
    need(find_protocol(suite).language(told[0].problem))
    kinds = {json.dumps(one.problem): one.problem for one in told}
    for number, row in enumerate(kinds.values()):
        same = [one for one in told if one.problem == row]
        path = write_problems(tmp_path / f"{number}.jsonl", [row])
        config = BenchmarkConfig(suite=suite, problems=str(path), n=len(same), temperature=0.5)
        benchmark = load_benchmark(config, tmp_path, style, Limits())
        texts = [one.text for one in same]
        evaluator = Evaluator(tmp_path / str(number), run, local_sandbox)
        measured = evaluator.start(benchmark, partial(given, texts))
        found = [(one.text, one.outcome in RIGHT) for one in measured.programs]
        assert found == [(one.text, one.solves) for one in same], measured.programs


def given(texts: list[str], _: GenerationRequest) -> ScriptedAnswer:
    """These answers, whatever is asked."""
    return texts
