"""Script suites on each sandbox that runs programs: usual tests count; what tests nothing is vacuous."""

from typing import Any

import pytest

from synth.execution.protocol import Sandbox
from synth.languages.registry import get_language
from synth.records import Limits, Outcome
from synth.verify.answers import VerifyResult, make_answer
from synth.verify.negative_controls import SuiteControls
from synth.verify.rows import prepare, read_row
from tests.builders import Run
from tests.contract.test_sandboxes import cached_sandbox, e2b_sandbox
from tests.languages.toolchains import need

__all__ = ["cached_sandbox", "e2b_sandbox"]


@pytest.fixture(params=["local", "cached", "e2b"])
def running_sandbox(request: pytest.FixtureRequest) -> Sandbox:
    sandbox: Sandbox = request.getfixturevalue(f"{request.param}_sandbox")
    return sandbox


async def judged(language: str, code: str, script: str, sandbox: Sandbox) -> VerifyResult:
    row = {"id": "x", "language": language, "code": code, "tests": {"kind": "script", "script": script}}
    prepared, controls = (
        prepare(read_row(row, "row"), "row", Limits(cpu_s=20, wall_s=200)),
        SuiteControls(sandbox),
    )
    await sandbox.start()
    controls.expect(prepared)
    (observation,) = await sandbox.execute([prepared.request])
    return await controls.judge(prepared, make_answer(prepared, observation))


@pytest.mark.parametrize("language", ["bash", "go", "javascript", "php", "python", "rust", "tcl"])
def test_usual_tests_of_a_script_count_in_every_sandbox(
    language: str, running_sandbox: Sandbox, run: Run[Any]
) -> None:
    need(language)
    programs = get_language(language).samples.script
    assert programs is not None
    for code, script in list(programs.forms.values())[:1]:
        right = run(judged(language, code, script, running_sandbox))
        if right.verdict is Outcome.TOOLCHAIN_MISSING:
            pytest.skip(f"a remote machine looks for tools elsewhere: {right.reason}")
        assert (right.verdict, right.accepts) == (Outcome.PASS, ()), right.reason
        wrong = run(judged(language, code.replace(" + ", " * "), script, running_sandbox))
        assert wrong.verdict in (Outcome.RUNTIME_ERROR, Outcome.WRONG_ANSWER)


@pytest.mark.parametrize(
    ("language", "code", "script"),
    [
        ("python", "def twice(x):\n    return x + x\n", "print(twice(3) == 6)\n"),
        ("bash", "twice() { echo $(($1 + $1)); }", "twice 3 > /dev/null || true\n"),
        ("javascript", "const twice = (x) => x + x;", "console.log(twice(3) === 6);\n"),
        (
            "go",
            "package main\n\nfunc twice(x int) int { return x + x }\n",
            "func main() { println(twice(3)) }\n",
        ),
    ],
)
def test_a_suite_that_tests_nothing_is_vacuous_in_every_sandbox(
    language: str, code: str, script: str, running_sandbox: Sandbox, run: Run[Any]
) -> None:
    need(language)
    answer = run(judged(language, code, script, running_sandbox))
    assert answer.verdict is Outcome.VACUOUS, answer
    assert "a stub that returns wrong values" in answer.accepts


@pytest.mark.parametrize(
    ("language", "code", "module"),
    [
        (
            "go",
            'package main\n\nimport _ "github.com/stretchr/testify/assert"\n',
            "github.com/stretchr/testify",
        ),
        ("java", "import org.javatuples.*;\nclass Problem {}", "org.javatuples"),
        ("javascript", "const own = require('own-lost');", "own-lost"),
        ("lua", "local own = require('own_lost')\n", "own_lost"),
        ("python", "import own_lost\n", "own_lost"),
        ("rust", "extern crate own_lost;\n", "own_lost"),
    ],
)
def test_a_package_that_is_not_there_is_named_with_what_helps_in_every_sandbox(
    language: str,
    code: str,
    module: str,
    running_sandbox: Sandbox,
    run: Run[Any],
    request: pytest.FixtureRequest,
) -> None:
    need(language)
    answer = run(judged(language, "", code, running_sandbox))
    assert answer.verdict is Outcome.TOOLCHAIN_MISSING
    is_remote = request.node.callspec.params["running_sandbox"] == "e2b"
    if is_remote and "has no module" not in answer.reason:
        pytest.skip(f"a remote machine looks for tools elsewhere: {answer.reason}")
    assert f"{language} has no module {module}" in answer.reason
    helps = (
        ("into the sandbox's template", "for local sandboxes only")
        if is_remote
        else ("codemill packages build",)
    )
    assert any(words in answer.reason for words in helps)
