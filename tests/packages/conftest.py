"""A home of built packages for a test, and an index of its own."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from synth.languages.toolchain import find_toolchain
from tests.packages.wheels import make_wheel


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where built packages lie; outside of /tmp, which forked programs get anew."""
    made = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="packages-"))
    made.chmod(0o755)
    monkeypatch.setattr("synth.packages.store.cache_folder", lambda: made)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def index(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three packages: pip finds these and no others."""
    python = find_toolchain("python")
    if python is None or not _has_pip(python.tools["python3"]):
        pytest.skip("python3 has no pip")
    make_wheel(tmp_path, "own_base", {"own_base.py": "SIZE = 7\n"})
    make_wheel(
        tmp_path, "own_upper", {"own_upper/__init__.py": "from own_base import SIZE\n"}, needs="own_base"
    )
    make_wheel(tmp_path, "heapq", {"heapq.py": "raise RuntimeError('not the standard one')\n"})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return tmp_path


def _has_pip(python: str) -> bool:
    return (
        subprocess.run([python, "-I", "-m", "pip", "--version"], capture_output=True, check=False).returncode
        == 0
    )
