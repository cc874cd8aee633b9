"""The sandbox on this machine: runs many requests at once on the process sandbox.

Place in the flow: behind the `Sandbox` protocol. The one rule: equal requests run once per process lifetime,
and our own faults become observations with `infrastructure`, never verdicts.
"""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Final

from synth.execution.isolation.process import ProcessSandbox
from synth.execution.local.batching import batch_key, may_share_a_build, needs_build, read_keys
from synth.execution.local.remembered import Remembered, return_large_memory
from synth.execution.local.run_queue import Group, QueuedProgram, RunQueue
from synth.execution.observations import (
    ATTEMPTS,
    failed,
    is_doubtful,
    not_installed,
    renamed,
    request_key,
)
from synth.execution.programs.exclusive_lock import SharedExclusiveLock
from synth.execution.programs.language_runner import LanguageRunner
from synth.grammar.parser_process import parsers
from synth.languages.registry import UnknownLanguage, get_language
from synth.languages.toolchain import Toolchain, find_toolchain
from synth.packages.store import ChosenPackages
from synth.records import ExecutionRequest, IsolationLevel, Observation

THREADS_PER_CORE: Final = 2
"""The default number of workers. A program with a build takes all threads of a core."""
_SPARE: Final = 2
"""Slots in reserve for each slot, where programs that run long lend theirs."""
_LOOK_S: Final = 0.05
"""How long a finished observation may wait in its thread for the end of the next program."""


class LocalSandbox:
    """Runs programs in isolation on this machine, for one event loop at a time: `workers` programs at once,
    with `remembered` answers kept in memory (and at most `MOST_BYTES` of them). With `lends`, programs that
    run long hold no slot that others wait for: up to three times as many then run at once.

    0 means one per core, and two per core for programs that need no build: half of their cost is the kernel's
    set-up and removal of namespaces, much of which is waiting.
    """

    def __init__(
        self,
        workers: int = 0,
        minimum_level: IsolationLevel = "C",
        remembered: int = 20_000,
        lends: bool = False,
        packages: ChosenPackages | None = None,
    ) -> None:
        self.at_once = 8
        """Requests that a caller with many of them puts into one call."""
        self.workers = workers or len(os.sched_getaffinity(0))
        self._remembered = Remembered(remembered)
        self._minimum_level = minimum_level
        self._packages = packages or ChosenPackages()
        self._gate = SharedExclusiveLock()
        self._runners: dict[str, LanguageRunner] = {}
        self._runs: dict[str, QueuedProgram] = {}
        """Programs that wait or run, by their cache key."""
        self._sandbox: ProcessSandbox | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._threads_per_core = 1 if workers else THREADS_PER_CORE
        self._slots = self._threads_per_core * self.workers
        self._spare = _SPARE * self._slots if lends else 0
        self._queue = RunQueue(self._slots, self._spare)
        self._tasks: set[asyncio.Task[None]] = set()
        """One for each group that a thread is working on."""
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def level(self) -> str:
        return self._sandbox.level if self._sandbox else ""

    async def toolchain(self, language: str) -> str:
        """Name, version and digest; empty for a language that is unknown or cannot run on this machine."""
        try:
            name = get_language(language).name
        except UnknownLanguage:
            return ""
        self._forget_changed(name)
        found = await asyncio.to_thread(self._find, name)
        return found.stated_for(name) if found else ""

    async def start(self) -> None:
        """Raises SandboxError if this machine cannot provide the requested level. May be called twice."""
        if self._sandbox is not None:
            return
        return_large_memory()
        made = await asyncio.to_thread(ProcessSandbox, self._minimum_level)
        if self._sandbox is not None:  # another caller was quicker
            await asyncio.to_thread(made.close)
            return
        self._sandbox = made
        self._threads = ThreadPoolExecutor(self._slots + self._spare, thread_name_prefix="sandbox")

    async def close(self) -> None:
        """Programs that still wait or run are answered with faults."""
        self._enter_loop()
        sandbox, self._sandbox = self._sandbox, None
        threads, self._threads = self._threads, None
        self._answer_waiting()
        for runner in self._runners.values():
            runner.close()
        self._runners.clear()
        if sandbox is not None:
            await asyncio.to_thread(sandbox.close)
        await asyncio.gather(*self._tasks)
        if threads is not None:
            await asyncio.to_thread(threads.shutdown)
        await asyncio.to_thread(parsers().close)
        if self._threads is None:
            self._answer_waiting()  # programs that a thread put back meanwhile

    def _enter_loop(self) -> None:
        """Drop the programs that waited or ran for an event loop that has ended."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._runs, self._tasks = loop, {}, set()
            self._queue = RunQueue(self._slots, self._spare)

    def _answer_waiting(self) -> None:
        for run in self._queue.clear():
            self._answer(run, failed(run.request, "the sandbox was closed"))

    async def execute(self, requests: Sequence[ExecutionRequest], priority: int = 0) -> list[Observation]:
        """Observations in the order of the requests. Starts the sandbox if necessary, and then raises
        SandboxError like `start`."""
        await self.start()
        if any(map(may_share_a_build, requests)):
            await asyncio.to_thread(read_keys, requests)
        self._enter_loop()
        found = [self._ask(request, priority) for request in requests]
        asyncio.get_running_loop().call_soon(
            self._hand_out
        )  # not at once: requests that arrive together make better groups
        try:
            observations = [
                one if isinstance(one, Observation) else await asyncio.shield(one.observation)
                for one in found
            ]
        finally:
            for one in found:
                if isinstance(one, QueuedProgram):
                    self._leave(one)
        return [
            renamed(observation, request) for observation, request in zip(observations, requests, strict=True)
        ]

    def _ask(self, request: ExecutionRequest, priority: int) -> Observation | QueuedProgram:
        """The observation of an equal request, or its run, which then has one more caller."""
        key = request_key(request)
        known = self._remembered.get(key)
        if known is not None:
            return known
        run = self._runs.get(key)
        if run is None:
            builds = needs_build(request)
            weight = self._threads_per_core if builds else 1
            future = asyncio.get_running_loop().create_future()
            run = QueuedProgram(key, request, future, priority, batch_key(request), weight, builds)
            self._runs[key] = run
            self._queue.put(run)
        self._queue.raise_priority(run, priority)
        run.callers += 1
        return run

    def _leave(self, run: QueuedProgram) -> None:
        """A caller has its answer or has given up. A program without callers does not begin; one that has
        begun is ended soon, unless it shares a build."""
        run.callers -= 1
        if not run.callers:
            self._let_go(run)

    def _let_go(self, run: QueuedProgram) -> None:
        if not run.observation.done():
            run.observation.cancel()
            del self._runs[run.key]

    def _answer(self, run: QueuedProgram, observation: Observation) -> None:
        """Answer all callers."""
        if run.observation.done():
            return
        del self._runs[run.key]
        run.observation.set_result(observation)
        self._remembered.keep(run.key, observation)

    def _hand_out(self) -> None:
        """Give free threads the groups that they can begin."""
        if self._threads is None:
            return
        for group in self._queue.groups():
            task = asyncio.create_task(self._run(group, self._threads))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, group: Group, threads: ThreadPoolExecutor) -> None:
        """Run a group in a thread and answer its programs as they finish, whatever happens."""
        thread = asyncio.get_running_loop().run_in_executor(threads, self._work, group)
        try:
            while not thread.done():
                await asyncio.wait([thread], timeout=_LOOK_S)
                while group.found:
                    self._answer(*group.found.popleft())
                if not thread.done():
                    self._hand_out()  # long groups may be shared out by now
            error = thread.exception()
            for run in (
                [*group.begun, *group.take_back()] if error else []
            ):  # an error here is not the program's fault
                self._answer(run, failed(run.request, f"{type(error).__name__}: {error}"))
        finally:
            for run in group.begun:
                self._let_go(run)  # programs without an answer, if this task was cancelled
            self._queue.done(group)
        self._hand_out()

    def _work(self, group: Group) -> None:
        """In a thread: run the remaining programs of the group. An observation made while the toolchain
        disappeared or changed is void, and its program runs again."""
        runner = self._runner(group.programs[0].request)
        if isinstance(runner, Observation):
            for index, run in enumerate(group.programs):
                if group.begin(index):
                    group.found.append((run, runner.model_copy(update={"request_id": run.request.id})))
            return
        requests = [run.request for run in group.programs]
        with closing(runner.run_group(requests, group.begin, group.is_abandoned)) as observations:
            for index, observation in observations:
                run = group.programs[index]
                if is_doubtful(observation, run.request.limits):
                    observation = runner.run(run.request, alone=True)
                if runner.toolchain.is_unchanged:
                    group.found.append((run, observation))
                    continue
                run.toolchain_changes += 1
                if run.toolchain_changes < ATTEMPTS:
                    group.put_back(index)
                else:
                    group.found.append(
                        (
                            run,
                            failed(
                                run.request,
                                f"the toolchain of {run.request.language} changes while programs run",
                            ),
                        )
                    )
                return

    def _runner(self, request: ExecutionRequest) -> LanguageRunner | Observation:
        """The language's runner, or an observation that says why there is none."""
        try:
            language = get_language(request.language)
        except UnknownLanguage as error:
            return failed(request, str(error))
        self._forget_changed(language.name)
        if language.name not in self._runners:
            toolchain = self._find(language.name)
            if toolchain is None:
                return not_installed(request, language.install)
            assert self._sandbox is not None, "execute starts the sandbox"
            self._runners.setdefault(
                language.name, LanguageRunner(self._sandbox, language, toolchain, self._gate)
            )
        runner = self._runners[language.name]
        runner.prepare()
        return runner

    def _find(self, language: str) -> Toolchain | None:
        """The toolchain on this machine, with its packages."""
        found = find_toolchain(language)
        return None if found is None else self._packages.extend(language, found)

    def _forget_changed(self, language: str) -> None:
        """Drop a toolchain that is gone or has changed, with its resident compilers and warm processes."""
        runner = self._runners.get(language)
        if runner is not None and not runner.toolchain.is_unchanged:
            find_toolchain.cache_clear()
            if self._runners.get(language) is runner:
                del self._runners[language]
            runner.close()
