"""An evaluation keeps one wrong answer of each question, so that blame has something to start from."""

import asyncio
from pathlib import Path

from posttrain.evaluate.evaluation import EvaluationContext, QuestionResult, evaluate
from posttrain.evaluate.task import EvaluationTask, Question
from synth.config import EvaluationConfig
from synth.execution.scripted import ScriptedSandbox
from synth.generation.journal import JournalledEngine
from synth.generation.protocol import GenerationRequest
from synth.generation.scripted import ScriptedEngine
from synth.records import Outcome
from tests.builders import build_suite, build_task
from tests.stages.harness import build_prompts, run_python

RIGHT, WRONG, PROSE = "return sum(xs)", "return 0 - sum(xs)", "I would add them up."


def answered(folder: Path, sampled: list[str], greedy: str) -> QuestionResult:
    def answer(request: GenerationRequest) -> list[str]:
        bodies = [greedy] if request.sampling.temperature == 0 else sampled
        return [one if one == PROSE else f"```python\ndef solve(xs):\n    {one}\n```" for one in bodies]

    async def ask() -> QuestionResult:
        engine = JournalledEngine(ScriptedEngine(answer), folder)
        config = EvaluationConfig(n=len(sampled), k=(1,), greedy=True, max_tokens=64)
        context = EvaluationContext(engine, ScriptedSandbox(run_python), build_prompts(), config, seed=3)
        item = EvaluationTask(task=build_task("task-1", instruction="Add."), suite=build_suite("task-1"))
        found = await evaluate(context, "policy", [Question(item=item, language="python")])
        await engine.close()
        return found.answered[0]

    return asyncio.run(ask())


def test_a_wrong_greedy_answer_goes_before_a_wrong_sample(tmp_path: Path) -> None:
    found = answered(tmp_path, [RIGHT, PROSE], WRONG)
    assert found.instruction == "Add."
    assert found.wrong is not None and found.wrong.greedy
    assert WRONG in found.wrong.code and found.wrong.outcome is Outcome.WRONG_ANSWER
    assert "expected" in found.wrong.first_failure


def test_an_answer_without_code_is_kept_as_it_is(tmp_path: Path) -> None:
    found = answered(tmp_path, [RIGHT, PROSE, WRONG], RIGHT)
    assert found.wrong is not None and not found.wrong.greedy
    assert (found.wrong.code, found.wrong.outcome) == (PROSE, Outcome.PARSE_ERROR)


def test_nothing_is_kept_of_a_question_that_is_always_answered_rightly(tmp_path: Path) -> None:
    assert answered(tmp_path, [RIGHT, RIGHT], RIGHT).wrong is None
