"""The benchmark of the endpoint client runs, and finds every answer in the journal."""

import pytest

from benchmarks.endpoint.__main__ import AIMS, main


def test_the_benchmark_compares_both_loops_at_each_delay(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--requests", "60", "--in-flight", "8", "--alternations", "1"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("requests/s, answers after") == len(AIMS)
    assert printed.count("CPU ms a request") == len(AIMS)
