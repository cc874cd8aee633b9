"""What posttrain may not know: who listens to a run, which world it works in, which engine it has."""

import ast
from collections.abc import Mapping

from synth.engine_config import ENGINE_CONFIGS
from tests.structure.source_tree import graph, sources

COMPOSES = "posttrain.cli"
GENERIC = ("posttrain.core", "posttrain.evaluate", "posttrain.loop", "posttrain.world", "posttrain.reporter")
CLASSES = {config.__name__ for config in ENGINE_CONFIGS.values()}
KINDS = set(ENGINE_CONFIGS) - {"recorded"}
"""Without the kind that sandboxes have too."""
OWN_MODULES = {
    "synth.engine_config",
    *(config.implementation.partition(":")[0] for config in ENGINE_CONFIGS.values()),
}


def crossing(edges: Mapping[str, set[str]], importers: tuple[str, ...], forbidden: str) -> list[str]:
    """Imports of anything under `forbidden` by anything under `importers`."""
    return sorted(
        f"{module} imports {target}"
        for module, targets in edges.items()
        for target in targets
        if is_under(module, importers) and is_under(target, (forbidden,))
    )


def is_under(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def test_only_the_command_line_of_posttrain_imports_the_terminal() -> None:
    edges = {module: targets for module, targets in graph().items() if not is_under(module, (COMPOSES,))}
    assert crossing(edges, ("posttrain",), "synth.cli") == []


def test_loop_and_evaluation_know_no_world() -> None:
    assert crossing(graph(), GENERIC, "posttrain.pocket") == []


def test_the_rules_see_an_import_that_is_forbidden() -> None:
    edges = {
        "posttrain.loop.x": {"posttrain.pocket.heldout", "synth.cli.progress"},
        "posttrain.loops": {"synth.cli"},
    }
    assert crossing(edges, GENERIC, "posttrain.pocket") == [
        "posttrain.loop.x imports posttrain.pocket.heldout"
    ]
    assert crossing(edges, ("posttrain.loop",), "synth.cli") == [
        "posttrain.loop.x imports synth.cli.progress"
    ]


def named(tree: ast.AST) -> set[str]:
    """Classes of engine configs that the source names, and kinds of engines that it compares with."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    compared = {
        part.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    }
    return (names & CLASSES) | (compared & KINDS)


def test_no_module_asks_which_engine_it_has() -> None:
    found = {
        module: named(ast.parse(file.read_text(encoding="utf-8")))
        for module, file in sources().items()
        if module not in OWN_MODULES
    }
    assert {module: names for module, names in found.items() if names} == {}


def test_the_rule_sees_who_asks_for_an_engine_by_class_or_by_kind() -> None:
    assert named(ast.parse("isinstance(engine, VllmServerEngineConfig)")) == {"VllmServerEngineConfig"}
    assert named(ast.parse("if engine.kind == 'openai_api': pass")) == {"openai_api"}
    assert set(sources()).issuperset(OWN_MODULES)
