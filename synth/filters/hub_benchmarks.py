"""Benchmarks by their name on the Hugging Face hub: `hub:OWNER/NAME`, with `@REVISION` and `/FILE` if wanted.

The one rule: what the hub holds is read like any folder of published files. A benchmark that cannot be
fetched is an error before anything runs, never a hole in the protection.
"""

import re
from pathlib import Path
from typing import Final

from synth.errors import DatasetError, Problem
from synth.recipe.benchmark_files import HUB_PREFIX

_NAME: Final = re.compile(
    rf"{HUB_PREFIX}(?P<repo>[\w.-]+/[\w.-]+)(@(?P<revision>[\w.-]+))?(/(?P<pattern>.+))?$"
)
_ROWS: Final = ("*.jsonl", "*.jsonl.gz", "*.parquet")
"""Files that hold rows; on the hub, `.json` is mostly about the data set."""


def benchmark_path(name: str, folder: Path) -> Path:
    """The file or folder of a benchmark: a path relative to `folder`, or fetched from the hub (from its
    cache, if it is there). Raises DatasetError."""
    if not name.startswith(HUB_PREFIX):
        return folder / name
    named = _NAME.match(name)
    if named is None:
        raise _problem(name, "is no name of a data set on the hub", f"write {HUB_PREFIX}OWNER/NAME")
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError:
        raise _problem(name, "needs the package `huggingface_hub`", "pip install 'codemill[train]'") from None
    pattern = named["pattern"]
    try:
        found = snapshot_download(
            named["repo"],
            repo_type="dataset",
            revision=named["revision"],
            allow_patterns=[pattern] if pattern else list(_ROWS),
        )
    except (OSError, ValueError, RuntimeError, HfHubHTTPError) as error:
        words = f"cannot be fetched: {type(error).__name__}: {error}"[:300]
        fix = f"check name and network, or fetch it elsewhere and name its folder instead of {HUB_PREFIX}…"
        raise _problem(name, words, fix) from error
    if not any(Path(found).rglob(pattern or "*.*")):
        raise _problem(name, f"holds no file like {pattern or ', '.join(_ROWS)}", "name its file")
    return Path(found)


def _problem(name: str, words: str, fix: str) -> DatasetError:
    return DatasetError(Problem(name, words, fix, "docs/architecture/filters.md"))
