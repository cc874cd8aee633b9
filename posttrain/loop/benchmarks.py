"""The public benchmarks of a run, asked of each policy that is measured, and all that stand in other runs.

Place in the flow: `rounds` -> here -> `report`. The one rule: what was counted is in the store: every program
is a unit with its verdict, and what failed is open until it is decided.
"""

import json
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from posttrain.evaluate.benchmark import Benchmark
from posttrain.evaluate.benchmark_run import (
    RIGHT,
    BenchmarkContext,
    BenchmarkEvaluation,
    BenchmarkProgram,
    Measured,
    evaluate_benchmark,
)
from posttrain.evaluate.benchmark_table import RunEvaluation
from posttrain.evaluate.evaluation import OnAnswered
from posttrain.evaluate.own_template import OwnTemplate, load_own_template
from posttrain.loop.session import ServedEngine, Session
from posttrain.loop.settling import settle
from synth.ids import content_hash
from synth.policy import Policy
from synth.records import Decision, EvidenceRank, IndexRow, Solution, Unit, Verdict
from synth.rules.limits import find_limits
from synth.store.atomic import write_bytes
from synth.store.run_folder import list_runs
from synth.store.seals import read_json, seal_json
from synth.store.shards import ShardKey, StageCommit, shard_key

STAGE = "benchmark"
EVALUATIONS = Path("eval", "benchmarks")
"""In the run folder: one file for each benchmark, policy and set of conditions."""
_WORK = Path("benchmarks")
"""In the run folder: requests, samples and verdicts of each of them."""


async def measure_benchmarks(session: Session, policies: Sequence[Policy]) -> list[BenchmarkEvaluation]:
    """An evaluation of each policy on each benchmark, made now or read from an earlier process."""
    model, found = session.model, list[BenchmarkEvaluation]()
    if model is None:
        return found
    for policy in policies if session.plan.benchmarks.benchmarks else ():
        for benchmark in session.plan.benchmarks.benchmarks:
            found.append(await _measured(session, model, benchmark, policy))
    return found


async def _measured(
    session: Session, model: ServedEngine, benchmark: Benchmark, policy: Policy
) -> BenchmarkEvaluation:
    key = _key(session, benchmark, policy, model.fingerprint_of(policy))
    path = session.run / EVALUATIONS / f"{key.shard}.json"
    if path.exists():
        return BenchmarkEvaluation.model_validate_json(read_json(path))
    await model.serve(policy, session.reporter)
    started, what = time.monotonic(), f"{benchmark.protocol.title} of {policy.name}"
    session.reporter.say(
        f"{what}: {len(benchmark.questions)} questions, style {benchmark.style}, n={benchmark.n}, "
        f"temperature {benchmark.sampling.temperature:g}"
    )

    def show(part: str) -> OnAnswered:
        return lambda done, total: session.reporter.share(f"{what}: {part}", done, total)

    with model.engine.busy.window():
        measured = await evaluate_benchmark(
            _context(session, model, benchmark, policy, key),
            benchmark,
            policy.name,
            session.plan.benchmarks.model,
            show,
        )
    settle(session, key, measured.failed, len(measured.failed) < len(measured.programs))
    store_programs(session.plan.folder.commits, key, policy, measured)
    seconds = round(time.monotonic() - started, 1)
    evaluation = measured.evaluation.model_copy(update={"seconds": seconds})
    write_bytes(path, seal_json(evaluation.model_dump_json(indent=1)))
    return evaluation


def _context(
    session: Session, model: ServedEngine, benchmark: Benchmark, policy: Policy, key: ShardKey
) -> BenchmarkContext:
    recipe = session.recipe
    return BenchmarkContext(
        engine=model.engine,
        sandbox=session.sandbox,
        limits=find_limits(recipe.execution),
        seed=recipe.seed,
        template=_template(session, policy) if benchmark.style == "chat" else None,
        folder=session.run / _WORK / key.shard,
    )


def _template(session: Session, policy: Policy) -> OwnTemplate | None:
    """That of the recipe's model as it came, also where it is served with ours because it will be trained; a
    trained policy has ours for its own."""
    own = session.plan.benchmarks.template
    if own is None or policy.fingerprint == session.base.fingerprint:
        return own
    return load_own_template(policy.merged or policy.base)


def _key(session: Session, benchmark: Benchmark, policy: Policy, fingerprint: str) -> ShardKey:
    """The shard of the programs. Its name tells them from those of other conditions."""
    recipe = session.recipe
    conditions = content_hash(
        fingerprint,
        benchmark.protocol_hash,
        benchmark.problems_hash,
        find_limits(recipe.execution).model_dump(),
        recipe.seed,
        length=8,
    )
    names = (benchmark.protocol.suite, policy.name)
    return shard_key(STAGE, 0, "-".join([*map(file_name, names), conditions]))


def file_name(text: str) -> str:
    """A text as part of a file's name: `humaneval-plus`."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower().replace("+", "-plus")).strip("-.") or "model"


# --- the store ----------------------------------------------------------------------------------------------


def store_programs(commits: StageCommit, key: ShardKey, policy: Policy, measured: Measured) -> None:
    """Commit all samples: programs with their verdicts, refusals, and failures that were accepted."""
    programs = measured.programs
    commits.record_entered(*key, [one.id for one in programs])
    made = [unit for one in programs for unit in _units(one, policy)]
    commits.commit(*key, [_index_row(key, one) for one in programs], made)


def _units(program: BenchmarkProgram, policy: Policy) -> Iterator[Unit]:
    if program.fault or program.refused:
        return
    yield Solution(
        id=program.id,
        task_id=program.question.name,
        language=program.question.language,
        code=program.code or program.text,
        index=program.place,
        policy=policy.name,
        request_id=program.request_id,
        cut=program.cut,
    )
    verdict = program.verdict
    yield Verdict(
        solution_id=program.id,
        task_id=program.question.name,
        outcome=program.outcome,
        passed=verdict.passed if verdict is not None else 0,
        total=verdict.total if verdict is not None else 0,
        rank=EvidenceRank.EXAMPLES,
        first_failure=program.error,
        cpu_s=verdict.cpu_s if verdict is not None else 0.0,
        peak_memory_mb=verdict.peak_memory_mb if verdict is not None else 0.0,
        level=verdict.level if verdict is not None else "",
    )


def _index_row(key: ShardKey, program: BenchmarkProgram) -> IndexRow:
    right = not program.reason
    evidence: dict[str, object] = {"problem": program.question.name, "sample": program.place}
    if program.verdict is not None:
        evidence |= {"passed": program.verdict.passed, "total": program.verdict.total}
        evidence |= {"vacuous": True} if program.outcome is not RIGHT[0] and right else {}
    if program.error:
        evidence["first_failure"] = program.error
    return IndexRow(
        round=key.round,
        stage=key.stage,
        shard=key.shard,
        unit_id=program.id,
        kind=Solution.kind,
        language=program.question.language,
        decision=Decision.FAILED if program.fault else Decision.KEPT if right else Decision.REJECTED,
        reason=program.reason,
        evidence=json.dumps(evidence),
        ms=1000 * program.verdict.wall_s if program.verdict is not None else 0.0,
        tokens=program.tokens,
    )


# --- all runs -----------------------------------------------------------------------------------------------


def find_evaluations(runs_dir: Path) -> list[RunEvaluation]:
    """Every benchmark evaluation of the runs in a folder, the oldest run first. Raises StoreError for a
    damaged one."""
    return [one for run in reversed(list_runs(runs_dir)) for one in run_evaluations(run)]


def run_evaluations(run: Path) -> list[RunEvaluation]:
    """Those of one run."""
    return [
        RunEvaluation(run.name, BenchmarkEvaluation.model_validate_json(read_json(path)))
        for path in sorted((run / EVALUATIONS).glob("*.json"))
    ]
