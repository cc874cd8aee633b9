"""The benchmark of the reward server runs, and sees answers that are wrong."""

import pytest

from benchmarks.serve.__main__ import main
from benchmarks.serve.programs import honest, hostile, is_right


def test_the_benchmark_finds_every_answer_right(capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--rows", "60", "--in-flight", "16", "--alternations", "1", "--requests", "40", "--rate", "8"]
    assert main(few) == 0
    printed = capsys.readouterr().out
    assert "in flight, against codemill verify" in printed
    assert "p99 of honest programs" in printed


def test_an_answer_that_is_anothers_is_wrong() -> None:
    mine, other = honest(1), honest(2)
    answer = {"status": "Success", "run_result": {"status": "Finished", "stdout": other.prints}}
    assert is_right(other, answer)
    assert not is_right(mine, answer)
    assert not is_right(mine, "HTTP 500")
    late = {"status": "Failed", "run_result": {"status": "TimeLimitExceeded", "stdout": ""}}
    assert is_right(hostile(0), late)
    assert not is_right(mine, late)
