"""From a recipe to its stages: the flow of the architecture page, with the parts that the recipe leaves out
left out."""

from pathlib import Path

from synth.config import FiltersConfig
from synth.filters.benchmarks import BenchmarkEntry, read_benchmark
from synth.filters.decontaminate import Decontaminate, Thresholds
from synth.filters.exact_dedup import ExactDedup
from synth.filters.length import LengthFilter
from synth.filters.near_dedup import NearDedup
from synth.filters.protocol import Filter
from synth.stages.agree import AgreeStage
from synth.stages.evidence import EvidenceStage
from synth.stages.execute import ExecuteStage
from synth.stages.filter import FilterStage
from synth.stages.fim import FimStage
from synth.stages.inputs import InputsStage
from synth.stages.instruct import InstructStage
from synth.stages.pair import PairStage
from synth.stages.protocol import Context, Stage
from synth.stages.reference import ReferenceStage
from synth.stages.select import SelectStage
from synth.stages.solve import SolveStage
from synth.stages.syntax import SyntaxStage

HELD_OUT = "@heldout"
"""In `filters.decontaminate`: the tasks of the recipe's own evaluation."""


def build_stages(context: Context, held_out: list[BenchmarkEntry]) -> list[Stage]:
    """Stages of one round. Those that remember start empty, so each round gets its own."""
    data = context.data
    stages: list[Stage] = [ReferenceStage(context)]
    last = "snippet"
    if data.instruct is not None:
        stages += [InstructStage(context), InputsStage(context)]
    if data.instruct is not None and data.solve is not None:
        stages += [SolveStage(context), SyntaxStage()]
        if data.evidence.agreement:
            stages.append(AgreeStage(context))
        stages += [ExecuteStage(context), EvidenceStage(context), SelectStage(context)]
        filters = _filter_stages(data.filters, context.recipe_folder, held_out)
        stages += filters
        last = filters[-1].name
        if data.pairs is not None:
            stages.append(PairStage(context, last))
    if data.fim is not None:
        stages.append(FimStage(context, last))
    return stages


def last_filter(stages: list[Stage]) -> str:
    """Name of the stage whose kept samples are the finished ones."""
    return [stage.name for stage in stages if isinstance(stage, FilterStage)][-1]


def _filter_stages(config: FiltersConfig, recipe_folder: Path, held_out: list[BenchmarkEntry]) -> list[Stage]:
    filters: list[Filter] = [LengthFilter(config.max_tokens)]
    if config.decontaminate:
        entries, thresholds = (
            _benchmark_entries(config, recipe_folder, held_out),
            Thresholds(report_n=config.ngram),
        )
        filters.append(Decontaminate(entries, config.decontamination, thresholds))
    if config.exact_dedup:
        filters.append(ExactDedup())
    if config.near_dedup:
        filters.append(NearDedup(config.near_dedup_threshold))
    before = "select"
    stages: list[Stage] = []
    for check in filters:
        stages.append(FilterStage(check, before))
        before = check.stage
    return stages


def _benchmark_entries(
    config: FiltersConfig, recipe_folder: Path, held_out: list[BenchmarkEntry]
) -> list[BenchmarkEntry]:
    entries = list(held_out) if HELD_OUT in config.decontaminate else []
    for name in config.decontaminate:
        if name != HELD_OUT:
            entries += read_benchmark(recipe_folder / name)
    return entries
