"""One round of data: shards through the stages, then the products written from what survived.

The data sets of a round follow from `synth.products.PRODUCTS`: for samples every distinct one that survived
(`sft/round-r-coarse`) and the best of each task and language (`sft/round-r-fine`), then `pairs/round-r`,
`fim/round-r` and `fim/round-r-mix`, the FIM rows in the share that the recipe wants. The one rule: products
are a function of the committed shards, in their order, so writing them again gives the same bytes, and takes
one shard in memory at a time.
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from synth.filters.benchmarks import BenchmarkEntry
from synth.ids import derive_random
from synth.pipeline.books import OnProgress, ignore_progress
from synth.pipeline.fine_set import ShardSamples, commit_fine, in_fine, marked
from synth.pipeline.flow import build_stages, last_filter
from synth.pipeline.shard_scheduler import ShardScheduler
from synth.products import FINE_STAGE, PRODUCTS, DataSet, Part, Product, Sample
from synth.records import Unit
from synth.seeds.reader import PocketProvider
from synth.stages.context import Context
from synth.stages.memory import remembered_tasks
from synth.stages.pair import PairStage
from synth.stages.resample import ResampleSource
from synth.stages.snippet import SnippetSource
from synth.stages.unit_stage import Stage
from synth.store.products import write_product
from synth.store.run_folder import RunFolder
from synth.store.shards import StageCommit

SECOND_PASS: Final = (ResampleSource.name, PairStage.name)
"""The stages that only the second pass of a round has (`second_pass`)."""


@dataclass(frozen=True, slots=True)
class WrittenSet:
    """One data set of a round, and how many rows it has. A product that the recipe does not make has none."""

    product: Product
    data_set: DataSet
    path: Path
    rows: int


@dataclass(frozen=True, slots=True)
class RoundData:
    """The data sets of one round."""

    sets: tuple[WrittenSet, ...]
    shards: tuple[str, ...] = ()

    def for_job(self, job: str) -> list[WrittenSet]:
        """The data sets with rows that a training job takes; none when those that it runs for are empty."""
        found = [one for one in self.sets if one.data_set.job == job and one.rows]
        return found if any(one.data_set.leads for one in found) else []

    @property
    def counts(self) -> dict[str, int]:
        """Rows of the training data, for people: by product, or by job if a product has several."""
        return {
            one.data_set.job if _has_several_jobs(one.product) else one.product.name: one.rows
            for one in self.sets
            if one.data_set.job
        }


def _has_several_jobs(product: Product) -> bool:
    return sum(bool(data_set.job) for data_set in product.data_sets) > 1


async def run_round(
    context: Context,
    folder: RunFolder,
    round_: int,
    *,
    pocket: PocketProvider | None = None,
    held_out: Sequence[BenchmarkEntry] = (),
    workers: int = 1,
    on_progress: OnProgress = ignore_progress,
    accept_failures: bool = False,
) -> RoundData:
    """Make the data of one round, or resume it. Raises OutageError, before anything is written, if units
    failed whose failure is not accepted."""
    if context.data.memory is not None:
        context = replace(context, remembered=tuple(remembered_tasks(folder.commits, round_)))
    stages = build_stages(context, held_out)
    source = SnippetSource(context, pocket, workers)
    scheduler = ShardScheduler(source, stages, folder.commits, accept_failures=accept_failures)
    after_sft = context.data.pairs is not None and context.data.pairs.after_sft
    chooses_fine = context.data.solve is not None and context.data.select.chooses_fine
    fine = (FINE_STAGE,) if chooses_fine else ()
    folder.declare_stages([*scheduler.stage_names, *fine, *(SECOND_PASS if after_sft else ())])
    names = await scheduler.run(round_, on_progress)
    if chooses_fine:
        made = _Made(folder.commits, stages, round_, names)
        commit_fine(folder.commits, context.data.select, round_, made.samples)
    return write_products(context, folder.path, folder.commits, stages, round_, names)


def write_products(
    context: Context,
    run: Path,
    commits: StageCommit,
    stages: Sequence[Stage],
    round_: int,
    shards: Sequence[str],
) -> RoundData:
    """Write the survivors of the round, with one shard in memory at a time."""
    made = _Made(commits, stages, round_, shards)
    written: list[WrittenSet] = []
    for product in PRODUCTS:
        if product.is_optional and made.maker(product) is None:
            continue
        for data_set in product.data_sets:
            rows = _choose_rows(made, product, data_set, context, written)
            report = write_product(run, product, f"round-{round_}{data_set.suffix}", rows)
            written.append(WrittenSet(product, data_set, report.path, report.rows))
    return RoundData(tuple(written), tuple(shards))


def _choose_rows(
    made: "_Made", product: Product, data_set: DataSet, context: Context, written: Sequence[WrittenSet]
) -> Iterator[Unit]:
    """The rows of one data set, in the order of the shards."""
    if data_set.part is Part.SHARE:
        chosen = _draw_share(product, data_set, context, written)
        return (row for at, row in enumerate(made.rows(product)) if at in chosen)
    if data_set.part is Part.BEST:
        return made.best(product)
    return made.rows(product)


@dataclass(frozen=True, slots=True)
class _Made:
    """The products that the committed shards of a round hold."""

    commits: StageCommit
    stages: Sequence[Stage]
    round: int
    names: Sequence[str]

    def rows(self, product: Product) -> Iterator[Unit]:
        return (row for shard in self.shards(product) for row in shard)

    def maker(self, product: Product) -> Stage | None:
        """The stage of the recipe that makes the product; None if it has none."""
        return next((stage for stage in self.stages if product.model in stage.makes), None)

    def shards(self, product: Product) -> Iterator[list[Unit]]:
        """The survivors of each shard; none if no stage of the recipe makes the product."""
        maker = self.maker(product)
        judge = last_filter(self.stages, product.model)
        if maker is None:
            return
        for name in self.names:
            records = self.commits.read_bodies(maker.name, self.round, name, product.model)
            if judge is not None:
                index = self.commits.read_index(judge.name, self.round, name)
                kept = {row.unit_id for row in index if not row.reason}
                records = [record for record in records if record.unit_id in kept]
            if product.model is Sample and self._has_fine(name):
                rows = self.commits.read_index(FINE_STAGE, self.round, name)
                records = [*marked([one for one in records if isinstance(one, Sample)], rows)]
            yield records

    def best(self, product: Product) -> Iterator[Unit]:
        """The best of each task and language, or of those what the recipe's fine set takes."""
        for name, shard in zip(self.names, self.shards(product), strict=False):
            if self._has_fine(name):
                taken = in_fine(self.commits.read_index(FINE_STAGE, self.round, name))
                yield from (one for one in shard if one.unit_id in taken)
            else:
                yield from _best_of_each(shard)

    def samples(self) -> Iterator[ShardSamples]:
        """The surviving samples by shard."""
        product = next(one for one in PRODUCTS if one.model is Sample)
        for name, shard in zip(self.names, self.shards(product), strict=True):
            yield ShardSamples(name, [one for one in shard if isinstance(one, Sample)])

    def _has_fine(self, shard: str) -> bool:
        return self.commits.is_committed(FINE_STAGE, self.round, shard)


def _best_of_each(samples: Iterable[Unit]) -> list[Sample]:
    """The best surviving sample of each task and language. A task is in one shard."""
    best: dict[tuple[str, str], Sample] = {}
    for sample in samples:
        if isinstance(sample, Sample):
            key = (sample.task_id, sample.language)
            best[key] = min(best.get(key, sample), sample, key=lambda one: one.choice)
    return list(best.values())


def _draw_share(
    product: Product, data_set: DataSet, context: Context, written: Sequence[WrittenSet]
) -> Container[int]:
    """The rows to use: enough to make up `fim.share` of the job's training data, or all of them if the job
    has no other rows."""
    rows = next(one.rows for one in written if one.product is product and one.data_set.part is Part.ALL)
    others = sum(one.rows for one in written if one.data_set.job == data_set.job)
    config = context.data.fim
    if config is None or not others or config.share >= 1:
        return range(rows)
    wanted = round(others * config.share / (1 - config.share))
    return frozenset(derive_random(context.recipe.seed, "fim-mix").sample(range(rows), min(wanted, rows)))
