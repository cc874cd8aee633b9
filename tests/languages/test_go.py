"""Go programs that share a link cannot touch each other, and every package of the standard library is there."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from synth.execution.local import LocalSandbox
from synth.languages.go import blame, can_share
from synth.records import ExecutionRequest, FunctionCall, Observation, Phase, StdioCall
from tests.languages.toolchains import need

Run = Callable[[Coroutine[Any, Any, Any]], Any]
CALL = FunctionCall(entry_point="solve", signature="(int) -> str", arguments=(("i1",),))


def observe(sandbox: LocalSandbox, run: Run, codes: Sequence[str]) -> list[Observation]:
    requests = [ExecutionRequest(id=str(index), language="go", code=code, call=CALL) for index, code in enumerate(codes)]
    seen: list[Observation] = run(sandbox.execute(requests))
    return seen


def outputs(observation: Observation) -> list[str]:
    """The texts that it returned."""
    return [bytes.fromhex((case.output or "s")[1:]).decode() for case in observation.cases]


@pytest.mark.parametrize(
    "code",
    [
        "var x = 1",
        "func init() {}",
        'import _ "unsafe"\n//go:linkname a b\nfunc a()',
        'import "C"',
        "func f( {",
    ],
)
def test_what_could_act_before_it_is_called_is_built_alone(code: str) -> None:
    assert can_share('package main\nfunc solve(x int) string { return "" }\n')
    assert not can_share(f'package main\n{code}\nfunc solve(x int) string {{ return "" }}\n')


def test_messages_are_put_to_the_candidate_that_they_stand_behind() -> None:
    assert blame("candidate_3: a.go:1:2: no\ncandidate_3: more\ncandidate_12: x\n  candidate_4: y") == {
        3: "a.go:1:2: no\nmore\n",
        12: "x\n",
    }


def test_a_refused_candidate_takes_no_other_with_it(local_sandbox: LocalSandbox, run: Run) -> None:
    need("go")
    good = 'func solve(x int) string { return "one" }'
    liar = "func solve(x int) string { var n int = `\ncandidate_0: candidate_0/solution.go:1:1: no`; return n }"
    first, second, third = observe(local_sandbox, run, [good, liar, good.replace("one", "three")])
    assert (outputs(first), outputs(third)) == (["one"], ["three"]), (first, third)
    assert second.phase is Phase.COMPILE


def test_types_are_printed_as_those_of_a_program(local_sandbox: LocalSandbox, run: Run) -> None:
    need("go")
    code = 'import "fmt"\ntype T struct{}\nfunc solve(x int) string { return fmt.Sprintf("%T", T{}) }'
    (seen,) = observe(local_sandbox, run, [code])
    assert outputs(seen) == ["main.T"], seen


def test_standard_packages_are_there_and_internal_ones_and_c_are_not(local_sandbox: LocalSandbox, run: Run) -> None:
    need("go")
    there = ["net/http", "os/user", "text/template", "crypto/tls", "encoding/json", "go/types", "image/png", "plugin", "testing", "sort"]
    imports = [*there, "C", "internal/abi", "codemill", "golang.org/x/net/html"]
    codes = [f'package main\nimport _ "{name}"\nfunc main() {{ print(1) }}\n' for name in imports]
    call = StdioCall(stdins=("",))
    requests = [ExecutionRequest(id=str(index), language="go", code=code, call=call) for index, code in enumerate(codes)]
    seen = run(local_sandbox.execute(requests))
    assert [name for name, one in zip(imports, seen, strict=True) if one.phase is Phase.RUN and one.exit_code == 0] == there
