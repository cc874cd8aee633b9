"""From a recipe to its stages: the flow of the architecture page, without the parts that the recipe omits."""

from collections.abc import Sequence

from synth.filters.benchmarks import BenchmarkEntry
from synth.filters.protocol import FilterSetting
from synth.filters.registry import build_filters
from synth.products import Sample
from synth.records import Unit
from synth.stages.agree import AgreeStage
from synth.stages.context import Context
from synth.stages.evidence import EvidenceStage
from synth.stages.execute import ExecuteStage
from synth.stages.filter import FilterStage
from synth.stages.fim import FimStage
from synth.stages.inputs import InputsStage
from synth.stages.instruct import InstructStage
from synth.stages.pair import PairStage
from synth.stages.reference import ReferenceStage
from synth.stages.select import SelectStage
from synth.stages.snippet import SnippetSource
from synth.stages.solve import SolveStage
from synth.stages.syntax import SyntaxStage
from synth.stages.unit_stage import Stage, Upstream


def build_stages(context: Context, held_out: Sequence[BenchmarkEntry] = ()) -> list[Stage]:
    """Stages of one round. Those that remember start empty, so each round gets its own."""
    stages = build_flowing(context)
    data = context.data
    last: Upstream = SnippetSource
    if data.instruct is not None and data.solve is not None:
        setting = FilterSetting(data.filters, context.recipe_folder, tuple(held_out))
        filters = filter_stages(setting, Sample, SelectStage)
        stages += filters
        last = filters[-1]
        if data.pairs is not None:
            stages.append(PairStage(context, last))
    if data.fim is not None:
        stages.append(FimStage(context, last))
    return stages


def build_flowing(context: Context) -> list[Stage]:
    """The stages that remember nothing from shard to shard."""
    data = context.data
    stages: list[Stage] = [ReferenceStage(context)]
    if data.instruct is None:
        return stages
    stages += [InstructStage(context), InputsStage(context)]
    if data.solve is None:
        return stages
    stages += [SolveStage(context), SyntaxStage()]
    if data.evidence.agreement:
        stages.append(AgreeStage(context))
    return [*stages, ExecuteStage(context), EvidenceStage(context), SelectStage(context)]


def filter_stages(setting: FilterSetting, unit: type[Unit], after: Upstream) -> list[FilterStage[Unit]]:
    """The recipe's filters over one kind of unit, one after the other; always at least one."""
    stages: list[FilterStage[Unit]] = []
    before = after
    for check in build_filters(setting):
        stages.append(FilterStage(check, unit, before))
        before = stages[-1]
    return stages


def last_filter(stages: Sequence[Stage], unit: type[Unit]) -> FilterStage[Unit] | None:
    """The last filter over units of this kind; None if nothing filters them."""
    filters = [stage for stage in stages if isinstance(stage, FilterStage) and stage.unit is unit]
    return filters[-1] if filters else None
