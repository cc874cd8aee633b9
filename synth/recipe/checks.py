"""Rules between the keys of a recipe, which bounds on single keys cannot express. Pure: asks neither the disk
nor the machine.

Third step of loading a recipe. The one rule: a recipe that passes cannot fail later for a reason that
its text shows.
"""

from collections.abc import Callable, Iterator

from synth.child_environment import is_secret
from synth.config import DataConfig, EvaluationConfig, Recipe
from synth.recipe.data_set_rules import DATA_SET_RULES
from synth.recipe.device_rules import DEVICE_RULES
from synth.recipe.finding import Finding
from synth.recipe.instruct_rules import shapes_are_mixed
from synth.recipe.launch_rules import launch_is_whole, shards_can_be_made, steps_are_shared_evenly
from synth.recipe.loop_rules import LOOP_RULES
from synth.recipe.repair_rules import REPAIR_RULES
from synth.recipe.select_rules import SELECT_RULES
from synth.recipe.source import KeyPath, key_text
from synth.recipe.training_rules import TRAINING_RULES
from synth.recipe.watching_rules import held_out_rows_are_used
from synth.roles import JUDGE, TESTER

_GENERATION = "docs/architecture/generation.md"


def check_rules(recipe: Recipe) -> Iterator[Finding]:
    """Every contradiction between keys of the recipe."""
    for rule in _RULES:
        yield from rule(recipe)


def _engine_is_there(recipe: Recipe) -> Iterator[Finding]:
    if recipe.engine is not None:
        return
    used: list[KeyPath] = [("data", name) for name in recipe.data.asking] if recipe.data is not None else []
    used += [("evaluation",)] if recipe.evaluation is not None else []
    if used:
        names = ", ".join(map(key_text, used))
        yield Finding(
            (used[0], ("engine",)),
            f"needs a model, but the recipe has no `engine` (used by {names})",
            "add `engine: {kind: vllm_server}`",
        )


def _engine_takes_policies(recipe: Recipe) -> Iterator[Finding]:
    engine = recipe.engine
    if engine is None or engine.can_load_policy or not recipe.trainings:
        return
    expected = f"cannot work: an engine of kind {engine.kind} cannot load the policy that this recipe trains"
    fix = "use `engine: {kind: vllm_server}` and put this engine under `teacher`"
    if recipe.evaluation is not None:
        yield Finding((("engine",), ("evaluation",)), expected, f"{fix}, or leave out `evaluation`")
    if recipe.loop.rounds > 1:
        yield Finding((("loop", "rounds"), ("engine",)), expected, f"{fix}, or set `rounds: 1`")


def _engines_are_reached_our_way(recipe: Recipe) -> Iterator[Finding]:
    for key, engine in recipe.engines.items():
        for argument in getattr(engine, "extra_args", ()):
            if argument.replace("_", "-").startswith(engine.forbidden_args):
                expected = (
                    f"must not have {argument}: the server listens only on a private socket, under a name "
                    f"that codemill draws"
                )
                yield Finding(((key, "extra_args"),), expected, "remove it", see=_GENERATION)


def _roles_are_asked(recipe: Recipe) -> Iterator[Finding]:
    """An engine that is started and never asked says that somebody expects what is not done."""
    data = recipe.data
    asks = {TESTER: data is not None and data.makes_tasks and data.inputs.asks_model, JUDGE: False}
    for role, asked in asks.items():
        if role in recipe.engines and not asked:
            yield Finding(((role,),), "is asked by nothing in this recipe", "remove it", see=_GENERATION)


def _keys_look_like_keys(recipe: Recipe) -> Iterator[Finding]:
    found: list[tuple[str, str]] = [(key, engine.key_variable) for key, engine in recipe.engines.items()]
    found.append(("execution", getattr(recipe.execution, "api_key_env", "")))
    for key, variable in found:
        if variable and not is_secret(variable):
            expected = "must end with KEY, TOKEN or SECRET: variables with such names are kept from engines"
            yield Finding(((key, "api_key_env"),), expected, f"api_key_env: {variable}_API_KEY")


def _tasks_come_before_solutions(recipe: Recipe) -> Iterator[Finding]:
    data = recipe.data
    if data is None:
        return
    if data.solve is not None and not data.makes_tasks:
        expected = "needs tasks to solve, but `data.instruct`, which makes them, is missing"
        yield Finding((("data", "solve"), ("data", "instruct")), expected, "add `instruct: {}` under `data`")
    if data.pairs is not None and data.solve is None:
        expected = "needs solutions, but `data.solve`, which makes them, is missing"
        yield Finding((("data", "pairs"), ("data", "solve")), expected, "add `solve: {n: 8}` under `data`")
    if data.inputs.minimum > data.inputs.maximum:
        expected = (
            f"must be at most `inputs.maximum`, which is {data.inputs.maximum}; "
            f"otherwise every task is rejected"
        )
        fix = f"minimum: {data.inputs.maximum}"
        yield Finding((("data", "inputs", "minimum"), ("data", "inputs", "maximum")), expected, fix)
    if data.instruct is not None and not data.inputs.from_model and data.inputs.drawn < data.inputs.minimum:
        expected = (
            f"must be at least `inputs.minimum`, which is {data.inputs.minimum}, because the model writes no "
            f"inputs"
        )
        yield Finding(
            (("data", "inputs", "drawn"), ("data", "inputs", "minimum")),
            expected,
            f"drawn: {data.inputs.minimum}",
        )


def _enough_candidates(recipe: Recipe) -> Iterator[Finding]:
    data = recipe.data
    if data is None or data.solve is None:
        return
    candidates = data.solve.n * len(data.solve.languages)
    if 0 < candidates < data.evidence.min_reproductions:
        expected = (
            f"must be at most the number of candidates per task, which is {candidates} (`solve.n` times "
            f"languages); otherwise every task is rejected"
        )
        paths = (
            ("data", "evidence", "min_reproductions"),
            ("data", "solve", "n"),
            ("data", "solve", "languages"),
        )
        yield Finding(paths, expected, f"min_reproductions: {max(1, candidates // 4)}")
    if data.pairs is not None and data.solve.n < 2:
        expected = (
            "must be at least 2, because a pair needs a passing and a failing solution in the same language"
        )
        yield Finding((("data", "solve", "n"), ("data", "pairs")), expected, "n: 8")
    if data.pairs is not None and data.pairs.min_rejected + data.pairs.min_gap >= 1:
        expected = (
            f"must be below 1 together with `pairs.min_gap`, which is {data.pairs.min_gap:g}; otherwise no "
            f"two pass rates are far enough apart"
        )
        yield Finding(
            (("data", "pairs", "min_rejected"), ("data", "pairs", "min_gap")), expected, "min_rejected: 0.0"
        )


def _languages_are_named(recipe: Recipe) -> Iterator[Finding]:
    for path, languages in language_lists(recipe):
        if not languages:
            yield Finding((path,), "must name at least one language", f"{path[-1]}: [python]")
        for index, name in enumerate(languages):
            if name in languages[:index]:
                yield Finding(((*path, index),), f"is listed twice: `{name}`", "remove one of the two")


def language_lists(recipe: Recipe) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Every list of languages in the recipe, with its path."""
    seeds = getattr(recipe.data.seeds, "languages", None) if recipe.data is not None else None
    if seeds is not None:
        yield ("data", "seeds", "languages"), seeds
    if recipe.data is not None and recipe.data.solve is not None:
        yield ("data", "solve", "languages"), recipe.data.solve.languages
    if recipe.evaluation is not None:
        yield ("evaluation", "languages"), recipe.evaluation.languages
        for name in ("hard", "development"):
            suite = getattr(recipe.evaluation, name)
            if suite is not None and suite.languages is not None:
                yield ("evaluation", name, "languages"), suite.languages


def _k_fits_n(recipe: Recipe) -> Iterator[Finding]:
    evaluation = recipe.evaluation
    if evaluation is None:
        return
    for index, k in enumerate(evaluation.k):
        if not 1 <= k <= evaluation.n:
            expected = f"must be between 1 and `evaluation.n`, which is {evaluation.n}"
            fix = f"n: {k}" if k > evaluation.n else "k: [1]"
            yield Finding((("evaluation", "k", index), ("evaluation", "n")), expected, fix)


def _budgets_fit_the_engine(recipe: Recipe) -> Iterator[Finding]:
    longest = recipe.engine.context_length if recipe.engine is not None else None
    if longest is None:
        return
    for path, budget in _token_budgets(recipe.data, recipe.evaluation):
        if budget >= longest:
            expected = f"must leave room for the prompt within `engine.max_model_len`, which is {longest}"
            yield Finding((path, ("engine", "max_model_len")), expected, f"max_tokens: {longest // 2}")


def _token_budgets(
    data: DataConfig | None, evaluation: EvaluationConfig | None
) -> Iterator[tuple[KeyPath, int]]:
    for name, sampling in data.asking.items() if data is not None else ():
        yield ("data", name, "sampling", "max_tokens"), sampling.max_tokens
    if evaluation is not None and evaluation.suite is not None:
        yield ("evaluation", "max_tokens"), evaluation.max_tokens
    for index, benchmark in enumerate(evaluation.benchmarks if evaluation is not None else ()):
        if benchmark.max_tokens is not None:
            yield ("evaluation", "benchmarks", index, "max_tokens"), benchmark.max_tokens


def _benchmarks_are_asked_once(recipe: Recipe) -> Iterator[Finding]:
    benchmarks = recipe.evaluation.benchmarks if recipe.evaluation is not None else ()
    for index, benchmark in enumerate(benchmarks):
        if benchmark in benchmarks[:index]:
            path = ("evaluation", "benchmarks", index)
            yield Finding((path,), f"is asked twice: {benchmark.suite}", "remove one of the two")


def _benchmarks_are_kept_out_of_the_data(recipe: Recipe) -> Iterator[Finding]:
    if recipe.data is None or recipe.evaluation is None:
        return
    for index, benchmark in enumerate(recipe.evaluation.benchmarks):
        if benchmark.problems not in recipe.data.filters.decontaminate:
            yield Finding(
                (("evaluation", "benchmarks", index, "problems"), ("data", "filters", "decontaminate")),
                "is not among `data.filters.decontaminate`: the policy may be trained on what it is asked",
                f"add {benchmark.problems} there",
                fatal=False,
            )


def _real_models_name_benchmarks(recipe: Recipe) -> Iterator[Finding]:
    data = recipe.data
    if recipe.policy.model == "pocket" or data is None or not (data.asking or data.fim):
        return
    if all(name.startswith("@") for name in data.filters.decontaminate):
        yield Finding(
            (("data", "filters", "decontaminate"),),
            "names no benchmark: nothing keeps the tasks by which models are compared out of the data",
            "name the files of each benchmark that you will report, or `hub:OWNER/NAME`",
            fatal=False,
        )


def _pocket_reads_its_own_prompts(recipe: Recipe) -> Iterator[Finding]:
    asks = recipe.data is not None and recipe.data.solve is not None
    answers = recipe.engine is None or recipe.engine.own_model is None
    if recipe.policy.model == "pocket" and recipe.prompts != "pocket" and asks and answers:
        expected = "only understands the prompts that it was trained on, which are the set `pocket`"
        yield Finding(
            (("policy", "model"), ("prompts",), ("engine",)), expected, "prompts: pocket", fatal=False
        )


def _wall_covers_cpu(recipe: Recipe) -> Iterator[Finding]:
    limits = getattr(recipe.execution, "limits", None)
    if limits is not None and limits.wall_s < limits.cpu_s:
        expected = (
            f"must be at least `cpu_s`, which is {limits.cpu_s:g}: wall time is only a backstop and must not "
            f"decide a verdict"
        )
        path = ("execution", "limits")
        yield Finding(((*path, "wall_s"), (*path, "cpu_s")), expected, f"wall_s: {limits.cpu_s * 10:g}")


_OWN_KEYS = frozenset(
    "model messages prompt n seed stop stream temperature top_p max_tokens max_completion_tokens".split()
)
_OWN_HEADERS = frozenset(("content-length", "content-type", "host", "transfer-encoding", "connection"))


def _requests_keep_what_is_ours(recipe: Recipe) -> Iterator[Finding]:
    for role, engine in recipe.engines.items():
        for key in engine.additions.extra_body:
            if key in _OWN_KEYS:
                expected = "is set by codemill itself, from the section that asks"
                path = (role, "request", "extra_body", key)
                yield Finding((path,), expected, "remove it; sampling stands in the sections under `data`")
        for name, value in engine.additions.headers.items():
            path = (role, "request", "headers", name)
            if name.lower() in _OWN_HEADERS:
                yield Finding((path,), "is set by codemill itself", "remove it")
            elif not (name + value).isprintable():
                yield Finding((path,), "must be printable text on one line", "remove control characters")


def _money_has_prices(recipe: Recipe) -> Iterator[Finding]:
    if recipe.budget is None or recipe.budget.usd is None:
        return
    for role, engine in recipe.engines.items():
        if engine.is_remote and recipe.prices.of_role(role) is None:
            expected = f"needs the prices of `{role}`: nothing else tells what its tokens cost"
            fix = f"add `prices: {{{role}: {{input: …, output: …}}}}`, in US dollars per million tokens"
            yield Finding((("budget", "usd"), ("prices", role)), expected, fix)


_RULES: tuple[Callable[[Recipe], Iterator[Finding]], ...] = (
    _engine_is_there,
    _engine_takes_policies,
    _engines_are_reached_our_way,
    _roles_are_asked,
    _keys_look_like_keys,
    _tasks_come_before_solutions,
    shapes_are_mixed,
    _enough_candidates,
    _languages_are_named,
    *TRAINING_RULES,
    *DATA_SET_RULES,
    *LOOP_RULES,
    *SELECT_RULES,
    *REPAIR_RULES,
    *DEVICE_RULES,
    _k_fits_n,
    _budgets_fit_the_engine,
    _benchmarks_are_asked_once,
    _benchmarks_are_kept_out_of_the_data,
    _real_models_name_benchmarks,
    _pocket_reads_its_own_prompts,
    _wall_covers_cpu,
    _requests_keep_what_is_ours,
    _money_has_prices,
    launch_is_whole,
    steps_are_shared_evenly,
    shards_can_be_made,
    held_out_rows_are_used,
)
