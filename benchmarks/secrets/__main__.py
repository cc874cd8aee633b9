"""Benchmark of the filter for secrets and of the masks: planted secrets found, false alarms, speed.

`python -m benchmarks.secrets [--values 2] [--random-seed 1] [--clean FOLDER ...]` plants values of every kind
of `kinds.py` in every language and place of `plants.py`, and reads clean folders (the standard library, if
none is named). Exit code 1 when less than 98% of the planted secrets were found, or secrets were told in more
than 0.1% of the clean files. Values are new for every random seed.
"""

import argparse
import sys
import sysconfig
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from benchmarks.secrets.kinds import KINDS
from benchmarks.secrets.plants import MANNERS, PLACES, planted_file
from synth.filters.personal import mask_personal
from synth.filters.secrets import find_secrets

RECALL = 0.98
FALSE_ALARMS = 0.001


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; 0 when both bars hold."""
    options = _options(arguments)
    planted, missed = find_planted(options.values, options.random_seed)
    found = 1 - sum(missed.values()) / planted
    print(
        f"{len(KINDS)} kinds x {len(MANNERS)} languages x {len(PLACES)} places: "
        f"{found:.2%} of {planted} found"
    )
    for kind, count in missed.most_common():
        print(f"  {kind}: {count} missed")
    good = found >= RECALL
    for folder in options.clean or [Path(sysconfig.get_paths()["stdlib"])]:
        good = report_clean(folder) and good
    return 0 if good else 1


def find_planted(values: int, random_seed: int) -> tuple[int, Counter[str]]:
    """How many secrets were planted, and how many of each kind were not found in the file of their own."""
    planted, missed = 0, Counter[str]()
    for kind in KINDS:
        for language in MANNERS:
            for place in PLACES:
                for number in range(values):
                    random = Random(f"{random_seed} {kind} {language} {place} {number}")
                    text, _ = planted_file(kind, language, place, random)
                    planted += 1
                    missed[kind] += not find_secrets(text)
    return planted, +missed


def report_clean(folder: Path) -> bool:
    """Print what is told of clean files and how fast; whether the bar holds."""
    texts = list(_texts(folder))
    size = sum(len(text.encode("utf-8")) for _, text in texts) / 1e6
    start = time.perf_counter()
    alarms = {name: found for name, text in texts if (found := find_secrets(text))}
    searched = time.perf_counter()
    masked: Counter[str] = Counter()
    for _, text in texts:
        masked.update(mask_personal(text, "python").counts)
    ended = time.perf_counter()
    print(f"{folder}: secrets told in {len(alarms)} of {len(texts)} files ({len(alarms) / len(texts):.3%})")
    for name, found in alarms.items():
        print(f"  {name}: {', '.join(f'{one.kind} in line {one.line}' for one in found[:5])}")
    print(f"  search {size / (searched - start):.0f} MB/s, masks {size / (ended - searched):.1f} MB/s")
    print(f"  masked: {', '.join(f'{kind} {count}' for kind, count in sorted(masked.items()))}")
    return len(alarms) <= FALSE_ALARMS * len(texts)


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Python files below the folder, without the packages that are installed into it."""
    for path in sorted(folder.rglob("*.py")):
        if "site-packages" not in path.relative_to(folder).parts:
            try:
                yield str(path.relative_to(folder)), path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--values", type=int, default=2, help="values of a kind, a language and a place")
    parser.add_argument("--random-seed", type=int, default=1)
    parser.add_argument("--clean", type=Path, nargs="*", help="folders of files without secrets")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
