"""What an evaluation asks: tasks with test suites, of the pocket world or from a JSON Lines file."""

from pathlib import Path

from pydantic import ValidationError

from synth.config import EvaluationConfig
from synth.errors import DatasetError, Problem
from synth.records import Record, Task, TestSuite

POCKET_SUITE = "pocket-heldout"


class EvaluationTask(Record):
    """A task with the tests that decide."""

    task: Task
    suite: TestSuite


class Question(Record):
    """A task in one programming language."""

    item: EvaluationTask
    language: str


def load_questions(config: EvaluationConfig, recipe_folder: Path) -> list[Question]:
    """The questions of a suite, in a fixed order. Raises DatasetError for a file with wrong rows."""
    tasks = _load_tasks(config.suite, recipe_folder)[: config.tasks]
    if config.spread:
        return [
            Question(item=item, language=config.languages[n % len(config.languages)])
            for n, item in enumerate(tasks)
        ]
    return [Question(item=item, language=language) for item in tasks for language in config.languages]


def _load_tasks(suite: str, recipe_folder: Path) -> list[EvaluationTask]:
    if suite == POCKET_SUITE:
        from posttrain.pocket.heldout import held_out_tasks

        return held_out_tasks()
    path = recipe_folder / suite
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DatasetError(
            Problem(f"evaluation.suite = {suite}", f"must be a readable file: {error}", "correct the path")
        ) from error
    return [_read(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip()]


def _read(line: str, where: str) -> EvaluationTask:
    try:
        return EvaluationTask.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        expected = f"must be one evaluation task, an object with `task` and `suite`: {place}: {first['msg']}"
        raise DatasetError(
            Problem(where, expected, "mend the row", "docs/architecture/evaluation.md")
        ) from error
