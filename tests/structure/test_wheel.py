"""What users install: a wheel with just the two packages on top, and all data inside them."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOAD = """
import synth, sys
from synth.recipe import load_recipe
from synth.prompts.library import PromptLibrary
from synth.resources import resource_folder
loaded = load_recipe("qwen2.5-coder/0.5b", machine=False)
print(loaded.source, *sorted(PromptLibrary.load("default").prompts))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout with the build backend of this environment, or with one that pip
    fetches."""
    folder = tmp_path_factory.mktemp("wheel")
    isolation = ["--no-build-isolation"] if _has_hatchling() else []
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--quiet",
        *isolation,
        "--wheel-dir",
        str(folder),
        str(ROOT),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("codemill-*.whl"))


def _has_hatchling() -> bool:
    probe = [sys.executable, "-c", "import hatchling.build"]
    return subprocess.run(probe, capture_output=True, check=False, timeout=60).returncode == 0


def test_wheel_has_just_the_two_packages_on_top(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"synth", "posttrain"}


def test_wheel_holds_every_data_file_of_the_checkout(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(
        ["git", "ls-files"], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    ).stdout.splitlines()
    if not tracked:
        pytest.skip("not a git checkout: nothing to compare with")
    data = [file for file in tracked if file.startswith(("recipes/", "prompts/")) and (ROOT / file).is_file()]
    packages = [
        file for file in tracked if file.startswith(("synth/", "posttrain/")) and (ROOT / file).is_file()
    ]
    missing = [file for file in data if f"synth/_resources/{file}" not in names] + [
        file for file in packages if file not in names
    ]
    assert data
    assert missing == []


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the wheel is installed in, without what it depends on."""
    target = tmp_path_factory.mktemp("installed")
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--quiet",
        "--target",
        str(target),
        str(wheel),
    ]
    subprocess.run(install, capture_output=True, check=True, timeout=300)
    return target


def run_installed(target: Path, program: str, *words: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(target)!r})\n{program}", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=120, check=False)


def test_installed_wheel_loads_recipes_and_prompts_outside_the_checkout(
    installed: Path, tmp_path: Path
) -> None:
    done = run_installed(installed, LOAD, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    source, *prompts = done.stdout.split()
    assert Path(source).is_relative_to(installed / "synth" / "_resources")
    assert "solve" in prompts


def test_installed_wheel_makes_data_from_the_answers_that_are_in_it(installed: Path, tmp_path: Path) -> None:
    done = run_installed(installed, "from posttrain.cli import main; main()", "run", "replay", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert ", kept:" in done.stdout
    assert str(installed) in (tmp_path / "runs" / "replay" / "run.json").read_text("utf-8")
