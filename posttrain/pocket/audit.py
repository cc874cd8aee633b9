"""Audits a run on pocket seeds: how many accepted solutions are wrong, measured against references that the
loop never saw.

It answers two questions about each training sample: does the program behave like the seed's chain on 64
inputs that the loop did not have, and does the instruction (parsed back into chains) describe that behaviour?
The one rule: no result flows back into the data.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from posttrain.pocket.chains import Chain, behaviour
from posttrain.pocket.heldout import hidden_cases
from posttrain.pocket.phrases import read_instruction
from posttrain.pocket.seeds import chain_of_seeds
from posttrain.world import Audit
from synth.config import PocketSeedsConfig, Recipe
from synth.execution.protocol import Sandbox
from synth.execution.verdict import judge
from synth.products import BY_NAME
from synth.records import (
    EvidenceRank,
    ExecutionRequest,
    Observation,
    Outcome,
    Solution,
    Task,
    TestSuite,
)
from synth.stages.running import run_each
from synth.store.products import iter_product
from synth.store.shards import StageCommit

HIDDEN_CASES = 64


async def audit_run(run: Path, recipe: Recipe, sandbox: Sandbox) -> Audit | None:
    """Judge every accepted sample of a run again, on hidden inputs. None if nothing was solved, or if the
    seeds come from another world."""
    data = recipe.data
    if data is None or data.solve is None or not isinstance(data.seeds, PocketSeedsConfig):
        return None
    commits = StageCommit(run)
    tasks = {task.id: task for task in commits.iter_bodies(Task)}
    accepted = {row["solution_id"] for row in iter_product(run, BY_NAME["sft"])}
    solutions = [solution for solution in commits.iter_bodies(Solution) if solution.id in accepted]
    by_seed = _chains(data.seeds, recipe)
    chains = {s.task_id: by_seed[tasks[s.task_id].seed_id] for s in solutions}
    outcomes = await _outcomes(solutions, {key: _suite(tasks[key], chains[key]) for key in chains}, sandbox)
    meanings = [_instruction_is_right(tasks[task_id], chain) for task_id, chain in chains.items()]
    wrong = [key for key, outcome in outcomes.items() if outcome is not Outcome.PASS and not outcome.is_fault]
    return Audit(
        accepted=len(solutions),
        wrong=len(wrong),
        unjudged=sum(outcome.is_fault for outcome in outcomes.values()),
        instructions_read=len(meanings) - meanings.count(None),
        instructions_wrong=meanings.count(False),
        wrong_ids=tuple(sorted(wrong)),
    )


def _chains(config: PocketSeedsConfig, recipe: Recipe) -> dict[str, Chain]:
    """The chain behind each seed of the run."""
    chains: dict[str, Chain] = {}
    for round_ in range(1, recipe.loop.rounds + 1):
        chains |= chain_of_seeds(config, recipe.seed, round_)
    return chains


async def _outcomes(
    solutions: Sequence[Solution], suites: Mapping[str, TestSuite], sandbox: Sandbox
) -> dict[str, Outcome]:
    requests = [
        ExecutionRequest(id=s.id, language=s.language, code=s.code, call=suites[s.task_id].call())
        for s in solutions
    ]

    def read(at: int, observation: Observation) -> Outcome:
        return judge(observation, suites[solutions[at].task_id], solutions[at].id).outcome

    outcomes = await run_each(sandbox, requests, read)
    return {solution.id: outcome for solution, outcome in zip(solutions, outcomes, strict=True)}


def _suite(task: Task, chain: Chain) -> TestSuite:
    cases = hidden_cases(chain, f"audit-{task.seed_id}", HIDDEN_CASES)
    return TestSuite(task_id=task.id, contract=task.contract, cases=cases, rank=EvidenceRank.REFERENCE)


def _instruction_is_right(task: Task, chain: Chain) -> bool | None:
    """Whether the instruction can mean the seed's behaviour; None if it cannot be parsed."""
    meanings = read_instruction(task.instruction, chain.source, chain.target)
    return any(behaviour(meaning) == behaviour(chain) for meaning in meanings) if meanings else None
