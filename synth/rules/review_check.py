"""Whether the example of a review is true: what it says of the call is held against what was observed.

Place in the flow: the stage that runs reviews asks here. The one rule: pure; execution decides, and an
example that could not be run is no example.
"""

from collections.abc import Sequence

from synth.comparison import is_right
from synth.execution.observations import is_fault
from synth.filters.protocol import Reject
from synth.records import Case, CaseObservation, Observation, Stop, TestSuite
from synth.rules.corrections import Review


def check_example(review: Review, suite: TestSuite, seen: Sequence[Observation]) -> Reject | None:
    """Why the example does not show the fault; None if it does. `seen` are the runs of the shown program, of
    the fix and of what knows the truth on the example's input."""
    if any(map(is_fault, seen)):
        return Reject("infrastructure", {"error": "the example could not be run"})
    shown, fix, truth = map(_result, seen)
    if truth is None:
        return Reject("unconfirmed_example", {"why": "the right program gives no result for the input"})
    if not _same(review.expected, truth, suite):
        return Reject("unconfirmed_example", {"why": "the expected value is not the right one"})
    if fix is None or not _same(review.expected, fix, suite):
        return Reject("unconfirmed_example", {"why": "the fix does not give the expected value"})
    if shown is None or not _same(review.actual, shown, suite):
        return Reject("unconfirmed_example", {"why": "the program does not give the actual value"})
    if _same(review.expected, shown, suite):
        return Reject("unconfirmed_example", {"why": "the program is right on the input"})
    return None


def _result(found: Observation) -> str | None:
    """Wire text; empty for an error, None if the call did neither."""
    case: CaseObservation | None = next(iter(found.cases), None)
    if case is not None and case.status == "returned":
        return case.output
    ended = found.signal is not None or (case is not None and case.status == "raised")
    return "" if found.stop is Stop.NONE and ended else None


def _same(stated: str, found: str, suite: TestSuite) -> bool:
    if not stated or not found:
        return stated == found
    return is_right(found, Case(arguments=(), expected=stated), suite.compare, suite.contract)
