"""The fault laboratory: every pair of fault and moment, each in a run of its own.

`python -m benchmarks.faults [--only WORDS] [--missing] [--seed N] [--write]` plays the pairs of
tests/faults/catalogue.py one after another (about half an hour on two cores; some need root, for disks of
their own) and prints what each came to. Exit code 1 when one did not end as it must. With `--write`, what was
played goes into docs/faults.md.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.faults.catalogue import MOMENTS, PAIRS, Pair
from tests.faults.laboratory import Played, TooLate, play, play_undisturbed
from tests.faults.page import PAGE, listed_pairs, write_page
from tests.faults.small_disk import may_mount
from tests.recordings.record import read_recording

_TRIES = 3


class Laboratory:
    """Plays pairs, over one undisturbed run of each kind of work."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._seed = folder, seed
        self._recording = read_recording()
        self._expected: dict[str, dict[str, str]] = {}
        self._played = 0

    def play(self, pair: Pair) -> Played:
        """Play one pair, again if its moment was missed. Raises TooLate after as many tries."""
        work = MOMENTS[pair.moment].work
        if work not in self._expected:
            self._expected[work] = play_undisturbed(self._new_folder(), work, self._recording)
        for _ in range(_TRIES - 1):
            try:
                return self._once(pair, work)
            except TooLate:
                continue
        return self._once(pair, work)

    def _once(self, pair: Pair, work: str) -> Played:
        seed = 1000 * self._seed + self._played
        return play(pair, self._new_folder(), self._recording, self._expected[work], seed)

    def _new_folder(self) -> Path:
        self._played += 1
        folder = self._folder / str(self._played)
        folder.mkdir()
        return folder


def main() -> int:
    """Play, print, and write the page if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="pairs whose fault or moment has these words")
    parser.add_argument("--missing", action="store_true", help="only pairs that the page does not list")
    parser.add_argument("--seed", type=int, default=0, help="draws which bits rot")
    parser.add_argument("--write", action="store_true", help=f"write what was played into {PAGE.name}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        pairs = [pair for pair in PAIRS if options.only in f"{pair.fault} at {pair.moment}"]
        if options.missing:
            pairs = [pair for pair in pairs if tuple(pair) not in listed_pairs()]
        if not may_mount(folder / "probe"):
            pairs = [pair for pair in pairs if not pair.needs_mounts]
            print("faults of disks are left out: mounting needs root", file=sys.stderr)
        laboratory, wrong = Laboratory(folder, options.seed), 0
        for number, pair in enumerate(pairs, start=1):
            place = f"{number}/{len(pairs)} {pair.fault}, {pair.moment}"
            try:
                found = laboratory.play(pair)
            except TooLate as why:
                wrong += 1
                print(f"{place}: NOT PLAYED: {why}", flush=True)
                continue
            wrong += bool(found.faults)
            state = "WRONG\n  " + "\n  ".join(found.faults) if found.faults else "as it must be"
            print(f"{place}: {found.code}, {found.says}: {state}", flush=True)
            if options.write:
                write_page([found])
    print(f"{len(pairs)} pairs, {wrong} not as they must be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
