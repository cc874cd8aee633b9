"""`codemill eval --suite … --problems … --model …`: a recipe from the options of one command.

Place in the flow: command line -> here -> `load_options` -> the same run as with a recipe. The one rule: the
run's name is made of everything that decides its figures, so that the same command resumes, and another one
never meets its folder.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from posttrain.core.policy import resolve_model
from posttrain.loop.benchmarks import file_name
from synth.config import ENGINE_CONFIGS
from synth.errors import Problem, UserError
from synth.ids import content_hash
from synth.protocols.registry import find_protocol
from synth.recipe import LoadedRecipe, OptionValue, load_options
from synth.recipe.source import Plain, read_document

COMMAND = "codemill eval"
PAGE = "docs/architecture/evaluation.md"
_LONGEST_NAME = 80


class BenchmarkOptions(NamedTuple):
    """What the command line gave. Of `suites` and `problems`, those at the same place belong together."""

    suites: Sequence[str]
    problems: Sequence[Path]
    model: str | None
    engine: str
    style: str
    n: int | None
    temperature: float | None
    top_p: float | None
    max_tokens: int | None
    tasks: int | None
    overrides: Sequence[str] = ()


def check_ways(recipe: str | None, suites: Sequence[str], *, table: bool) -> None:
    """Raises UserError unless the command has exactly one of a recipe, suites, and the table."""
    if sum([recipe is not None, bool(suites), table]) != 1:
        fix = f"{COMMAND} RECIPE    or    {COMMAND} --suite NAME --problems FILE --model MODEL"
        raise UserError(Problem(COMMAND, "needs a recipe, or --suite, or --table, and only one", fix, PAGE))


def recipe_of(options: BenchmarkOptions) -> LoadedRecipe:
    """The recipe that the options state. Raises UserError, or RecipeError with every problem."""
    _check(options)
    engine = _engine(options)
    values = list(_values(options, engine))
    decisive = [[value.path, value.value] for value in values]
    named = "-".join([file_name(Path(str(options.model)).name), *map(file_name, options.suites)])
    code = content_hash(decisive, sorted(options.overrides), length=8)
    name = OptionValue(("name",), f"{named[:_LONGEST_NAME]}-{code}", COMMAND)
    return load_options(COMMAND, [name, *values], options.overrides)


def _check(options: BenchmarkOptions) -> None:
    """Raises UserError for options that do not belong together, and for an unknown suite."""
    example = f"{COMMAND} --suite humaneval+ --problems HumanEvalPlus.jsonl --model Qwen/Qwen2.5-Coder-7B"
    if len(options.suites) != len(options.problems):
        words = f"must be given as often as --suite: {len(options.suites)} suites need as many files"
        raise UserError(Problem(f"--problems ({len(options.problems)} given)", words, example, PAGE))
    if options.model is None:
        raise UserError(
            Problem("--model", "is missing: a folder, a hub id, or a name at an endpoint", example, PAGE)
        )
    for suite in options.suites:
        find_protocol(suite)


def _engine(options: BenchmarkOptions) -> dict[str, Plain]:
    """The section `engine`: a kind, or the whole section as YAML."""
    shown = f"--engine {options.engine}"
    document = read_document(f"value: {options.engine}", shown)
    found = document.data.get("value")
    engine: dict[str, Plain] = dict(found) if isinstance(found, dict) else {"kind": found}
    config = ENGINE_CONFIGS.get(str(engine.get("kind")))
    if document.problems or config is None:
        words = f"must be one of {', '.join(ENGINE_CONFIGS)}, or a section in braces"
        raise UserError(
            Problem(shown, words, "--engine '{kind: openai_api, base_url: http://localhost:8000/v1}'", PAGE)
        )
    return engine | ({"model": options.model} if config.is_remote else {})


def _values(options: BenchmarkOptions, engine: dict[str, Plain]) -> Iterator[OptionValue]:
    config = ENGINE_CONFIGS[str(engine["kind"])]
    if not config.is_remote:
        yield OptionValue(("policy",), {"model": _model(options)}, f"--model {options.model}")
    yield OptionValue(("engine",), dict(engine), f"--engine {options.engine}")
    yield OptionValue(("execution",), {"kind": "local"}, COMMAND)
    settings = {
        name: getattr(options, name)
        for name in ("n", "temperature", "top_p", "max_tokens", "tasks")
        if getattr(options, name) is not None
    }
    benchmarks: list[Plain] = [
        {
            "suite": find_protocol(suite).suite,
            "problems": _absolute(problems),
            "style": options.style,
            **settings,
        }
        for suite, problems in zip(options.suites, options.problems, strict=True)
    ]
    yield OptionValue(("evaluation",), {"benchmarks": benchmarks}, COMMAND)
    for at, (suite, problems) in enumerate(zip(options.suites, options.problems, strict=True)):
        path = ("evaluation", "benchmarks", at)
        yield OptionValue((*path, "suite"), find_protocol(suite).suite, f"--suite {suite}")
        yield OptionValue((*path, "problems"), _absolute(problems), f"--problems {problems}")
        yield OptionValue((*path, "style"), options.style, f"--style {options.style}")


def _absolute(problems: Path) -> str:
    return str(problems.expanduser().resolve())


def _model(options: BenchmarkOptions) -> str:
    """The model as a recipe names it: an absolute folder, or an id."""
    found = resolve_model(str(options.model))
    return str(options.model) if options.model == "pocket" else str(found)
