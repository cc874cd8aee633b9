"""A sample of the fault laboratory: each fault does what it says, and the same command afterwards makes the
same products. `python -m benchmarks.faults` plays all pairs.
"""

import os
from pathlib import Path
from random import Random

import pytest

from benchmarks.faults.__main__ import Laboratory
from tests.faults.catalogue import FAULTS, MOMENTS, PAIRS, Pair
from tests.faults.page import listed_pairs
from tests.faults.small_disk import may_mount

SEED = int(os.environ["CODEMILL_TEST_SEED"])
_QUICK = [pair for pair in PAIRS if MOMENTS[pair.moment].work == "data"]
SAMPLE = Random(SEED).sample(_QUICK, 6)


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    print(f"CODEMILL_TEST_SEED={SEED}")
    return Laboratory(tmp_path_factory.mktemp("laboratory"), SEED)


@pytest.mark.parametrize("pair", SAMPLE, ids=lambda pair: f"{pair.fault} at {pair.moment}, seed {SEED}")
def test_after_a_fault_the_same_command_ends_as_if_nothing_had_happened(
    laboratory: Laboratory, pair: Pair, tmp_path: Path
) -> None:
    if pair.needs_mounts and not may_mount(tmp_path / "probe"):
        pytest.skip("mounting a disk needs root")
    assert laboratory.play(pair).faults == ()


def test_the_page_lists_every_pair() -> None:
    """`python -m benchmarks.faults --write` writes it anew."""
    assert sorted(listed_pairs()) == sorted((pair.fault, pair.moment) for pair in PAIRS)


def test_there_are_enough_pairs_and_each_moment_has_its_faults() -> None:
    assert len(set(PAIRS)) == len(PAIRS) >= 60
    assert {pair.moment for pair in PAIRS} == set(MOMENTS)
    assert all(fault.about and fault.codes for fault in FAULTS.values())
