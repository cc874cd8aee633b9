"""An error is an answer only where the code raises it itself."""

import pytest

from synth.records import CaseObservation, Observation, Phase, Stop
from synth.rules.deliberate_errors import UNNAMED, deliberate_errors


def found(error: str, code: str, **more: object) -> dict[int, str]:
    case = CaseObservation(index=2, status="raised", error=error)
    fields = {"request_id": "r", "language": "x", "phase": Phase.RUN, "finished": True, "cases": (case,)}
    return deliberate_errors(Observation.model_validate(fields | more), code)


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [
        ("ValueError: no", "def f(n):\n    raise ValueError('no')", "ValueError"),
        ("pkg.Odd", "if n:\n    raise pkg.Odd", "Odd"),
        (
            "java.lang.IllegalArgumentException: x < 0",
            'throw new IllegalArgumentException("x < 0");',
            "IllegalArgumentException",
        ),
        ("TypeError: text", "throw TypeError('text')", "TypeError"),
        ("std::invalid_argument: no", 'throw std::invalid_argument("no");', "invalid_argument"),
        ("negative argument: -3", 'panic!("negative argument: {}", n)', UNNAMED),
        ("negative argument", 'panic("negative argument")', UNNAMED),
        ('"not a number"', 'return Err("not a number".to_string())', UNNAMED),
    ],
)
def test_what_the_code_raises_is_its_answer(error: str, code: str, kind: str) -> None:
    assert found(error, code) == {2: kind}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("IndexError: list index out of range", "if not xs:\n    raise ValueError('empty')\nreturn xs[5]"),
        ("RecursionError: maximum recursion depth exceeded", "def f(n):\n    return f(n + 1)"),
        ("runtime error: index out of range [3] with length 0", 'panic("runtime error: index")'),
        ("attempt to add with overflow", 'panic!("other")'),
        ("java.lang.NullPointerException: null", "x.length()"),
        ("ValueError: codemill: two letters", "raise ValueError('no')"),
        ("", "raise ValueError"),
        ("AssertionError: n must be positive", "assert n > 0, 'n must be positive'"),
    ],
)
def test_what_the_code_runs_into_is_not(error: str, code: str) -> None:
    assert found(error, code) == {}


@pytest.mark.parametrize("more", [{"stop": Stop.CPU}, {"finished": False, "signal": 6}])
def test_a_run_that_was_stopped_or_crashed_has_none(more: dict[str, object]) -> None:
    assert found("ValueError: no", "raise ValueError('no')", **more) == {}
