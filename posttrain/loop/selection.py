"""The choice of a round's policy, by development tasks that are neither reported nor trained on.

Place in the flow: the policies of a round, measured -> here -> the policy that the next round begins with.
The one rule: a policy that is not better than the one that a round began with is not gone on with.
"""

from collections.abc import Sequence

from posttrain.evaluate.evaluation import Evaluation
from posttrain.evaluate.paired import PairedDifference, paired_difference
from posttrain.loop.measuring import measure
from posttrain.loop.selection_words import in_words
from posttrain.loop.session import Session
from synth.config import EvaluationConfig, Recipe
from synth.policy import Policy
from synth.store.selections import Candidate, Selection, write_selection


async def select_policy(session: Session, round_: int, start: Policy, trained: Sequence[Policy]) -> Policy:
    """The policy that the round ends with: `start`, or one of those that it trained."""
    config = development_of(session.recipe)
    if not trained or config is None or session.model is None:
        return trained[-1] if trained else start
    session.reporter.say(f"round {round_}: choosing its policy on {config.suite}")
    measured = await measure(session, [start, *trained], config)
    selection = choose(round_, measured, session.recipe.loop.select_confidence)
    write_selection(session.run, selection)
    session.reporter.say(in_words(selection))
    return next(policy for policy in (start, *trained) if policy.name == selection.chosen)


def development_of(recipe: Recipe) -> EvaluationConfig | None:
    """The evaluation that chooses; None if the last policy is taken."""
    config = recipe.evaluation
    if recipe.loop.select == "last" or config is None or config.development is None:
        return None
    return config.asking(config.development).model_copy(update={"greedy": False})


def choose(round_: int, measured: Sequence[Evaluation], confidence: float) -> Selection:
    """Take the candidate with the highest pass@1 if it is better than the policy of the first evaluation,
    else that one. Of equal candidates, the earlier is taken. Needs at least two evaluations."""
    start, *others = measured
    best = max(others, key=lambda one: _pass_at_1(one) or 0.0)
    test = paired_difference(start.answered, best.answered, 1, 2 * confidence - 1)
    is_better = test is not None and test.low > 0
    gains = [paired_difference(start.answered, one.answered, 1) for one in others]
    return Selection(
        round=round_,
        suite=start.suite,
        tasks=test.tasks if test is not None else 0,
        confidence=confidence,
        candidates=(_candidate(start, None), *map(_candidate, others, gains)),
        chosen=best.policy if is_better else start.policy,
    )


def _candidate(evaluation: Evaluation, gain: PairedDifference | None) -> Candidate:
    share = _pass_at_1(evaluation)
    if gain is None:
        return Candidate(policy=evaluation.policy, pass_at_1=share)
    return Candidate(
        policy=evaluation.policy,
        pass_at_1=share,
        gain=gain.value,
        gain_low=gain.low,
        gain_high=gain.high,
    )


def _pass_at_1(evaluation: Evaluation) -> float | None:
    measure = evaluation.total.pass_at.get(1)
    return measure.value if measure is not None else None
