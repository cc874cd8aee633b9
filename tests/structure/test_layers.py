"""The import rules of docs/architecture/overview.md, read from the source: an import goes only leftwards,
light things stay light, and no modules
import each other in a circle."""

import ast
from collections.abc import Mapping

import networkx as nx
import pytest

from tests.structure.source_tree import ROOT, graph, imported, sources

LAYERS: tuple[tuple[str, ...], ...] = (
    (
        "synth.records",
        "synth.seed_records",
        "synth.unit",
        "synth.products",
        "synth.choice_records",
        "synth.repair_records",
        "synth.program_log",
        "synth.proportions",
        "synth.reasons",
        "synth.thresholds",
        "synth.errors",
        "synth.plain_text",
        "synth.interruptible",
        "synth.links",
        "synth.ids",
        "synth.values",
        "synth.comparison",
        "synth.calls",
        "synth.comparison_rules",
        "synth.contracts",
        "synth.text_comparison",
        "synth.value_comparison",
        "synth.wire_record",
        "synth.unpacking",
        "synth.table_files",
        "synth.grammar",
        "synth.mutation",
        "synth.token_estimate",
        "synth.charts",
        "synth.child_environment",
    ),
    (
        "synth.cards",
        "synth.checklist_config",
        "synth.config",
        "synth.config_base",
        "synth.devices_config",
        "synth.engine_config",
        "synth.evaluation_config",
        "synth.instruct_config",
        "synth.launch_config",
        "synth.loop_config",
        "synth.memory_config",
        "synth.natural_languages",
        "synth.outage_config",
        "synth.packages_config",
        "synth.spending_config",
        "synth.training_config",
        "synth.training_metrics",
        "synth.training_data_config",
        "synth.seeds_config",
        "synth.select_config",
        "synth.repair_config",
        "synth.policy",
        "synth.recipe",
        "synth.resources",
        "synth.roles",
        "synth.prompts",
        "synth.store",
        "synth.languages",
    ),
    ("synth.generation", "synth.execution", "synth.packages"),
    ("synth.verify",),
    ("synth.serve", "synth.protocols"),
    ("synth.stages", "synth.rules", "synth.filters", "synth.seeds"),
    (
        "synth.pipeline",
        "synth.replay",
        "synth.calibration",
        "synth.audit",
        "synth.curation",
        "synth.inspector",
    ),
    ("synth.cli",),
    ("posttrain",),
)


def rank(module: str) -> int | None:
    """The layer of a module of ours; None for the package `synth` itself and for foreign modules."""
    for number, names in enumerate(LAYERS):
        if any(module == name or module.startswith(name + ".") for name in names):
            return number
    return None


def wrong_way(edges: Mapping[str, set[str]]) -> list[str]:
    """Imports that go to the right."""
    found = []
    for module, targets in edges.items():
        for target in targets:
            own, other = rank(module), rank(target)
            if own is not None and other is not None and other > own:
                found.append(f"{module} imports {target}")
    return sorted(found)


def reachable(module: str, edges: Mapping[str, set[str]]) -> set[str]:
    """Everything that importing or running the module can import, through modules of ours."""
    seen, open_ = set(), [module]
    while open_:
        current = open_.pop()
        if current not in seen:
            seen.add(current)
            open_ += edges.get(current, ())
    return seen


def holding_both(edges: Mapping[str, set[str]]) -> list[str]:
    """Modules that can import vllm and trl into one process."""
    tops = {name: {module.split(".")[0] for module in reachable(name, edges)} for name in edges}
    return sorted(name for name, found in tops.items() if {"vllm", "trl"} <= found)


def circles(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of modules that can all be reached from each other, imports inside functions included."""
    own = nx.DiGraph(
        (module, target)
        for module, targets in edges.items()
        for target in targets
        if rank(target) is not None
    )
    return sorted(sorted(group) for group in nx.strongly_connected_components(own) if len(group) > 1)


def test_every_module_has_a_layer() -> None:
    assert [name for name in sources() if rank(name) is None and name != "synth"] == []


def test_an_import_goes_only_leftwards() -> None:
    assert wrong_way(graph()) == []


def test_the_rule_sees_an_import_that_goes_right() -> None:
    tree = ast.parse(
        "def f():\n    from synth import cli\n    from synth.pipeline.shard_scheduler import Runner\n"
    )
    edges = {"synth.store.export": set(imported(tree, {"synth.cli", "synth.pipeline.shard_scheduler"}))}
    assert wrong_way(edges) == [
        "synth.store.export imports synth.cli",
        "synth.store.export imports synth.pipeline.shard_scheduler",
    ]


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles(graph()) == []


def test_the_rule_sees_a_circle() -> None:
    edges = {
        "synth.store.a": {"synth.store.b"},
        "synth.store.b": {"synth.store.c", "json"},
        "synth.store.c": {"synth.store.a"},
        "synth.store.d": {"synth.store.a"},
    }
    assert circles(edges) == [["synth.store.a", "synth.store.b", "synth.store.c"]]


def test_vllm_and_trl_are_never_in_one_process() -> None:
    assert holding_both(graph()) == []


def test_the_rule_sees_vllm_and_trl_in_one_process() -> None:
    edges = {
        "posttrain.loop": {"posttrain.sft", "synth.generation.x"},
        "posttrain.sft": {"trl"},
        "synth.generation.x": {"vllm.engine"},
    }
    assert holding_both(edges) == ["posttrain.loop"]


@pytest.mark.parametrize("folder", ["recipes", "prompts"])
def test_data_folders_hold_no_python(folder: str) -> None:
    assert list((ROOT / folder).rglob("*.py")) == []


def test_no_test_folder_shadows_a_package() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_no_file_is_too_long_to_read() -> None:
    lengths = {name: len(file.read_text(encoding="utf-8").splitlines()) for name, file in sources().items()}
    assert {name: length for name, length in lengths.items() if length > 600} == {}


def test_every_module_says_what_it_is() -> None:
    files = sources()
    silent = [
        name
        for name, file in files.items()
        if not ast.get_docstring(ast.parse(text := file.read_text(encoding="utf-8"))) and text.strip()
    ]
    assert silent == []


@pytest.mark.parametrize("word", ["utils", "helpers", "common"])
def test_no_module_has_a_catch_all_name(word: str) -> None:
    assert [name for name in sources() if name.split(".")[-1] == word] == []
