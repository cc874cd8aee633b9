"""The rooms of synth/execution: each knows only what its `__init__` allows, read from the imports."""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.structure.source_tree import ROOT, graph, sources

EXECUTION = "synth.execution"
SUITE_NAMES = frozenset({"Case", "TestSuite", "Verdict"})


class Room(NamedTuple):
    """A room, what may not be imported into it, and the sentence of its `__init__` that says so."""

    name: str
    forbidden: tuple[str, ...]
    rule: str


ROOMS = (
    Room(
        f"{EXECUTION}.isolation",
        (
            "synth.languages",
            "synth.verify",
            f"{EXECUTION}.programs",
            f"{EXECUTION}.local",
            f"{EXECUTION}.remote",
            f"{EXECUTION}.cache",
        ),
        "isolation knows no language",
    ),
    Room(
        f"{EXECUTION}.programs",
        (
            "synth.verify",
            f"{EXECUTION}.verdict",
            f"{EXECUTION}.local",
            f"{EXECUTION}.remote",
            f"{EXECUTION}.cache",
        ),
        "programs know no scheduler",
    ),
    Room(
        f"{EXECUTION}.local",
        ("synth.verify", f"{EXECUTION}.verdict", f"{EXECUTION}.remote", f"{EXECUTION}.cache"),
        "it knows no expected value",
    ),
    Room(
        f"{EXECUTION}.remote",
        ("synth.verify", f"{EXECUTION}.verdict", f"{EXECUTION}.local", f"{EXECUTION}.cache"),
        "they know no expected value",
    ),
    Room(
        f"{EXECUTION}.cache",
        ("synth.verify", f"{EXECUTION}.verdict", f"{EXECUTION}.local", f"{EXECUTION}.remote"),
        "it runs nothing itself",
    ),
)
READERS_OF_FILES = ("synth.verify", "synth.protocols", "synth.serve", "synth.audit", "synth.cli")
"""The only ones that may import what reads the files of people."""


def is_inside(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def broken(edges: Mapping[str, set[str]], rooms: tuple[Room, ...] = ROOMS) -> list[str]:
    """Imports that a room does not allow."""
    return sorted(
        f"{module} imports {target}: {room.rule}"
        for room in rooms
        for module, targets in edges.items()
        if is_inside(module, room.name)
        for target in targets
        if any(is_inside(target, name) for name in room.forbidden)
    )


def expected_values(files: Mapping[str, Path]) -> list[str]:
    """Modules of the rooms that run programs and name a suite, one of its cases, or a verdict."""
    rooms = [room.name for room in ROOMS]
    found = []
    for module, file in files.items():
        if any(is_inside(module, room) for room in rooms):
            named = {
                alias.name
                for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
                if isinstance(node, ast.ImportFrom) and node.module == "synth.records"
                for alias in node.names
            }
            found += [f"{module} imports {name}" for name in sorted(named & SUITE_NAMES)]
    return sorted(found)


def reads_rows(edges: Mapping[str, set[str]]) -> list[str]:
    """Modules of synth, outside those that may, that import the reading of people's files."""
    return sorted(
        f"{module} imports {target}"
        for module, targets in edges.items()
        if is_inside(module, "synth") and not any(is_inside(module, name) for name in READERS_OF_FILES)
        for target in targets
        if is_inside(target, "synth.verify")
    )


def test_each_room_imports_only_what_its_rule_allows() -> None:
    assert broken(graph()) == []


@pytest.mark.parametrize("room", ROOMS, ids=[room.name for room in ROOMS])
def test_a_room_that_breaks_its_rule_is_named(room: Room) -> None:
    for name in room.forbidden:
        edges = {f"{room.name}.made_up": {f"{name}.made_up"}}
        assert broken(edges) == [f"{room.name}.made_up imports {name}.made_up: {room.rule}"]
    assert broken({f"{room.name}_else.made_up": {room.forbidden[0]}}) == []


@pytest.mark.parametrize("room", ROOMS, ids=[room.name for room in ROOMS])
def test_a_room_says_its_rule_at_its_door(room: Room) -> None:
    door = sources()[room.name].read_text(encoding="utf-8")
    assert room.rule in " ".join((ast.get_docstring(ast.parse(door)) or "").split())


def test_no_expected_value_is_named_where_programs_run() -> None:
    assert expected_values(sources()) == []


@pytest.mark.parametrize("name", sorted(SUITE_NAMES))
def test_an_expected_value_in_a_room_is_named(name: str, tmp_path: Path) -> None:
    file = tmp_path / "made_up.py"
    file.write_text(f"def f():\n    from synth.records import {name}, Limits\n")
    assert expected_values({f"{EXECUTION}.local.made_up": file}) == [
        f"{EXECUTION}.local.made_up imports {name}"
    ]
    assert expected_values({f"{EXECUTION}.verdict": file}) == []


def test_only_verify_reads_the_files_of_people() -> None:
    assert reads_rows(graph()) == []
    assert reads_rows({"synth.execution.factory": {"synth.verify.rows"}}) == [
        "synth.execution.factory imports synth.verify.rows"
    ]


def test_the_hall_has_at_most_twelve_entries() -> None:
    folder = ROOT / "synth" / "execution"
    assert len([entry for entry in folder.iterdir() if entry.name != "__pycache__"]) <= 12
