"""Which of a seed's errors are its answer: those that its code raises itself, not those that it runs into.

Place in the flow: reference execution and the inputs stage ask here about calls that returned nothing. The
one rule: an index out of range, an overflow or a type error is what one language does about a bad input, and
no task's answer; `raise ValueError`, `throw new IllegalArgumentException` or `panic("...")` is. An assertion
that fails is none either: it says what the caller has to keep, and may be left out. A time-out, a crash of
the process and a fault of the sandbox are no errors of a call at all.
"""

import re
from typing import Final

from synth.languages.spec import CONVERSION_MARK
from synth.records import Observation, Stop

UNNAMED: Final = "error"
"""What an error is called whose kind the language does not say (a panic)."""

_KIND: Final = re.compile(r"[A-Za-z_][\w.:$\\]*")
_LAST: Final = re.compile(r"\w+\Z")
_ASSERTIONS: Final = ("AssertionError", "AssertionFailedError")
_SHORTEST_MESSAGE: Final = 8
"""Characters of a message that must stand in the code, where its kind says nothing."""


def deliberate_errors(observation: Observation, code: str) -> dict[int, str]:
    """The kind of the error by input number, for the inputs on which the code itself raised one."""
    if observation.stop is not Stop.NONE or not observation.finished:
        return {}
    found = {}
    for case in observation.cases:
        kind = _deliberate(case.error or "", code) if case.status == "raised" else ""
        if kind:
            found[case.index] = kind
    return found


def _deliberate(error: str, code: str) -> str:
    """The kind of an error that the code raises by itself; "" if it does not."""
    if CONVERSION_MARK in error:
        return ""
    head, colon, message = error.partition(": ")
    kind = _LAST.search(head) if _KIND.fullmatch(head) else None
    if kind is not None and re.search(rf"\b(?:raise|throw)\b[^\n;]*?\b{re.escape(kind[0])}\b", code):
        return kind[0]
    if kind is not None and kind[0] in _ASSERTIONS:
        return ""
    said = (message if colon and kind is not None else error).strip().strip("\"'")
    stated = said[:_SHORTEST_MESSAGE]
    if len(stated) == _SHORTEST_MESSAGE and stated in code and not re.match(r"runtime error", said):
        return kind[0] if kind is not None and colon else UNNAMED
    return ""
