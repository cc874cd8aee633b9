"""How much better one policy is than another: the paired difference over the tasks that both were asked.

Place in the flow: two evaluations of one suite -> here -> the tables, and the choice of a round's policy.
Pure. The one rule: a task is compared with itself, so how hard it is cancels out.
"""

from collections.abc import Sequence

from posttrain.evaluate.estimators import paired_interval
from posttrain.evaluate.evaluation import QuestionResult, task_means
from synth.records import Record


class PairedDifference(Record):
    """A mean difference of shares with its 95% interval; positive where the later policy is better."""

    value: float
    low: float
    high: float
    tasks: int

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def paired_difference(
    before: Sequence[QuestionResult],
    after: Sequence[QuestionResult],
    k: int | None,
    confidence: float = 0.95,
) -> PairedDifference | None:
    """Of pass@k, or of greedy answers if `k` is None, over the tasks that were judged in both; None if there
    are none."""
    one, other = task_means(before, k), task_means(after, k)
    both = sorted(one.keys() & other.keys())
    if not both:
        return None
    differences = [other[task_id] - one[task_id] for task_id in both]
    low, high = paired_interval(differences, _step(before, k), confidence)
    return PairedDifference(value=sum(differences) / len(both), low=low, high=high, tasks=len(both))


def _step(answered: Sequence[QuestionResult], k: int | None) -> float:
    """The smallest difference that a task can show: one sample more, in one of its languages."""
    languages = len({item.language for item in answered if item.task_id == answered[0].task_id})
    samples = 1 if k is None else max(item.n for item in answered) // k
    return 1 / (languages * samples)
