"""Which of the best samples the fine set has: difficulty in balance, few of each cluster.

Place in the flow: the coarse set has every sample that survived; of the best sample of each task and language
the fine set has those that this module chooses. The one rule: what it leaves out stays in the coarse set, and
its row says why.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from synth.filters.protocol import Evidence, Keep, Reject
from synth.products import Sample
from synth.rules.solution_quality import score_solution
from synth.select_config import BalanceConfig, SelectConfig


class FineCandidate(NamedTuple):
    """What the choice knows of a sample."""

    id: str
    task_id: str
    language: str
    pass_rate: float
    choice: int
    quality: float

    @classmethod
    def of(cls, sample: Sample) -> "FineCandidate":
        quality = score_solution(sample.code, sample.language, len(sample.code))
        return cls(
            sample.id, sample.task_id, sample.language, sample.pass_rate, sample.choice, round(quality, 4)
        )


def best_first(sample: FineCandidate) -> tuple[float, str]:
    """The order in which samples of different tasks are taken."""
    return -sample.quality, sample.id


def choose_fine(
    samples: Sequence[FineCandidate], config: SelectConfig, clusters: Mapping[str, str]
) -> dict[str, Keep | Reject]:
    """The answer about each sample. `clusters` has the cluster of each task, where they are counted."""
    best = _best_of_each(samples)
    bins = {one.id: bin_name(one.pass_rate, config.balance) for one in samples} if config.balance else {}
    facts: dict[str, Evidence] = {
        one.id: {
            **({"bin": bins[one.id]} if bins else {}),
            **({"cluster": clusters[one.task_id]} if one.task_id in clusters else {}),
            "quality": one.quality,
        }
        for one in samples
    }
    lost: dict[str, Reject] = {}
    for one in samples:
        if one.id not in best:
            lost[one.id] = Reject("not_best", facts[one.id])
    left = sorted(best.values(), key=best_first)
    if config.clusters is not None:
        left = _few_of_each(left, clusters, config.clusters.per_cluster, facts, lost)
    if config.balance is not None:
        _balance(left, bins, config.balance, facts, lost)
    return {one.id: lost.get(one.id) or Keep(facts[one.id]) for one in samples}


def _best_of_each(samples: Iterable[FineCandidate]) -> dict[str, FineCandidate]:
    """The best surviving sample of each task and language, by id."""
    best: dict[tuple[str, str], FineCandidate] = {}
    for one in samples:
        key = (one.task_id, one.language)
        best[key] = min(best.get(key, one), one, key=lambda found: found.choice)
    return {one.id: one for one in best.values()}


def _few_of_each(
    samples: Sequence[FineCandidate],
    clusters: Mapping[str, str],
    most: int,
    facts: Mapping[str, Evidence],
    lost: dict[str, Reject],
) -> list[FineCandidate]:
    """So many tasks of each cluster, those with the best samples; a task in several languages is one."""
    taken: defaultdict[str, set[str]] = defaultdict(set)
    kept = []
    for one in samples:
        tasks = taken[clusters[one.task_id]]
        if one.task_id in tasks or len(tasks) < most:
            tasks.add(one.task_id)
            kept.append(one)
        else:
            lost[one.id] = Reject("cluster_full", {**facts[one.id], "most": most})
    return kept


def _balance(
    samples: Sequence[FineCandidate],
    bins: Mapping[str, str],
    config: BalanceConfig,
    facts: Mapping[str, Evidence],
    lost: dict[str, Reject],
) -> None:
    names = bin_names(config)
    supply = Counter(bins[one.id] for one in samples)
    wanted = dict(zip(names, config.shares or [1.0] * len(names), strict=True))
    room = balanced_counts([supply[name] for name in names], [wanted[name] for name in names], config.keep)
    left = dict(zip(names, room, strict=True))
    for one in samples:
        name = bins[one.id]
        if left[name]:
            left[name] -= 1
        else:
            most = room[names.index(name)]
            lost[one.id] = Reject("over_share", {**facts[one.id], "most": most, "had": supply[name]})


def bin_names(config: BalanceConfig) -> list[str]:
    """The bins, the hardest first."""
    edges = [0.0, *config.edges, 1.0]
    return [f"{low:g}-{high:g}" for low, high in pairwise(edges)]


def bin_name(pass_rate: float, config: BalanceConfig) -> str:
    """The bin of a pass rate; one at an edge belongs to the easier bin."""
    return bin_names(config)[bisect_right(config.edges, pass_rate)]


def balanced_counts(supply: Sequence[int], shares: Sequence[float], keep: float) -> list[int]:
    """How many of each bin are taken: at most its share of all that are taken, times the least factor with
    which the share `keep` of the supply stays. The shares of empty bins fall to the others."""
    total = sum(supply)
    weights = [share if count else 0.0 for share, count in zip(shares, supply, strict=True)]
    if not sum(weights):
        return [0] * len(supply)
    weights = [weight / sum(weights) for weight in weights]
    kept = sum(count for count, weight in zip(supply, weights, strict=True) if weight)
    wanted = min(keep * total, kept)
    low, high = 1.0, 1.0 / min(weight for weight in weights if weight)
    if _most(supply, weights, low) < wanted:
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if _most(supply, weights, middle) < wanted else (low, middle)
        low = high
    size = _most(supply, weights, low)
    return [
        min(count, round(low * weight * size)) if weight else 0
        for count, weight in zip(supply, weights, strict=True)
    ]


def _most(supply: Sequence[int], weights: Sequence[float], factor: float) -> float:
    """The greatest number of rows of which no bin has more than `factor` times its share: the rows that the
    bins can give reach it."""
    low, high = 0.0, float(sum(supply))
    for _ in range(60):
        middle = (low + high) / 2
        given = sum(
            min(count, factor * weight * middle) for count, weight in zip(supply, weights, strict=True)
        )
        low, high = (middle, high) if given >= middle - 1e-9 else (low, middle)
    return low
