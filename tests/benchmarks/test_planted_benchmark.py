"""The planted endpoint: what it says is what it is, and a run with it is judged by that."""

from pathlib import Path
from random import Random

import pytest

from benchmarks.planted.__main__ import length_auc, longer_share, main
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
from synth.products import Pair
from synth.prompts.answers import read_code
from synth.records import Message
from tests.builders import build_pair

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


def _pair(chosen: int, rejected: int) -> Pair:
    """A pair of answers of so many letters."""
    return build_pair(
        chosen=(Message(role="assistant", content="c" * chosen),),
        rejected=(Message(role="assistant", content="r" * rejected),),
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


def test_lengths_are_compared_inside_a_pair_too() -> None:
    """Answers of all lengths, the chosen one always a letter longer: the lengths together tell little."""
    pairs = [_pair(10 * at + 1, 10 * at) for at in range(1, 60)]
    assert length_auc(pairs) == pytest.approx(0.51, abs=0.01)
    assert longer_share(pairs) == 1.0
    assert longer_share([*pairs, *(_pair(at, at + 1) for at in range(1, 60))]) == 0.5
    assert longer_share([_pair(3, 3)]) == longer_share([]) == 0.5


def test_the_flow_is_judged_on_a_tree(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "numbers.py").write_text(TREE)
    main([str(tree), "--keep", str(tmp_path / "kept"), "--read", "1"])
    shown = capfd.readouterr().out
    assert "references that became tasks" in shown
    assert "of 2" in shown
    assert "right and refused" in shown
