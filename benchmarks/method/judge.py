"""One order against both orders with abstention, for a judge of known position bias and noise.

    python -m benchmarks.method.judge [--random-seeds 0,1,2] [--pairs 2000]

A planted judge answers about pairs of answers of which one is better. Its answers are texts and are read as
those of any model. The plans: one order; the same order twice, and both orders, each abstaining where the two
answers disagree. So the second plan costs what the third does.
"""

import argparse
from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple

from synth.proportions import wilson_interval
from synth.rules.judging import Control, Favoured, compare_orders, read_preference, record_judge

CONTROLS: Final = 100
FLOOR: Final = 0.6
"""A judge serves if the lower bound of its accuracy on the controls reaches this."""


class PlantedJudge(NamedTuple):
    """Of its answers, `bias` name the first place and `prose` are no choice, whatever stands there; of the
    others, `noise` are wrong. `always`, if any, is its only answer."""

    name: str
    bias: float = 0.0
    noise: float = 0.0
    prose: float = 0.0
    always: str | None = None

    def answer(self, better: Favoured, random: Random) -> str:
        """Its answer about two answers of which that one is better."""
        if self.always is not None:
            return self.always
        if (drawn := random.random()) < self.bias:
            return "first"
        if drawn < self.bias + self.prose:
            return "Both answers have their strengths."
        return str(_other(better) if random.random() < self.noise else better)


JUDGES: Final = (
    PlantedJudge("exact"),
    PlantedJudge("noise 0.2", noise=0.2),
    PlantedJudge("bias 0.3", bias=0.3),
    PlantedJudge("bias 0.3, noise 0.2", bias=0.3, noise=0.2),
    PlantedJudge("bias 0.6, noise 0.2", bias=0.6, noise=0.2),
    PlantedJudge("bias 0.3, noise 0.2, prose 0.1", bias=0.3, noise=0.2, prose=0.1),
    PlantedJudge("always the first", always="first"),
    PlantedJudge("always yes", always="yes"),
    PlantedJudge("always nothing", always=""),
)


def _other(place: Favoured) -> Favoured:
    return Favoured.SECOND if place is Favoured.FIRST else Favoured.FIRST


def judge_once(judge: PlantedJudge, better: Favoured, random: Random) -> Favoured | None:
    """One order. None where it decides nothing."""
    return _decisive(read_preference(judge.answer(better, random)))


def judge_twice(judge: PlantedJudge, better: Favoured, random: Random) -> Favoured | None:
    """The same order twice."""
    one, other = (read_preference(judge.answer(better, random)) for _ in range(2))
    return _decisive(one) if one is other else None


def judge_both(judge: PlantedJudge, better: Favoured, random: Random) -> Favoured | None:
    """Both orders."""
    forward = judge.answer(better, random)
    found = compare_orders(forward, judge.answer(_other(better), random))
    return found if isinstance(found, Favoured) else None


def _decisive(choice: Favoured | None) -> Favoured | None:
    return None if choice is Favoured.SAME else choice


PLANS: Final[dict[str, Callable[[PlantedJudge, Favoured, Random], Favoured | None]]] = {
    "one order": judge_once,
    "same order twice": judge_twice,
    "both orders": judge_both,
}


class PlanTally(NamedTuple):
    """What a plan decided of so many pairs."""

    pairs: int
    decided: int
    right: int


def tally(judge: PlantedJudge, plan: str, pairs: int, random_seed: int) -> PlanTally:
    """The plan's decisions about pairs whose better answer stands in either place by chance."""
    random = Random(f"{random_seed} {judge.name} {plan}")
    decided = right = 0
    for _ in range(pairs):
        better = random.choice((Favoured.FIRST, Favoured.SECOND))
        found = PLANS[plan](judge, better, random)
        decided, right = decided + (found is not None), right + (found is better)
    return PlanTally(pairs, decided, right)


def serves(judge: PlantedJudge, random_seed: int) -> bool:
    """Whether the controls let the judge serve."""
    random = Random(f"{random_seed} {judge.name} controls")
    places = (Favoured.FIRST, Favoured.SECOND) * (CONTROLS // 2)
    return record_judge([Control(one, judge.answer(one, random)) for one in places]).can_judge(FLOOR)


def _share(part: int, whole: int) -> str:
    if not whole:
        return "none"
    low, high = wilson_interval(part / whole, whole)
    return f"{part / whole:.3f} ({low:.3f} to {high:.3f})"


def main() -> None:
    """Prints one row a judge and plan."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--random-seeds", default="0,1,2")
    parser.add_argument("--pairs", type=int, default=2000)
    options = parser.parse_args()
    seeds = [int(one) for one in options.random_seeds.split(",")]
    print("| judge | plan | right of those decided | decided | serves, by its controls |")
    print("|---|---|---|---|---|")
    for judge in JUDGES:
        passed = sum(serves(judge, seed) for seed in seeds)
        for plan in PLANS:
            found = [tally(judge, plan, options.pairs, seed) for seed in seeds]
            pairs, decided, right = (sum(column) for column in zip(*found, strict=True))
            row = (judge.name, plan, _share(right, decided), _share(decided, pairs))
            print("|", " | ".join(row), f"| {passed} of {len(seeds)} |")


if __name__ == "__main__":
    main()
