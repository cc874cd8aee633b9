"""Observations kept in memory are bounded by their number and by their bytes."""

from synth.execution.local.remembered import MOST_BYTES, Remembered
from synth.execution.observations import MOST_KEPT_BYTES, failed, held_bytes
from synth.records import CaseObservation, ExecutionRequest, Observation, Phase, StdioCall


def printed(size: int) -> Observation:
    case = CaseObservation(index=0, status="returned", output="x" * size)
    return Observation(request_id="r", language="python", phase=Phase.RUN, cases=(case,))


def test_the_oldest_go_when_there_are_too_many() -> None:
    kept = Remembered(2)
    for key in "abc":
        kept.keep(key, printed(1))
    assert (kept.get("a"), len(kept)) == (None, 2)
    assert kept.get("c") == printed(1)


def test_the_oldest_go_when_they_take_too_much() -> None:
    kept, size = Remembered(20_000), MOST_KEPT_BYTES // 2
    for number in range(4 * MOST_BYTES // size):
        kept.keep(str(number), printed(size))
    assert 0.9 * MOST_BYTES < len(kept) * held_bytes(printed(size)) <= MOST_BYTES
    assert kept.get("0") is None


def test_a_large_one_is_not_kept_and_drives_nothing_out() -> None:
    kept = Remembered(10)
    kept.keep("small", printed(1))
    kept.keep("large", printed(MOST_KEPT_BYTES))
    assert (kept.get("large"), kept.get("small")) == (None, printed(1))


def test_the_same_one_twice_counts_once_and_faults_do_not_count() -> None:
    kept = Remembered(10)
    request = ExecutionRequest(id="r", language="c", code="", call=StdioCall(stdins=("",)))
    for _ in range(1_000):
        kept.keep("a", printed(MOST_KEPT_BYTES // 2))
        kept.keep("b", failed(request, "no slot"))
    kept.keep("c", printed(1))
    assert [kept.get(key) is not None for key in "abc"] == [True, False, True]
