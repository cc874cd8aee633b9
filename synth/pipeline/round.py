"""One round of data: shards through the stages, then the products written from what survived.

Products of round r: `sft/round-r-coarse` (every distinct sample that survived), `sft/round-r-fine` (the best
of each task and language), `pairs/round-r`, `fim/round-r`, and `fim/round-r-mix` (FIM rows in the share that
the recipe wants). The one rule: products are a function of the committed shards, in their order, so writing
them again gives the same bytes, and takes one shard in memory at a time.
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from synth.filters.benchmarks import BenchmarkEntry
from synth.ids import derive_random
from synth.pipeline.flow import build_stages, last_filter
from synth.pipeline.shard_scheduler import OnProgress, Runner, ignore_progress
from synth.records import FimSample, Pair, Sample
from synth.seeds.reader import PocketProvider
from synth.stages.filter import FilterStage
from synth.stages.protocol import Context, Stage
from synth.stages.snippet import SnippetSource
from synth.store.products import write_fim, write_pairs, write_sft
from synth.store.run_folder import RunFolder
from synth.store.shards import StageCommit


@dataclass(frozen=True, slots=True)
class RoundData:
    """The products of one round: files, and how many rows each has. A product that the recipe does not make
    has no rows."""

    coarse: Path
    fine: Path
    fim: Path
    pairs: Path
    counts: dict[str, int]


async def run_round(
    context: Context,
    folder: RunFolder,
    round_: int,
    *,
    pocket: PocketProvider | None = None,
    held_out: Sequence[BenchmarkEntry] = (),
    workers: int = 1,
    on_progress: OnProgress = ignore_progress,
) -> RoundData:
    """Make the data of one round, or go on with it."""
    stages = build_stages(context, list(held_out))
    runner = Runner(SnippetSource(context, pocket, workers), stages, folder.commits)
    folder.declare_stages(runner.stage_names)
    names = await runner.run(round_, on_progress)
    return write_products(context, folder.path, folder.commits, stages, round_, names)


def write_products(
    context: Context, run: Path, commits: StageCommit, stages: list[Stage], round_: int, shards: Sequence[str]
) -> RoundData:
    """Write what survived the round, one shard in memory at a time."""
    last = last_filter(stages) if any(isinstance(stage, FilterStage) for stage in stages) else None
    made = _Made(commits, round_, shards, last)
    coarse = write_sft(run, f"round-{round_}-coarse", chain.from_iterable(made.samples()))
    fine = write_sft(run, f"round-{round_}-fine", chain.from_iterable(map(_best_of_each, made.samples())))
    pairs = write_pairs(run, f"round-{round_}", made.pairs())
    fim = write_fim(run, f"round-{round_}", made.fim())
    chosen = _choose_mix(fim.rows, coarse.rows, context)
    mixed = write_fim(
        run, f"round-{round_}-mix", (sample for at, sample in enumerate(made.fim()) if at in chosen)
    )
    counts = {"coarse": coarse.rows, "fine": fine.rows, "fim": mixed.rows, "pairs": pairs.rows}
    return RoundData(coarse=coarse.path, fine=fine.path, fim=mixed.path, pairs=pairs.path, counts=counts)


@dataclass(frozen=True, slots=True)
class _Made:
    """What the committed shards of a round hold, shard after shard. `last` is the last filter; None where
    nothing is selected."""

    commits: StageCommit
    round: int
    shards: Sequence[str]
    last: str | None

    def samples(self) -> Iterator[list[Sample]]:
        """The samples that survived, those of a shard together."""
        if self.last is None:
            return
        for name in self.shards:
            kept = {
                row.unit_id for row in self.commits.read_index(self.last, self.round, name) if not row.reason
            }
            yield [
                item
                for item in self.commits.read_bodies("select", self.round, name, "sample", Sample)
                if item.id in kept
            ]

    def pairs(self) -> Iterator[Pair]:
        for name in self.shards:
            yield from self.commits.read_bodies("pair", self.round, name, "pair", Pair)

    def fim(self) -> Iterator[FimSample]:
        for name in self.shards:
            yield from self.commits.read_bodies("fim", self.round, name, "fim", FimSample)


def _best_of_each(samples: Iterable[Sample]) -> list[Sample]:
    """The first sample of each task and language: selection puts the best first. A task is in one shard."""
    best: dict[tuple[str, str], Sample] = {}
    for sample in samples:
        best.setdefault((sample.task_id, sample.language), sample)
    return list(best.values())


def _choose_mix(rows: int, samples: int, context: Context) -> Container[int]:
    """Which FIM rows: so many that they make up `fim.share` of the mix with the samples; all of them where
    there are no samples."""
    config = context.data.fim
    if config is None or not samples or config.share >= 1:
        return range(rows)
    wanted = round(samples * config.share / (1 - config.share))
    return frozenset(derive_random(context.recipe.seed, "fim-mix").sample(range(rows), min(wanted, rows)))
