"""The second pass of a round: pairs of the policy that its SFT made, over the tasks of the first pass.

Place in the flow: a round's products and its SFT policy -> here -> the pairs for DPO. The one rule: both
answers of a pair are those of the policy that DPO starts from, so it is taught about what it does itself. The
evidence of a task is that of the first pass.
"""

from dataclasses import replace

from synth.pipeline.books import OnProgress, ignore_progress
from synth.pipeline.round import RoundData
from synth.pipeline.shard_scheduler import ShardScheduler
from synth.products import Pair, Sample
from synth.stages.context import Context
from synth.stages.execute import ExecuteStage
from synth.stages.pair import PairStage
from synth.stages.resample import ResampleSource
from synth.stages.solve import SolveStage
from synth.stages.syntax import SyntaxStage
from synth.stages.tries import build_tries
from synth.stages.unit_stage import Stage
from synth.store.parquet import read_rows
from synth.store.products import write_product
from synth.store.run_folder import RunFolder


async def run_second_pass(
    context: Context,
    folder: RunFolder,
    round_: int,
    data: RoundData,
    *,
    on_progress: OnProgress = ignore_progress,
    accept_failures: bool = False,
) -> RoundData:
    """The data of the round with the pairs of this pass. Raises OutageError, before anything is written, if
    units failed whose failure is not accepted."""
    kept, size = _kept_tasks(data), context.data.shard_size
    source = ResampleSource(folder.commits, data.shards, kept, size, build_tries(context))
    stages: list[Stage] = [
        SolveStage(context),
        SyntaxStage(),
        ExecuteStage(context),
        PairStage(context, ExecuteStage),
    ]
    scheduler = ShardScheduler(source, stages, folder.commits, accept_failures=accept_failures)
    names = await scheduler.run(round_, on_progress)
    pairs = (
        pair for name in names for pair in folder.commits.read_bodies(PairStage.name, round_, name, Pair)
    )
    old = next(one for one in data.sets if one.product.model is Pair)
    report = write_product(folder.path, old.product, old.path.stem, pairs)
    written = replace(old, rows=report.rows)
    return replace(data, sets=tuple(written if one is old else one for one in data.sets))


def _kept_tasks(data: RoundData) -> frozenset[str]:
    """The tasks of all samples of the round."""
    samples = next(one for one in data.sets if one.product.model is Sample)
    return frozenset(row["task_id"] for row in read_rows(samples.path, ["task_id"]))
