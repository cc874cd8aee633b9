"""The records of an evaluation: tasks with their hidden tests, and questions.

Place in the flow: worlds and suite files supply tasks, `suite` turns them into questions,
`evaluation` asks them.
"""

from typing import Self

from pydantic import model_validator

from synth.records import Record, Task, TestSuite


class EvaluationTask(Record):
    """A task with the tests that decide whether an answer passes."""

    task: Task
    suite: TestSuite

    @model_validator(mode="after")
    def _tests_what_is_asked(self) -> Self:
        if self.suite.contract.kind != self.task.contract.kind:
            raise ValueError(f"suite.contract must be of the task's kind, `{self.task.contract.kind}`")
        return self


class Question(Record):
    """A task in one programming language."""

    item: EvaluationTask
    language: str
