"""Runs requests of one language on this machine: builds programs, runs them, and passes on their
observations. Blocking and thread-safe.

Place in the flow: `local/sandbox.py` passes it groups of requests from its threads; it carries out the plans
of `program_plan.py`. The one rule: each candidate gets its own fresh process.
"""

import base64
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from synth.errors import SandboxError
from synth.execution.isolation.folders import read_product
from synth.execution.isolation.job import Job, JobResult
from synth.execution.isolation.process import ProcessSandbox
from synth.execution.programs.build import Build, Builder, encoded, linker_flag, prepare_shared
from synth.execution.programs.compiler_pool import CompileServers
from synth.execution.programs.exclusive_lock import SharedExclusiveLock
from synth.execution.programs.header_sets import HeaderSets
from synth.execution.programs.program_plan import (
    INDEX,
    SHARED,
    BuildOutcome,
    LanguageSetup,
    ProgramPlan,
    draw_secrets,
    environment_of,
    observe,
    plan_program,
)
from synth.execution.programs.zygote_pool import WarmWorkers
from synth.languages.spec import Batch, Driver, Language
from synth.languages.toolchain import Toolchain
from synth.records import Captured, ExecutionRequest, FunctionCall, Observation, ProgramFile, Stop

MOST_FETCHED_BYTES: Final = 16 << 20
"""Of all files together that one program is to report."""


class _Candidate(NamedTuple):
    """A request, as its position in the group, and its plan."""

    position: int
    plan: ProgramPlan


def _always(_: int) -> bool:
    return True


class LanguageRunner:
    """Runs programs of one language on one sandbox."""

    def __init__(
        self, sandbox: ProcessSandbox, language: Language, toolchain: Toolchain, gate: SharedExclusiveLock
    ) -> None:
        self.language, self.toolchain = language, toolchain
        self._sandbox, self._gate = sandbox, gate
        self._setup = LanguageSetup(language, toolchain, sandbox.level, linker_flag())
        self._builder = Builder(sandbox, toolchain, None)
        self._servers: CompileServers | None = None
        self._warm: WarmWorkers | None = None
        self._shared: Path | None = None
        self._prepared = False
        self._preparing = threading.Lock()

    def prepare(self) -> None:
        """Make the driver's shared files once; other threads wait for the first. Raises SandboxError."""
        with self._preparing:
            if self._prepared:
                return
            if self.language.driver is not None:
                self._prepare(self.language.driver)
            if self.language.zygote is not None:
                environment = environment_of(self.language, self.toolchain)
                self._warm = WarmWorkers(self._sandbox, self.language.zygote, self.toolchain, environment)
            self._prepared = True

    def _prepare(self, driver: Driver) -> None:
        self._shared = prepare_shared(driver, self.toolchain, self.language.name)
        headers = self.language.precompiled
        sets = HeaderSets(self.language.name, headers, self.toolchain, self._shared) if headers else None
        self._builder = Builder(self._sandbox, self.toolchain, self._shared, sets)
        if driver.compile_server:
            assert self._shared is not None, "a resident compiler is a shared file"
            self._servers = CompileServers(
                self._sandbox,
                driver,
                self.toolchain,
                self._shared,
                {**self.language.environment, **self.toolchain.environment},
            )

    def close(self) -> None:
        """End the resident compilers and the warm processes."""
        if self._servers is not None:
            self._servers.close()
        if self._warm is not None:
            self._warm.close()

    def run(
        self, request: ExecutionRequest, alone: bool = False, is_abandoned: Callable[[], bool] | None = None
    ) -> Observation:
        """Run one program. With `alone`, no other program runs at the same time. One that `is_abandoned` may
        be ended early."""
        plan = self._plan(request)
        if isinstance(plan, Observation):
            return plan
        batch = self._batch(plan)
        if batch is not None:
            ((_, observation),) = self._run_together([_Candidate(0, plan)], batch, _always, alone)
            return observation
        build = self._build(plan)
        try:
            return self._run_built(plan, build, 0, alone, is_abandoned)
        finally:
            build.remove()

    def run_group(
        self,
        requests: Sequence[ExecutionRequest],
        begin: Callable[[int], bool],
        is_abandoned: Callable[[], bool] | None = None,
    ) -> Generator[tuple[int, Observation]]:
        """Observations as they are made, each with the position of its request. `begin` says before each
        program whether it should still run. In a language whose candidates share a build, all requests
        have one contract."""
        together: list[_Candidate] = []
        batch: Batch | None = None
        for index, request in enumerate(requests):
            plan = self._plan(request) if self._may_share(request) else None
            if isinstance(plan, ProgramPlan) and (own := self._batch(plan)) is not None:
                batch = own
                together.append(_Candidate(index, plan))
            elif begin(index):
                yield index, self.run(request, is_abandoned=is_abandoned)
        if batch is not None:
            yield from self._run_together(together, batch, begin)

    def _may_share(self, request: ExecutionRequest) -> bool:
        driver = self.language.driver
        return isinstance(request.call, FunctionCall) and driver is not None and driver.batch is not None

    def _batch(self, plan: ProgramPlan) -> Batch | None:
        """How the program is built together with others; None if it cannot be."""
        driver = self.language.driver
        return driver.batch if driver is not None and plan.driven is not None else None

    def _plan(self, request: ExecutionRequest) -> ProgramPlan | Observation:
        return plan_program(self._setup, request, draw_secrets())

    def _run_together(
        self,
        candidates: Sequence[_Candidate],
        batch: Batch,
        begin: Callable[[int], bool],
        alone: bool = False,
    ) -> Generator[tuple[int, Observation]]:
        """Run programs that share a build, each in its own process."""
        build = self._builder.build_together([candidate.plan for candidate in candidates], batch)
        try:
            for at, (position, plan) in enumerate(candidates):
                if begin(position):
                    solo = build.needs_solo_builds
                    yield (
                        position,
                        self.run(plan.request) if solo else self._run_built(plan, build, at, alone),
                    )
        finally:
            build.remove()

    def _build(self, plan: ProgramPlan) -> Build:
        if plan.compile_server:
            assert self._servers is not None, "made by prepare"
            build = self._servers.compile(plan.files)
        elif plan.compile_command:
            build = self._builder.build(plan)
        else:
            build = Build(files=encoded(plan.files), positions={0: 0})
        if plan.fetched and build.folder is None and build.outcome(0).is_built:
            try:
                build.folder = self._sandbox.make_build()
            except (OSError, SandboxError) as error:
                return Build(infrastructure=str(error))
        return build

    def _run_built(
        self,
        plan: ProgramPlan,
        build: Build,
        candidate: int,
        alone: bool,
        is_abandoned: Callable[[], bool] | None = None,
    ) -> Observation:
        outcome = build.outcome(candidate)
        results: list[JobResult] = []
        if outcome.is_built:
            try:
                job = self._job(plan, build, candidate)
            except OSError as error:
                return observe(
                    plan, BuildOutcome(fault=f"cannot write a program of a shared build: {error}"), []
                )
            for index, stdin in enumerate(plan.stdins):
                stdin_bytes = stdin.encode("utf-8", "surrogatepass")
                fed = replace(job, stdin=stdin_bytes, is_abandoned=is_abandoned)
                results.append(self._run(plan, fed, alone, index))
                if results[-1].stop is not Stop.NONE or results[-1].says_nothing:
                    break
        observation = observe(plan, outcome, results)
        return self._with_files(plan, build, observation) if plan.fetched and results else observation

    def _with_files(self, plan: ProgramPlan, build: Build, observation: Observation) -> Observation:
        """With the files that the program was to report. Too much of them is too much output."""
        assert build.folder is not None, "made by _build"
        files, left = [], MOST_FETCHED_BYTES
        for path in plan.fetched:
            data = read_product(build.folder.work, path, left)
            if data is None:
                continue
            left -= len(data)
            if left < 0:
                words = f"the files to be fetched hold more than {MOST_FETCHED_BYTES} bytes"
                note = Captured(head=words, length=len(words))
                return observation.model_copy(update={"stop": Stop.OUTPUT, "stderr": note})
            files.append(ProgramFile(path=path, content=base64.b64encode(data).decode("ascii")))
        return observation.model_copy(update={"files": tuple(files)})

    def _job(self, plan: ProgramPlan, build: Build, candidate: int) -> Job:
        """A job that runs the built program. Commands that name the shared folder can see it."""
        position, folder = build.positions[candidate], build.folder_of(candidate)
        shared = (str(self._shared),) if any(SHARED in word for word in plan.run_command) else ()
        argv = (
            word.replace(SHARED, str(self._shared)).replace(INDEX, str(position)) for word in plan.run_command
        )
        owns = (
            plan.mode == "program" or plan.through_files
        )  # its working folder is its own to write, as where it was compiled
        files = {**build.files, **plan.beside} if owns else build.files
        return Job(
            argv=tuple(argv),
            files=files if owns or folder is None else {},
            stdin=None,
            limits=plan.limits,
            env=plan.environment,
            readonly=(*self.toolchain.readonly, *shared),
            writable=folder,
            work_readonly=folder is not None and not owns,
            private_channel=plan.has_channel,
            data_limit=self.language.data_limit,
        )

    def _run(self, plan: ProgramPlan, job: Job, alone: bool, case: int) -> JobResult:
        """Run by forking a warm process if the language has one for this kind of program, else cold."""
        if self._warm is not None and plan.starts_warm:
            warm = job
            if plan.warm_command:
                files = {**job.files, **plan.files_of(case)}
                warm = replace(job, argv=plan.warm_command, files=files, stdin=b"")
            with self._turn(alone):
                result = self._warm.run(warm, plan.preload, plan.arguments)
            if result is not None:
                return result
        with self._turn(alone):
            return self._sandbox.run(job)

    def _turn(self, alone: bool) -> AbstractContextManager[None]:
        return self._gate.alone() if alone else self._gate.shared()
