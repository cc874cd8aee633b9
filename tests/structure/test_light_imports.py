"""The command answers at once, because importing it loads nothing heavy."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "torch",
    "vllm",
    "trl",
    "datasets",
    "ray",
    "e2b",
    "transformers",
    "openai",
    "peft",
    "numpy",
    "scipy",
    "duckdb",
    "pyarrow",
    "networkx",
    "rensa",
    "psutil",
    "tree_sitter",
    "asyncio",
    "aiohttp",
)
REPORT = "import sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"


def loaded_after(statement: str) -> set[str]:
    command = [sys.executable, "-c", f"{statement}\n{REPORT}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True, timeout=60)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "statement",
    [
        "import posttrain.cli",
        (
            "import posttrain.cli, contextlib\nwith contextlib.suppress(SystemExit): "
            "posttrain.cli.app(['--help'])"
        ),
        "import synth.recipe; synth.recipe.load_recipe('qwen2.5-coder/0.5b', machine=False)",
    ],
)
def test_nothing_heavy_is_imported_by(statement: str) -> None:
    loaded = loaded_after(statement)
    assert "typer" in loaded or "yaml" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_the_command_line_loads_no_models_and_no_terminal_before_it_knows_the_command() -> None:
    loaded = loaded_after("import posttrain.cli")
    assert "posttrain" in loaded
    assert loaded.isdisjoint({"pydantic", "pydantic_core", "rich", "yaml"})


def test_the_report_sees_what_is_imported() -> None:
    assert "pyarrow" in loaded_after("import pyarrow")


def test_help_loads_few_modules() -> None:
    """340 at last count, most of them of Python and typer. `benchmarks/startup.py` measures the seconds."""
    help_ = "with contextlib.suppress(SystemExit): posttrain.cli.app(['--help'])"
    statement = f"import contextlib, posttrain.cli, sys\n{help_}\nprint(len(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", statement], capture_output=True, text=True, cwd=ROOT, check=True, timeout=60
    )
    assert int(done.stdout.splitlines()[-1]) < 420
