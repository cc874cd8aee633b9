"""One round of data: shards through the stages, then the products written from what survived.

Products of round r: `sft/round-r-coarse` (every distinct sample that survived), `sft/round-r-fine` (the best of each task and language),
`pairs/round-r`, `fim/round-r`, and `fim/round-r-mix` (FIM rows in the share that the recipe wants). The one rule: products
are a function of the committed shards, so writing them again gives the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from synth.filters.benchmarks import BenchmarkEntry
from synth.ids import derive_random
from synth.pipeline.flow import build_stages, last_filter
from synth.pipeline.runner import OnProgress, Runner, ignore_progress
from synth.records import FimSample, Pair, Sample
from synth.seeds.reader import PocketProvider
from synth.stages.filtering import FilterStage
from synth.stages.protocol import Context, Stage
from synth.stages.snippet import SnippetSource
from synth.store.products import write_fim, write_pairs, write_sft
from synth.store.run_folder import RunFolder
from synth.store.shards import StageCommit


@dataclass(frozen=True, slots=True)
class RoundData:
    """The products of one round: files, and how many rows each has. A product that the recipe does not make has no rows."""

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


def write_products(context: Context, run: Path, commits: StageCommit, stages: list[Stage], round_: int, shards: Sequence[str]) -> RoundData:
    """Write what survived the round."""
    samples = _samples(commits, last_filter(stages), round_, shards) if any(isinstance(s, FilterStage) for s in stages) else []
    fine = _best_of_each(samples)
    pairs = [pair for name in shards for pair in commits.read_bodies("pair", round_, name, "pair", Pair)]
    fim = [sample for name in shards for sample in commits.read_bodies("fim", round_, name, "fim", FimSample)]
    mixed = _mix(fim, len(samples), context)
    write_sft(run, f"round-{round_}-coarse", samples)
    write_sft(run, f"round-{round_}-fine", fine)
    write_pairs(run, f"round-{round_}", pairs)
    write_fim(run, f"round-{round_}", fim)
    write_fim(run, f"round-{round_}-mix", mixed)
    return RoundData(
        coarse=run / "sft" / f"round-{round_}-coarse.parquet",
        fine=run / "sft" / f"round-{round_}-fine.parquet",
        fim=run / "fim" / f"round-{round_}-mix.parquet",
        pairs=run / "pairs" / f"round-{round_}.parquet",
        counts={"coarse": len(samples), "fine": len(fine), "fim": len(mixed), "pairs": len(pairs)},
    )


def _samples(commits: StageCommit, last: str, round_: int, shards: Sequence[str]) -> list[Sample]:
    found: list[Sample] = []
    for name in shards:
        kept = {row.unit_id for row in commits.read_index(last, round_, name) if not row.reason}
        found += [sample for sample in commits.read_bodies("select", round_, name, "sample", Sample) if sample.id in kept]
    return found


def _best_of_each(samples: Sequence[Sample]) -> list[Sample]:
    """The first sample of each task and language: selection puts the best first."""
    best: dict[tuple[str, str], Sample] = {}
    for sample in samples:
        best.setdefault((sample.task_id, sample.language), sample)
    return list(best.values())


def _mix(fim: list[FimSample], samples: int, context: Context) -> list[FimSample]:
    """So many FIM rows that they make up `fim.share` of the mix with the samples; all of them where there are no samples."""
    config = context.data.fim
    if config is None or not samples:
        return fim
    wanted = round(samples * config.share / (1 - config.share)) if config.share < 1 else len(fim)
    random = derive_random(context.recipe.seed, "fim-mix")
    return sorted(random.sample(fim, min(wanted, len(fim))), key=lambda sample: sample.id)
