"""What an engine that pays for its answers hands over while it answers one request: the parts of the answer
as they arrive, and tokens that bought nothing.

The journal is such a ledger. The one rule: what was paid for is written down before anything else happens.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from synth.generation.protocol import Completion, Engine, GenerationRequest, GenerationResponse
from synth.records import Record


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as an endpoint counts them. Cached ones are part of the prompt's, reasoning of the answers'."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
        )

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(
            prompt_tokens=self.prompt_tokens - other.prompt_tokens,
            completion_tokens=self.completion_tokens - other.completion_tokens,
            cached_tokens=self.cached_tokens - other.cached_tokens,
            reasoning_tokens=self.reasoning_tokens - other.reasoning_tokens,
        )


class AnswerPart(Record):
    """Some of the n answers of one request, which one call brought: those from place `first` on."""

    part_of: str
    """Id of the request."""
    first: int
    completions: tuple[Completion, ...]
    usage: Usage


class Ledger(Protocol):
    """The book of one request."""

    @property
    def request_id(self) -> str:
        """Id of the request under the engine's fingerprint, or an empty text."""
        ...

    def parts(self) -> tuple[AnswerPart, ...]:
        """The parts that were kept before, perhaps by an earlier process."""
        ...

    def admit(self) -> None:
        """Called before each call. Raises BudgetSpentError when no more may be spent."""
        ...

    def keep(self, first: int, completions: tuple[Completion, ...], usage: Usage) -> None:
        """Store a part, or the whole. Raises StoreError if it cannot be written."""
        ...

    def waste(self, usage: Usage) -> None:
        """Note tokens that were paid for an answer which cannot be used."""
        ...

    def say(self, text: str) -> None:
        """Tell the user something, once."""
        ...


class NoLedger:
    """For an engine that answers without a journal: nothing is kept."""

    request_id = ""

    def parts(self) -> tuple[AnswerPart, ...]:
        return ()

    def admit(self) -> None:
        """There is no budget."""

    def keep(self, first: int, completions: tuple[Completion, ...], usage: Usage) -> None:
        """Nothing is kept."""

    def waste(self, usage: Usage) -> None:
        """Nothing is noted."""

    def say(self, text: str) -> None:
        """Nobody listens."""


@runtime_checkable
class PaidEngine(Engine, Protocol):
    """An engine that tells a ledger what it buys."""

    async def buy(self, request: GenerationRequest, ledger: Ledger) -> GenerationResponse:
        """As `generate`, with a ledger."""
        ...
