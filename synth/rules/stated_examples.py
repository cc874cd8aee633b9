"""What examples that a person wrote say about a seed: its signature, its first inputs, and what it must give.

The one rule: an example counts only where its arguments have the types of the signature; a result that the
seed does not reproduce rejects the seed, since one of the two is wrong.
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from synth.languages.registry import find_language
from synth.languages.spec import Adapted, Domain
from synth.records import Case, Example
from synth.rules.domains import in_domains
from synth.rules.result_type import infer_type
from synth.values import (
    Signature,
    Value,
    ValueSyntaxError,
    ValueType,
    decode,
    encode,
    has_any,
    matches,
    parse_type,
)

Row = tuple[str, ...]
ENOUGH: Final = 3
"""Calls that show how many arguments people give."""
RELATIVE: Final = 1e-6
"""Stated floats are often rounded."""


class StatedRow(NamedTuple):
    """An example as a row of arguments of one signature."""

    arguments: Row
    example: Example


class _UnfitError(Exception):
    """The value has another type."""


def fit_examples(
    examples: Sequence[Example], signature: Signature, domains: Sequence[Domain] = ()
) -> tuple[StatedRow, ...]:
    """The examples that the signature can take, each row once, as rows of its types and domains."""
    found: dict[Row, StatedRow] = {}
    for example in examples:
        row = fit_row(example.arguments, signature.parameters)
        if row is not None and in_domains(row, domains):
            found.setdefault(row, StatedRow(row, example))
    return tuple(found.values())


def fit_row(arguments: Row, kinds: tuple[ValueType, ...]) -> Row | None:
    """The wire texts as values of the types, where they can be; None if they cannot."""
    if len(arguments) != len(kinds):
        return None
    try:
        return tuple(encode(_fit(decode(wire), kind)) for wire, kind in zip(arguments, kinds, strict=True))
    except (_UnfitError, ValueSyntaxError, RecursionError, OverflowError):
        return None


def _fit(value: Value, kind: ValueType) -> Value:
    """The value as one of that type: whole numbers are floats, lists and tuples stand for each other."""
    inner = kind.inner
    if kind.kind == "float" and type(value) is int:
        return float(value)
    if kind.kind == "list" and isinstance(value, list | tuple):
        return [_fit(item, inner[0]) for item in value]
    if kind.kind == "tuple" and isinstance(value, list | tuple) and len(value) == len(inner):
        return tuple(map(_fit, value, inner))
    if kind.kind == "map" and isinstance(value, dict):
        return {_fit(key, inner[0]): _fit(item, inner[1]) for key, item in value.items()}
    if matches(value, kind):
        return value
    raise _UnfitError


def infer_parameters(examples: Sequence[Example], count: int) -> tuple[ValueType, ...] | None:
    """The types that the arguments of the examples have, if each position has one that languages share. An
    example that is to raise does not count."""
    rows = [
        example.arguments for example in examples if len(example.arguments) == count and not example.raises
    ]
    if not rows or not count:
        return None
    try:
        kinds = tuple(_infer([decode(row[at]) for row in rows]) for at in range(count))
    except ValueSyntaxError:
        return None
    return None if any(has_any(kind) or kind.kind == "null" for kind in kinds) else kinds


def _infer(values: Sequence[Value]) -> ValueType:
    """The type of all; where ints and floats are mixed, float."""
    kind = infer_type(values)
    return infer_type([_with_floats(value) for value in values]) if has_any(kind) else kind


def _with_floats(value: Value) -> Value:
    if type(value) is int:
        return float(value)
    if isinstance(value, list):
        return [_with_floats(item) for item in value]
    return tuple(map(_with_floats, value)) if isinstance(value, tuple) else value


def usual_way(way: Adapted, examples: Sequence[Example], language: str) -> Adapted:
    """The way with as many arguments as people give, where the language lets a call leave some out."""
    spoken = find_language(language)
    names = way.parameter_names
    if spoken is None or spoken.examples is None or not spoken.examples.optional or not names:
        return way
    counts = Counter(len(one.arguments) for one in examples if not one.raises)
    usual = max(range(1, len(names) + 1), key=lambda count: (counts[count], count))
    if usual == len(names) or counts[len(names)] >= ENOUGH or counts[usual] < ENOUGH:
        return way
    shorter = dict.fromkeys(Signature(one.parameters[:usual], one.result) for one in way.signatures)
    return way._replace(parameter_names=names[:usual], signatures=tuple(shorter), domains=way.domains[:usual])


def order_signatures(signatures: Sequence[Signature], examples: Sequence[Example]) -> tuple[Signature, ...]:
    """The candidates, those first that take the most examples; if they are guesses and none takes all of the
    examples, the types of the arguments themselves come before them. A stated signature stays alone."""
    useful = [example for example in examples if not example.raises]
    if not useful or len(signatures) < 2:
        return tuple(signatures)
    ranked = sorted(signatures, key=lambda one: -len(fit_examples(useful, one)))
    count = len(ranked[0].parameters)
    fitting = [example for example in useful if len(example.arguments) == count]
    inferred = infer_parameters(fitting, count)
    best = len(fit_examples(fitting, ranked[0]))
    if inferred is not None and inferred not in [one.parameters for one in ranked]:
        signature = Signature(inferred, parse_type("any"))
        if len(fit_examples(fitting, signature)) > best:
            return (signature, *ranked)
    return tuple(ranked)


def is_contradicted(output: str | None, example: Example) -> bool:
    """Whether a seed that gave this output (None: it raised) does not do what the example states."""
    if example.raises:
        return output is not None
    if example.expected is None:
        return False
    if output is None:
        return True
    try:
        return not _means_the_same(decode(output), decode(example.expected))
    except ValueSyntaxError:
        return False  # a long output, of which only a hash was kept


def _means_the_same(found: Value, stated: Value) -> bool:
    """Whether two values of two languages are one: a list is a tuple, a whole float an int."""
    if isinstance(found, list | tuple) and isinstance(stated, list | tuple):
        return len(found) == len(stated) and all(map(_means_the_same, found, stated))
    if isinstance(found, dict) and isinstance(stated, dict):
        texts = {str(key): value for key, value in stated.items()}
        return len(found) == len(stated) and all(
            str(key) in texts and _means_the_same(value, texts[str(key)]) for key, value in found.items()
        )
    if isinstance(found, int | float) and isinstance(stated, int | float):
        return _is_close(found, stated)
    return type(found) is type(stated) and found == stated


def _is_close(found: float, stated: float) -> bool:
    if isinstance(found, int) and isinstance(stated, int):
        return found == stated
    try:
        return (
            found == stated
            or math.isclose(found, stated, rel_tol=RELATIVE, abs_tol=1e-9)
            or found != found != stated
        )
    except OverflowError:
        return False


def stated_cases(examples: Sequence[Example], signature: Signature) -> tuple[Case, ...]:
    """The tests that the examples alone make: calls with a stated result that has the signature's type."""
    cases: list[Case] = []
    for row in fit_examples(examples, signature):
        expected = row.example.expected
        result = fit_row((expected,), (signature.result,)) if expected is not None else None
        if result is not None:
            cases.append(Case(arguments=row.arguments, expected=result[0]))
    return tuple(cases)
