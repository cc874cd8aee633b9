"""Engine over an external endpoint: a hosted API or a cluster's server. Its policy is the model that the
endpoint serves under the configured name."""

import difflib
import os
import re
import time
from pathlib import Path
from urllib.parse import urlsplit

from synth.config import OpenaiEngineConfig, RequestConfig
from synth.errors import EngineError, Problem
from synth.generation.endpoint import Endpoint, EndpointClient
from synth.generation.ledger import Ledger, NoLedger
from synth.generation.protocol import GenerationRequest, GenerationResponse
from synth.generation.retry import Pauses
from synth.generation.transport import LOOPBACK
from synth.ids import content_hash
from synth.policy import Policy

_VARIABLE = re.compile(r"\$\{(\w+)\}")


class OpenaiApiEngine:
    """Requests `config.model` from `config.base_url`. The recipe names the environment variable
    of the key."""

    def __init__(
        self,
        config: OpenaiEngineConfig,
        *,
        policy: Policy | None = None,
        log_folder: Path | None = None,
        pauses: Pauses | None = None,
    ) -> None:
        del policy, log_folder  # every engine is given both; this one serves the endpoint's own model
        self._config = config
        self._pauses = pauses or Pauses()
        self._client: EndpointClient | None = None
        added = _deciding(config.request)
        self._fingerprint = content_hash(
            "endpoint", config.base_url.rstrip("/"), config.model, *([added] if added else [])
        )

    @property
    def fingerprint(self) -> str:
        """Hash of the endpoint, the model name and what is added to each request, since the weights cannot
        be seen."""
        return self._fingerprint

    async def start(self) -> None:
        """Check, without spending tokens, that the endpoint answers, accepts the key and knows the
        model. Raises EngineError."""
        if self._client is not None:
            return
        config = self._config
        client = EndpointClient(
            Endpoint(
                base_url=config.base_url,
                concurrency=config.concurrency,
                request_timeout_s=config.request_timeout_s,
                max_retries=config.max_retries,
                api_key=self._read_key(),
                pauses=self._pauses,
                extra_body=config.request.extra_body,
                headers=self._read_headers(),
            )
        )
        try:
            self._check_model(await client.list_models())
        except EngineError:
            await client.close()
            raise
        self._client = client

    async def generate(self, request: GenerationRequest) -> GenerationResponse:
        """Answer one request, with retries. Raises EngineError."""
        return await self.buy(request, NoLedger())

    async def buy(self, request: GenerationRequest, ledger: Ledger) -> GenerationResponse:
        """As `generate`; the ledger gets what was paid for as it arrives."""
        if self._client is None:
            raise EngineError(
                Problem(f"endpoint {self._config.base_url}", "was not started", "call start() first"),
                retryable=False,
            )
        started = time.monotonic()
        completions, usage = await self._client.complete(request, self._config.model, ledger)
        return GenerationResponse(
            request_id=ledger.request_id or request.request_id(self.fingerprint),
            fingerprint=self.fingerprint,
            completions=completions,
            prompt_tokens=usage.prompt_tokens,
            ms=(time.monotonic() - started) * 1000,
            cached_tokens=usage.cached_tokens,
            reasoning_tokens=usage.reasoning_tokens,
        )

    async def load_policy(self, policy: Policy) -> float:
        """Always raises EngineError: weights cannot be loaded into an external endpoint."""
        raise EngineError(
            Problem(
                where=f"endpoint {self._config.base_url}",
                message=f"cannot load the policy {policy.name}: its owner chooses the model",
                fix="use `engine: {kind: vllm_server}` for the policy, and this endpoint as `teacher`",
                see="docs/recipes.md",
            ),
            retryable=False,
        )

    async def close(self) -> None:
        """Close the connections. May be called twice."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _read_key(self) -> str:
        name = self._config.api_key_env
        key = os.environ.get(name, "") if name else ""
        if key or not name or urlsplit(self._config.base_url).hostname in LOOPBACK:
            return key
        raise EngineError(
            Problem(
                where=f"engine.api_key_env = {name}",
                message=(
                    f"must name a variable that holds the key of {self._config.base_url}; {name} is not set"
                ),
                fix=f'export {name}=...   (or `api_key_env: ""` if the endpoint needs no key)',
                see="docs/recipes.md",
            ),
            retryable=False,
        )

    def _read_headers(self) -> dict[str, str]:
        """The recipe's headers, with environment variables put in. Raises EngineError for one that is not
        set."""
        return {name: self._put_in(name, value) for name, value in self._config.request.headers.items()}

    def _put_in(self, name: str, value: str) -> str:
        missing = [found for found in _VARIABLE.findall(value) if not os.environ.get(found)]
        if missing:
            raise EngineError(
                Problem(
                    where=f"engine.request.headers.{name} = {value}",
                    message=f"must name variables that are set; {missing[0]} is not",
                    fix=f"export {missing[0]}=...",
                    see="docs/recipes.md",
                ),
                retryable=False,
            )
        return _VARIABLE.sub(lambda found: os.environ[found[1]].strip(), value)

    def _check_model(self, known: list[str] | None) -> None:
        if not known or self._config.model in known:
            return
        near = difflib.get_close_matches(self._config.model, known, n=3, cutoff=0.3) or known[:3]
        raise EngineError(
            Problem(
                where=f"engine.model = {self._config.model}",
                message=(
                    f"is not offered by {self._config.base_url}; of its {len(known)} models, "
                    f"the nearest are: {', '.join(near)}"
                ),
                fix=f"model: {near[0]}",
                see="docs/recipes.md",
            ),
            retryable=False,
        )


def _deciding(request: RequestConfig) -> dict[str, object]:
    """The additions that may change an answer. Headers with a value from the environment are credentials."""
    headers = {name.lower(): value for name, value in request.headers.items() if not _VARIABLE.search(value)}
    return {name: part for name, part in (("body", request.extra_body), ("headers", headers)) if part}
