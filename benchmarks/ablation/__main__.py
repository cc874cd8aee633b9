"""`python -m benchmarks.ablation`: runs or resumes the ablation, and prints its tables. README.md says how
to read them."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.ablation.experiment import Experiment
from benchmarks.ablation.plan import DEFAULT, SMALL, Budget, make_plan
from synth.errors import CodemillError
from synth.store.lock import take_lock


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0, or the exit code of the CodemillError that stopped it."""
    options = _parser().parse_args(arguments)
    out: Path = options.out or Path("runs/ablation-small" if options.small else "runs/ablation")
    seeds: tuple[int, ...] = options.seeds or ((0,) if options.small else (0, 1, 2))
    try:
        lock = take_lock(out)
        try:
            plan = make_plan(
                options.recipe, seeds, _budget(options), out.resolve(), after_sft=options.after_sft
            )
            print(asyncio.run(Experiment(plan).run()))
        finally:
            os.close(lock)
    except CodemillError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nStopped. Nothing is lost: the same command goes on from here.", file=sys.stderr)
        return 130
    return 0


def _budget(options: argparse.Namespace) -> Budget:
    """The default or the small budget, with the given options."""
    given = {name: value for name in Budget.model_fields if (value := getattr(options, name)) is not None}
    return (SMALL if options.small else DEFAULT).model_copy(update=given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ablation", description="Verified, unverified and shuffled data compared."
    )
    parser.add_argument(
        "--out",
        type=Path,
        help="folder of the results; default runs/ablation (with --small runs/ablation-small)",
    )
    parser.add_argument("--recipe", default="quickstart", help="recipe with pocket seeds; default quickstart")
    parser.add_argument(
        "--seeds", type=_seeds, help="random seeds, each a repetition; default 0,1,2 (with --small 0)"
    )
    parser.add_argument(
        "--small", action="store_true", help="a smoke run of a few minutes; its figures mean nothing"
    )
    parser.add_argument(
        "--after-sft",
        action="store_true",
        help="also measure each arm after SFT alone (three more evaluations a seed)",
    )
    for name, text in _KNOBS.items():
        flag = "--" + name.replace("_", "-")
        parser.add_argument(
            flag,
            type=_count,
            metavar="N",
            help=f"{text}; default {getattr(DEFAULT, name)}, small {getattr(SMALL, name)}",
        )
    return parser


_KNOBS = {
    "seeds_count": "snippets of the generation phase of each random seed",
    "tasks": "held-out tasks",
    "answers": "answers at temperature 1 for each held-out question",
    "max_samples": "SFT rows of an arm at most",
    "max_pairs": "DPO pairs of an arm at most",
}


def _seeds(text: str) -> tuple[int, ...]:
    try:
        return tuple(dict.fromkeys(_natural(part) for part in text.split(",")))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers like 0,1,2") from error


def _natural(text: str) -> int:
    if (value := int(text)) < 0:
        raise ValueError(text)
    return value


def _count(text: str) -> int:
    try:
        value = int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from error
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


if __name__ == "__main__":
    sys.exit(main())
