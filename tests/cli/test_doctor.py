"""`codemill doctor` says what is there and how to get what is not."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from synth.cli.doctor import DoctorRow, Report, examine
from synth.errors import UserError
from synth.languages.registry import all_languages

ROOT = Path(__file__).resolve().parents[2]


def test_doctor_reports_every_group_and_a_command_for_each_missing_language() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "posttrain.cli", "doctor", "--json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    findings = json.loads(done.stdout)["findings"]
    assert {row["group"] for row in findings} == {
        "machine",
        "gpu",
        "engines",
        "training",
        "sandbox",
        "languages",
    }
    assert all(
        row["install"] for row in findings if row["group"] == "languages" and row["state"] == "missing"
    )
    python = next(row for row in findings if row["group"] == "languages" and row["name"] == "python")
    assert python["found"].startswith("Python 3")


def test_gpu_is_what_nvidia_smi_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'Some Card, 80000 MiB, 555.1'\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert [finding.found for finding in examine("gpu").findings] == ["Some Card, 80000 MiB, 555.1"]


def test_broken_nvidia_smi_is_no_gpu_and_no_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\nexit 9\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert [finding.state for finding in examine("gpu").findings] == ["note"]


def test_install_commands_join_system_packages_and_keep_the_rest() -> None:
    def missing(install: str) -> DoctorRow:
        return DoctorRow(group="languages", name="x", state="missing", found="", install=install)

    hints = [
        "apt-get install -y ruby",
        "pip install a",
        "apt-get install -y g++ ruby",
        "pip install a",
        "make install",
        "pip install b",
    ]
    report = Report(findings=tuple(map(missing, hints)))
    assert report.install_commands() == ["apt-get install -y ruby g++", "pip install a b", "make install"]


def test_missing_toolchains_need_one_shell_command_per_installer(tmp_path: Path) -> None:
    """As `make languages` runs them, where no toolchain at all is there: each installer is called once, with
    everything it has."""
    languages = all_languages()
    report = Report(
        findings=tuple(
            DoctorRow(group="languages", name=one.name, state="missing", found="", install=one.install)
            for one in languages
        )
    )
    lines = report.install_commands()
    kinds = [line.split()[0] for line in lines]
    assert sorted(kinds) == sorted({one.install.split()[0] for one in languages})
    for tool in set(kinds):
        (tmp_path / tool).write_text(f'#!/bin/sh\necho {tool} "$@"\n')
        (tmp_path / tool).chmod(0o755)
    done = subprocess.run(
        ["bash", "-e"],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        env={"PATH": f"{tmp_path}:/bin"},
        check=True,
    )
    assert done.stdout.split() == " ".join(lines).split()
    assert {word for one in languages for word in one.install.split()} <= set(done.stdout.split())


def test_nothing_missing_means_no_install_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "posttrain.cli", "doctor", "--install-hints", "--group", "machine"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=True,
    )
    assert done.stdout == ""


def test_unknown_group_names_the_nearest() -> None:
    with pytest.raises(UserError, match="--group languages"):
        examine("language")
