"""Which requests go to a thread together."""

import pytest

from synth.execution.grouping import needs_build, split
from synth.records import ExecutionRequest, FunctionCall, Limits, StdioCall


def request(name: str, language: str, entry_point: str = "f") -> ExecutionRequest:
    call = FunctionCall(entry_point=entry_point, signature="(int) -> int", arguments=(("i1",),))
    return ExecutionRequest(id=name, language=language, code="int f(int x) { return x; }", call=call, limits=Limits())


def sizes(language: str, count: int, workers: int, waiting: int = 0) -> list[int]:
    requests = {str(number): request(str(number), language) for number in range(count)}
    return [len(group) for group in split(requests, workers, waiting)]


@pytest.mark.parametrize(
    ("count", "waiting", "largest"), [(8, 0, 1), (16, 0, 2), (200, 0, 8), (8, 24, 4), (8, 56, 8), (8, 1000, 8), (1, 500, 1)]
)
def test_programs_that_start_warm_go_together_where_enough_wait(count: int, waiting: int, largest: int) -> None:
    assert max(sizes("python", count, 2, waiting)) == largest
    assert sum(sizes("python", count, 2, waiting)) == count


def test_every_core_gets_a_part_of_what_shares_a_build() -> None:
    assert sizes("cpp", 10, 2) == [5, 5]
    assert sizes("cpp", 100, 2) == [24, 24, 24, 24, 4]
    assert sizes("cpp", 3, 8) == [1, 1, 1]


def test_other_languages_and_unknown_ones_go_alone() -> None:
    assert sizes("lua", 3, 1) == [1, 1, 1]
    assert sizes("klingon", 2, 1) == [1, 1]


def test_only_what_has_one_contract_shares_a_build() -> None:
    stdin = ExecutionRequest(id="c", language="cpp", code="int f(int x) { return x; }", call=StdioCall(stdins=("",)), limits=Limits())
    requests = {"a": request("a", "cpp"), "b": request("b", "cpp", "g"), "c": stdin, "d": request("d", "c++")}
    assert [sorted(group) for group in split(requests, 1)] == [["a", "d"], ["b"], ["c"]]


@pytest.mark.parametrize(
    ("language", "built"), [("python", False), ("lua", False), ("cpp", True), ("java", True), ("typescript", True), ("klingon", False)]
)
def test_what_a_compiler_reads_needs_a_build(language: str, built: bool) -> None:
    assert needs_build(request("r", language)) is built
    stdin = ExecutionRequest(id="c", language=language, code="x", call=StdioCall(stdins=("",)), limits=Limits())
    assert needs_build(stdin) is built
