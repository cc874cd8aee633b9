"""Decides whether one policy is better than another, by the paired bootstrap over held-out tasks. Pure.

Place in the flow: evaluations -> values by task -> here -> the report. The one rule: both policies answer the
same tasks, so the bootstrap resamples the difference per task, and the difficulty of the tasks cancels out.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from posttrain.evaluate.estimators import bootstrap_interval
from posttrain.evaluate.evaluation import QuestionResult
from synth.records import Record

RESAMPLES = 10_000
_SEED = 20_409


class Gap(Record):
    """Mean over tasks of one policy's value minus the other's, as a share (0.1 is 10 points), and
    its 95% interval."""

    tasks: int
    value: float
    low: float
    high: float

    @property
    def is_beyond_interval(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0


def sampled_values(answered: Iterable[QuestionResult]) -> dict[str, float]:
    """pass@1 at temperature 1 of each task that could be judged: the passing share of its samples, averaged
    over its languages."""
    return _by_task((item.task_id, item.passed / item.n) for item in answered if item.n)


def greedy_values(answered: Iterable[QuestionResult]) -> dict[str, float]:
    """Greedy pass@1 of each task that could be judged, averaged over its languages."""
    return _by_task((item.task_id, float(item.greedy)) for item in answered if item.greedy is not None)


def _by_task(values: Iterable[tuple[str, float]]) -> dict[str, float]:
    found: defaultdict[str, list[float]] = defaultdict(list)
    for task_id, value in values:
        found[task_id].append(value)
    return {task_id: sum(group) / len(group) for task_id, group in sorted(found.items())}


def subtract(left: Mapping[str, float], right: Mapping[str, float]) -> dict[str, float]:
    """Left minus right, for each task in both."""
    return {task_id: left[task_id] - right[task_id] for task_id in sorted(left.keys() & right.keys())}


def pool(seeds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each task over the seeds that have it: seeds repeat the same tasks and do not add tasks."""
    return _by_task((task_id, value) for values in seeds for task_id, value in values.items())


def paired_bootstrap(differences: Mapping[str, float], resamples: int = RESAMPLES, seed: int = _SEED) -> Gap:
    """The mean difference with its 95% percentile interval over resampled tasks (Efron 1979). Raises
    ValueError if there are no tasks."""
    values = [differences[task_id] for task_id in sorted(differences)]
    low, high = bootstrap_interval(values, resamples, seed)
    return Gap(tasks=len(values), value=sum(values) / len(values), low=low, high=high)
