"""`python -m benchmarks.seeds FOLDER...`: how many functions of real source trees become references, by
language and by kind of contract, and what stops the others.

Runs a recipe of its own over the folders, without a model, and reads the index of that run. Shares are of the
functions that pass the quality filter; with `--the-algorithms` of those that passed at the first measurement
of these trees (`measured.py`), so that another filter does not move the denominator. With `--sample`,
that denominator is estimated from the functions in it. With `--the-algorithms` on whole trees, exit code 1 if
a language misses its aim, or, with all seven trees, if too few kinds of contract have enough references.

`--audit 500` then runs so many of the references again under load: exit code 1 if an answer changes.
`--cases 200` shows a case of so many references, to be read against what their functions ask.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

import yaml
from rich.console import Console
from rich.table import Table

from benchmarks.seeds.audit import RUNS, ReferenceAudit, audit_references, draw_cases, show_case
from benchmarks.seeds.kinds import KINDS, WANTED, has_enough_kinds, read_kinds
from benchmarks.seeds.measured import MEASURED, TOGETHER
from synth.records import Decision
from synth.store.query import Shards

LANGUAGES = tuple(MEASURED)
_SHOWN = 5
_DECISIONS = """
    SELECT stage, kind, language, decision, reason, count(*) AS units FROM read_parquet(?) GROUP BY ALL
"""


class SeedYield(NamedTuple):
    """What a run made of its seeds, by language."""

    functions: Counter[str]
    """Snippets that were cut, kept or not."""
    passed: Counter[str]
    """Those that the quality filter kept."""
    references: Counter[str]
    kinds: dict[str, Counter[str]]
    """References by kind of contract (`kinds.py`), each by language."""
    reasons: dict[str, Counter[str]]
    """Why the others are no references."""


class Cost(NamedTuple):
    wall_s: float
    cpu_s: float
    """Of all processes, programs included."""
    peak_mb: float
    """Of the largest process."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        home = options.keep or Path(folder)
        cost = run_seeds(options.folders, options.languages, options.sample, options.random_seed, home)
        found = read_yield(home / "runs" / "seeds")
        audit = _audit(home / "runs" / "seeds", options)
    rows = [_row(language, found, options) for language in LANGUAGES if found.functions[language]]
    _print(rows, found, cost)
    if audit is not None:
        print(
            f"audit: {len(audit.changed)} of {audit.references} references changed in {RUNS} runs under load"
        )
        print("\n".join(f"  {one.language} {one.seed_id}" for one in audit.changed))
        return 1 if audit.changed else 0
    if options.sample or not options.the_algorithms:
        return 0
    is_every = len(rows) >= len([one for one in MEASURED.values() if one.aim])
    misses = any(row.share < row.aim for row in rows) or (is_every and not has_enough_kinds(found.kinds))
    return 1 if misses else 0


def _audit(run: Path, options: argparse.Namespace) -> ReferenceAudit | None:
    """Run references again, and show some cases, if that is wanted."""
    random = Random(options.random_seed)
    for reference, case in draw_cases(run, options.cases, random):
        print(show_case(reference, case))
    return audit_references(run, options.audit, random) if options.audit else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seeds", description=__doc__)
    parser.add_argument("folders", nargs="+", metavar="FOLDER", help="checkouts, @stdlib or @site-packages")
    parser.add_argument("--languages", nargs="*", default=list(LANGUAGES), help="languages to read")
    parser.add_argument("--sample", type=int, default=0, help="read so many files, drawn at random; 0 = all")
    parser.add_argument("--random-seed", type=int, default=1, help="draws the files and the inputs")
    parser.add_argument("--the-algorithms", action="store_true", help="the folders are the measured trees")
    parser.add_argument("--audit", type=int, default=0, help="run so many references again under load")
    parser.add_argument("--cases", type=int, default=0, help="show a case of so many references")
    parser.add_argument("--keep", type=Path, help="keep the run in this folder")
    return parser


def run_seeds(
    folders: Sequence[str], languages: Sequence[str], sample: int, random_seed: int, home: Path
) -> Cost:
    """Run the recipe of the seeds in a process of its own; the run is `home/runs/seeds`."""
    seeds: dict[str, object] = {
        "kind": "source_tree",
        "paths": [path if path.startswith("@") else str(Path(path).resolve()) for path in folders],
        "languages": list(languages),
    }
    recipe = {
        "name": "seeds",
        "seed": random_seed,
        "execution": {"kind": "local", "limits": {"cpu_s": 2, "wall_s": 20, "memory_mb": 512}},
        "data": {
            "seeds": seeds | ({"max_files": sample} if sample else {}),
            "shard_size": 64,
            "inputs": {"from_model": False, "drawn": 16, "minimum": 6, "maximum": 16},
        },
    }
    home.mkdir(parents=True, exist_ok=True)
    path = home / "seeds.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    command = [sys.executable, "-m", "posttrain.cli", "run", str(path), "--runs-dir", str(home / "runs")]
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*command, "--fresh"], check=True, stdout=sys.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(time.monotonic() - began, cpu_s, after.ru_maxrss / 1024)


def read_yield(run: Path) -> SeedYield:
    """What the index of a run says about its seeds."""
    shards = Shards(run)
    found = SeedYield(Counter(), Counter(), Counter(), read_kinds(run), defaultdict(Counter))
    for row in shards.query(_DECISIONS, shards.index_files()):
        language, units = row["language"], row["units"]
        kept = row["decision"] == Decision.KEPT
        if row["stage"] == "snippet" and row["kind"] == "seed":
            found.functions[language] += units
            found.passed[language] += units if kept else 0
        elif row["stage"] == "reference" and kept:
            found.references[language] += units
        elif row["stage"] == "reference":
            found.reasons[language][row["reason"]] += units
    return found


class _Row(NamedTuple):
    language: str
    functions: int
    passed: int
    references: int
    denominator: float
    aim: float

    @property
    def share(self) -> float:
        return self.references / self.denominator if self.denominator else 0.0


def _row(language: str, found: SeedYield, options: argparse.Namespace) -> _Row:
    functions, passed = found.functions[language], found.passed[language]
    denominator, aim = float(passed), 0.0
    if options.the_algorithms:
        first = MEASURED[language]
        denominator = first.passed * functions / first.functions if options.sample else first.passed
        aim = first.aim
    return _Row(language, functions, passed, found.references[language], denominator, aim)


def _print(rows: Sequence[_Row], found: SeedYield, cost: Cost) -> None:
    table = Table(
        "language", "functions", "passed", "of", "references", "share", "aim", "what stops the rest"
    )
    for row in rows:
        reasons = ", ".join(
            f"{count} {why}" for why, count in found.reasons[row.language].most_common(_SHOWN)
        )
        figures = (row.functions, row.passed, round(row.denominator), row.references)
        table.add_row(row.language, *map(str, figures), f"{row.share:.1%}", f"{row.aim:.0%}", reasons)
    references, of = sum(row.references for row in rows), sum(row.denominator for row in rows)
    together = f"{references / of:.1%}" if of else ""
    table.add_row("together", "", "", f"{of:.0f}", str(references), together, f"{TOGETHER:.0%}", "")
    console = Console()
    if not console.is_terminal:
        console.width = 160
    console.print(table)
    kinds = Table("kind of contract", "references", "", "by language")
    for name, meaning in KINDS.items():
        counts = found.kinds[name]
        by_language = ", ".join(f"{count} {language}" for language, count in counts.most_common())
        kinds.add_row(name, str(counts.total()), meaning, by_language)
    console.print(kinds)
    enough = sum(counts.total() >= WANTED for counts in found.kinds.values())
    console.print(f"{enough} kinds of contract with {WANTED} references or more")
    console.print(f"{cost.wall_s:.0f} s, {cost.cpu_s:.0f} s of CPU, largest process {cost.peak_mb:.0f} MB")


if __name__ == "__main__":
    sys.exit(main())
