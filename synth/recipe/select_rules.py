"""Rules between the keys that choose among what was verified.

Part of the third step of loading a recipe. The one rule: a choice that would change nothing, or that lacks
what it chooses from, is said before anything is asked.
"""

from collections.abc import Callable, Iterator

from synth.config import Recipe
from synth.recipe.finding import Finding

_SELECTION = "docs/architecture/selection.md"


def _coarse_and_fine_differ(recipe: Recipe) -> Iterator[Finding]:
    data = recipe.data
    if recipe.sft is None or recipe.sft.fine is None or data is None or data.solve is None:
        return
    if data.select.per_task == 1 and not data.select.chooses_fine:
        yield Finding(
            (("data", "select", "per_task"), ("sft", "fine")),
            "is 1, so the fine set has the rows of the coarse one: there is nothing to choose the best from",
            "per_task: 4, or add `balance: {}` under `data.select`, or leave out `sft.fine`",
            fatal=False,
            see=_SELECTION,
        )


def _tries_differ(recipe: Recipe) -> Iterator[Finding]:
    solve = recipe.data.solve if recipe.data is not None else None
    if solve is not None and solve.tries > 1 and solve.sampling.temperature == 0 and solve.warmer == 0:
        yield Finding(
            (("data", "solve", "tries"), ("data", "solve", "sampling", "temperature")),
            "must be 1 at temperature 0: every try would get the same answers",
            "warmer: 0.2, or a temperature above 0",
            see=_SELECTION,
        )


def _choices_have_solutions(recipe: Recipe) -> Iterator[Finding]:
    data = recipe.data
    if data is None or data.solve is not None:
        return
    for key, is_set in (
        ("labels", data.labels is not None),
        ("select", data.select.chooses_fine or data.select.unsolved),
    ):
        if is_set:
            expected = "needs solutions, but `data.solve`, which makes them, is missing"
            paths = (("data", key), ("data", "solve"))
            yield Finding(paths, expected, "add `solve: {n: 8}` under `data`", see=_SELECTION)


def _speed_is_measured(recipe: Recipe) -> Iterator[Finding]:
    pairs = recipe.data.pairs if recipe.data is not None else None
    if pairs is None or pairs.speed is None:
        return
    if pairs.after_sft:
        yield Finding(
            (("data", "pairs", "speed"), ("data", "pairs", "after_sft")),
            "cannot be measured with `pairs.after_sft`: the second pass judges answers, and times none",
            "leave out one of the two",
            see=_SELECTION,
        )
    if recipe.execution.kind != "local":
        yield Finding(
            (("data", "pairs", "speed"), ("execution", "kind")),
            f"needs the CPU time of programs, which a sandbox of kind {recipe.execution.kind} does not tell "
            "apart from its own noise",
            "execution: {kind: local}",
            see=_SELECTION,
        )


SELECT_RULES: tuple[Callable[[Recipe], Iterator[Finding]], ...] = (
    _coarse_and_fine_differ,
    _tries_differ,
    _choices_have_solutions,
    _speed_is_measured,
)
