"""The audit of whole files in a real sandbox: planted defects of each kind are found, sound rows raise no
alarm, and what was done is kept."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from benchmarks.audit.__main__ import run_audit, score, write_rows
from benchmarks.audit.plants import Plant, defects, overlapping, repeated, sound_rows
from benchmarks.audit.tasks import LANGUAGES
from synth.audit.audit import UnfinishedAudit
from synth.audit.findings import AuditReport
from synth.audit.results import RowResult
from tests.audit.test_shapes import ROWS
from tests.languages.toolchains import need


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """`codemill audit` with these arguments."""
    words = [sys.executable, "-m", "posttrain.cli", "audit", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)


def audited(plants: Sequence[Plant], path: Path, benchmarks: tuple[Path, ...] = ()) -> AuditReport:
    write_rows(path, plants)
    return run_audit(path, benchmarks)


SEED = int(os.environ["CODEMILL_TEST_SEED"])
OTHERS = [language for language in LANGUAGES if language != "python"]
SAMPLE = ["python", *Random(SEED).sample(OTHERS, 2)]
"""`python -m benchmarks.audit` has all of them."""


@pytest.mark.parametrize("language", SAMPLE, ids=lambda language: f"{language}, seed {SEED}")
def test_planted_defects_are_found_and_sound_rows_raise_no_alarm(language: str, tmp_path: Path) -> None:
    need(language)
    plants = [
        *sound_rows(4, (language,)),
        *defects(2, (language,)),
        *repeated(1, language),
    ]
    found = score(plants, audited(plants, tmp_path / "rows.jsonl"))
    assert found.alarms == []
    assert found.missed == []
    kinds = {name for name in found.recall if ":" not in name}
    assert kinds >= {"reference_fails", "empty_passes", "flaky", "mutants_survive", "duplicate"}
    if language == "python":
        assert "exploit_passes" in kinds
    if language in ("javascript", "ruby"):
        assert "skip_passes" in kinds


def test_overlap_with_a_benchmark_is_found_only_against_one(tmp_path: Path) -> None:
    copied, lines = overlapping(2, "python")
    plants = [*copied, *sound_rows(2, ("python",))]
    benchmark = tmp_path / "bench.jsonl"
    benchmark.write_text("\n".join(lines) + "\n")
    report = audited(plants, tmp_path / "rows.jsonl", (benchmark,))
    assert score(plants, report).missed == score(plants, report).alarms == []
    alone = audited(plants, tmp_path / "rows.jsonl")
    assert "contaminated" not in {finding.kind for finding in alone.findings}


def test_an_object_equal_to_everything_is_an_exposure_of_scripts_and_no_alarm(tmp_path: Path) -> None:
    report = audited(list(sound_rows(3, ("python",))), tmp_path / "rows.jsonl")
    found = next(one for one in report.findings if one.kind == "patch_passes")
    assert (found.severity, found.found, found.tried) == ("exposure", 1, 1)
    assert found.rows[0].detail == "an object equal to everything"


@pytest.mark.parametrize(
    "name", ["humaneval", "mbpp", "evalplus", "kodcode", "bigcodebench", "trl", "open-r1"]
)
def test_references_of_public_shapes_pass_their_own_tests_and_nothing_else_does(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(ROWS[name]) + "\n")
    report = run_audit(path)
    found = {one.kind: (one.found, one.tried) for one in report.findings if one.severity == "defect"}
    assert report.data.shape == name
    assert found["reference_fails"] == (0, 1)
    assert found["empty_passes"] == (0, 1)


@pytest.mark.parametrize(
    ("test", "finding"),
    [
        ("from solution import f\n\ndef test_one():\n    assert f(1) == 2\n", "reference_fails"),
        ("import unittest\n\ndef test_one():\n    raise unittest.SkipTest('x')\n", "reference_fails"),
        ("from solution import f\n\nclass TestF:\n    def test_one(self):\n        assert f(1) == 1\n", ""),
        ("from solution import f\n", "empty_passes"),
        ("import unittest\n\nclass TestF(unittest.TestCase):\n    pass\n", "empty_passes"),
    ],
)
def test_a_pytest_suite_runs_and_one_in_which_nothing_ran_is_found(
    test: str, finding: str, tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({**ROWS["kodcode"], "test": test}) + "\n")
    found = {one.kind: (one.found, one.tried) for one in run_audit(path).findings}
    assert found["reference_fails"] == (int(finding == "reference_fails"), 1)
    assert found["empty_passes"][0] == int(finding == "empty_passes")


def test_a_missing_module_or_language_is_no_finding(tmp_path: Path) -> None:
    rows = [
        {**ROWS["codemill"], "id": "m", "code": "import no_such_module_here\ndef f(x): return x\n"},
        {**ROWS["codemill"], "id": "l", "language": "klingon"},
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = run_audit(path)
    found = next(one for one in report.findings if one.kind == "reference_fails")
    assert (found.found, found.tried) == (0, 0)
    reasons = " ".join(one.reason for one in report.untried)
    assert "the module no_such_module_here is missing" in reasons
    assert "klingon" in reasons


def test_the_command_writes_json_and_a_page_and_says_by_its_exit_code(tmp_path: Path) -> None:
    path, out = tmp_path / "rows.jsonl", tmp_path / "report.json"
    plants = [*sound_rows(1, ("python",)), next(iter(defects(1, ("python",))))]
    write_rows(path, plants)
    result = command(path, "-o", out)
    assert result.returncode == 1, result.stderr
    report = AuditReport.model_validate_json(out.read_text())
    assert report.data.rows == 2
    assert {one.kind: one.found for one in report.findings}["reference_fails"] == 1
    assert report.data.sha256 in (tmp_path / "report.md").read_text()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["report.json", "report.md", "rows.jsonl"]
    write_rows(path, plants[:1])
    assert command(path, "-o", out).returncode == 0


def test_the_command_refuses_unknown_columns_and_its_own_data(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"question": "1 + 1?", "answer": "2"}\n')
    result = command(path)
    assert result.returncode == 2
    assert "columns answer, question" in result.stderr
    assert "Traceback" not in result.stderr
    assert command(path, "-o", path).returncode == 2


def test_an_unfinished_audit_keeps_its_rows_for_the_same_data_and_settings(tmp_path: Path) -> None:
    path = tmp_path / "unfinished"
    first = UnfinishedAudit(path, "head")
    first.add(RowResult(number=3, id="c", runs=("pass",)))
    first.close()
    path.write_text(path.read_text() + '{"number": 4, "id": "cut o')
    again = UnfinishedAudit(path, "head")
    assert {number: one.runs for number, one in again.done.items()} == {3: ("pass",)}
    again.close()
    other = UnfinishedAudit(path, "other head")
    assert other.done == {}
    other.close()
    assert path.read_text() == "other head\n"
