"""The products beside samples and pairs: answers that are each good or bad, and tasks that nobody solved."""

from typing import ClassVar

from synth.records import EvidenceRank, Message, Outcome, Unit


class LabelledSolution(Unit):
    """An answer that is good or bad by itself: one row of KTO data (TRL's unpaired preference format)."""

    kind: ClassVar[str] = "labelled"
    about: ClassVar[str] = "a good or a bad answer to a task"
    parents: ClassVar[tuple[str, ...]] = ("solution_id",)

    id: str
    task_id: str
    solution_id: str
    language: str
    outcome: Outcome
    prompt: tuple[Message, ...]
    completion: tuple[Message, ...]
    label: bool
    """Whether it is a good one."""
    rank: EvidenceRank

    @property
    def prompt_text(self) -> str:
        return "\n".join(message.content for message in self.prompt)

    @property
    def program(self) -> str:
        return "\n".join(message.content for message in self.completion)


class UnsolvedTask(Unit):
    """A task that was not solved, with what was tried: a seed of a later run. Nothing is trained on it."""

    kind: ClassVar[str] = "unsolved"
    about: ClassVar[str] = "a task that was not solved"
    parents: ClassVar[tuple[str, ...]] = ("task_id",)

    id: str
    task_id: str
    language: str
    """Of its seed; empty if it has none."""
    natural_language: str
    instruction: str
    contract: str
    """Its contract as a JSON object."""
    reference: str = ""
    """The program whose behaviour it asks for, in `language`, so that a later run can judge by it; empty if
    it has none."""
    licence: str = ""
    """Of that program, as its source states it; empty if unknown."""
    reason: str
    """Why it counts as unsolved, in the words of the funnel."""
    tests: int
    tries: int
    candidates: int
    passed: int
    """Candidates that pass every test."""
    best_pass_rate: float
    """The greatest share of the tests that a candidate passes."""
    rank: EvidenceRank

    @property
    def prompt_text(self) -> str:
        return self.instruction
