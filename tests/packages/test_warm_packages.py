"""Zygotes that have loaded packages: programs find what a fresh import gives, and one that cannot be loaded
before a fork is loaded by the programs."""

import json
from pathlib import Path

import pytest

from synth.execution.isolation.launcher.zygote import zygote_files
from synth.languages.package_use import ImportQuestion
from synth.languages.python.packages import lacking, mentioned, preload
from synth.packages.build import build
from synth.packages_config import PackagesConfig
from synth.verify.verify import verify
from tests.packages.wheels import make_wheel

NUMPY = {
    "numpy/__init__.py": "import time\nloaded_at = time.monotonic_ns()\nfrom numpy import random\n",
    "numpy/random.py": "import os\nstate = b''\ndef seed():\n    global state\n    state = os.urandom(8)\n",
}
SYMPY = "import threading, time\nthreading.Thread(target=time.sleep, args=(3600,), daemon=True).start()\n"
"""A package that starts a thread."""
PROBE = "import json, numpy\nprint(json.dumps([numpy.loaded_at, numpy.random.state.hex()]))"


def outputs(code: str, packages: PackagesConfig, count: int, memory_mb: int = 512) -> list[str]:
    """What equal programs print, each with a comment of its own."""
    rows = [
        {
            "id": str(number),
            "language": "python",
            "code": f"{code}\n# {number}\n",
            "tests": {"kind": "stdio", "cases": [{"stdin": "", "stdout": "unknown"}]},
            "limits": {"memory_mb": memory_mb},
        }
        for number in range(count)
    ]
    answers = verify(rows, workers=1, packages=packages, row_limits=True)
    return [str(answer.cases[0].found) for answer in answers]


def test_a_zygote_loads_what_its_programs_import_and_seeds_each_anew(index: Path) -> None:
    if zygote_files() is None:
        pytest.skip("no C compiler: programs start cold")
    make_wheel(index, "numpy", NUMPY)
    build("python", ("numpy",))
    asked = PackagesConfig(python=("numpy",))
    warm = [json.loads(text) for text in outputs(PROBE, asked, 4)]
    assert len({loaded for loaded, _ in warm}) == 1
    assert len({state for _, state in warm}) == 4
    assert "" not in {state for _, state in warm}
    cold = [json.loads(text) for text in outputs(PROBE, asked, 2, memory_mb=1500)]
    assert len({loaded for loaded, _ in cold}) == 2
    assert {state for _, state in cold} == {""}


def test_a_package_that_starts_a_thread_is_loaded_by_the_programs(index: Path) -> None:
    make_wheel(index, "sympy", {"sympy.py": SYMPY})
    build("python", ("sympy",))
    code = "import sympy, threading\nprint(threading.active_count())"
    assert outputs(code, PackagesConfig(python=("sympy",)), 6) == ["2\n"] * 6


@pytest.mark.parametrize(
    ("text", "modules"),
    [
        ("import numpy", {"numpy"}),
        ("  import numpy.linalg as la, os", {"numpy", "os"}),
        ("from numpy.linalg import norm", {"numpy"}),
        ("from . import numpy", set()),
        ("x = 'import numpy'", set()),
        ("importnumpy = 1", set()),
    ],
)
def test_lines_that_look_like_imports(text: str, modules: set[str]) -> None:
    assert mentioned(text) == modules


def test_only_what_is_there_and_asked_for_is_loaded() -> None:
    there = frozenset({"numpy", "pandas"})
    assert preload("import numpy", "", there) == ("numpy", "numpy.random")
    assert preload("", "import pandas\nimport scipy", there) == ("pandas",)
    assert preload("x = 1  # numpy", "", there) == ()
    assert preload("import numpy", "", frozenset()) == ()


def test_an_import_that_costs_too_much_to_read_is_not_missing() -> None:
    text = "import own_missing\nx = " + "(" * 5000 + ")" * 5000
    assert lacking(ImportQuestion("x = 1", text, frozenset(), {})) == ()
