"""An engine whose answers come from a function, for tests and examples of code that calls a model.

Place in the flow: behind the same protocol as every other engine; no recipe names it. The one rule: the
function decides every answer; the engine adds only the other fields of a response.

    engine = ScriptedEngine(lambda request: f"You wrote: {request.messages[-1].content}")
    response = await engine.generate(GenerationRequest(messages=(question,), sampling=SamplingConfig()))

The function may be async, and it may return or raise an exception:

    async def refuse(request: GenerationRequest) -> EngineError:
        return EngineError(Problem("the endpoint", "is overloaded", "ask again later"))
"""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from synth.errors import EngineError, Problem
from synth.generation.protocol import Completion, GenerationRequest, GenerationResponse
from synth.policy import Policy
from synth.token_estimate import estimate_tokens

ScriptedAnswer = str | Completion | Sequence[str | Completion] | Exception
"""One text for each of the n samples, one for all of them, or the exception to raise. A `Completion` also
states its ending and its number of tokens; a plain text counts as complete, and its tokens are estimated."""

AnswerRequest = Callable[[GenerationRequest], ScriptedAnswer | Awaitable[ScriptedAnswer]]

STATED_MS: Final = 1.0
"""Every response states one millisecond, so that two runs write the same rows."""


class ScriptedEngine:
    """Answers each request by calling `answer`; `requests` holds all requests in order."""

    def __init__(self, answer: AnswerRequest, *, fingerprint: str = "scripted") -> None:
        self._answer, self._fingerprint = answer, fingerprint
        self.requests: list[GenerationRequest] = []
        self.closed = False

    @property
    def fingerprint(self) -> str:
        """The fingerprint given at creation, or the fingerprint of the last policy loaded."""
        return self._fingerprint

    async def start(self) -> None:
        """Open the engine; reopens it after `close`."""
        self.closed = False

    async def generate(self, request: GenerationRequest) -> GenerationResponse:
        """The function's answers. Raises any exception that the function raises or returns, and a
        non-retryable EngineError if the number of answers is not `n` or the engine is closed."""
        if self.closed:
            raise _script_error("was closed", "ask before it is closed, or start it again")
        self.requests.append(request)
        fingerprint = self._fingerprint
        answer = self._answer(request)
        if inspect.isawaitable(answer):
            answer = await answer
        if isinstance(answer, Exception):
            raise answer
        return GenerationResponse(
            request_id=request.request_id(fingerprint),
            fingerprint=fingerprint,
            completions=_complete(answer, request.n),
            prompt_tokens=estimate_tokens(request.prompt + _as_chat(request)),
            ms=STATED_MS,
        )

    async def load_policy(self, policy: Policy) -> float:
        """Answer under this policy's fingerprint from now on; takes no time."""
        self._fingerprint = policy.fingerprint
        return 0.0

    async def close(self) -> None:
        """Reject all further requests. May be called twice."""
        self.closed = True


def _as_chat(request: GenerationRequest) -> str:
    """The conversation with role marks, as chat templates write it."""
    return "".join(f"<|{message.role}|>\n{message.content}\n" for message in request.messages)


def _complete(answer: str | Completion | Sequence[str | Completion], n: int) -> tuple[Completion, ...]:
    answers = [answer] * n if isinstance(answer, str | Completion) else list(answer)
    if len(answers) != n:
        raise _script_error(
            f"gave {len(answers)} answers where n = {n}", "return one text for each, or one for all"
        )
    return tuple(
        one
        if isinstance(one, Completion)
        else Completion(text=one, finish="stop", tokens=max(1, estimate_tokens(one)))
        for one in answers
    )


def _script_error(wrong: str, fix: str) -> EngineError:
    return EngineError(Problem("the scripted engine", wrong, fix), retryable=False)
