"""Asks a model on behalf of a stage: one request per prompt, giving an answer or the reason why
there is none."""

from dataclasses import dataclass

from synth.config import SamplingConfig
from synth.errors import EngineError, RequestRefusedError
from synth.filters.protocol import Reject
from synth.generation.protocol import GenerationRequest, GenerationResponse
from synth.ids import derive_seed
from synth.records import Message
from synth.roles import ENGINE
from synth.stages.context import Context


@dataclass(frozen=True, slots=True)
class Asker:
    """Sends the requests of one stage. A request's random seed is derived from the recipe's seed
    and the unit."""

    context: Context
    stage: str
    role: str = ENGINE
    """Which engine is asked; where the recipe has none for it, the one that stands in."""

    async def ask(
        self, unit: str, messages: tuple[Message, ...], sampling: SamplingConfig, n: int = 1
    ) -> GenerationResponse | Reject:
        """The response, or the reason why there is none: `engine_failed` if all retries fail, that of the
        endpoint if it refused this request or all its answers. Another error that is not retryable stops
        the run."""
        engine = self.context.engine_of(self.role)
        assert engine is not None, "the recipe's checks ask for an engine where a stage needs one"
        seed = derive_seed(self.context.recipe.seed, self.stage, unit)
        try:
            response = await engine.generate(
                GenerationRequest(messages=messages, sampling=sampling, n=n, seed=seed)
            )
        except RequestRefusedError as error:
            return Reject(error.reason, {"error": str(error)[:300]})
        except EngineError as error:
            if not error.retryable:
                raise
            return Reject("engine_failed", {"error": str(error)[:300]})
        if all(completion.finish == "refused" for completion in response.completions):
            return Reject("request_filtered", {"answer": response.completions[0].text[:200]})
        return response

    def has_prompt(self, name: str) -> bool:
        """Whether the recipe's set has such a prompt."""
        return self.context.prompts is not None and name in self.context.prompts.prompts

    def render(self, name: str, natural_language: str = "", **variables: str) -> tuple[Message, ...]:
        """The messages of a prompt, in the variant for the natural language if the set has one."""
        prompts = self.context.prompts
        assert prompts is not None, "the recipe's checks ask for prompts where a stage needs them"
        return prompts.render(name, variant=natural_language, **variables)
