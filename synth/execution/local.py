"""The sandbox of this machine: many requests at once, over the process sandbox.

Place in the flow: behind `execution/protocol.py`. The one rule: the same request in one process lifetime runs once, and a fault of ours
becomes an observation with `infrastructure`, never a verdict.
"""

import asyncio
import os
import signal
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Literal

from synth.execution.channel import failed, is_fault
from synth.execution.grouping import needs_build, split
from synth.execution.process import ProcessSandbox
from synth.execution.recorded import request_key
from synth.execution.runner import LanguageRunner
from synth.execution.turns import Turns
from synth.execution.turnstile import Turnstile
from synth.languages.registry import UnknownLanguage, get_language
from synth.languages.spec import find_toolchain
from synth.records import ExecutionRequest, Observation, Stop

_PLACES: Final = 2
"""What a core has where nobody said how many programs run at once: a program that is built takes all of a core."""
_LONG_S: Final = 0.5
"""After so long, a thread gives back what it has not begun of a group, so that one slow program does not hold up the others."""
_TOOLCHAINS: Final = 3
"""How often a program is run again because its toolchain changed under it."""


class LocalSandbox:
    """Runs programs in isolation on this machine. `workers` programs at once; `cached` answers are kept.

    0 takes the number of cores, and twice as many for programs that need no build: half of what those cost is spent by the kernel on
    namespaces that begin and end, and much of that is waiting.
    """

    def __init__(self, workers: int = 0, minimum_level: Literal["A", "B", "C"] = "C", cached: int = 20_000) -> None:
        self.workers = workers or len(os.sched_getaffinity(0))
        self._cached = cached
        self._minimum_level = minimum_level
        self._gate = Turnstile()
        self._runners: dict[str, LanguageRunner] = {}
        self._cache: OrderedDict[str, asyncio.Future[Observation]] = OrderedDict()
        self._sandbox: ProcessSandbox | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._places = 1 if workers else _PLACES
        self._turns = Turns(self._places * self.workers)
        self._waiting = 0

    @property
    def level(self) -> str:
        return self._sandbox.level if self._sandbox else ""

    async def toolchain(self, language: str) -> str:
        """Name, version and digest; empty for a language that is unknown, or that this machine cannot run."""
        try:
            name = get_language(language).name
        except UnknownLanguage:
            return ""
        self._forget_changed(name)
        found = await asyncio.to_thread(find_toolchain, name)
        return found.stated_for(name) if found else ""

    async def start(self) -> None:
        """Raises SandboxError when this machine cannot give the level that was asked for. May be called twice."""
        if self._sandbox is None:
            self._sandbox = await asyncio.to_thread(ProcessSandbox, self._minimum_level)
            self._threads = ThreadPoolExecutor(self._places * self.workers, thread_name_prefix="sandbox")

    async def close(self) -> None:
        sandbox, self._sandbox = self._sandbox, None
        threads, self._threads = self._threads, None
        for runner in self._runners.values():
            runner.close()
        self._runners.clear()
        if sandbox is not None:
            await asyncio.to_thread(sandbox.close)
        if threads is not None:
            await asyncio.to_thread(threads.shutdown, cancel_futures=True)

    async def execute(self, requests: Sequence[ExecutionRequest], turn: int = 0) -> list[Observation]:
        """Observations in the order of the requests. Raises SandboxError only when it was not started."""
        if self._threads is None:
            await self.start()
        keys = [request_key(request) for request in requests]
        new = {key: request for key, request in zip(keys, requests, strict=True) if key not in self._cache}
        for key in new:
            self._cache[key] = asyncio.get_running_loop().create_future()
        waiting = [self._cache[key] for key in keys]
        groups = split(new, self.workers, self._waiting)
        self._waiting += len(new)
        await asyncio.gather(*(self._run(group, turn) for group in groups))
        observations = [await future for future in waiting]
        self._forget(keys)
        return [_renamed(observation, request) for observation, request in zip(observations, requests, strict=True)]

    def _forget(self, keys: Iterable[str]) -> None:
        """Faults are not kept, and the cache stays bounded."""
        for key in keys:
            future = self._cache.get(key)
            if future is not None and future.done() and (future.cancelled() or future.exception() or is_fault(future.result())):
                del self._cache[key]
        while len(self._cache) > self._cached and next(iter(self._cache.values())).done():
            self._cache.popitem(last=False)

    async def _run(self, group: dict[str, ExecutionRequest], turn: int) -> None:
        """Run a group in a thread and answer its futures, whatever happens. What a slow program held up goes on one by one."""
        assert self._threads is not None, "execute starts the sandbox"
        try:
            async with self._turns.take(turn, self._places if needs_build(next(iter(group.values()))) else 1):
                loop = asyncio.get_running_loop()
                observations = await loop.run_in_executor(self._threads, self._run_in_thread, list(group.values()))
        except Exception as error:  # noqa: BLE001  # whatever broke here was not the program
            observations = [failed(request, f"{type(error).__name__}: {error}") for request in group.values()]
        except BaseException:
            self._waiting -= len(group)
            for key in group:
                self._cache.pop(key).cancel()
            raise
        self._waiting -= len(observations)
        for key, observation in zip(group, observations, strict=False):
            self._cache[key].set_result(observation)
        held_up = list(group.items())[len(observations) :]
        await asyncio.gather(*(self._run({key: request}, turn) for key, request in held_up))

    def _run_in_thread(self, requests: list[ExecutionRequest]) -> list[Observation]:
        """Observations of the first of them, at least of one. What was seen while the toolchain went away or became another one says
        nothing: it is asked for again."""
        for _ in range(_TOOLCHAINS):
            runner = self._runner(requests[0])
            if isinstance(runner, Observation):
                return [runner.model_copy(update={"request_id": request.id}) for request in requests]
            observations = self._observe(runner, requests)
            if runner.toolchain.is_unchanged:
                return observations
        return [failed(request, f"the toolchain of {request.language} changes while programs run") for request in requests]

    def _observe(self, runner: LanguageRunner, requests: list[ExecutionRequest]) -> list[Observation]:
        """A build that is shared runs whole; what is run one after the other ends when it has taken long."""
        driver = runner.language.driver
        together = [requests] if driver and driver.batch else [[request] for request in requests]
        observations: list[Observation] = []
        started = time.monotonic()
        for group in together:
            if observations and time.monotonic() - started > _LONG_S:
                break
            observations += runner.run_group(group)
        for at, observation in enumerate(observations):
            if is_doubtful(observation, requests[at].limits.cpu_s):
                observations[at] = runner.run_group([requests[at]], alone=True)[0]
        return observations

    def _runner(self, request: ExecutionRequest) -> LanguageRunner | Observation:
        """The runner of the language, or the observation that says why there is none."""
        try:
            language = get_language(request.language)
        except UnknownLanguage as error:
            return failed(request, str(error))
        self._forget_changed(language.name)
        if language.name not in self._runners:
            toolchain = find_toolchain(language.name)
            if toolchain is None:
                return failed(request, None).model_copy(update={"toolchain_missing": language.install})
            assert self._sandbox is not None, "execute starts the sandbox"
            self._runners.setdefault(language.name, LanguageRunner(self._sandbox, language, toolchain, self._gate))
        runner = self._runners[language.name]
        runner.prepare()
        return runner

    def _forget_changed(self, language: str) -> None:
        """Let go of a toolchain that is not there any more, with its resident compilers and warm processes."""
        runner = self._runners.get(language)
        if runner is not None and not runner.toolchain.is_unchanged:
            find_toolchain.cache_clear()
            if self._runners.get(language) is runner:
                del self._runners[language]
            runner.close()


def is_doubtful(observation: Observation, cpu_limit_s: float) -> bool:
    """Whether an end may be the machine's fault, so that the program is run once more, alone.

    A time-out when most cases were done, or by wall time while it was working; and a kill that neither we nor a limit sent, as a machine
    that runs out of memory sends it.
    """
    if observation.signal == signal.SIGKILL and observation.stop is Stop.NONE:
        return True
    if observation.stop is Stop.WALL:
        return observation.cpu_s >= 0.05 * cpu_limit_s
    done = sum(case.status != "missing" for case in observation.cases)
    return observation.stop is Stop.CPU and 2 * done > len(observation.cases)


def _renamed(observation: Observation, request: ExecutionRequest) -> Observation:
    """The observation of an equal request, as this one's."""
    if (observation.request_id, observation.language) == (request.id, request.language):
        return observation
    return observation.model_copy(update={"request_id": request.id, "language": request.language})
