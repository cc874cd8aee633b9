"""The interface between the factory and the engines: requests, responses, and the `Engine` protocol.

The one rule: a response is journalled before it is used (`journal.py` wraps any engine). Its key is the
request's id, a hash of everything that determines the response: the policy's fingerprint, the messages or the
prompt, the sampling, the count and the seed.
"""

from typing import Literal, Protocol

from pydantic import Field

from synth.config import SamplingConfig
from synth.ids import unit_id
from synth.policy import Policy
from synth.records import Message, Record


class GenerationRequest(Record):
    """Asks for `n` samples of one conversation (`messages`) or raw text (`prompt`, for FIM
    and base models)."""

    messages: tuple[Message, ...] = ()
    prompt: str = ""
    sampling: SamplingConfig
    n: int = Field(default=1, ge=1)
    seed: int = 0
    stop: tuple[str, ...] = ()
    is_rendered: bool = False
    """Whether the prompt was written in the model's chat template, which has every special token that belongs
    there: the tokenizer puts none before it. For engines whose model is ours to tokenize."""

    def request_id(self, fingerprint: str) -> str:
        """Hash of everything that determines the answer. `fingerprint` identifies the policy
        that will answer."""
        newer = None if self.is_rendered else {"is_rendered"}  # ids of earlier journals stay what they were
        return unit_id("request", fingerprint, self.model_dump(mode="json", exclude=newer))


class Completion(Record):
    """One sampled answer. `finish` is `length` when the token limit cut it, and `refused` when a content
    filter or the model itself ended it. `tokens` counts the reasoning too."""

    text: str
    finish: Literal["stop", "length", "refused"]
    tokens: int
    reasoning: str = ""
    """What the model thought first, where the endpoint shows it."""


class GenerationResponse(Record):
    """The n answers of one request. Token counts are those of the endpoint, for all calls that it took."""

    request_id: str
    fingerprint: str
    completions: tuple[Completion, ...]
    prompt_tokens: int
    ms: float
    cached_tokens: int = 0
    """Of the prompt's tokens, those that the endpoint had in a cache."""
    reasoning_tokens: int = 0
    """Of the answers' tokens, those of their reasoning."""


class Engine(Protocol):
    """Generates text. Implementations: vllm_server, openai_api, transformers_local, recorded, scripted. All
    of them pass tests/contract/test_engines.py."""

    @property
    def fingerprint(self) -> str:
        """Identity of the current model: of the policy for engines that serve one, else of the endpoint
        and model name."""
        ...

    async def start(self) -> None:
        """Get ready to answer. Raises an EngineError that says how to fix the problem."""
        ...

    async def generate(self, request: GenerationRequest) -> GenerationResponse:
        """Answer one request; many may be in flight. Retries by itself, and raises EngineError after
        the last retry."""
        ...

    async def load_policy(self, policy: Policy) -> float:
        """Serve this policy from now on, without a restart. Returns the seconds that it took. Raises
        EngineError if that is impossible."""
        ...

    async def close(self) -> None:
        """Stop everything that `start` started. May be called twice."""
        ...
