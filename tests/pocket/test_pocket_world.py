"""The pocket world: what programs mean, how they are written, and that held-out tasks stay out of everything
else."""

import random
import re
from itertools import islice

from posttrain.pocket.chains import (
    DEEP,
    OPERATIONS,
    Chain,
    behaviour,
    draw_chain,
    draw_open_chain,
    draw_step,
    draw_value,
    held_out_behaviours,
    is_held_out,
    listed_chains,
    mutate,
)
from posttrain.pocket.corpus import Mistakes, documents, solve_turn
from posttrain.pocket.heldout import deep_tasks, development_tasks, held_out_tasks
from posttrain.pocket.phrases import instruction, read_instruction
from posttrain.pocket.programs import draw_style, render_program
from posttrain.pocket.seeds import draw_seeds
from synth.config import PocketSeedsConfig


def _run_python(code: str, value: object) -> object:
    space: dict[str, object] = {}
    exec(code, space)
    function = space["solve"]
    assert callable(function)
    return function(value)


def test_the_world_has_at_least_forty_operations_over_six_types() -> None:
    assert len(OPERATIONS) >= 40
    assert {operation.source for operation in OPERATIONS.values()} == {"I", "L", "S", "W", "M"}
    assert {operation.target for operation in OPERATIONS.values()} == {"I", "B", "L", "S", "W", "M"}


def test_every_operation_rendered_in_python_does_what_it_means() -> None:
    rng = random.Random(3)
    for operation in OPERATIONS.values():
        for variant in range(3):
            chain = Chain((draw_step(operation, rng),))
            code = render_program(chain, "python", draw_style(random.Random(variant)))
            value = draw_value(chain.source, rng)
            assert _run_python(code, value) == chain.run(value), code


def test_longer_programs_rendered_in_python_do_what_they_mean() -> None:
    rng = random.Random(4)
    for _ in range(200):
        chain = draw_chain(rng)
        code = render_program(chain, "python", draw_style(rng))
        value = draw_value(chain.source, rng)
        assert _run_python(code, value) == chain.run(value), code


def test_a_mutant_has_the_same_types_and_another_behaviour() -> None:
    rng = random.Random(5)
    for _ in range(100):
        chain = draw_chain(rng)
        mutant = mutate(chain, rng)
        assert (mutant.source, mutant.target) == (chain.source, chain.target)
        assert behaviour(mutant) != behaviour(chain)


def test_held_out_tasks_have_two_or_three_steps_and_distinct_behaviour() -> None:
    chains = listed_chains("heldout")
    assert {len(chain.steps) for chain in chains} == {2, 3}
    rng = random.Random(7)
    for chain in chains:
        assert len({str(chain.run(draw_value(chain.source, rng))) for _ in range(40)}) > 1, chain
    assert len({behaviour(chain) for chain in chains}) == len(chains) >= 200
    assert all(is_held_out(chain) for chain in chains)


def test_the_three_suites_have_no_structure_or_behaviour_in_common() -> None:
    suites = {name: listed_chains(name) for name in ("heldout", "deep", "development")}
    assert {len(chain.steps) for chain in suites["deep"]} == {DEEP}
    assert [len(chain.steps) == DEEP for chain in suites["development"]] == [False, False, True] * 100
    structures = {name: {chain.structure for chain in chains} for name, chains in suites.items()}
    assert not structures["heldout"] & structures["development"]
    assert not structures["deep"] & structures["development"]
    behaviours = [behaviour(chain) for chains in suites.values() for chain in chains]
    assert len(set(behaviours)) == len(behaviours) == len(held_out_behaviours())
    assert all(is_held_out(chain) for chain in (*suites["deep"], *suites["development"]))
    tasks = [*held_out_tasks(), *deep_tasks(), *development_tasks()]
    assert len({item.task.id for item in tasks}) == len({item.task.instruction for item in tasks}) == 969


def test_no_step_of_a_deep_or_development_task_is_idle() -> None:
    for chain in (*listed_chains("deep"), *listed_chains("development")):
        without = [Chain(chain.steps[:at] + chain.steps[at + 1 :]) for at in range(len(chain.steps))]
        shorter = [one for one in without if one.is_well_typed() and one.target == chain.target]
        assert behaviour(chain) not in map(behaviour, shorter), chain


def test_deep_seeds_have_four_steps_in_the_share_that_is_asked_for_and_change_no_other() -> None:
    plain = list(draw_seeds(PocketSeedsConfig(count=200), 0, 1))
    mixed = list(draw_seeds(PocketSeedsConfig(count=200, deep=0.3), 0, 1))
    deep = [two for two in mixed if len(two.chain.steps) == DEEP]
    assert 40 <= len(deep) <= 80
    assert not any(is_held_out(one.chain) for one in deep)
    assert not {behaviour(one.chain) for one in deep} & held_out_behaviours()
    others = [(one, two) for one, two in zip(plain, mixed, strict=True) if len(two.chain.steps) < DEEP]
    assert all(one == two for one, two in others)


def test_corpus_and_seeds_avoid_held_out_structures_and_behaviours() -> None:
    rng = random.Random(6)
    drawn = [draw_open_chain(rng) for _ in range(2000)]
    drawn += [
        seed.chain for seed in draw_seeds(PocketSeedsConfig(count=500, languages=("python", "java")), 1, 1)
    ]
    drawn += [mutate(chain, rng) for chain in drawn]
    assert not any(is_held_out(chain) for chain in drawn)
    assert not {behaviour(chain) for chain in drawn} & held_out_behaviours()


def test_no_corpus_document_holds_the_text_of_a_held_out_instruction() -> None:
    texts = {item.task.instruction for item in held_out_tasks()}
    lines = {
        line.lstrip("#/ ").removesuffix("<|im_end|>")
        for text in islice(documents(11), 5000)
        for line in text.split("\n")
    }
    assert not texts & lines


def test_the_test_above_would_see_a_held_out_instruction() -> None:
    """Rendered from a held-out chain with the corpus's own means, an instruction is found in the same way."""
    chain = listed_chains("heldout")[0]
    wording = {instruction(chain, "en", random.Random(seed)) for seed in range(200)}
    assert held_out_tasks()[0].task.instruction in wording


def _answers(mistakes: Mistakes) -> list[str]:
    return [solve_turn(mistakes, random.Random(seed)) for seed in range(100)]


def test_hasty_and_careful_authors_are_wrong_as_often_as_stated() -> None:
    right = _answers(Mistakes(careful_authors=0.0, answers=0.0))
    wrong = _answers(Mistakes(careful_authors=0.0, answers=1.0))
    assert sum(a != b for a, b in zip(right, wrong, strict=True)) >= 90
    careful = _answers(Mistakes(careful_authors=1.0, careful=0.0))
    assert careful == _answers(Mistakes(careful_authors=1.0, answers=0.0))
    careless = _answers(Mistakes(careful_authors=1.0, careful=1.0, answers=1.0))
    assert sum(a != b for a, b in zip(careful, careless, strict=True)) >= 90


def test_careful_authors_indent_by_four_and_hasty_ones_by_two() -> None:
    by_four = re.compile(r"```\w+\n.*\n {4}\S")
    careful = sum(bool(by_four.search(turn)) for turn in _answers(Mistakes(careful_authors=1.0)))
    hasty = sum(bool(by_four.search(turn)) for turn in _answers(Mistakes(careful_authors=0.0)))
    assert careful >= 90
    assert hasty <= 10


def test_the_same_seed_gives_the_same_corpus_and_the_same_snippets() -> None:
    assert list(islice(documents(5), 20)) == list(islice(documents(5), 20))
    config = PocketSeedsConfig(count=20)
    assert [item.seed for item in draw_seeds(config, 1, 2)] == [
        item.seed for item in draw_seeds(config, 1, 2)
    ]
    assert {item.seed.id for item in draw_seeds(config, 1, 2)}.isdisjoint(
        item.seed.id for item in draw_seeds(config, 1, 3)
    )


def test_every_instruction_can_be_read_back_into_what_it_means() -> None:
    rng = random.Random(8)
    for number in range(400):
        chain = draw_chain(rng)
        text = instruction(chain, ("en", "zh")[number % 2], rng)
        meanings = read_instruction(text, chain.source, chain.target)
        assert behaviour(chain) in {behaviour(meaning) for meaning in meanings}, text


def test_a_sentence_of_another_world_means_nothing() -> None:
    assert read_instruction("Sort the apples by weight.", "L", "L") == []
