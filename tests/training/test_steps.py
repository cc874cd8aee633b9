"""How a step's rows are shared out: each row once an epoch, the same rows a step, however many processes."""

from collections import Counter
from typing import Any

import numpy
import pytest
import torch

from posttrain.core.gathering import gather_rows
from posttrain.core.ordering import LengthGroupedOrder
from posttrain.core.steps import MicroBatch, RowsOfSteps, StepBatches, StepPart, WithShare
from synth.launch_config import step_shape, uneven_step

SIZES = (1, 2, 3, 5, 7, 8, 9, 13, 17, 31, 33, 36, 47, 63, 64, 65, 97, 101, 127, 211)
PROCESSES = (1, 2, 4)


def batches(rows: int, processes: int, process: int, epoch: int = 0, largest: int = 3) -> list[MicroBatch]:
    lengths = numpy.random.default_rng(rows).integers(10, 200, rows)
    found = StepBatches(LengthGroupedOrder(lengths, 8, 3), 8, largest, processes, process)
    found.set_epoch(epoch)
    return list(found)


def real_rows(batch: MicroBatch) -> list[Any]:
    return list(batch)[: batch.share.rows]


@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize("processes", PROCESSES)
def test_each_row_is_trained_once_an_epoch(rows: int, processes: int) -> None:
    for epoch in range(3):
        of_each = [batches(rows, processes, process, epoch) for process in range(processes)]
        seen = Counter(row for parts in of_each for part in parts for row in real_rows(part))
        assert seen == Counter(range(rows))
        assert len({len(parts) for parts in of_each}) == 1, "all keep step"
        for beside in zip(*of_each, strict=True):
            assert {part.share.sizes for part in beside} == {tuple(part.share.rows for part in beside)}
            assert max(part.share.rows for part in beside) <= 3


@pytest.mark.parametrize("rows", SIZES)
def test_a_step_has_the_same_rows_on_any_number_of_processes(rows: int) -> None:
    def steps(processes: int) -> list[set[int]]:
        of_each = [batches(rows, processes, process) for process in range(processes)]
        found: list[set[int]] = []
        left = 0
        for beside in zip(*of_each, strict=True):
            if left == 0:
                found.append(set())
                left = beside[0].share.step_rows
            new = [row for part in beside for row in real_rows(part)]
            found[-1].update(new)
            left -= len(new)
        return found

    assert steps(1) == steps(2) == steps(4)
    assert [len(step) for step in steps(1)][:-1] == [8] * ((rows - 1) // 8)


def test_the_length_is_what_is_iterated_and_batches_are_as_few_as_can_be() -> None:
    for rows in SIZES:
        for processes in PROCESSES:
            order = LengthGroupedOrder(numpy.ones(rows), 8, 0)
            found = StepBatches(order, 8, 3, processes, processes - 1)
            assert len(found) == len(list(found))
    assert step_shape(8, 1, 3).sizes(8) == [3, 3, 2]
    assert step_shape(64, 8, 16).accumulation == 1
    assert step_shape(5, 4, 16).sizes(5) == [2, 1, 1, 1]
    assert step_shape(2, 4, 16).sizes(2) == [1, 1, 0, 0]


def test_rows_that_cannot_be_shared_evenly_are_a_problem_with_a_fix() -> None:
    assert uneven_step("sft", 64, 8) is None
    problem = uneven_step("sft", 30, 4)
    assert problem is not None and "30 rows a step, which 4 processes cannot share evenly" in problem.message
    assert problem.fix.startswith("rows_per_step: 32")
    small = uneven_step("sft", 2, 8)
    assert small is not None and small.fix.startswith("rows_per_step: 8")


class Rows:
    def __getitems__(self, numbers: list[int]) -> list[int]:
        return [10 * number for number in numbers]


def test_a_process_without_rows_keeps_step_with_one_that_counts_nothing() -> None:
    lonely = batches(rows=1, processes=2, process=1)[0]
    assert (lonely.share, len(lonely)) == (StepPart(rows=0, sizes=(1, 0), step_rows=1), 1)
    found = RowsOfSteps(Rows()).__getitems__(lonely)
    made = WithShare(lambda rows: {"labels": torch.ones(len(rows), 4, dtype=torch.long)})(found)
    assert made["share"] == lonely.share and (made["labels"] == -100).all()


@pytest.mark.parametrize("sizes", [(2, 1, 0), (3, 3, 3), (1, 0, 0)])
def test_metrics_are_gathered_by_rows(sizes: tuple[int, ...]) -> None:
    """Each process's part is asked for in turn; the stand-in for accelerate wants equal shapes."""
    rows = [torch.arange(max(1, size), dtype=torch.float) + 10 * place for place, size in enumerate(sizes)]
    parts = [StepPart(size, sizes, sum(sizes)) for size in sizes]
    sent: list[torch.Tensor] = []

    def send(value: torch.Tensor) -> torch.Tensor:
        sent.append(value)
        return torch.zeros(len(sizes) * max(1, value.numel()))

    for own, part in zip(rows, parts, strict=True):
        gather_rows(send, own, part)
    assert len({tuple(value.shape) for value in sent}) == 1
    together = gather_rows(lambda _: torch.cat(sent), rows[0], parts[0])
    expected = [10.0 * place + row for place, size in enumerate(sizes) for row in range(size)]
    assert together.tolist() == expected
    sums = [gather_rows(lambda value: value, torch.tensor(5), part) for part in parts]
    assert [int(value) for value in sums] == [5 if size else 0 for size in sizes]
