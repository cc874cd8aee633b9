"""What a recipe's rounds and its further suites cannot mean together. The one rule: what is refused here
would fail, or do nothing, after hours."""

from collections.abc import Iterator

from synth.config import Recipe
from synth.recipe.finding import Finding


def the_choice_has_tasks(recipe: Recipe) -> Iterator[Finding]:
    """`best` without a development suite, and a suite that both chooses and reports."""
    evaluation = recipe.evaluation
    development = evaluation.development if evaluation is not None else None
    if recipe.loop.select == "best" and development is None:
        expected = "needs `evaluation.development`, the tasks by which a policy is chosen"
        fix = "evaluation: {development: {suite: …}}, or leave out `select`"
        yield Finding((("loop", "select"), ("evaluation", "development")), expected, fix)
    if evaluation is None or development is None:
        return
    for name, suite in (("suite", evaluation.suite), ("hard", evaluation.hard and evaluation.hard.suite)):
        if suite == development.suite:
            yield Finding(
                (("evaluation", "development", "suite"), ("evaluation", name)),
                "must not be a suite that is reported: figures would be of the tasks that chose the policy",
                "name other tasks",
            )
    if 1 not in evaluation.k:
        expected = "must have 1: `evaluation.development` chooses by pass@1"
        yield Finding((("evaluation", "k"), ("evaluation", "development")), expected, "k: [1]")


def rounds_have_what_they_go_on_with(recipe: Recipe) -> Iterator[Finding]:
    """Keys of later rounds in a recipe of one round."""
    if recipe.loop.rounds == 1 and recipe.loop.replay:
        expected = "has no effect: a single round has no earlier rows"
        yield Finding((("loop", "replay"), ("loop", "rounds")), expected, "rounds: 2", fatal=False)
    if recipe.loop.rounds == 1 and recipe.loop.start == "base":
        expected = "has no effect: the first round begins from the base anyway"
        yield Finding((("loop", "start"), ("loop", "rounds")), expected, "rounds: 2", fatal=False)


def pairs_after_sft_have_both(recipe: Recipe) -> Iterator[Finding]:
    """Pairs of the SFT policy need SFT, and DPO to train on them."""
    pairs = recipe.data.pairs if recipe.data is not None else None
    if pairs is not None and pairs.after_sft:
        for name in ("sft", "dpo"):
            if getattr(recipe, name) is None:
                expected = f"needs `{name}`: pairs are made between SFT and DPO"
                yield Finding((("data", "pairs", "after_sft"), (name,)), expected, "after_sft: false")


LOOP_RULES = (the_choice_has_tasks, rounds_have_what_they_go_on_with, pairs_after_sft_have_both)
