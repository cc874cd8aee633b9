"""From a request to an item for the worker, and from the worker's answer to an observation.

Place in the flow: `e2b_sandbox.py` asks here before and after it dispatches a batch. The one rule: everything
that has to be known of a language is decided here, outside; the worker gets commands and texts.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from synth.execution.isolation.job import JobResult
from synth.execution.programs.build import COMPILE_LIMITS, COMPILER_ENVIRONMENT, compiler_messages, fill
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
from synth.execution.remote.wire import SHARED, Item, Shared, WorkerCapabilities, WorkerResult
from synth.ids import content_hash
from synth.languages.registry import UnknownLanguage, all_languages, get_language
from synth.languages.spec import Driver, Language, UnsupportedType, driver_input
from synth.languages.toolchain import Toolchain
from synth.records import ExecutionRequest, FunctionCall, Observation, Phase, ScriptCall, StdioCall
from synth.values import parse_signature


@dataclass(frozen=True, slots=True)
class DispatchedRequest:
    """A request on its way: its item, and what is needed to read the answer."""

    request: ExecutionRequest
    language: Language
    item: Item
    context: ObservationContext
    nonce: str = ""
    """Set where the private channel is read."""
    cases: int = 0


def probe_task() -> dict[str, object]:
    """What the worker is asked to look for."""
    return {
        "languages": {
            one.name: {"tools": one.tools, "version": one.version_arguments} for one in all_languages()
        }
    }


class RemoteToolchains:
    """The toolchains of a remote sandbox, and what they make of a request."""

    def __init__(self, probe: WorkerCapabilities, level: str) -> None:
        self.level = level
        self._linker = "-fuse-ld=mold" if probe.mold else ""
        self._toolchains = {
            name: Toolchain(found.tools, found.version, found.digest)
            for name, found in probe.languages.items()
            if found is not None
        }
        self._shared: dict[str, Shared] = {}

    def toolchain(self, language: str) -> str:
        """What runs programs of the language inside; empty where nothing does."""
        try:
            name = get_language(language).name
        except UnknownLanguage:
            return ""
        return self._toolchains[name].stated_for(name) if name in self._toolchains else ""

    def shared_of(self, item: Item) -> dict[str, Shared]:
        """The shared files that the worker needs for an item, by key."""
        return {item.shared: self._shared[item.shared]} if item.shared else {}

    def ask(self, index: int, request: ExecutionRequest) -> DispatchedRequest | Observation:
        """The item of a request, or at once the observation of one that cannot be run or need not be."""
        try:
            language = get_language(request.language)
        except UnknownLanguage as error:
            return failed(request, str(error), ObservationContext(self.level, ""))
        toolchain = self._toolchains.get(language.name)
        if toolchain is None:
            return failed(request, None, ObservationContext(self.level, "")).model_copy(
                update={"toolchain_missing": language.install}
            )
        context = ObservationContext(self.level, toolchain.stated_for(language.name))
        refused = refuse(language, request)
        if refused:
            return failed(request, refused, context)
        if len(request.code) > MAX_CODE_BYTES:
            return failed_before_run(request, Phase.PARSE, too_long(), context)
        call = as_function(language, request)
        try:
            if isinstance(call, FunctionCall):
                return self._function(index, request, call, language, toolchain, context)
            if isinstance(call, ScriptCall):
                return self._script(index, request, call, language, toolchain, context)
            return self._stdio(index, request, call, language, toolchain, context)
        except UnsupportedType as error:
            return failed(request, str(error), context)

    def _function(
        self,
        index: int,
        request: ExecutionRequest,
        call: FunctionCall,
        language: Language,
        toolchain: Toolchain,
        context: ObservationContext,
    ) -> DispatchedRequest:
        driver, nonce, signature = language.driver, secrets.token_hex(16), parse_signature(call.signature)
        assert driver is not None, "checked by refuse"
        files = driver.files(program_text(language, request, call), call.entry_point, signature)
        stdin = driver_input(nonce, call.entry_point, signature, call.arguments).decode("ascii")
        commands = _commands(driver, driver.compile_command, driver.run_command)
        item = self._item(index, request, language, toolchain, files, commands, (stdin,))
        return DispatchedRequest(request, language, item, context, nonce, len(call.arguments))

    def _script(
        self,
        index: int,
        request: ExecutionRequest,
        call: ScriptCall,
        language: Language,
        toolchain: Toolchain,
        context: ObservationContext,
    ) -> DispatchedRequest:
        script, nonce = language.script, secrets.token_hex(16)
        assert script is not None, "checked by refuse"
        assert script.files is not None, "what is not driven has files"
        files = script.files(request.code, call.script, script_mark(nonce))
        commands = _commands(
            language.driver, script_compiler(language), script.run_command or language.run_command
        )
        item = self._item(index, request, language, toolchain, files, commands, ("",))
        return DispatchedRequest(request, language, item, context, nonce, 1)

    def _stdio(
        self,
        index: int,
        request: ExecutionRequest,
        call: StdioCall,
        language: Language,
        toolchain: Toolchain,
        context: ObservationContext,
    ) -> DispatchedRequest:
        commands = _commands(language.driver, language.compile_command, language.run_command)
        item = self._item(
            index, request, language, toolchain, {language.file_name: request.code}, commands, call.stdins
        )
        return DispatchedRequest(request, language, item, context, cases=len(call.stdins))

    def _item(
        self,
        index: int,
        request: ExecutionRequest,
        language: Language,
        toolchain: Toolchain,
        files: Mapping[str, str],
        commands: "_Commands",
        stdins: tuple[str, ...],
    ) -> Item:
        places = {"shared": SHARED, "index": 0, "heap_mb": heap_mb(request.limits), "linker": self._linker}
        compile_command, server, run = (fill(command, toolchain, **places) for command in commands.all())
        return Item(
            index=index,
            files=dict(files),
            compile=compile_command,
            server=server,
            run=run,
            stdins=stdins,
            shared=self._share(language.driver, toolchain),
            limits=own_limits(language, request.limits),
            compile_limits=COMPILE_LIMITS,
            env={**ENVIRONMENT, **language.environment},
            compile_env=COMPILER_ENVIRONMENT,
            data_limit=language.data_limit,
        )

    def _share(self, driver: Driver | None, toolchain: Toolchain) -> str:
        """Note a driver's shared files; give their key."""
        if driver is None or not driver.shared:
            return ""
        key = content_hash(sorted(driver.shared.items()), driver.shared_commands, toolchain.digest)
        if key not in self._shared:
            commands = tuple(
                fill(command, toolchain, linker=self._linker) for command in driver.shared_commands
            )
            self._shared[key] = Shared(files=dict(driver.shared), commands=commands)
        return key


@dataclass(frozen=True, slots=True)
class _Commands:
    compile: tuple[str, ...]
    server: tuple[str, ...]
    run: tuple[str, ...]

    def all(self) -> tuple[tuple[str, ...], ...]:
        return self.compile, self.server, self.run


def _commands(
    driver: Driver | None, compile_command: tuple[str, ...], run_command: tuple[str, ...]
) -> _Commands:
    """A resident compiler is asked instead of the command, where there is one."""
    server = driver.compile_server if driver else ()
    return _Commands(() if server else compile_command, server, run_command)


def observe(asked: DispatchedRequest, answer: WorkerResult) -> Observation:
    """What the answer says of the program."""
    fault = answer.fault or _fault(answer)
    if fault:
        return failed(asked.request, fault, asked.context)
    if answer.build is not None and not (built := answer.build.job_result()).is_clean:
        return compile_failure(asked.language, asked.request, compiler_messages(built), asked.context)
    results = [run.job_result() for run in answer.runs]
    if not results and asked.item.stdins:
        return failed(asked.request, "the worker left out the run", asked.context)
    if isinstance(asked.request.call, StdioCall):
        observation = observe_stdio(
            asked.request, results or [JobResult(exit_code=0)], asked.cases, asked.context
        )
    elif (
        isinstance(asked.request.call, ScriptCall)
        and asked.language.script is not None
        and asked.language.script.files is not None
    ):
        observation = observe_script(asked.request, results[0], asked.nonce, asked.context)
    else:
        observation = observe_function(asked.request, results[0], asked.nonce, asked.cases, asked.context)
    return look_for_parse_error(asked.language, asked.request, observation)


def _fault(answer: WorkerResult) -> str | None:
    """What the sandbox itself did wrong in one of the processes."""
    said = [result.infrastructure for result in (answer.build, *answer.runs) if result is not None]
    return next(filter(None, said), None)
