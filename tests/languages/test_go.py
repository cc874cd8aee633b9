"""Go programs are built by the compiler and the linker alone, and still are what the go command would make of
them."""

from collections.abc import Sequence
from typing import Any

from synth.execution.local.sandbox import LocalSandbox
from synth.records import ExecutionRequest, FunctionCall, Observation, Phase, StdioCall
from tests.builders import Run
from tests.languages.toolchains import need

CALL = FunctionCall(entry_point="solve", signature="(int) -> str", arguments=(("i1",),))


def observe(sandbox: LocalSandbox, run: Run[Any], codes: Sequence[str]) -> list[Observation]:
    requests = [
        ExecutionRequest(id=str(index), language="go", code=code, call=CALL)
        for index, code in enumerate(codes)
    ]
    seen: list[Observation] = run(sandbox.execute(requests))
    return seen


def outputs(observation: Observation) -> list[str]:
    """The texts that it returned."""
    return [bytes.fromhex((case.output or "s")[1:]).decode() for case in observation.cases]


def test_types_are_printed_as_those_of_a_program(local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    need("go")
    code = 'import "fmt"\ntype T struct{}\nfunc solve(x int) string { return fmt.Sprintf("%T", T{}) }'
    (seen,) = observe(local_sandbox, run, [code])
    assert outputs(seen) == ["main.T"], seen


def test_standard_packages_are_there_and_internal_ones_and_c_are_not(
    local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    need("go")
    there = [
        "net/http",
        "os/user",
        "text/template",
        "crypto/tls",
        "encoding/json",
        "go/types",
        "image/png",
        "plugin",
        "testing",
        "sort",
    ]
    imports = [*there, "C", "internal/abi", "codemill", "golang.org/x/net/html"]
    codes = [f'package main\nimport _ "{name}"\nfunc main() {{ print(1) }}\n' for name in imports]
    call = StdioCall(stdins=("",))
    requests = [
        ExecutionRequest(id=str(index), language="go", code=code, call=call)
        for index, code in enumerate(codes)
    ]
    seen = run(local_sandbox.execute(requests))
    assert [
        name for name, one in zip(imports, seen, strict=True) if one.phase is Phase.RUN and one.exit_code == 0
    ] == there
