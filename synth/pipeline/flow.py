"""From a recipe to its stages: the flow of the architecture page, without the parts that the recipe omits."""

from collections.abc import Sequence

from synth.config import PocketSeedsConfig
from synth.filters.benchmarks import BenchmarkEntry
from synth.filters.protocol import Filter, FilterSetting
from synth.filters.registry import build_filters
from synth.products import Sample
from synth.records import CodingProblem, Reference, Seed, Unit
from synth.stages.agree import AgreeStage
from synth.stages.checklist import ChecklistStage
from synth.stages.context import Context
from synth.stages.correct import RepairRowStage, RunCorrectionStage, build_corrections
from synth.stages.evidence import EvidenceStage, PoolingEvidenceStage
from synth.stages.execute import ExecuteStage
from synth.stages.filter import BeforeModelStage, FilterStage
from synth.stages.fim import FimStage
from synth.stages.inputs import InputsStage
from synth.stages.instruct import InstructStage
from synth.stages.label import LabelStage, labels_of
from synth.stages.memory import MemoryStage
from synth.stages.pair import PairStage
from synth.stages.problem import ProblemStage
from synth.stages.reference import ReferenceStage
from synth.stages.select import SelectStage
from synth.stages.sharpen import SharpenStage
from synth.stages.snippet import SnippetSource
from synth.stages.solve import SolveStage
from synth.stages.speed import SpeedStage
from synth.stages.syntax import SyntaxStage
from synth.stages.tries import build_tries
from synth.stages.unit_stage import Stage, Upstream


def build_stages(context: Context, held_out: Sequence[BenchmarkEntry] = ()) -> list[Stage]:
    """Stages of one round. Those that remember start empty, so each round gets its own."""
    data = context.data
    filters = _filters(context, held_out)
    stages = build_flowing(context, held_out, filters)
    last: Upstream = SnippetSource
    if data.makes_tasks and data.solve is not None:
        stages += (stage for stage in filters if stage.ordered)
        last = filters[-1]
        if data.pairs is not None and not data.pairs.after_sft:
            stages.append(PairStage(context, last))
        if runs := [stage for stage in stages if isinstance(stage, RunCorrectionStage)]:
            stages.append(RepairRowStage(context, [*runs, last]))
        if (labels := labels_of(context.recipe)) is not None:
            stages.append(LabelStage(context, labels, last))
    if data.fim is not None:
        stages.append(FimStage(context, last, held_out))
    return stages


def build_flowing(
    context: Context,
    held_out: Sequence[BenchmarkEntry] = (),
    filters: "Sequence[FilterStage[Unit]] | None" = None,
) -> list[Stage]:
    """The stages that shards pass as they come. `filters` are those of samples; if None, they are made."""
    data = context.data
    first, second = _before_model(context, held_out)
    stages: list[Stage] = [*first]
    memory = [MemoryStage(context)] if data.memory is not None else []
    if data.brings_tasks:
        stages += [ProblemStage(context), *memory, InputsStage(context)]
    else:
        stages += [ReferenceStage(context)]
        if data.instruct is None:
            return stages
        stages += [*second, InstructStage(context), *memory, InputsStage(context)]
    if data.solve is None:
        return stages
    stages += [SolveStage(context), SyntaxStage()]
    if data.evidence.agreement:
        stages.append(AgreeStage(context))
    if data.inputs.mutants and data.inputs.candidates:
        stages.append(SharpenStage(context))
    evidence = PoolingEvidenceStage if data.select.unsolved else EvidenceStage
    stages += [ExecuteStage(context), *build_tries(context), evidence(context), SelectStage(context)]
    if data.checklist is not None:
        stages.append(ChecklistStage(context))
    if data.pairs is not None and data.pairs.speed is not None:
        stages.append(SpeedStage(context))
    stages += build_corrections(context)
    filters = _filters(context, held_out) if filters is None else filters
    return [*stages, *(stage for stage in filters if not stage.ordered)]


def _filters(context: Context, held_out: Sequence[BenchmarkEntry]) -> list[FilterStage[Unit]]:
    setting = FilterSetting(context.data.filters, context.recipe_folder, tuple(held_out))
    return filter_stages(setting, Sample, SelectStage)


def _before_model(
    context: Context, held_out: Sequence[BenchmarkEntry]
) -> tuple[list[FilterStage[Unit]], list[FilterStage[Unit]]]:
    """The filters of seeds that a model would be paid for: those that remember nothing, before seeds are run;
    and those of duplicates, among the seeds that can serve. Seeds that are drawn each anew need none."""
    data = context.data
    if not data.makes_tasks or not data.filters.seeds or isinstance(data.seeds, PocketSeedsConfig):
        return [], []
    setting = FilterSetting(data.filters, context.recipe_folder, tuple(held_out))
    checks = build_filters(setting, seeds=True)
    if data.brings_tasks:
        return _chain(BeforeModelStage, checks, CodingProblem, SnippetSource), []
    return (
        _chain(BeforeModelStage, [one for one in checks if not one.remembers], Seed, SnippetSource),
        _chain(BeforeModelStage, [one for one in checks if one.remembers], Reference, ReferenceStage),
    )


def filter_stages(setting: FilterSetting, unit: type[Unit], after: Upstream) -> list[FilterStage[Unit]]:
    """The recipe's filters over one kind of unit, one after the other; always at least one."""
    return _chain(FilterStage, build_filters(setting), unit, after)


def _chain(
    kind: type[FilterStage[Unit]], checks: Sequence[Filter], unit: type[Unit], after: Upstream
) -> list[FilterStage[Unit]]:
    stages: list[FilterStage[Unit]] = []
    for check in checks:
        stages.append(kind(check, unit, stages[-1] if stages else after))
    return stages


def last_filter(stages: Sequence[Stage], unit: type[Unit]) -> FilterStage[Unit] | None:
    """The last filter over units of this kind; None if nothing filters them."""
    filters = [stage for stage in stages if isinstance(stage, FilterStage) and stage.unit is unit]
    return filters[-1] if filters else None
