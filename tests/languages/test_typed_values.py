"""Values go into a program and come out again unchanged, in every language that has a driver for typed
calls."""

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synth.execution.local.sandbox import LocalSandbox
from synth.languages.registry import all_languages, get_language
from synth.languages.spec import UnsupportedType, check_optional, render_signature
from synth.records import ExecutionRequest, FunctionCall, Limits, Observation
from synth.rules.canonical import canonical_output
from synth.values import Value, ValueType, encode, parse_signature
from tests.builders import Run
from tests.languages.toolchains import need

DRIVEN = [language.name for language in all_languages() if language.driver is not None]
KINDS = {
    "int": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(allow_subnormal=True),
    "str": st.text(max_size=12),
    "bool": st.booleans(),
}
SHAPES = (
    "int",
    "float",
    "str",
    "bool",
    "list[int]",
    "list[float]",
    "list[list[str]]",
    "map[str, int]",
    "map[int, list[str]]",
    "tuple[int, str, bool]",
    "list[tuple[float, str]]",
    "map[str, map[str, tuple[int, int]]]",
    "optional[int]",
    "list[optional[str]]",
    "optional[list[tuple[int, str]]]",
)


def program(language: str, parameters: str, result: str) -> str:
    """A function that returns its one argument, written as a person would."""
    spoken = get_language(language)
    signature = parse_signature(f"({parameters}) -> {result}")
    line = render_signature(spoken, "solve", ("x",), signature)
    return line + spoken.samples.identity_of.get(signature.result.kind, spoken.samples.identity)


def can_express(language: str, shape: str) -> bool:
    """Whether the language has a type for the shape, as its own module says."""
    spoken = get_language(language)
    assert spoken.driver is not None
    try:
        signature = parse_signature(f"({shape}) -> {shape}")
        check_optional(spoken, signature)
        spoken.driver.files("", "solve", signature)
    except UnsupportedType:
        return False
    return True


def can_hold(language: str, value: Value) -> bool:
    """Whether the language can hold the value, as its own module says."""
    driver = get_language(language).driver
    assert driver is not None
    if isinstance(value, list | tuple):
        return all(can_hold(language, item) for item in value)
    if isinstance(value, dict):
        return all(can_hold(language, item) for pair in value.items() for item in pair)
    if isinstance(value, str):
        without = {
            "lone surrogates": any("\ud800" <= one <= "\udfff" for one in value),
            "NUL in text": "\0" in value,
        }
        return not any(holds and lack in driver.unsupported_values for lack, holds in without.items())
    if isinstance(value, float) and "infinity and NaN" in driver.unsupported_values:
        return math.isfinite(value)
    return not (
        type(value) is int
        and "64-bit integers" in driver.unsupported_values
        and not -(2**61) <= value < 2**61
    )


def expressible(language: str, rows: dict[str, list[Value]]) -> dict[str, list[Value]]:
    """Without the shapes and the values that the language does not have. Of a slow language, every second
    shape."""
    driver = get_language(language).driver
    assert driver is not None
    shapes = [shape for shape in rows if can_express(language, shape)][:: 2 if driver.slow else 1]
    return {shape: [value for value in rows[shape] if can_hold(language, value)] for shape in shapes}


def identity(language: str, shape: str, values: list[Value]) -> ExecutionRequest:
    call = FunctionCall(
        entry_point="solve",
        signature=f"({shape}) -> {shape}",
        arguments=tuple((encode(value),) for value in values),
    )
    limits = Limits(cpu_s=10, wall_s=60)
    return ExecutionRequest(
        id=shape, language=language, code=program(language, shape, shape), call=call, limits=limits
    )


def assert_unchanged(values: list[Value], observation: Observation) -> None:
    assert observation.infrastructure is None, observation.infrastructure
    assert observation.finished, observation.stderr
    for value, case in zip(values, observation.cases, strict=True):
        assert case.output is not None, (value, case)
        assert canonical_output(case.output) == canonical_output(encode(value)), (value, case.output)


def strategy(kind: ValueType) -> st.SearchStrategy[Any]:
    inner = [strategy(one) for one in kind.inner]
    if kind.kind == "list":
        return st.lists(inner[0], max_size=4)
    if kind.kind == "map":
        return st.dictionaries(inner[0], inner[1], max_size=4)
    if kind.kind == "tuple":
        return st.tuples(*inner)
    if kind.kind == "optional":
        return st.none() | inner[0]
    return KINDS[kind.kind]


@st.composite
def rows(draw: st.DrawFn) -> dict[str, list[Value]]:
    return {
        shape: draw(st.lists(strategy(parse_signature(f"() -> {shape}").result), min_size=5, max_size=20))
        for shape in SHAPES
    }


@pytest.mark.parametrize("language", DRIVEN)
def test_any_value_comes_back_unchanged(language: str, local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    need(language)
    driver = get_language(language).driver
    assert driver is not None

    @settings(
        max_examples=1 if driver.compile_command else 3,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(rows())
    def check(drawn: dict[str, list[Value]]) -> None:
        chosen = expressible(language, drawn)
        observations = run(
            local_sandbox.execute([identity(language, shape, values) for shape, values in chosen.items()])
        )
        for values, observation in zip(chosen.values(), observations, strict=True):
            assert_unchanged(values, observation)

    check()


EDGES: dict[str, list[Value]] = {
    "int": [0, -1, 2**31, -(2**31) - 1, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)],
    "float": [
        0.0,
        -0.0,
        float("inf"),
        float("-inf"),
        float("nan"),
        5e-324,
        1.7976931348623157e308,
        0.1,
        1e22,
        1e21,
        123456789.0,
        3.0,
    ],
    "str": ["", " ", "a\tb\nc\0d", "é", "中文", "𝄞", "\ud800", "a\udfffb", "\ufeff", "x" * 5000],
    "bool": [True, False],
    "list[int]": [[], [0], list(range(1000))],
    "list[list[list[int]]]": [[], [[]], [[[]], [[1], []]]],
    "map[str, int]": [{}, {"": 0, "__proto__": 1, "constructor": 2, "10": 3, "9": 4}],
    "map[int, str]": [{}, {-1: "a", 0: "b", 2**53 + 1: "c"}],
    "tuple[int, float]": [(1, 1.0), (-1, -0.0)],
    "optional[float]": [None, 0.0, 2.0],
    "map[str, optional[list[int]]]": [{}, {"a": None, "b": [], "c": [1]}],
    "map[str, list[tuple[str, bool]]]": [{}, {"k": [("𝄞", True), ("", False)]}],
}


@pytest.mark.parametrize("language", DRIVEN)
def test_edges_come_back_unchanged(language: str, local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    need(language)
    chosen = expressible(language, EDGES)
    observations = run(
        local_sandbox.execute([identity(language, shape, values) for shape, values in chosen.items()])
    )
    for values, observation in zip(chosen.values(), observations, strict=True):
        assert_unchanged(values, observation)


@pytest.mark.parametrize(
    "language", [name for name in DRIVEN if (driver := get_language(name).driver) and driver.big_integers]
)
def test_integers_beyond_64_bits_come_back_unchanged(
    language: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    need(language)
    values: list[Value] = [2**64, -(2**64) - 1, 10**40]
    assert_unchanged(values, run(local_sandbox.execute([identity(language, "int", values)]))[0])


def test_python_tells_the_true_type_whatever_the_signature_says(
    local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    values: list[Value] = [1, 1.0, True, None, 10**400, [1, (2,), {"a": None}], {1: 1.0, (1, 2): "t"}]
    call = FunctionCall(
        entry_point="solve", signature="(any) -> int", arguments=tuple((encode(value),) for value in values)
    )
    request = ExecutionRequest(id="r", language="python", code="def solve(x):\n    return x\n", call=call)
    assert_unchanged(values, run(local_sandbox.execute([request]))[0])


@pytest.mark.parametrize("language", [name for name in DRIVEN if get_language(name).samples.mutator])
def test_a_program_may_change_its_arguments_and_the_next_call_sees_fresh_ones(
    language: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    need(language)
    row = (encode([1]), encode(2))
    call = FunctionCall(entry_point="solve", signature="(list[int], int) -> list[int]", arguments=(row, row))
    code = get_language(language).samples.mutator
    observation = run(
        local_sandbox.execute([ExecutionRequest(id="r", language=language, code=code, call=call)])
    )[0]
    assert_unchanged([[1, 2], [1, 2]], observation)


@pytest.mark.parametrize(
    ("language", "code"), [(name, code) for name in DRIVEN for code in get_language(name).samples.styles]
)
def test_usual_ways_to_write_an_answer_are_accepted(
    language: str, code: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    need(language)
    call = FunctionCall(
        entry_point="solve", signature="(list[int]) -> int", arguments=((encode([1, 2, 3]),), (encode([]),))
    )
    observation = run(
        local_sandbox.execute([ExecutionRequest(id="r", language=language, code=code, call=call)])
    )[0]
    assert_unchanged([6, 0], observation)
