"""Flips single bits in every kind of file of a run, and counts how many are silently different to a later
step: `python -m benchmarks.bitflips [--flips 100] [--seed N]`. Exit code 1 if there are any.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from benchmarks.bitflips.laboratory import Outcome, flip_bits, kinds, prepare


def main() -> int:
    """Print one line a kind of file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flips", type=int, default=100, help="of each kind")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.flips} flips of each kind")
    print(f"{'kind of file':24s} {'files':>6s} " + " ".join(f"{outcome:>18s}" for outcome in Outcome))
    different: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, kind in kinds(prepare(Path(folder))).items():
            found = flip_bits(kind, options.flips, options.seed)
            counts = " ".join(f"{found.counts[outcome]:18d}" for outcome in Outcome)
            print(f"{name:24s} {len(kind.files):6d} {counts}", flush=True)
            different += found.different
    print("\n".join(different) if different else "silently different: 0")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
