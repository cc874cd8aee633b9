"""What is said of a request before it waits: with whom it may run, and whether a compiler comes first."""

import pytest

from synth.execution.local.batching import batch_key, needs_build
from synth.records import ExecutionRequest, FunctionCall, Limits, ScriptCall, StdioCall


def function(language: str, entry_point: str = "f") -> ExecutionRequest:
    call = FunctionCall(entry_point=entry_point, signature="(int) -> int", arguments=(("i1",),))
    return ExecutionRequest(
        id="r", language=language, code="int f(int x) { return x; }", call=call, limits=Limits()
    )


def program(language: str) -> ExecutionRequest:
    return ExecutionRequest(
        id="r", language=language, code="x", call=StdioCall(stdins=("",)), limits=Limits()
    )


def test_what_starts_warm_is_of_the_kind_of_its_language() -> None:
    assert (
        batch_key(function("python"))
        == batch_key(function("py", "g"))
        == batch_key(program("python"))
        is not None
    )
    assert batch_key(function("python")) != batch_key(function("ruby"))


def test_what_shares_a_build_is_of_the_kind_of_its_contract() -> None:
    assert batch_key(function("cpp")) == batch_key(function("c++")) is not None
    assert batch_key(function("cpp")) != batch_key(function("cpp", "g"))


def test_what_runs_alone_is_of_no_kind() -> None:
    assert [batch_key(one) for one in (function("lua"), program("cpp"), program("klingon"))] == [None] * 3


@pytest.mark.parametrize(
    ("language", "built"),
    [
        ("python", False),
        ("lua", False),
        ("cpp", True),
        ("java", True),
        ("typescript", True),
        ("klingon", False),
    ],
)
def test_what_a_compiler_reads_needs_a_build(language: str, built: bool) -> None:
    assert needs_build(function(language)) is needs_build(program(language)) is built


@pytest.mark.parametrize(
    ("language", "built"), [("erlang", True), ("python", False), ("lua", False), ("java", True), ("go", True)]
)
def test_a_script_may_need_one_where_a_program_does_not(language: str, built: bool) -> None:
    asked = ExecutionRequest(
        id="r", language=language, code="x", call=ScriptCall(script="y"), limits=Limits()
    )
    assert needs_build(asked) is built
