"""The resident TypeScript compiler says of each program what tsc says of it alone."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from synth.execution.local import LocalSandbox
from synth.records import ExecutionRequest, Observation, Phase, StdioCall
from tests.languages.toolchains import need

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def observe(local_sandbox: LocalSandbox, run: Run) -> Callable[[str], Observation]:
    """One program after the other, and so by one compiler."""
    need("typescript")

    def one(code: str) -> Observation:
        request = ExecutionRequest(id="r", language="typescript", code=code, call=StdioCall(stdins=("",)))
        seen: Observation = run(local_sandbox.execute([request]))[0]
        return seen

    return one


def test_what_one_program_declares_is_unknown_to_the_next(observe: Callable[[str], Observation]) -> None:
    declared = "declare global { interface Array<T> { sum(): number } var shared: number }\n"
    declared += "declare module 'fs' { export const extra: number }\nArray.prototype.sum = () => 1;\nconsole.log([2].sum());\nexport {};\n"
    assert observe(declared).exit_code == 0
    for code in ("console.log([2].sum());", "console.log(shared);", "import { extra } from 'fs'; console.log(extra);"):
        assert observe(code).phase is Phase.COMPILE, code
    assert observe("import { readFileSync } from 'fs'; console.log([2].at(0), typeof readFileSync);").exit_code == 0


def test_the_messages_are_those_of_tsc(observe: Callable[[str], Observation]) -> None:
    refused = observe("const a: number = 1;\nlet b: number = 'two';\nmissing();\n")
    assert refused.stderr.head.splitlines() == [
        "main.ts(2,5): error TS2322: Type 'string' is not assignable to type 'number'.",
        "main.ts(3,1): error TS2304: Cannot find name 'missing'.",
    ]


@pytest.mark.parametrize(
    "name", ["process.argv.length", "Buffer.from('a').length", "require('fs').existsSync('/')", "setTimeout(() => 0, 1)"]
)
def test_the_names_of_node_are_known(name: str, observe: Callable[[str], Observation]) -> None:
    assert observe(f"console.log({name});").exit_code == 0
    assert observe(f"const wrong: RegExp = {name};").phase is Phase.COMPILE or "require" in name


def test_a_program_that_breaks_the_compiler_is_refused_and_the_next_one_is_not(observe: Callable[[str], Observation]) -> None:
    assert observe(f"let x = {'[' * 50_000}{']' * 50_000};").phase is not Phase.RUN
    assert observe("console.log(1);").exit_code == 0


def test_no_program_can_import_another_one(observe: Callable[[str], Observation]) -> None:
    assert observe("export const secret = 1;").exit_code == 0
    assert observe("import { secret } from './solution'; console.log(secret);").phase is Phase.COMPILE
    assert observe("import { secret } from './main'; console.log(secret);").phase is Phase.COMPILE  # itself
