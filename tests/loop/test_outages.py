"""Outages of an endpoint, through the whole command line: every unit is recovered, and the products are those
of a run without an outage."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from benchmarks.outages.trial import run_trial
from tests.loop.conftest import NAME, Uninterrupted, quickstart
from tests.loop.faulty_endpoint import Fault, FaultyEndpoint
from tests.recordings.record import FOLDER, Recording


def command(folder: Path) -> Callable[[str, Sequence[str]], list[str]]:
    return lambda engine, more: quickstart(folder, engine, more)


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("patience_s", [0, 60], ids=["interrupted", "sat out"])
def test_after_an_outage_the_products_are_those_of_a_run_without_one(
    recording: Recording, uninterrupted: Uninterrupted, tmp_path: Path, fault: Fault, patience_s: float
) -> None:
    """`python -m benchmarks.outages` does this at twenty random moments."""
    random_seed = random.randrange(1_000_000)
    draw = random.Random(random_seed)
    first, seconds = draw.randint(1, 40), draw.uniform(0.5, 2)
    endpoint = FaultyEndpoint(recording, FOLDER, fault, first, seconds)
    trial = run_trial(
        endpoint, command(tmp_path), tmp_path, tmp_path / NAME, uninterrupted.products, patience_s
    )
    about = f"from request {first} for {seconds:.1f} s\n{trial.words}"
    assert trial.wrong == (), about
    assert endpoint.over.is_set(), about
    if patience_s:
        assert [ended.code for ended in trial.commands] == [0], about
