"""The private channel's lines, read without a sandbox: what a driver writes counts, and every other line is
forged."""

import pytest

from synth.execution.programs.result_channel import read_channel
from tests.cpu_time import cpu_time

HONEST = b"N 0 returned i8\nN 1 raised 78\nN finished\n"


def test_the_lines_of_a_driver_are_read() -> None:
    report = read_channel(HONEST, "N", 2)
    assert report.finished
    assert not report.forged
    assert [(case.status, case.output, case.error) for case in report.cases] == [
        ("returned", "i8", None),
        ("raised", None, "x"),
    ]


def test_a_last_line_that_was_cut_off_does_not_count() -> None:
    report = read_channel(HONEST[:-1], "N", 2)
    assert not report.finished
    assert not report.forged


@pytest.mark.parametrize(
    "data",
    [
        b"M 0 returned i8\n",
        b"\n",
        b"N 1 returned i8\n",
        b"N 0 returned i8\nN 0 returned i8\n",
        b"N 0 returned i8\nN finished\n",
        HONEST + b"N finished\n",
        HONEST + b"N 2 returned i8\n",
        HONEST + b"\n" * 1_000_000,
        b"N 0 returned i8\n" * 1_000_000,
    ],
)
def test_any_other_line_is_forged(data: bytes) -> None:
    assert read_channel(data, "N", 2).forged


def test_a_result_is_passed_on_as_it_was_written_at_no_cost() -> None:
    value = "l5400000" + " i7" * 5_400_000
    with cpu_time() as used:
        report = read_channel(f"N 0 returned {value}\nN finished\n".encode(), "N", 1)
    assert used.seconds < 0.3
    assert report.cases[0].output == value
