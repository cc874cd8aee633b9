"""Builds that are bounded, and programs that cannot make one look like a fault of the sandbox."""

import resource
from collections.abc import Iterator
from typing import Any

import pytest

from synth.execution.local.sandbox import LocalSandbox
from synth.execution.programs.compile_protocol import LARGEST_BLOCK, MOST_ENTRIES, why_unfit
from synth.records import Call, ExecutionRequest, FunctionCall, Observation, Phase, StdioCall
from tests.builders import Run
from tests.execution.started_sandbox import started_sandbox
from tests.languages.toolchains import need

TYPED = FunctionCall(entry_point="solve", signature="(int) -> int", arguments=(("i1",),))
WHOLE = StdioCall(stdins=("",))
LONG = "A" * 260
MANY = "".join(f"class A{number} {{}} " for number in range(4200))
SOLVE = "static long solve(long x) { return x; }"


@pytest.fixture(scope="module")
def opened(run: Run[Any]) -> Iterator[LocalSandbox]:
    with started_sandbox(run, LocalSandbox(workers=1, minimum_level="C")) as sandbox:
        yield sandbox


def observe(
    run: Run[Any], sandbox: LocalSandbox, language: str, codes: list[str], call: Call
) -> list[Observation]:
    need(language)
    requests = [
        ExecutionRequest(id=str(index), language=language, code=code, call=call)
        for index, code in enumerate(codes)
    ]
    found: list[Observation] = run(sandbox.execute(requests))
    return found


@pytest.mark.parametrize(
    ("language", "code", "call"),
    [
        pytest.param("java", f"class {LONG} {{}} class Solution {{ {SOLVE} }}", TYPED, id="a long class"),
        pytest.param("java", f"public class {LONG} {{ {SOLVE} }}", TYPED, id="a long public class"),
        pytest.param("java", f"{MANY} class Solution {{ {SOLVE} }}", TYPED, id="4,200 classes"),
        pytest.param("rust", '#![crate_type = "lib"]\npub fn main() {}', WHOLE, id="a library"),
        pytest.param("c", "#error No space left on device\n", WHOLE, id="words of a full disk"),
    ],
)
def test_a_program_cannot_choose_infrastructure(
    language: str, code: str, call: Call, opened: LocalSandbox, run: Run[Any]
) -> None:
    [found] = observe(run, opened, language, [code], call)
    assert (found.infrastructure, found.phase) == (None, Phase.COMPILE)


@pytest.mark.parametrize(
    "name",
    ["a" * 256, "ä" * 128, "a\0b", "../a", "/a", "a//b", "./a", "", "a/" * 1000 + "a", "\udc80\ud800"],
)
def test_a_name_that_no_file_can_have_is_the_fault_of_the_program(name: str) -> None:
    assert why_unfit({name: b""}) is not None
    assert why_unfit({"a" * 255: b"", "b/c/d.class": b""}) is None


def test_files_are_bounded_in_number_size_and_shape() -> None:
    assert why_unfit({f"f{number}": b"" for number in range(MOST_ENTRIES + 1)}) is not None
    assert why_unfit({f"a{number}/f": b"" for number in range(MOST_ENTRIES // 2 + 1)}) is not None
    assert why_unfit({"a": bytes(LARGEST_BLOCK + 1)}) is not None
    assert why_unfit({"a": b"", "a/b": b""}) is not None


def test_large_objects_in_each_candidate_do_not_grow_the_supervisor(
    opened: LocalSandbox, run: Run[Any]
) -> None:
    """Shared below the limit, where one part at a time is made; built alone above it."""
    observe(run, opened, "cpp", ["long long solve(long long x) { return x; }"], TYPED)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for count in (3, 10):
        codes = [
            "long long solve(long long x) { static char big[8 << 20] = {1}; big[x] = 1; "
            f"return big[x] + {index}; }}"
            for index in range(count)
        ]
        found = observe(run, opened, "cpp", codes, TYPED)
        assert [one.cases[0].output for one in found] == [f"i{index + 1}" for index in range(count)]
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown_mb < 128, grown_mb
