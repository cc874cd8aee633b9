"""The resident TypeScript compiler says of each program what tsc says of it alone."""

import pytest

from synth.records import Phase
from tests.languages.conftest import Observe, OneProgram


@pytest.fixture
def observe(one_program: OneProgram) -> Observe:
    return one_program("typescript")


def test_what_one_program_declares_is_unknown_to_the_next(observe: Observe) -> None:
    declared = "declare global { interface Array<T> { sum(): number } var shared: number }\n"
    declared += (
        "declare module 'fs' { export const extra: number }\nArray.prototype.sum = () => 1;\n"
        "console.log([2].sum());\nexport {};\n"
    )
    assert observe(declared).exit_code == 0
    for code in (
        "console.log([2].sum());",
        "console.log(shared);",
        "import { extra } from 'fs'; console.log(extra);",
    ):
        assert observe(code).phase is Phase.COMPILE, code
    assert (
        observe("import { readFileSync } from 'fs'; console.log([2].at(0), typeof readFileSync);").exit_code
        == 0
    )


def test_the_messages_are_those_of_tsc(observe: Observe) -> None:
    refused = observe("const a: number = 1;\nlet b: number = 'two';\nmissing();\n")
    assert refused.stderr.head.splitlines() == [
        "main.ts(2,5): error TS2322: Type 'string' is not assignable to type 'number'.",
        "main.ts(3,1): error TS2304: Cannot find name 'missing'.",
    ]


def test_a_program_need_not_be_strict_as_with_a_bare_tsc(observe: Observe) -> None:
    loose = "function twice(x) { return 2 * x }\nlet name: string = null;\nconsole.log(twice(4), name);\n"
    assert observe(loose).stdout.head == "8 null\n"
    assert observe("console.log([3, 1].toSorted(), [1].findLast(x => x > 0));").exit_code == 0


@pytest.mark.parametrize(
    "name",
    [
        "process.argv.length",
        "Buffer.from('a').length",
        "require('fs').existsSync('/')",
        "setTimeout(() => 0, 1)",
    ],
)
def test_the_names_of_node_are_known(name: str, observe: Observe) -> None:
    assert observe(f"console.log({name});").exit_code == 0
    assert observe(f"const wrong: RegExp = {name};").phase is Phase.COMPILE or "require" in name


def test_a_program_that_breaks_the_compiler_is_refused_and_the_next_one_is_not(observe: Observe) -> None:
    assert observe(f"let x = {'[' * 50_000}{']' * 50_000};").phase is not Phase.RUN
    assert observe("console.log(1);").exit_code == 0


def test_no_program_can_import_another_one(observe: Observe) -> None:
    assert observe("export const secret = 1;").exit_code == 0
    assert observe("import { secret } from './solution'; console.log(secret);").phase is Phase.COMPILE
    assert observe("import { secret } from './main'; console.log(secret);").phase is Phase.COMPILE  # itself
