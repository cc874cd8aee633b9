"""The ready-made set of a format: used without an option where it was built, named where it was not."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from synth.cli.verify import register
from synth.languages.toolchain import find_toolchain
from synth.packages.store import Manifest, folder_of, widest_of, words_of_missing
from synth.packages_config import ready_sets
from synth.verify.formats.registry import all_formats
from tests.languages.toolchains import need
from tests.packages.test_other_packages import put

PROBLEM = {"task_id": "Javascript/1", "prompt": "", "test": "if (f() !== _.size) throw new Error('no');"}
RIGHT = "const _ = require('lodash');\nfunction f() { return 7 }"


@pytest.fixture
def verify(home: Path, tmp_path: Path) -> Iterator[list[str]]:
    """The words of a command, with a right and a wrong sample."""
    need("javascript")
    samples = [{"task_id": "Javascript/1", "solution": text} for text in (RIGHT, RIGHT.replace("7", "8"))]
    (tmp_path / "problems.jsonl").write_text(json.dumps(PROBLEM))
    (tmp_path / "samples.jsonl").write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    files = {name: str(tmp_path / f"{name}.jsonl") for name in ("samples", "out", "problems")}
    words = ("--format", "mceval", "--problems", files["problems"], "--fresh")
    yield [files["samples"], "-o", files["out"], *words]


def answered(words: list[str]) -> tuple[list[dict[str, str]], str]:
    app = Typer()
    register(app)
    said = CliRunner().invoke(app, words).output
    answers = [json.loads(line) for line in Path(words[2]).read_text().splitlines()]
    return sorted(answers, key=lambda answer: int(answer["row"])), said


def test_the_set_of_a_format_is_used_where_it_was_built(verify: list[str]) -> None:
    put("javascript", "lodash", {"node_modules/lodash/index.js": b"module.exports = {size: 7}"})
    answers, said = answered(verify)
    assert [answer["verdict"] for answer in answers] in (["pass", "wrong_answer"], ["pass", "runtime_error"])
    assert "packages of mceval have not been built (go, lua, python, rust)" in said


def test_what_of_it_was_not_built_is_said_with_the_command(verify: list[str]) -> None:
    answers, said = answered(verify)
    assert [answer["verdict"] for answer in answers] == ["toolchain_missing"] * 2
    assert "codemill packages build --packages '{javascript: [lodash]}'" in answers[0]["reason"]
    assert "codemill packages build --packages mceval" in said


def test_of_several_sets_the_one_with_most_packages_counts(home: Path) -> None:
    need("python")
    toolchain = find_toolchain("python")
    assert toolchain is not None
    for name in ("mceval", "humaneval+"):
        names = ready_sets()[name]["python"]
        folder = folder_of("python", names)
        (folder / "files").mkdir(parents=True)
        manifest = Manifest(
            language="python", names=names, toolchain=toolchain.version, installed=(), digest="0" * 12
        )
        (folder / "manifest.json").write_text(manifest.model_dump_json())
    for order in (("humaneval+", "mceval"), ("mceval", "humaneval+"), ("mceval",)):
        assert widest_of(order)["python"].manifest.names == ready_sets()["mceval"]["python"]
    assert widest_of(["humaneval+"])["python"].manifest.names == ("numpy",)
    assert words_of_missing("humaneval+") == ""
    assert "(go, javascript, lua, rust)" in words_of_missing("mceval")


def test_formats_name_sets_that_there_are() -> None:
    named = {form.name: form.packages for form in all_formats() if form.packages}
    assert set(named.values()) <= set(ready_sets())
    assert {"evalplus", "bigcodebench", "ds1000", "humanevalpack", "mceval", "mdeval", "multipl-e"} <= set(
        named
    )
