"""`codemill doctor` says what is there and how to get what is not."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from synth.cli.doctor import DoctorRow, Report, examine, install_missing
from synth.errors import UserError
from synth.languages.registry import all_languages
from synth.languages.spec import Language

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


def test_installing_hands_words_to_known_installers_and_never_to_a_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for tool in ("apt-get", "npm"):
        (tmp_path / tool).write_text(f'#!/bin/sh\nprintf "<%s>" {tool} "$@"\n')
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    decoy = tmp_path / "decoy"
    install_missing(
        [
            f"apt-get install -y gawk; touch {decoy}",
            "npm install -g --ignore-scripts a@1.0.0 $(id)",
            f"sh -c 'touch {decoy}'",
        ]
    )
    out, err = capfd.readouterr()
    assert out == (
        f"<apt-get><install><-y><gawk;><touch><{decoy}><npm><install><-g><--ignore-scripts><a@1.0.0><$(id)>"
    )
    assert "left to you: sh -c" in err
    assert not decoy.exists()


def test_an_installer_that_fails_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "apt-get").write_text("#!/bin/sh\nexit 3\n")
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="ended with 3"):
        install_missing(["apt-get install -y gawk"])
    with pytest.raises(UserError, match="No such file"):
        install_missing(["npm install -g --ignore-scripts a@1"])


@pytest.mark.parametrize("language", all_languages(), ids=lambda language: language.name)
def test_packages_of_npm_and_pip_have_an_exact_version_and_no_scripts(language: Language) -> None:
    words = language.install.split()
    if words[0] in ("npm", "pip"):
        packages = [word for word in words[1:] if not word.startswith("-") and word != "install"]
        exact = r"(@[\w.-]+/)?[\w.-]+(@\d+\.\d+\.\d+|==\d+\.\d+\.\d+)"
        assert all(re.fullmatch(exact, package) for package in packages), packages
        assert words[0] == "pip" or "--ignore-scripts" in words


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
