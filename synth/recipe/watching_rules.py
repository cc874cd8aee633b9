"""Rules about what is measured during a training: keys that would do nothing, or contradict each other.

Place in the flow: `checks` calls this. Pure. The one rule: as there, a recipe that passes cannot fail later
for a reason that its text shows.
"""

from collections.abc import Iterator

from synth.config import Recipe
from synth.recipe.finding import Finding
from synth.recipe.source import KeyPath


def held_out_rows_are_used(recipe: Recipe) -> Iterator[Finding]:
    """One way to hold rows out for each training, and no patience without one."""
    for name, config in recipe.trainings.items():
        path: KeyPath = tuple(name.split("."))
        share, data = (*path, "eval_share"), (*path, "eval_data")
        if config.eval_data is not None and config.eval_share:
            yield Finding(
                (data, share), "excludes `eval_share`: one of them says what is held out", "omit one"
            )
        if config.eval_data is not None and recipe.data is not None:
            expected = "is for `codemill sft` and `codemill dpo`; a run holds out a share of what it makes"
            yield Finding((data, ("data",)), expected, "eval_share: 0.05")
        if config.eval_data is None and not config.eval_share:
            for key in ("patience", "eval_steps"):
                if getattr(config, key):
                    expected = "does nothing, because no rows are held out to measure the loss on"
                    yield Finding(((*path, key), share), expected, "eval_share: 0.05")
