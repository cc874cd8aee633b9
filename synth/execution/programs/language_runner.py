"""Runs requests of one language: builds what must be built, makes the jobs, reads the observations. Blocking
and thread-safe.

Place in the flow: `local/sandbox.py` hands it groups of requests from its threads. The one rule: each
candidate gets a fresh process of its own.
"""

import secrets
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple

from synth.execution.isolation.job import Job, JobResult
from synth.execution.isolation.process import ProcessSandbox
from synth.execution.programs.build import Build, Builder, fill, prepare_shared
from synth.execution.programs.compiler_pool import CompileServers
from synth.execution.programs.exclusive_lock import SharedExclusiveLock
from synth.execution.programs.request_rules import (
    ENVIRONMENT,
    MAX_CODE_BYTES,
    as_function,
    compile_failure,
    heap_mb,
    look_for_parse_error,
    own_limits,
    program_text,
    refuse,
    script_compiler,
    script_mark,
    too_long,
)
from synth.execution.programs.result_channel import (
    ObservationContext,
    failed,
    failed_before_run,
    observe_function,
    observe_script,
    observe_stdio,
)
from synth.execution.programs.zygote_pool import WarmWorkers
from synth.languages.spec import Driver, Language, UnsupportedType, driver_input
from synth.languages.toolchain import Toolchain
from synth.records import (
    ExecutionRequest,
    FunctionCall,
    Limits,
    Observation,
    Phase,
    ScriptCall,
    StdioCall,
    Stop,
)
from synth.values import Signature, parse_signature


class _Candidate(NamedTuple):
    """A request of a group, by its position there, and the call that it makes."""

    position: int
    request: ExecutionRequest
    call: FunctionCall


def _always(_: int) -> bool:
    return True


class LanguageRunner:
    """Runs programs of one language on one sandbox."""

    def __init__(
        self, sandbox: ProcessSandbox, language: Language, toolchain: Toolchain, gate: SharedExclusiveLock
    ) -> None:
        self.language, self.toolchain = language, toolchain
        self._sandbox, self._gate = sandbox, gate
        self._builder = Builder(sandbox, language, toolchain)
        self._servers: CompileServers | None = None
        self._warm: WarmWorkers | None = None
        self._shared: Path | None = None
        self._prepared = False
        self._preparing = threading.Lock()
        self._context = ObservationContext(sandbox.level, toolchain.stated_for(language.name))

    def prepare(self) -> None:
        """Make the driver's shared files, once: other threads wait for the first. Raises SandboxError."""
        with self._preparing:
            if self._prepared:
                return
            if self.language.driver is not None:
                self._prepare(self.language.driver)
            if self.language.zygote is not None:
                environment = {**ENVIRONMENT, **self.language.environment}
                self._warm = WarmWorkers(self._sandbox, self.language.zygote, self.toolchain, environment)
            self._prepared = True

    def _prepare(self, driver: Driver) -> None:
        self._shared = prepare_shared(driver, self.toolchain, self.language.name)
        if driver.compile_server and self._shared:
            self._servers = CompileServers(
                self._sandbox, driver, self.toolchain, self._shared, self.language.environment
            )

    def close(self) -> None:
        """End the resident compilers and the warm processes."""
        if self._servers is not None:
            self._servers.close()
        if self._warm is not None:
            self._warm.close()

    def run(self, request: ExecutionRequest, alone: bool = False) -> Observation:
        """One program."""
        refused = refuse(self.language, request)
        if refused:
            return failed(request, refused, self._context)
        call = as_function(self.language, request)
        if isinstance(call, ScriptCall):
            return self._run_script(request, alone)
        if isinstance(call, StdioCall):
            return self._run_stdio(request, alone)
        ((_, observation),) = self._run_functions([_Candidate(0, request, call)], _always, alone)
        return observation

    def run_group(
        self, requests: Sequence[ExecutionRequest], begin: Callable[[int], bool]
    ) -> Generator[tuple[int, Observation]]:
        """Observations as they are found, each with the position of its request, if `begin` says that it is
        still to be run when its turn comes. Requests of a language whose candidates share a build have one
        contract."""
        together: list[_Candidate] = []
        for index, request in enumerate(requests):
            if isinstance(request.call, FunctionCall) and self._may_share(request):
                together.append(_Candidate(index, request, request.call))
            elif begin(index):
                yield index, self.run(request)
        if together:
            yield from self._run_functions(together, begin)

    def _may_share(self, request: ExecutionRequest) -> bool:
        shares = self.language.driver is not None and self.language.driver.batch is not None
        return shares and len(request.code) <= MAX_CODE_BYTES and refuse(self.language, request) is None

    # --- function mode ---

    def _run_functions(
        self, candidates: Sequence["_Candidate"], begin: Callable[[int], bool], alone: bool = False
    ) -> Generator[tuple[int, Observation]]:
        codes = [program_text(self.language, request, call) for _, request, call in candidates]
        call = candidates[0].call
        build = self._build(codes, call.entry_point, parse_signature(call.signature))
        try:
            for at, (index, request, call) in enumerate(candidates):
                if begin(index):
                    yield (
                        index,
                        self.run(request)
                        if build.unattributed
                        else self._run_built(request, call, at, build, alone),
                    )
        finally:
            build.remove()

    def _build(self, codes: Sequence[str], entry_point: str, signature: Signature) -> Build:
        driver = self.language.driver
        assert driver is not None, "checked by refuse"
        if len(codes[0]) > MAX_CODE_BYTES:
            return Build(refused={0: too_long()})
        try:
            if self._servers is not None:
                return self._servers.compile(driver.files(codes[0], entry_point, signature))
            if driver.compile_command:
                return self._builder.build_functions(codes, entry_point, signature, self._shared)
            files = driver.files(codes[0], entry_point, signature)
        except UnsupportedType as error:
            return Build(infrastructure=str(error))
        return Build(
            files={name: text.encode("utf-8", "surrogatepass") for name, text in files.items()},
            positions={0: 0},
        )

    def _run_built(
        self, request: ExecutionRequest, call: FunctionCall, index: int, build: Build, alone: bool
    ) -> Observation:
        if build.infrastructure is not None:
            return failed(request, build.infrastructure, self._context)
        if index in build.refused:
            return compile_failure(self.language, request, build.refused[index], self._context)
        driver = self.language.driver
        assert driver is not None, "checked by refuse"
        nonce = secrets.token_hex(16)
        stdin = driver_input(nonce, call.entry_point, parse_signature(call.signature), call.arguments)
        job = self._job(
            request.limits, driver.run_command, build, build.folder_of(index), build.positions[index]
        )
        job = replace(job, stdin=stdin, private_channel=True)
        result = self._run_warm("functions", job, alone) or self._run(job, alone)
        observation = observe_function(request, result, nonce, len(call.arguments), self._context)
        return look_for_parse_error(self.language, request, observation)

    # --- stdin/stdout mode ---

    def _run_stdio(self, request: ExecutionRequest, alone: bool) -> Observation:
        assert isinstance(request.call, StdioCall), "run_group sorts calls by kind"
        if len(request.code) > MAX_CODE_BYTES:
            return failed_before_run(request, Phase.PARSE, too_long(), self._context)
        build = self._build_files({self.language.file_name: request.code}, self.language.compile_command)
        if build.infrastructure is not None:
            return failed(request, build.infrastructure, self._context)
        if build.refused:
            return compile_failure(self.language, request, build.refused[0], self._context)
        try:
            return look_for_parse_error(
                self.language, request, self._run_stdins(request, request.call.stdins, build, alone)
            )
        finally:
            build.remove()

    def _run_stdins(
        self, request: ExecutionRequest, stdins: Sequence[str], build: Build, alone: bool
    ) -> Observation:
        results: list[JobResult] = []
        without_stdin = self._job(request.limits, self.language.run_command, build)
        for stdin in stdins:
            job = replace(without_stdin, stdin=stdin.encode("utf-8", "surrogatepass"))
            results.append(self._run_warm("programs", job, alone) or self._run(job, alone))
            if results[-1].stop is not Stop.NONE or results[-1].infrastructure is not None:
                break
        return observe_stdio(request, results or [JobResult(exit_code=0)], len(stdins), self._context)

    # --- script mode ---

    def _run_script(self, request: ExecutionRequest, alone: bool) -> Observation:
        """Counts when the mark of this run came through the channel and the process then ended by itself with
        exit code 0."""
        script = self.language.script
        assert isinstance(request.call, ScriptCall), "run_group sorts calls by kind"
        assert script is not None, "checked by refuse"
        assert script.files is not None, "what is not driven has files"
        if len(request.code) > MAX_CODE_BYTES:
            return failed_before_run(request, Phase.PARSE, too_long(), self._context)
        nonce = secrets.token_hex(16)
        build = self._build_files(
            script.files(request.code, request.call.script, script_mark(nonce)),
            script_compiler(self.language),
        )
        if build.infrastructure is not None:
            return failed(request, build.infrastructure, self._context)
        if build.refused:
            return compile_failure(self.language, request, build.refused[0], self._context)
        try:
            command = script.run_command or self.language.run_command
            job = replace(self._job(request.limits, command, build), private_channel=True)
            result = self._run_warm("programs", job, alone) or self._run(job, alone)
        finally:
            build.remove()
        return look_for_parse_error(
            self.language, request, observe_script(request, result, nonce, self._context)
        )

    # --- what the modes share ---

    def _build_files(self, files: Mapping[str, str], command: Sequence[str]) -> Build:
        """A whole program. A resident compiler knows from the names of the files what to make of them."""
        if self._servers is not None:
            return self._servers.compile(files)
        if command:
            return self._builder.build_files(files, command, self._shared)
        return Build(files={name: text.encode("utf-8", "surrogatepass") for name, text in files.items()})

    def _job(
        self, limits: Limits, command: Sequence[str], build: Build, folder: Path | None = None, index: int = 0
    ) -> Job:
        """A run of what was built. The shared folder is shown to commands that name it."""
        shared = (str(self._shared),) if any("{shared}" in word for word in command) else ()
        return Job(
            argv=fill(command, self.toolchain, shared=self._shared, index=index, heap_mb=heap_mb(limits)),
            files=build.files if build.folder is None else {},
            stdin=None,
            limits=own_limits(self.language, limits),
            env={**ENVIRONMENT, **self.language.environment},
            readonly=(*self.toolchain.readonly, *shared),
            writable=folder or build.folder,
            work_readonly=build.folder is not None,
            data_limit=self.language.data_limit,
        )

    def _run_warm(self, kind: Literal["functions", "programs"], job: Job, alone: bool) -> JobResult | None:
        """By a fork of a warm process, where the language has one for this kind; None when it has to be run
        cold."""
        if self._warm is None or self.language.zygote is None or kind not in self.language.zygote.runs:
            return None
        with self._gate.alone() if alone else self._gate.shared():
            return self._warm.run(job)

    def _run(self, job: Job, alone: bool) -> JobResult:
        with self._gate.alone() if alone else self._gate.shared():
            return self._sandbox.run(job)
