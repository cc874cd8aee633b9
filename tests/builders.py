"""What the tests of many areas share: the type of the `run` fixture, and units of the flow with every field
filled in.

Each builder takes the fields that a test is about by name; the rest are the same everywhere. A field that the
record does not have is refused by the record itself.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from synth.config import SamplingConfig
from synth.generation.protocol import GenerationRequest
from synth.ids import unit_id
from synth.products import Pair, Sample
from synth.records import (
    Case,
    CaseObservation,
    Contract,
    EvidenceRank,
    ExecutionRequest,
    FunctionContract,
    Message,
    Observation,
    Origin,
    Outcome,
    Phase,
    Reference,
    Seed,
    Solution,
    Task,
    TestSuite,
    Verdict,
)
from synth.values import Value, encode

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]
"""The fixture `run`: it runs a coroutine on the session's one event loop."""

CONTRACT: Final = FunctionContract(
    entry_point="solve", signature="(list[int]) -> int", parameter_names=("xs",)
)
PlainCase = tuple[tuple[Value, ...], Value]
CASES: Final[tuple[PlainCase, ...]] = ((([],), 0), (([1, 2],), 3), (([5, -7],), -2))
"""Arguments of CONTRACT and their sum."""


def called(contract: Contract) -> FunctionContract:
    """The contract of a function; fails for another kind."""
    assert isinstance(contract, FunctionContract)
    return contract


def build_seed(
    id: str = "seed-1", code: str = "def solve(xs):\n    return sum(xs)", **fields: object
) -> Seed:
    """A Python seed that keeps CONTRACT."""
    defaults = {"language": "python", "origin": Origin(source="test"), "contract": CONTRACT}
    return Seed.model_validate({**defaults, "id": id, "code": code, **fields})


def build_reference(
    seed_id: str = "seed-1", cases: tuple[PlainCase, ...] = CASES, **fields: object
) -> Reference:
    """The seed of that id as a reference; without cases one that could not be run."""
    defaults = {"language": "python", "code": "def solve(xs):\n    return sum(xs)", "contract": CONTRACT}
    return Reference.model_validate({**defaults, "seed_id": seed_id, "cases": _wire(cases), **fields})


def build_task(id: str = "task-1", **fields: object) -> Task:
    """A task for CONTRACT in English, made from `seed-1`."""
    defaults = {
        "round": 1,
        "instruction": "Return the sum of the list.",
        "natural_language": "en",
        "contract": CONTRACT,
        "seed_id": "seed-1",
        "seed_language": "python",
    }
    return Task.model_validate({**defaults, "id": id, **fields})


def build_suite(task_id: str = "task-1", cases: tuple[PlainCase, ...] = CASES, **fields: object) -> TestSuite:
    """A suite from the reference; `cases` are arguments and the expected result, as plain values."""
    defaults = {"contract": CONTRACT, "rank": EvidenceRank.REFERENCE}
    return TestSuite.model_validate({**defaults, "task_id": task_id, "cases": _wire(cases), **fields})


def _wire(cases: tuple[PlainCase, ...]) -> tuple[Case, ...]:
    return tuple(Case(arguments=tuple(map(encode, row)), expected=encode(result)) for row, result in cases)


def build_solution(
    id: str = "solution-1", code: str = "def solve(xs):\n    return sum(xs)", **fields: object
) -> Solution:
    """A Python solution of `task-1`."""
    defaults = {"task_id": "task-1", "language": "python", "index": 0, "policy": "policy"}
    return Solution.model_validate({**defaults, "id": id, "code": code, **fields})


def build_verdict(
    solution_id: str = "solution-1", outcome: Outcome = Outcome.PASS, **fields: object
) -> Verdict:
    """A verdict over the suite of `task-1`: all three cases are right in a pass, else one."""
    passed = 3 if outcome is Outcome.PASS else 1
    defaults = {"task_id": "task-1", "passed": passed, "total": 3, "rank": EvidenceRank.REFERENCE}
    return Verdict.model_validate({**defaults, "solution_id": solution_id, "outcome": outcome, **fields})


def build_sample(id: str = "sample-1", **fields: object) -> Sample:
    """A Python sample of `task-1`, with one message on either side."""
    defaults = {
        "task_id": "task-1",
        "solution_id": unit_id("solution", id),
        "language": "python",
        "natural_language": "en",
        "code": "x = 1",
        "prompt": (Message(role="user", content="Return the sum of the list."),),
        "completion": (Message(role="assistant", content="```python\nx = 1\n```"),),
        "pass_rate": 1.0,
        "rank": EvidenceRank.REFERENCE,
    }
    return Sample.model_validate({**defaults, "id": id, **fields})


def build_pair(id: str = "pair-1", **fields: object) -> Pair:
    """A Python pair of `task-1`: `solution-1` passes, `solution-2` gives a wrong answer."""
    defaults = {
        "task_id": "task-1",
        "language": "python",
        "prompt": (Message(role="user", content="Return the sum of the list."),),
        "chosen": (Message(role="assistant", content="```python\nx = 1\n```"),),
        "rejected": (Message(role="assistant", content="```python\nx = 2\n```"),),
        "chosen_id": "solution-1",
        "rejected_id": "solution-2",
        "chosen_pass": 1.0,
        "rejected_pass": 0.0,
        "rejected_outcome": Outcome.WRONG_ANSWER,
        "rank": EvidenceRank.REFERENCE,
    }
    return Pair.model_validate({**defaults, "id": id, **fields})


def build_question(
    text: str = "hello", *, n: int = 1, seed: int = 0, temperature: float = 0.0, max_tokens: int = 16
) -> GenerationRequest:
    """A conversation of one message; greedy unless a temperature is given."""
    sampling = SamplingConfig(temperature=temperature, max_tokens=max_tokens)
    return GenerationRequest(
        messages=(Message(role="user", content=text),), n=n, seed=seed, sampling=sampling
    )


def build_observation(request: ExecutionRequest, *results: Value, **fields: object) -> Observation:
    """A program that ran to its end and returned these results, one for each row of arguments."""
    cases = tuple(
        CaseObservation(index=at, status="returned", output=encode(result))
        for at, result in enumerate(results)
    )
    defaults = {
        "request_id": request.id,
        "language": request.language,
        "phase": Phase.RUN,
        "finished": True,
        "cases": cases,
    }
    return Observation.model_validate({**defaults, **fields})
