"""Single bit flips in every kind of file of a run: none is silently different to a later step. A few of each
kind here, the seed printed; `python -m benchmarks.bitflips` flips a hundred."""

import json
import random
from pathlib import Path

import pytest

from benchmarks.bitflips.laboratory import Kind, Outcome, flip_bits, kinds, prepare
from synth.store.seals import open_json

FLIPS = 4


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("bitflips"))


def test_no_wrong_bit_is_silent(prepared: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    made = kinds(prepared)
    assert all(kind.files for kind in made.values()), made
    found = {name: flip_bits(kind, FLIPS, seed) for name, kind in made.items()}
    assert {name: flips.different for name, flips in found.items() if flips.different} == {}


def test_the_laboratory_sees_a_silent_change(prepared: Path, tmp_path: Path) -> None:
    """Without its seal, a file is silently different after some flips."""
    path = tmp_path / "base.json"
    path.write_bytes(open_json((prepared / "eval" / "base.json").read_bytes()))

    def read(file: Path) -> object:
        try:
            return json.loads(file.read_bytes())
        except ValueError:
            return None

    assert flip_bits(Kind([path], read), 50, seed=1).counts[Outcome.DIFFERENT] > 0
