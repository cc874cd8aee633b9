"""A toolchain that goes away, comes or changes while programs run: what was seen then is never a label."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from synth.execution.local.sandbox import LocalSandbox
from synth.languages.registry import get_language
from synth.languages.toolchain import find_tool, find_toolchain
from synth.records import Outcome
from synth.verify.answers import VerifyResult
from synth.verify.verify import verify

INTERPRETER = """#!/bin/sh
if [ "$1" = --version ]; then echo "stand-in 1"; exit; fi
for last; do :; done
. "${0%/*}/../lib/started.sh"
. "$PWD/$last"
"""
COMPILER = """#!/bin/sh
if [ "$1" = --version ]; then echo "stand-in 1"; exit; fi
. "${0%/*}/../lib/started.sh"
{ echo '#!/bin/sh'; cat main.swift; } > program && chmod +x program
"""
STAND_INS = {"dart": INTERPRETER, "julia": INTERPRETER, "powershell": INTERPRETER, "swift": COMPILER}


def install(folder: Path, tool: str, text: str) -> None:
    """A toolchain in a folder of its own: a tool, and a library that it cannot start without."""
    for name, content in ((f"bin/{tool}", text), ("lib/started.sh", "started=1\n")):
        path = folder / name
        path.parent.mkdir(parents=True)
        path.write_text(content)
        path.chmod(0o755)


@pytest.fixture(params=[INTERPRETER, COMPILER], ids=["interpreter", "compiler"])
def language(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A language that this machine lacks, its toolchain played by a shell script first on the PATH."""
    missing = [
        name
        for name, text in STAND_INS.items()
        if text is request.param and find_tool(get_language(name).tools[0]) is None
    ]
    if not missing:
        pytest.skip("the toolchains of all these languages are here")
    tmp_path.chmod(0o755)
    install(tmp_path / "toolchain", get_language(missing[0]).tools[0], request.param)
    monkeypatch.setenv("PATH", f"{tmp_path / 'toolchain' / 'bin'}:/usr/bin:/bin")
    find_toolchain.cache_clear()
    yield missing[0]
    monkeypatch.undo()
    find_toolchain.cache_clear()


def rows(language: str, count: int) -> list[dict[str, object]]:
    tests = {"kind": "stdio", "cases": [{"stdin": "", "stdout": "hello"}]}
    return [
        {"id": n, "language": language, "code": f"# {n}\nsleep 0.03\necho hello\n", "tests": tests}
        for n in range(count)
    ]


def judged(language: str, count: int, folder: Path, after: int) -> list[VerifyResult]:
    """Answers to programs; the toolchain is removed when `after` of them have come."""
    answers = []
    for answer in verify(rows(language, count), workers=2):
        answers.append(answer)
        if len(answers) == after:
            shutil.rmtree(folder)
    return answers


def test_a_toolchain_that_is_removed_in_the_middle_is_never_a_label(
    language: str, local_sandbox: LocalSandbox, tmp_path: Path
) -> None:
    answers = judged(language, 60, tmp_path / "toolchain", after=10)
    verdicts = [answer.verdict for answer in answers]
    assert verdicts[:10] == [Outcome.PASS] * 10
    assert set(verdicts) <= {Outcome.PASS, Outcome.TOOLCHAIN_MISSING, Outcome.INFRASTRUCTURE}
    assert verdicts.count(Outcome.TOOLCHAIN_MISSING) > 20
    assert all(answer.reason for answer in answers if answer.verdict is not Outcome.PASS)
    assert answers[-1].reason == f"install it: {get_language(language).install}"


def test_a_library_that_goes_before_its_tool_is_seen(language: str, tmp_path: Path) -> None:
    toolchain = find_toolchain(language)
    assert toolchain is not None and toolchain.is_unchanged
    (tmp_path / "toolchain" / "lib" / "started.sh").unlink()
    assert not toolchain.is_unchanged
    find_toolchain.cache_clear()
    found = find_toolchain(language)
    assert (
        found is not None and found.digest == toolchain.digest
    )  # what else stands in a system's folder of libraries is no part of it


def test_another_version_in_its_place_is_used_and_stated(
    language: str, local_sandbox: LocalSandbox, tmp_path: Path
) -> None:
    tool = tmp_path / "toolchain" / "bin" / get_language(language).tools[0]
    answers = []
    for answer in verify(rows(language, 40), workers=2):
        answers.append(answer)
        if len(answers) == 5:
            unfinished = tool.with_suffix(".new")
            unfinished.write_text(tool.read_text().replace("stand-in 1", "stand-in 2"))
            unfinished.chmod(0o755)
            unfinished.replace(tool)
    assert {answer.verdict for answer in answers} == {Outcome.PASS}
    assert "stand-in 1" in answers[0].toolchain
    assert "stand-in 2" in answers[-1].toolchain
