"""Repair turns, repair tasks and reviews as records: the program that was shown, the answer, the row."""

from typing import ClassVar, Literal

from synth.records import EvidenceRank, Message, Outcome, Solution, Unit

Asks = Literal["turn", "repair", "review"]
"""What is asked about a program: another try in the same dialogue, a fix, or a review."""


class ShownProgram(Unit):
    """A program that a model is asked about. It is no child of its solution, which the flow turned away."""

    kind: ClassVar[str] = "shown"
    about: ClassVar[str] = "a program that a model is asked to mend or to review"
    parents: ClassVar[tuple[str, ...]] = ("task_id",)

    id: str
    task_id: str
    language: str
    code: str
    asks: Asks
    turn: int
    """Which answer of its dialogue it is, from 1."""
    origin: Literal["candidate", "mutant", "turn"]
    solution_id: str
    """The candidate, the program that was mutated, or the answer of the turn before."""
    is_right: bool = False
    feedback: str = ""
    """What is said about it."""
    prompt: tuple[Message, ...] = ()
    """Of a turn: the dialogue that led to it."""

    @property
    def program(self) -> str:
        return self.code

    def as_solution(self) -> Solution:
        """It as a candidate of its task, to be run again."""
        return Solution(
            id=self.id, task_id=self.task_id, language=self.language, code=self.code, index=0, policy=""
        )


class Correction(Unit):
    """The answer about a program: another program, and of a review the words."""

    kind: ClassVar[str] = "correction"
    about: ClassVar[str] = "an answer about a program that was shown"
    parents: ClassVar[tuple[str, ...]] = ("shown_id",)

    id: str
    task_id: str
    shown_id: str
    language: str
    code: str
    """Empty in the review of a right program."""
    asks: Asks
    turn: int
    prompt: tuple[Message, ...]
    answer: str = ""
    """Of a review: its text."""
    policy: str
    request_id: str = ""

    @property
    def program(self) -> str:
        return self.code

    def as_solution(self) -> Solution:
        """Its program as the candidate of its task, to be run again."""
        return Solution(
            id=self.id,
            task_id=self.task_id,
            language=self.language,
            code=self.code,
            index=0,
            policy=self.policy,
            request_id=self.request_id,
        )


class Repair(Unit):
    """One row of SFT data that begins with a program: only the last answer is trained on."""

    kind: ClassVar[str] = "repair"
    about: ClassVar[str] = "a program that was shown, and the verified answer about it"
    parents: ClassVar[tuple[str, ...]] = ("correction_id", "shown_id")

    id: str
    task_id: str
    correction_id: str
    shown_id: str
    language: str
    natural_language: str
    asks: str
    """`turn` for a dialogue, `repair` or `review`."""
    turns: int
    """Answers in the row, wrong ones included."""
    origin: str
    """Of the program that was shown: `candidate`, `mutant` or `turn`."""
    prompt: tuple[Message, ...]
    completion: tuple[Message, ...]
    changed: float = 0.0
    """Share of tokens that differ between the shown program and the fix."""
    shown_outcome: Outcome
    """Of the program that was shown, as it was run again beside the answer."""
    rank: EvidenceRank
    licence: str = ""

    @property
    def prompt_text(self) -> str:
        return "\n".join(message.content for message in self.prompt)

    @property
    def program(self) -> str:
        return "\n".join(message.content for message in self.completion)
