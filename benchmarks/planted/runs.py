"""One run of codemill against a planted endpoint of its own: the recipe, the command, and what it cost.

Every measurement that uses the endpoint starts here, and changes the recipe by sections of its own.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from benchmarks.planted.answerers import Question
from benchmarks.planted.server import MODEL, planted_endpoint
from benchmarks.planted.world import Said

CANDIDATES: Final = 8


class Setting(NamedTuple):
    """What a run is made from."""

    folder: str
    """A checkout, or `@stdlib`."""
    languages: tuple[str, ...]
    """To read and to solve in."""
    sample: int = 0
    """Read so many files; 0: all."""
    random_seed: int = 1
    data: Mapping[str, Any] = {}
    """Sections of `data`, each in place of the usual one; None takes one away."""
    top: Mapping[str, Any] = {}
    """Sections beside `data`."""


class Planted(NamedTuple):
    """A finished run, what the endpoint said in it, and what it cost."""

    run: Path
    said: Said
    wall_s: float
    cpu_s: float


def planted_recipe(setting: Setting, url: str) -> dict[str, Any]:
    """The recipe that asks the endpoint at this address."""
    folder = setting.folder if setting.folder.startswith("@") else str(Path(setting.folder).resolve())
    seeds: dict[str, Any] = {"kind": "source_tree", "paths": [folder], "languages": [*setting.languages]}
    if setting.sample:
        seeds["max_files"] = setting.sample
    data = {
        "seeds": seeds,
        "shard_size": 16,
        "instruct": {"sampling": {"max_tokens": int(Question.INSTRUCT)}},
        "inputs": {"from_model": False},
        "solve": {
            "languages": [*setting.languages],
            "n": CANDIDATES,
            "sampling": {"max_tokens": int(Question.SOLVE)},
        },
        # the right program of a seed is one text here, so one distinct reproduction has to do
        "evidence": {"min_reproductions": 1},
        "select": {"per_task": CANDIDATES},
        "pairs": {},
    }
    recipe = {
        "name": "planted",
        "seed": setting.random_seed,
        "engine": planted_engine(url),
        "execution": {"kind": "local", "limits": {"cpu_s": 2, "wall_s": 20, "memory_mb": 512}},
        "data": {name: one for name, one in (data | dict(setting.data)).items() if one is not None},
    }
    return recipe | dict(setting.top)


def planted_engine(url: str) -> dict[str, Any]:
    """The section of an engine, whichever its role, that asks the endpoint at this address."""
    return {"kind": "openai_api", "base_url": url, "model": MODEL, "api_key_env": ""}


def run_planted(setting: Setting, home: Path) -> Planted:
    """Run the recipe against an endpoint of its own. Raises CalledProcessError if the command fails."""
    with planted_endpoint() as endpoint:
        home.mkdir(parents=True, exist_ok=True)
        path = home / "planted.yaml"
        path.write_text(yaml.safe_dump(planted_recipe(setting, endpoint.url)), encoding="utf-8")
        command = [sys.executable, "-m", "posttrain.cli", "run", str(path), "--runs-dir", str(home / "runs")]
        began, before = time.monotonic(), _cpu_s()
        subprocess.run([*command, "--fresh"], check=True, stdout=sys.stderr)
        wall_s, cpu_s = time.monotonic() - began, _cpu_s() - before
        said = endpoint.stop()
    return Planted(home / "runs" / "planted", said, wall_s, cpu_s)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
