"""Packs: each row in one of them, full, other ones each epoch, and the same for any number of processes."""

import numpy
import pytest

from posttrain.core.packing import PackOrder, best_fit
from posttrain.core.steps import StepBatches


def lengths_of(kind: str, rows: int, capacity: int) -> list[int]:
    """Lengths as data sets have them: those of short programs, log-normal ones, and a mixture of these with
    fill-in-the-middle texts of whole files."""
    random = numpy.random.default_rng(7)
    found = {
        "programs": random.normal(180, 45, rows),
        "log-normal": random.lognormal(numpy.log(capacity / 8), 0.9, rows),
        "mixture": numpy.concatenate(
            [random.normal(180, 45, 3 * rows // 4), random.uniform(300, 0.7 * capacity, rows - 3 * rows // 4)]
        ),
    }[kind]
    return [int(length) for length in numpy.clip(found, 16, capacity)]


KINDS = ("programs", "log-normal", "mixture")


def packs_of(lengths: list[int], capacity: int, epoch: int = 0, seed: int = 1) -> list[list[int]]:
    order = PackOrder(numpy.array(lengths), capacity, seed)
    order.set_epoch(epoch)
    packs = list(order)
    assert len(packs) == len(order)
    return packs


def batches_of(
    lengths: list[int], capacity: int, step: int, largest: int, processes: int, epoch: int = 0
) -> list[list[list[int]]]:
    """By process: the rows of each of its batches, in which absent ones are left out."""
    found = []
    for process in range(processes):
        batches = StepBatches(PackOrder(numpy.array(lengths), capacity, 1), step, largest, processes, process)
        batches.set_epoch(epoch)
        batched = list(batches)
        assert len(batched) == len(batches)
        found.append([[row for pack in batch if isinstance(pack, list) for row in pack] for batch in batched])
    return found


def test_best_fit_takes_the_fullest_pack_that_has_room() -> None:
    assert list(best_fit([7, 5, 4, 3, 1], 10)) == [0, 1, 1, 0, 1]
    assert list(best_fit([6, 8, 2, 4], 10)) == [0, 1, 1, 0]


def test_a_row_longer_than_a_pack_is_an_error() -> None:
    with pytest.raises(ValueError, match="a row has 11 tokens"):
        best_fit([3, 11], 10)


@pytest.mark.parametrize("capacity", [1024, 4096])
@pytest.mark.parametrize("kind", KINDS)
def test_packs_are_nearly_full_in_every_epoch(kind: str, capacity: int) -> None:
    lengths = lengths_of(kind, 4000, capacity)
    for epoch in range(3):
        packs = packs_of(lengths, capacity, epoch)
        assert max(sum(lengths[row] for row in pack) for pack in packs) <= capacity
        assert sum(lengths) >= 0.98 * capacity * len(packs)


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 50, 1001])
@pytest.mark.parametrize("processes", [1, 2, 3, 4])
def test_each_row_is_seen_once_an_epoch_and_all_processes_keep_step(rows: int, processes: int) -> None:
    lengths = lengths_of("log-normal", rows, 512)
    for epoch in range(3):
        shares = batches_of(lengths, 512, 6, 2, processes, epoch)
        assert sorted(row for share in shares for batch in share for row in batch) == list(range(rows))
        assert len(set(map(len, shares))) == 1


def test_an_epoch_has_other_packs_and_can_be_computed_without_the_earlier_ones() -> None:
    lengths = lengths_of("log-normal", 500, 1024)
    order = PackOrder(numpy.array(lengths), 1024, 1)
    first = list(order)
    order.set_epoch(1)
    second = list(order)
    assert packs_of(lengths, 1024, epoch=1) == second
    again = set(map(frozenset, first)) & set(map(frozenset, second))
    assert len(again) < 0.2 * len(first)
    assert packs_of(lengths, 1024, seed=2) != first


def test_rows_of_one_data_set_do_not_stay_among_themselves() -> None:
    """Coarse rows first and FIM rows after them, as they are read."""
    lengths = lengths_of("mixture", 400, 1024)
    packs = packs_of(lengths, 1024)
    assert sum(min(pack) < 300 <= max(pack) for pack in packs) > 0.5 * sum(max(pack) >= 300 for pack in packs)


@pytest.mark.parametrize("split", [(1, 6, 2), (3, 2, 2), (2, 2, 3), (12, 1, 1)])
def test_a_step_learns_from_the_same_rows_however_it_is_split(split: tuple[int, int, int]) -> None:
    """Twelve packs a step: on one device, or over processes and accumulated batches."""
    lengths = lengths_of("programs", 700, 1024)
    batch, accumulation, processes = split
    (whole,) = batches_of(lengths, 1024, 12, 12, 1)
    parts = batches_of(lengths, 1024, 12, batch, processes)
    assert len(whole) > 2
    for number, step in enumerate(whole):
        window = slice(number * accumulation, (number + 1) * accumulation)
        assert sorted(row for part in parts for rows in part[window] for row in rows) == sorted(step)
