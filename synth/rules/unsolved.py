"""What is kept of a task that was not solved: enough to try it again in a later run."""

from collections.abc import Mapping, Sequence

from synth.choice_records import UnsolvedTask
from synth.filters.protocol import Reject
from synth.ids import unit_id
from synth.reasons import get_reason
from synth.records import Outcome, Reference, Solution, Task, TestSuite, Verdict


def keep_unsolved(
    task: Task,
    reference: Reference | None,
    licence: str,
    suite: TestSuite,
    solutions: Sequence[Solution],
    verdicts: Mapping[str, Verdict],
    answer: Reject,
) -> UnsolvedTask:
    """The row of the pool. `solutions` are all that its tests judge, `answer` says why it does not count."""
    judged = [verdicts[one.id] for one in solutions if one.id in verdicts]
    shares = [one.passed / one.total for one in judged if one.total and not one.outcome.is_fault]
    return UnsolvedTask(
        id=unit_id("unsolved", task.id),
        task_id=task.id,
        language=reference.language if reference is not None else task.language,
        natural_language=task.natural_language,
        instruction=task.instruction,
        contract=task.contract.model_dump_json(),
        reference=reference.code if reference is not None else "",
        licence=licence,
        reason=get_reason(answer.reason).sentence,
        tests=len(suite.cases),
        tries=max((one.attempt for one in solutions), default=1),
        candidates=len(solutions),
        passed=sum(one.outcome is Outcome.PASS for one in judged),
        best_pass_rate=round(max(shares, default=0.0), 4),
        rank=suite.rank,
    )
