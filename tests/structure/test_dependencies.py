"""`pip install codemill` stays light: its dependencies are agreed here, and it needs no others."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

AGREED = {
    "aiohttp",
    "duckdb",
    "networkx",
    "psutil",
    "pyarrow",
    "pydantic",
    "pyyaml",
    "rensa",
    "rich",
    "tree-sitter",
    "typer",
}
"""Beside the grammars, which tests/grammar/test_loader.py counts. 393 MB with all that they depend on; 450 MB
is the bound. Measure it in a new virtual environment before you add one."""

EXTRAS = (
    "accelerate",
    "datasets",
    "e2b",
    "e2b_code_interpreter",
    "jinja2",
    "kingfisher_sdk",
    "markupsafe",
    "numpy",
    "openai",
    "peft",
    "scipy",
    "starlette",
    "tensorboard",
    "torch",
    "transformers",
    "trl",
    "uvicorn",
    "vllm",
)
"""What only an extra installs, or one of the packages that an extra installs."""

_OTHER_PROCESSES = (
    "synth/execution/isolation/launcher/python_launcher.py",
    "synth/execution/remote/inside/",
    "synth/generation/transformers_worker.py",
    *(
        f"synth/languages/python/{name}.py"
        for name in (
            "driver frames frameworks genuine pytest_runs script_text suite unittest_runs zygote".split()
        )
    ),
)
"""Programs that run in a process of their own, where they are needed."""


def core_modules() -> list[str]:
    """Every module of synth, and what `codemill run` needs of posttrain when nothing is trained."""
    files = [file.relative_to(ROOT) for file in sorted(ROOT.glob("synth/**/*.py"))]
    own = [file for file in files if not file.as_posix().startswith(_OTHER_PROCESSES)]
    names = [".".join(file.with_suffix("").parts) for file in own]
    return [*(name.removesuffix(".__init__") for name in names), "posttrain.cli", "posttrain.loop"]


def import_without(packages: tuple[str, ...], modules: list[str]) -> "subprocess.CompletedProcess[str]":
    """A new process that imports the modules as if the packages were not installed."""
    program = f"import sys; sys.modules.update(dict.fromkeys({packages!r}))\nimport {', '.join(modules)}"
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )


def test_the_core_depends_on_what_was_agreed() -> None:
    named = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    names = {re.split(r"[<>=!~\[ ]", name)[0] for name in named}
    assert {name for name in names if not name.startswith("tree-sitter-")} == AGREED


def test_no_module_of_the_core_imports_an_extra_when_it_is_imported() -> None:
    modules = core_modules()
    done = import_without(EXTRAS, modules)
    assert done.returncode == 0, done.stderr
    assert len(modules) > 200


def test_the_rule_sees_an_import_of_an_extra() -> None:
    done = import_without(EXTRAS, ["synth.generation.transformers_worker"])
    assert "import of torch halted" in done.stderr
