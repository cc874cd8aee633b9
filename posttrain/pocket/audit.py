"""After a run on pocket seeds: how many of the accepted solutions are wrong, by the reference that the loop
never saw.

Two questions, each over the samples that went into training: does the program do what the seed's chain does
on 64 inputs that the loop did not have, and does the instruction (read back into chains) mean that behaviour?
The one rule: nothing of this flows back into the data.
"""

from pathlib import Path

from posttrain.pocket.chains import Chain, behaviour
from posttrain.pocket.heldout import hidden_cases
from posttrain.pocket.operation import Type
from posttrain.pocket.phrases import read_instruction
from posttrain.pocket.seeds import chain_of_seeds
from synth.config import PocketSeedsConfig
from synth.execution.protocol import Sandbox
from synth.execution.verdict import judge
from synth.products import BY_NAME
from synth.records import (
    FAULTS,
    EvidenceRank,
    ExecutionRequest,
    FunctionContract,
    Outcome,
    Record,
    Solution,
    Task,
    TestSuite,
)
from synth.store.products import iter_product
from synth.store.shards import StageCommit

HIDDEN_CASES = 64


class Audit(Record):
    """Counts over accepted samples. `wrong_share` is the figure that must stay at or below 5%."""

    accepted: int
    wrong: int
    unjudged: int
    """The sandbox could not say."""
    instructions_read: int
    """Instructions that are sentences of the pocket world, so that their meaning is known."""
    instructions_wrong: int
    """Of these, those that mean something else than the seed does."""
    wrong_ids: tuple[str, ...]

    @property
    def wrong_share(self) -> float:
        return self.wrong / max(1, self.accepted - self.unjudged)


async def audit_run(
    run: Path, config: PocketSeedsConfig, random_seed: int, rounds: int, sandbox: Sandbox
) -> Audit:
    """Judge every accepted sample of a run again, on hidden inputs."""
    commits = StageCommit(run)
    chains = {
        key: chain
        for round_ in range(1, rounds + 1)
        for key, chain in chain_of_seeds(config, random_seed, round_).items()
    }
    tasks = {task.id: task for task in commits.iter_bodies(Task)}
    accepted = {row["solution_id"] for row in iter_product(run, BY_NAME["sft"])}
    solutions = [solution for solution in commits.iter_bodies(Solution) if solution.id in accepted]
    suites = {
        task_id: _suite(task, chains[task.seed_id])
        for task_id in {s.task_id for s in solutions}
        if (task := tasks[task_id])
    }
    requests = [
        ExecutionRequest(id=s.id, language=s.language, code=s.code, call=suites[s.task_id].call())
        for s in solutions
    ]
    seen = await sandbox.execute(requests)
    outcomes = {
        s.id: judge(observation, suites[s.task_id], s.id).outcome
        for s, observation in zip(solutions, seen, strict=True)
    }
    wrong = [
        key for key, outcome in outcomes.items() if outcome is not Outcome.PASS and outcome not in FAULTS
    ]
    read = [
        verdict
        for task_id in suites
        if (verdict := _instruction_is_right(tasks[task_id], chains[tasks[task_id].seed_id])) is not None
    ]
    return Audit(
        accepted=len(solutions),
        wrong=len(wrong),
        unjudged=sum(outcome in FAULTS for outcome in outcomes.values()),
        instructions_read=len(read),
        instructions_wrong=read.count(False),
        wrong_ids=tuple(sorted(wrong)),
    )


def _suite(task: Task, chain: Chain) -> TestSuite:
    cases = hidden_cases(chain, f"audit-{task.seed_id}", HIDDEN_CASES)
    return TestSuite(task_id=task.id, contract=task.contract, cases=cases, rank=EvidenceRank.REFERENCE)


def _instruction_is_right(task: Task, chain: Chain) -> bool | None:
    """Whether one of the meanings of the instruction is the seed's behaviour; None when it cannot be read."""
    assert isinstance(task.contract, FunctionContract)
    source: Type = chain.source
    meanings = read_instruction(task.instruction, source, chain.target)
    return any(behaviour(meaning) == behaviour(chain) for meaning in meanings) if meanings else None
