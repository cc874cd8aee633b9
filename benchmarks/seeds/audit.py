"""The audit of references: each is run again on its own cases under load, in other orders and with another
hash seed, and a sample of its cases is shown.

The one rule: a reference whose answers change in any run counts, whatever the machine does; one that the
machine stopped counts too.
"""

import asyncio
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from synth.config import LocalSandboxConfig
from synth.execution.factory import create_sandbox
from synth.records import Case, ExecutionRequest, FunctionContract, Limits, Observation, Reference
from synth.rules.canonical import canonical_outputs
from synth.stages.running import run_each
from synth.store.shards import StageCommit
from synth.values import decode

RUNS: Final = 3
"""Times that each reference is run again."""
_LIMITS: Final = Limits(cpu_s=2, wall_s=20, memory_mb=512)


class ReferenceAudit(NamedTuple):
    """What the runs showed."""

    references: int
    changed: list[Reference]
    """Those of which an answer changed or was missing in a run."""


def audit_references(run: Path, count: int, random: Random) -> ReferenceAudit:
    """Run up to `count` references of a run again, beside processes that keep every core busy twice."""
    whole = sorted(StageCommit(run).iter_bodies(Reference), key=lambda one: one.seed_id)
    known = [one for one in whole if one.cases and isinstance(one.contract, FunctionContract)]
    chosen = random.sample(known, min(count, len(known)))
    with _load():
        return ReferenceAudit(len(chosen), asyncio.run(_run(chosen, random)))


async def _run(references: Sequence[Reference], random: Random) -> list[Reference]:
    sandbox = create_sandbox(LocalSandboxConfig(), remembered=0)
    changed: dict[str, Reference] = {}
    try:
        for turn in range(RUNS):
            orders = [random.sample(range(len(one.cases)), len(one.cases)) for one in references]
            programs = [_program(one, order, turn) for one, order in zip(references, orders, strict=True)]
            seen = await run_each(sandbox, programs, lambda _, observation: observation)
            for one, order, observation in zip(references, orders, seen, strict=True):
                if not _same(one, order, observation):
                    changed[one.seed_id] = one
    finally:
        await sandbox.close()
    return list(changed.values())


def _program(reference: Reference, order: Sequence[int], turn: int) -> ExecutionRequest:
    rows = [reference.cases[at].arguments for at in order]
    return ExecutionRequest(
        id=f"audit-{turn}-{reference.seed_id}",
        language=reference.language,
        code=reference.code,
        call=reference.contract.call(rows),
        limits=_LIMITS,
        other_hashing=turn % 2 == 1,
    )


def _same(reference: Reference, order: Sequence[int], seen: Observation) -> bool:
    outputs = canonical_outputs(seen)
    by_index = {case.index: case for case in seen.cases}

    def is_as_before(place: int, case: Case) -> bool:
        if case.raises:
            return place in by_index and by_index[place].status == "raised"
        return outputs.get(place) == case.expected

    return all(is_as_before(place, reference.cases[at]) for place, at in enumerate(order))


def draw_cases(run: Path, count: int, random: Random) -> list[tuple[Reference, Case]]:
    """Cases of as many references, for a person who reads whether they keep to what the function asks."""
    known = [one for one in StageCommit(run).iter_bodies(Reference) if one.cases]
    chosen = random.sample(sorted(known, key=lambda one: one.seed_id), min(count, len(known)))
    return [
        (one, random.choice([case for case in one.cases if not case.raises] or one.cases)) for one in chosen
    ]


def show_case(reference: Reference, case: Case) -> str:
    """A case as a call, for people."""
    given = ", ".join(repr(decode(wire))[:120] for wire in case.arguments)
    result = f"raises {case.raises}" if case.raises else repr(decode(case.expected))[:120]
    entry_point = getattr(reference.contract, "entry_point", "program")
    return f"{reference.language} {entry_point}({given}) -> {result}"


@contextmanager
def _load() -> Iterator[None]:
    """Two busy processes a core."""
    context = multiprocessing.get_context("spawn")
    count = 2 * len(os.sched_getaffinity(0))
    busy = [context.Process(target=_spin, daemon=True) for _ in range(count)]
    for process in busy:
        process.start()
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.join()


def _spin() -> None:
    while os.getppid() > 1:
        sum(range(1_000_000))
