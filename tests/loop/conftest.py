"""One small round of the quickstart recipe, answered by the recording, through the command line."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from benchmarks.resume.command import Ended, hash_products, run_to_end
from tests.recordings.record import FOLDER, RECIPE, Recording, read_recording

NAME = "quickstart"
SMALLER = ("data.seeds.count=12", "evaluation.tasks=4", "data.solve.languages=[python,javascript]")
"""A part of what was recorded: the same requests, fewer of them."""
RECORDED = f"{{kind: recorded, path: '{FOLDER}'}}"


class Uninterrupted(NamedTuple):
    """A run that nothing disturbed."""

    run: Path
    ended: Ended
    products: dict[str, str]


def quickstart(runs_dir: Path, engine: str = RECORDED, more: Sequence[str] = ()) -> list[str]:
    """The arguments of the command. Every run of these tests has the same ones but for the folder and the
    engine."""
    settings = [*SMALLER, f"engine={engine}", *more]
    return [
        "run",
        str(FOLDER / RECIPE),
        "--runs-dir",
        str(runs_dir),
        *(argument for setting in settings for argument in ("--set", setting)),
    ]


@pytest.fixture(scope="session")
def recording() -> Recording:
    """The recording. Fails, with what to do, when it is not there or was made with another policy."""
    return read_recording()


@pytest.fixture(scope="session")
def uninterrupted(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> Uninterrupted:
    """The run that others are compared with."""
    return run_undisturbed(tmp_path_factory.mktemp("uninterrupted"))


def run_undisturbed(folder: Path) -> Uninterrupted:
    """Run in this folder from nothing to the end."""
    ended = run_to_end(quickstart(folder), folder / "log")
    assert ended.code == 0, ended.output
    return Uninterrupted(folder / NAME, ended, hash_products(folder / NAME))
