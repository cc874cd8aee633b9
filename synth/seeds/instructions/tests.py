"""The tests that a row of an instruction set brings, as calls or as runs over stdin and stdout.

What sets write: a list of `{input, output}`; an object of `inputs` and `outputs`, or of `input` and `output`,
with or without `fn_name`; a list or a module of Python assertions; each also as JSON text. The one rule: what
cannot be read as values is left out, and nothing is executed to read it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from synth.records import Case, Example
from synth.seeds.examples.index import choose_examples
from synth.seeds.examples.reader import read_calls
from synth.values import encode

MOST_CASES: Final = 200
"""Cases that are looked at; sets have up to thousands for one problem."""
MOST_CHARACTERS: Final = 1 << 16
"""Longest input or output of a case."""


class GivenTests(NamedTuple):
    """The tests of a row: runs of a program, or calls of one function."""

    runs: tuple[Case, ...] = ()
    calls: tuple[Example, ...] = ()
    entry_point: str = ""
    """The function that is called."""


NO_TESTS: Final = GivenTests()


def read_tests(value: object, entry_point: str = "") -> GivenTests:
    """The tests in the value of a column. `entry_point` is the function that they are to call, if that is
    known. Nothing in the value makes it raise."""
    try:
        return _read(_parsed(value), entry_point)
    except (RecursionError, TypeError, ValueError):
        return NO_TESTS


def _parsed(value: object) -> object:
    """The value, of which JSON text is read; other text stays."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _read(value: object, entry_point: str) -> GivenTests:
    if isinstance(value, str):
        return _read_code(value, entry_point)
    if isinstance(value, Mapping):
        return _read_object(value, entry_point)
    if not isinstance(value, Sequence) or not value:
        return NO_TESTS
    if all(isinstance(one, str) for one in value):
        return _read_code("\n".join(f"{one}\n" for one in value[:MOST_CASES]), entry_point)
    pairs = [one for one in value[:MOST_CASES] if isinstance(one, Mapping)]
    return _read_pairs(
        [one.get("input", one.get("stdin")) for one in pairs],
        [one.get("output", one.get("expected_output", one.get("stdout"))) for one in pairs],
        entry_point or next((str(name) for one in pairs if (name := one.get("fn_name"))), ""),
        is_call=any(one.get("fn_name") or one.get("type") == "function_call" for one in pairs),
    )


def _read_object(value: Mapping[str, Any], entry_point: str) -> GivenTests:
    if "test_cases" in value:
        return _read(_parsed(value["test_cases"]), entry_point)
    name = value.get("fn_name")
    inputs, outputs = value.get("inputs", value.get("input")), value.get("outputs", value.get("output"))
    if not isinstance(inputs, list) or not isinstance(outputs, list):
        return NO_TESTS
    called = str(name) if name else ""
    return _read_pairs(inputs[:MOST_CASES], outputs[:MOST_CASES], called or entry_point, is_call=bool(called))


def _read_pairs(
    inputs: Sequence[object], outputs: Sequence[object], entry_point: str, *, is_call: bool
) -> GivenTests:
    if is_call:
        made = (_call(given, wanted) for given, wanted in zip(inputs, outputs, strict=False))
        return GivenTests(
            calls=choose_examples(one for one in made if one is not None), entry_point=entry_point
        )
    runs = (_run(given, wanted) for given, wanted in zip(inputs, outputs, strict=False))
    found = {run.arguments: run for run in runs if run is not None}
    return GivenTests(runs=tuple(found.values()))


def _run(given: object, wanted: object) -> Case | None:
    """A run: lines of either side may stand as a list."""
    stdin, stdout = _lines(given), _lines(wanted)
    if stdin is None or stdout is None or max(len(stdin), len(stdout)) > MOST_CHARACTERS:
        return None
    return Case(arguments=(stdin,), expected=stdout)


def _lines(value: object) -> str | None:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "\n".join(value)
    return value if isinstance(value, str) else None


def _call(given: object, wanted: object) -> Example | None:
    """A call: its arguments as a list, or as a line of JSON each. A list of one as the result of another kind
    of harness stands for its item."""
    if isinstance(given, str):
        given = [json.loads(line) for line in given.split("\n") if line.strip()]
        wanted = json.loads(wanted) if isinstance(wanted, str) else wanted
    if not isinstance(given, list):
        return None
    try:
        arguments = tuple(encode(one) for one in given)
        return Example(arguments=arguments, expected=encode(wanted), source="test")  # type: ignore[arg-type]
    except TypeError:
        return None


def _read_code(text: str, entry_point: str) -> GivenTests:
    """The assertions of a Python text about one function: the one that is named, or the one that is called
    most."""
    stated = [call for call in read_calls(text, "python", "test_given.py") if not _is_bare(call.example)]
    counts: dict[str, int] = {}
    for call in stated:
        counts[call.name] = counts.get(call.name, 0) + 1
    name = entry_point or max(counts, key=counts.__getitem__, default="")
    return GivenTests(
        calls=choose_examples(call.example for call in stated if call.name == name), entry_point=name
    )


def _is_bare(example: Example) -> bool:
    return example.expected is None and not example.raises
