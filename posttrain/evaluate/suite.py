"""The questions of an evaluation, from a named suite or a JSON Lines file of tasks.

Place in the flow: `evaluation.suite` of a recipe -> here -> `evaluation`. The one rule: named suites are
passed in (`Suites`), so this module depends on no world.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from posttrain.evaluate.task import EvaluationTask, Question
from synth.config import EvaluationConfig
from synth.errors import DatasetError, Problem
from synth.filters.benchmarks import BenchmarkEntry

Suites = Mapping[str, Callable[[], Sequence[EvaluationTask]]]
"""Named suites, each with the function that makes its tasks."""


def load_questions(config: EvaluationConfig, recipe_folder: Path, suites: Suites) -> list[Question]:
    """The questions of a suite, in a fixed order. Raises DatasetError for a file with invalid rows."""
    if config.suite is None:
        return []
    tasks = _load_tasks(config.suite, recipe_folder, suites)[: config.tasks]
    if config.spread:
        return [
            Question(item=item, language=config.languages[n % len(config.languages)])
            for n, item in enumerate(tasks)
        ]
    return [Question(item=item, language=language) for item in tasks for language in config.languages]


def load_held_out(config: EvaluationConfig, recipe_folder: Path, suites: Suites) -> list[BenchmarkEntry]:
    """The instructions that training data must not contain: all of a named suite, or the ones asked
    from a file; those of the harder and of the development suite too."""
    development = [config.asking(config.development)] if config.development is not None else []
    return [
        BenchmarkEntry(id=item.task.id, prompts=(item.task.instruction,))
        for one in (*config.reported, *development)
        for item in _held_out_tasks(one, recipe_folder, suites)
    ]


def _held_out_tasks(
    config: EvaluationConfig, recipe_folder: Path, suites: Suites
) -> Sequence[EvaluationTask]:
    assert config.suite is not None
    tasks = _load_tasks(config.suite, recipe_folder, suites)
    return tasks if config.suite in suites else tasks[: config.tasks]


def _load_tasks(suite: str, recipe_folder: Path, suites: Suites) -> Sequence[EvaluationTask]:
    if suite in suites:
        return suites[suite]()
    path = recipe_folder / suite
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DatasetError(
            Problem(f"evaluation.suite = {suite}", f"cannot be read: {error}", "correct the path")
        ) from error
    return [_read(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip()]


def _read(line: str, where: str) -> EvaluationTask:
    try:
        return EvaluationTask.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        expected = f"must be an evaluation task, an object with `task` and `suite`: {place}: {first['msg']}"
        raise DatasetError(
            Problem(where, expected, "correct the row", "docs/architecture/evaluation.md")
        ) from error
