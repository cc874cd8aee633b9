"""The planted endpoint: what it says is what it is, and a run with it is judged by that."""

from pathlib import Path
from random import Random

import pytest

from benchmarks.planted.__main__ import main
from benchmarks.planted.answers import (
    PlantedSeed,
    Truth,
    called_name,
    mutants_of,
    read_seed,
    read_tag,
    write_instruction,
    write_program,
)
from synth.prompts.answers import read_code

CODE = """def add_all(numbers: list[int]) -> int:
    total = 0
    for number in numbers:
        total += number
    return total"""
SEED = PlantedSeed("case-0123456789ab", CODE, "python")
TREE = (
    CODE
    + """


def largest_gap(numbers: list[int]) -> int:
    ordered = sorted(numbers)
    gaps = [after - before for before, after in zip(ordered, ordered[1:])]
    return max(gaps, default=0)
"""
)


def test_a_seed_is_known_again_by_its_tag() -> None:
    seed = read_seed(f"Read this code:\n\n```python\n{CODE}\n```\n\nWrite the task.")
    assert seed is not None
    assert (seed.code, seed.language) == (CODE, "python")
    instructions = [write_instruction(seed, Random(at)) for at in range(200)]
    tagged = [read_tag(text) == seed.tag for text, _ in instructions]
    assert sum(tagged) == sum(not text.startswith("I'm sorry") for text, _ in instructions) > 150
    assert any(leaks for _, leaks in instructions)
    assert all(("total += number" in text) == leaks for text, leaks in instructions)


def test_every_program_is_what_it_is_said_to_be() -> None:
    mutants = mutants_of(SEED, "add_all")
    assert mutants
    seen = set()
    for at in range(300):
        text, truth = write_program(SEED, "add_all", mutants, Random(at))
        code = read_code(text, "python", "add_all").code.replace("\r", "")
        seen.add(truth)
        if truth is Truth.RIGHT:
            assert code == CODE
        elif truth is Truth.MUTANT:
            assert code in [mutant.rstrip() for mutant in mutants]
        else:
            assert "def add_all(" not in code
    assert seen == set(Truth)


def test_the_declared_name_is_the_first_in_the_prompt() -> None:
    assert called_name("Implement:\n\n`static int addAll(int[] xs)`\n\n`other(1)`") == "addAll"
    assert called_name("no code") == ""


def test_the_flow_is_judged_on_a_tree(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "numbers.py").write_text(TREE)
    main([str(tree), "--keep", str(tmp_path / "kept"), "--read", "1"])
    shown = capfd.readouterr().out
    assert "references that became tasks" in shown
    assert "of 2" in shown
    assert "right and refused" in shown
