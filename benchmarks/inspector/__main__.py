"""Times the pages of `codemill inspect` over a built run, as a browser meets them.

`python -m benchmarks.inspector --rows 1000000 --bodies 100000 [--shard-rows 1000] [--folder DIR]` builds the
run (once for a folder), starts the command, waits until the run has been read, and asks each kind of page
under many filters. It prints the median, the 95th percentile and the worst time in milliseconds; the same of
the server's CPU time, which other work on the machine does not change; how often a count was cut short; and
the server's memory.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Final

from benchmarks.inspector.building import LANGUAGES, STAGES, build_run

_FILTERS: Final = (
    "",
    "decision:rejected",
    "reason:timeout",
    "class:quality -lang:python",
    "stage:execute tests:<5/9",
    "score<0.2",
    "ms>7000",
    "ms>7000 lang:rust reason:timeout stage:execute score<0.4",
    "tokens:100..110",
    "evidence.similarity>0.99",
    "id:solution-0*",
    "parent:task-0000000000000000",
    "lang:cobol",
    *(f"lang:{language} ms>{at * 1000}" for at, language in enumerate(LANGUAGES)),
    *(f"stage:{stage} tokens:{at}" for at, stage in enumerate(STAGES)),
)
_TEXTS: Final = ("binary search", "item * 77 ", "no such text", "expected 512")


def main() -> None:
    """Build, serve, ask, print."""
    options = _options()
    folder = options.folder or Path(tempfile.mkdtemp()) / "many"
    if not (folder / "run.json").exists():
        started = time.perf_counter()
        build_run(folder, options.rows, options.shard_rows, options.bodies)
        print(f"built in {time.perf_counter() - started:.0f} s: {folder}")
    command = [
        sys.executable,
        "-c",
        "from posttrain.cli import main; main()",
        "inspect",
        str(folder),
        "--port",
        "0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            _measure(server.stdout.readline().strip(), server.pid)
        finally:
            server.terminate()


def _measure(address: str, pid: int) -> None:
    started = time.perf_counter()
    while (reading := _runs(address)["reading"])["done"] != reading["files"]:
        time.sleep(0.5)
    used = -1.0
    while used != (used := _cpu_s(pid)):  # what the rows do not say is read from the bodies
        time.sleep(0.5)
    run = _runs(address)
    files = reading["files"]
    seconds = time.perf_counter() - started
    print(f"{run['rows']:,} rows in {files:,} files read after {seconds:.1f} s, {_memory(pid)}")
    base = f"{address}runs/{run['key']}"
    _report(pid, "runs", [f"{address}runs"] * 10)
    _report(pid, "run", [base] * 10)
    for name, sort in (("units", ""), ("units by ms", "-ms"), ("units by score", "score")):
        _report(pid, name, [_units(base, q=words, sort=sort) for words in _FILTERS])
    _report(pid, "units again", [_units(base, q=words) for words in _FILTERS])
    after = [f"1/{stage}/00040/solution-8" for stage in STAGES]
    _report(
        pid, "units, deep", [_units(base, q=words, after=key) for key in after for words in ("", "lang:go")]
    )
    _report(pid, "reasons", [f"{base}/reasons"] * 5)
    tried = [
        f"{base}/reasons/near_duplicate?stage=near_dedup&measure=similarity&try={at / 10}" for at in range(10)
    ]
    _report(pid, "a threshold", tried)
    _report(pid, "duplicates", [f"{base}/duplicates"] * 5)
    _report(pid, "contamination", [f"{base}/contamination"] * 5)
    _report(pid, "pairs", [f"{base}/pairs"] * 5)
    _report(pid, "one unit", _some_units(base))
    _report(pid, "texts", [_units(base, q=f'text:"{text}"') for text in _TEXTS])
    _report(pid, "texts again", [_units(base, q=f'text:"{text}"') for text in _TEXTS])
    print(_memory(pid))


def _some_units(base: str) -> list[str]:
    """The pages of units that have bodies, each opened for the first time."""
    rows = json.loads(_ask(f"{base}/units.json?q=stage:solve"))["found"]["rows"][:20]
    return [f"{base}/units/{row['unit_id']}" for row in rows]


def _runs(address: str) -> dict[str, Any]:
    found = json.loads(_ask(f"{address}runs.json"))["runs"][0]
    return dict(found["summary"])


def _units(base: str, **fields: str) -> str:
    given = {name: value for name, value in fields.items() if value}
    return f"{base}/units?{urllib.parse.urlencode(given)}"


def _report(pid: int, name: str, addresses: list[str]) -> None:
    walls, cpus, cut = list[float](), list[float](), 0
    for one in addresses:
        started, used = time.perf_counter(), _cpu_s(pid)
        page = _ask(one)
        walls.append(1000 * (time.perf_counter() - started))
        cpus.append(1000 * (_cpu_s(pid) - used))
        cut += b"ounting stopped" in page or b"search for this text stopped" in page
    print(
        f"{name:15} {_figures(walls)} wall, {_figures(cpus)} CPU; {len(walls)} pages, cut short {cut}",
        flush=True,
    )


def _figures(times: list[float]) -> str:
    ordered = sorted(times)
    high = ordered[math.ceil(0.95 * len(ordered)) - 1]
    return f"{statistics.median(times):5.0f} {high:5.0f} {ordered[-1]:5.0f} ms"


def _cpu_s(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ask(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=300) as answer:  # our own server
        return bytes(answer.read())


def _memory(pid: int) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
    now, most = int(fields["VmRSS"][0]) / 1024, int(fields["VmHWM"][0]) / 1024
    return f"memory {now:.0f} MiB, at most {most:.0f} MiB"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--shard-rows", type=int, default=1_000)
    parser.add_argument("--bodies", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="The run's folder; built where there is none.")
    return parser.parse_args()


if __name__ == "__main__":
    main()
