"""Engine and trainer on simulated cards: each child sees its own, and nobody works on a card out of turn.
`python -m benchmarks.placement` does this with a kill at every step of every layout."""

import sys
from pathlib import Path

import pytest

from benchmarks.placement.command import LineReporter, start
from benchmarks.placement.layouts import LAYOUTS, Layout
from benchmarks.placement.trial import Event, check, prepare, read_events, run_trial
from posttrain.loop.run import run_recipe
from posttrain.loop.session import Parts
from posttrain.plan.plan import plan_recipe
from posttrain.pocket.world import POCKET_WORLD
from synth.config import Recipe
from synth.errors import RecipeError
from synth.recipe.load import Loaded


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Layout:
    """This process on the machine of a layout."""
    layout: Layout = request.param
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name, value in prepare(tmp_path, layout).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "tools"), *sys.path])  # where vLLM's version is read
    return layout


@pytest.mark.parametrize("machine", LAYOUTS, indirect=True, ids=lambda layout: layout.name)
def test_each_child_sees_its_cards_and_the_engine_sleeps_while_the_trainer_has_one(
    machine: Layout, tmp_path: Path
) -> None:
    start(tmp_path, machine)
    assert list(check(machine, read_events(tmp_path / "cards"), was_killed=False)) == []


@pytest.mark.parametrize(("layout", "step"), [(LAYOUTS[1], "train"), (LAYOUTS[0], "asleep")])
def test_after_a_kill_the_next_start_waits_for_the_cards_and_comes_to_the_end(
    tmp_path: Path, layout: Layout, step: str
) -> None:
    trial = run_trial(tmp_path, layout, step)
    assert trial.wrong == [], trial.output


def test_the_checks_see_a_trainer_beside_an_engine_that_stays_awake(tmp_path: Path) -> None:
    """The same machine, where the engine does not do what it was told."""
    awake = LAYOUTS[0]._replace(level=0, name=LAYOUTS[0].name)
    events: list[Event] = [
        {"who": "engine", "what": "start", "cards": ["0"]},
        {"who": "trainer", "what": "overcommit"},
        {"who": "engine", "what": "answered asleep"},
        {"who": "trainer", "what": "begin", "cards": ["0", "1"], "process": 1},
    ]
    wrong = "\n".join(check(awake, events, was_killed=True))
    for sign in ("overcommit", "answered asleep", "the trainer sees", "shared a process"):
        assert sign in wrong


@pytest.mark.parametrize("machine", [LAYOUTS[0]], indirect=True)
def test_what_cannot_fit_is_refused_before_anything_starts(machine: Layout, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"(?s)sft\.coarse on GPU 0 .* does not fit") as refused:
        run_recipe(
            loaded(machine, tmp_path, 512),
            tmp_path / "runs",
            Parts(LineReporter(), POCKET_WORLD),
        )
    assert "gradient_accumulation" in str(refused.value)
    assert not (tmp_path / "runs").exists()
    assert not (tmp_path / "cards" / "events.jsonl").exists()


@pytest.mark.parametrize("machine", [LAYOUTS[0]], indirect=True)
def test_the_plan_says_who_gets_which_card_and_what_would_be_refused(machine: Layout, tmp_path: Path) -> None:
    notes = [
        plan_recipe(loaded(machine, tmp_path, batch_size), tmp_path / "runs", POCKET_WORLD.suites).notes
        for batch_size in (8, 512)
    ]
    assert "the trainer works on GPU 0" in notes[0]
    assert any(note.startswith("refused on this machine: sft.coarse on GPU 0") for note in notes[1])


def loaded(machine: Layout, folder: Path, batch_size: int) -> Loaded[Recipe]:
    sections = machine.sections()
    sections["sft"]["coarse"] |= {"batch_size": batch_size, "max_length": 2048}
    return Loaded(Recipe.model_validate(sections), folder / "recipe.yaml", "")
