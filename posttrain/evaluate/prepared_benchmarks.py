"""The benchmarks of a recipe, read before anything is started.

Place in the flow: `run` -> here -> the session. The one rule: whatever is wrong with a suite, a problem file
or a chat template is reported here, while nothing has been spent.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from posttrain.core.policy import find_policy, resolve_model
from posttrain.evaluate.benchmark import PAGE, Benchmark, choose_style, load_benchmark
from posttrain.evaluate.own_template import OwnTemplate, load_own_template
from synth.config import LocalSandboxConfig, Recipe
from synth.errors import Problem, UserError
from synth.protocols.registry import find_protocol
from synth.rules.limits import find_limits


class PreparedBenchmarks(NamedTuple):
    """The benchmarks, and the chat template of the recipe's own model."""

    benchmarks: tuple[Benchmark, ...] = ()
    template: OwnTemplate | None = None
    """None where no chat is rendered here."""
    model: str = ""
    """What the recipe's model is called."""
    package_sets: tuple[str, ...] = ()
    """The ready-made sets of packages that the benchmarks want, where the recipe leaves that to them."""


def prepare_benchmarks(recipe: Recipe, recipe_folder: Path) -> PreparedBenchmarks:
    """Read all problems, and the model's template if a chat needs it. Raises UserError or RowError."""
    evaluation, engine = recipe.evaluation, recipe.engine
    if evaluation is None or engine is None or not evaluation.benchmarks:
        return PreparedBenchmarks()
    named, template = engine.own_model or recipe.policy.model, None
    chats = [
        one for one in evaluation.benchmarks if find_protocol(one.suite).chat and one.style != "complete"
    ]
    if chats and not engine.is_remote:
        template = load_own_template(find_tokenizer(resolve_model(named, recipe_folder)))
    has_template = engine.is_remote or (template is not None and template.is_there)
    made = []
    for one in evaluation.benchmarks:
        style = choose_style(one, has_template=has_template)
        if style == "chat" and not has_template:
            words = f"has no chat template, in which {one.suite} could be asked"
            fix = "use --style complete, or a model with a template"
            raise UserError(Problem(f"model {named}", words, fix, PAGE))
        limits = find_limits(recipe.execution)
        made.append(load_benchmark(one, recipe_folder, style, limits, prefills=not engine.is_remote))
    called = Path(named).name if Path(named).is_dir() else named
    return PreparedBenchmarks(tuple(made), template, called, _package_sets(recipe, made))


def _package_sets(recipe: Recipe, benchmarks: Sequence[Benchmark]) -> tuple[str, ...]:
    execution = recipe.execution
    if not isinstance(execution, LocalSandboxConfig) or execution.packages.names():
        return ()
    return tuple(dict.fromkeys(one.form.packages for one in benchmarks if one.form.packages))


def find_tokenizer(model: Path | str) -> str:
    """Where the tokenizer of a resolved model is: an adapter may bring its own."""
    policy = find_policy(model)
    brings = bool(policy.adapter) and (Path(policy.adapter) / "tokenizer_config.json").is_file()
    return policy.adapter if brings else policy.merged or policy.base
