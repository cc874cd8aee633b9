"""Finds the toolchains of a remote sandbox: real paths, versions, digests. Runs once, when the
first sandbox starts.

It is shipped with `worker.py` and is self-contained. The one rule: a tool counts only if the programs' user
can run it.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import scratch_folders  # type: ignore[import-not-found]

SYSTEM = "/usr/local/bin:/usr/bin:/bin"
VERSION_S = 60


def find(name: str) -> str | None:
    """The real path of a tool, with links resolved; system folders come first. A version manager's shim
    does not count."""
    found = shutil.which(name, path=SYSTEM) or shutil.which(name)
    if found is None:
        return os.path.realpath(sys.executable) if name == "python3" else None
    real = os.path.realpath(found)
    is_shim = os.path.basename(real) in ("rustup", "asdf", "mise") or "/shims/" in found  # noqa: PTH119
    beside = os.path.join(os.path.dirname(real), name)  # noqa: PTH118, PTH120
    if real.endswith(".js") and os.path.isfile(beside):  # noqa: PTH113  # would start node first
        return beside
    return None if is_shim else real


def version(command: list[str]) -> str | None:
    """The first line of a tool's version output, or None if it cannot be run."""
    lines = output(command)
    return lines[0] if lines else None


def output(command: list[str]) -> list[str]:
    """The lines that a command prints for the programs' user; none if it cannot be run."""
    user = (
        {"user": scratch_folders.FIRST_UID, "group": scratch_folders.FIRST_UID, "extra_groups": []}
        if os.geteuid() == 0
        else {}
    )
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LC_ALL": "C.UTF-8", "TMPDIR": "/tmp"}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=VERSION_S,
            stdin=subprocess.DEVNULL,
            env=environment,
            cwd="/",
            check=False,
            **user,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    text = (done.stdout + done.stderr).decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines if done.returncode == 0 else []


def packages(command: list[str]) -> dict[str, list[str]]:
    """What this machine offers to programs of a language: where its library and its packages lie, what they
    are, and a mark of each package. Nothing if the command does not say."""
    try:
        path, folders, standard = json.loads(output(command)[0])
        there = [folder for folder in folders if os.path.isdir(folder)]  # noqa: PTH112
        entries = [entry for folder in there for entry in os.scandir(folder)]
        found = [(entry, entry.stat()) for entry in entries]
    except (IndexError, OSError, ValueError):
        return {"standard_path": [], "folders": [], "modules": [], "marks": []}
    return {
        "standard_path": path,
        "folders": folders,
        "modules": sorted({entry.name.split(".")[0] for entry in entries} | set(standard)),
        "marks": sorted(f"{entry.path}:{status.st_size}:{status.st_mtime_ns}" for entry, status in found),
    }


def toolchain(wanted: dict[str, list[str]]) -> dict[str, object] | None:
    """Tools, version and digest; None if a tool is missing or does not start."""
    tools = {name: path for name in wanted["tools"] if (path := find(name))}
    if len(tools) < len(wanted["tools"]):
        return None
    first = tools[wanted["tools"][0]]
    named = os.path.basename(first)  # noqa: PTH119
    said = version([first, *wanted["version"]]) if wanted["version"] else named
    if said is None:
        return None
    found = [(path, os.stat(path)) for path in tools.values()]  # noqa: PTH116
    marks = [f"{path}:{status.st_size}:{status.st_mtime_ns}" for path, status in found]
    command = [word.format_map(tools) for word in wanted.get("machine", [])]
    machine = packages(command) if command else {}
    digest = hashlib.sha256("\n".join([said, *marks, *machine.pop("marks", [])]).encode()).hexdigest()[:12]
    return {"tools": tools, "version": said, "digest": digest, "machine": machine}


def probe(task: dict[str, dict[str, dict[str, list[str]]]]) -> dict[str, object]:
    """The capabilities of this sandbox."""
    languages = task["languages"]
    with ThreadPoolExecutor(4) as pool:
        # `strict` came with 3.10
        found = dict(zip(languages, pool.map(toolchain, languages.values())))  # noqa: B905
    return {
        "languages": found,
        "mold": find("mold") is not None,
        "cores": len(os.sched_getaffinity(0)),
        "root": os.geteuid() == 0,
        "separated": scratch_folders.can_separate(),
        "python": platform.python_version(),
    }
