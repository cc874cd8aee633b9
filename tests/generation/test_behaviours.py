"""The behaviours of endpoints against everything that asks one: no run stops but for a wrong key, an empty
account or an unknown model, and no answer that was paid for is lost."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from posttrain.evaluate.evaluation import EvaluationContext, QuestionResult, evaluate
from posttrain.evaluate.task import EvaluationTask, Question
from synth.config import EvaluationConfig, OpenaiEngineConfig
from synth.errors import EngineError
from synth.execution.scripted import ScriptedSandbox
from synth.generation.journal import JournalledEngine
from synth.generation.openai_api import OpenaiApiEngine
from synth.generation.retry import Pauses
from synth.records import Decision
from synth.stages.inputs import InputsStage
from synth.stages.instruct import InstructStage
from synth.stages.solve import SolveStage
from tests.builders import build_reference, build_suite, build_task
from tests.generation.behaviours import BEHAVIOURS, Behaviour
from tests.generation.mock_endpoint import Body, MockEndpoint, Played, mock_endpoint
from tests.stages.harness import AnyStage, build_context, build_prompts, build_shard, run_python

UNITS = 3
N = 5
Found = dict[str, str]
"""What came of each unit: a decision with its reason, or the outcomes of its answers."""


class Way(NamedTuple):
    """One thing that asks an engine."""

    name: str
    text: str
    """A good answer."""
    empty: str
    """What comes of a unit whose answer has no text."""


WAYS = (
    Way("instruct", "Return the sum of the list.", "malformed_answer"),
    Way("inputs", "```json\n[[[1, 2]]]\n```", ""),
    Way("solve", "```python\ndef solve(xs):\n    return sum(xs)\n```", ""),
    Way("evaluate", "```python\ndef solve(xs):\n    return sum(xs)\n```", "{'parse_error': 5}"),
)


@pytest.fixture(scope="module")
def server() -> Iterator[MockEndpoint]:
    with mock_endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def endpoint(server: MockEndpoint) -> MockEndpoint:
    url = server.url
    server.__init__()  # type: ignore[misc]
    server.url = url
    return server


def in_scope(behaviour: Behaviour) -> Any:  # noqa: ANN401
    """Its play for the requests that it is about."""
    first: list[object] = []

    def play(endpoint: MockEndpoint, body: Body) -> Played | None:
        if not first:
            first.append(body["messages"])
        elif behaviour.scope == "once" or (behaviour.scope == "one" and body["messages"] != first[0]):
            return None
        return behaviour.play(endpoint, body)

    return play


def ask(way: Way, url: str, folder: Path) -> tuple[Found, JournalledEngine]:
    """Let it ask the endpoint about three units."""
    config = OpenaiEngineConfig(
        base_url=url, model="tiny", api_key_env="", concurrency=8, request_timeout_s=0.6, max_retries=2
    )
    pauses = Pauses(first_s=0.01, longest_s=0.02, patience_s=2.0)
    engine = JournalledEngine(OpenaiApiEngine(config, pauses=pauses), folder)
    engine.say = lambda text: None
    work = _evaluate(engine) if way.name == "evaluate" else _run_stage(way.name, engine)

    async def whole() -> Found:
        await engine.start()
        try:
            return await work
        finally:
            await engine.close()

    return asyncio.run(whole()), engine


async def _run_stage(name: str, engine: JournalledEngine) -> Found:
    sampling = {"temperature": 0.2, "max_tokens": 64}
    sections: dict[str, object] = {
        "instruct": {"sampling": sampling},
        "solve": {"n": N, "sampling": sampling},
        "inputs": {"sampling": sampling, "minimum": 1},
    }
    context = build_context(sections, engine=engine, sandbox=ScriptedSandbox(run_python))
    stages: dict[str, type[AnyStage]] = {
        "instruct": InstructStage,
        "inputs": InputsStage,
        "solve": SolveStage,
    }
    stage = stages[name](context)  # type: ignore[call-arg]
    references = [build_reference(f"seed-{at}", code=_code(at)) for at in range(UNITS)]
    tasks = [
        build_task(f"task-{at}", seed_id=f"seed-{at}", instruction=f"Return the sum, case {at}.")
        for at in range(UNITS)
    ]
    units = references if name == "instruct" else [*references, *tasks]
    result = await stage.run(build_shard(*units))
    return {row.unit_id: _words(row.decision, row.reason) for row in result.rows}


def _code(at: int) -> str:
    return f"def solve(xs):\n    return sum(xs) + {at} - {at}"


def _words(decision: Decision, reason: str) -> str:
    return f"{decision}: {reason}" if reason else decision


async def _evaluate(engine: JournalledEngine) -> Found:
    questions = [
        Question(
            item=EvaluationTask(
                task=build_task(f"task-{at}", instruction=f"Return the sum, case {at}."),
                suite=build_suite(f"task-{at}"),
            ),
            language="python",
        )
        for at in range(UNITS)
    ]
    context = EvaluationContext(
        engine,
        ScriptedSandbox(run_python),
        build_prompts(),
        EvaluationConfig(n=N, k=(1,), greedy=False, max_tokens=64),
        seed=3,
    )
    found = await evaluate(context, "policy", questions)
    return {one.task_id: _outcomes(one) for one in found.answered}


def _outcomes(result: QuestionResult) -> str:
    return str(result.outcomes)


def marks(way: Way) -> int:
    """Choices that answer everything."""
    return UNITS * (N if way.name in ("solve", "evaluate") else 1)


def journal_text(folder: Path) -> str:
    return "".join(path.read_text("utf-8") for path in folder.glob("responses-*.jsonl"))


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_an_endpoint_that_behaves_so(
    way: Way, behaviour: Behaviour, endpoint: MockEndpoint, tmp_path: Path
) -> None:
    endpoint.write = lambda prompt, number: way.text
    calm, _ = ask(way, endpoint.url, tmp_path / "calm")
    endpoint.behaviour, before = in_scope(behaviour), endpoint.paid
    endpoint.markers.clear()
    if behaviour.outcome == "stops":
        with pytest.raises(EngineError) as raised:
            ask(way, endpoint.url, tmp_path / "run")
        assert not raised.value.retryable
        return
    found, engine = ask(way, endpoint.url, tmp_path / "run")
    assert found == expected(way, behaviour, calm, len(endpoint.markers) == marks(way))
    assert engine.usage == endpoint.paid - before
    kept = journal_text(tmp_path / "run")
    assert [marker for marker in endpoint.markers if marker not in kept] == []
    asked, paid, answered = len(endpoint.requests), engine.usage, len(endpoint.markers)
    endpoint.behaviour = lambda endpoint, body: None
    again, engine = ask(way, endpoint.url, tmp_path / "run")
    if answered == marks(way):  # every request has its answer
        assert (again, len(endpoint.requests), engine.usage) == (found, asked, paid)
    else:  # what was refused or failed alone is asked again
        assert again == calm
        assert len(endpoint.requests) == asked + 1


def expected(way: Way, behaviour: Behaviour, calm: Found, is_answered: bool) -> Found:
    """What is to come of the units: the first of them may fare otherwise. An evaluation reads what a filter
    left of an answer."""
    first = next(iter(calm))
    outcome = behaviour.outcome
    if outcome == "same":
        return calm
    if way.name == "inputs" and outcome != "fails":  # the drawn inputs are enough; an outage is no answer
        return calm
    if way.name == "evaluate":
        if outcome == "empty":
            return calm | {first: way.empty}
        return calm if is_answered else calm | {first: "{'infrastructure': 5}"}
    if outcome == "empty":
        return calm | {first: f"rejected: {way.empty}" if way.empty else calm[first]}
    return calm | {first: "failed: engine_failed" if outcome == "fails" else f"rejected: {outcome}"}
