"""A request as a program: its build, its commands and input, and the observation of its results.

Place in the flow: `language_runner.py` (this machine) and `remote/items.py` (other machines) carry plans out;
neither depends on how a typed call, a script or a stdin/stdout program becomes a plan. The one rule: pure
functions, so that the same program gets the same observation everywhere; a new mode is added only here.
"""

import base64
import re
import secrets
import shlex
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from synth.execution.isolation.job import JobResult
from synth.execution.observations import ObservationContext, failed, not_installed
from synth.execution.programs.compile_protocol import why_unfit
from synth.execution.programs.missing_packages import say_missing
from synth.execution.programs.request_rules import (
    MAX_CODE_BYTES,
    compile_failure,
    lower_script,
    reclassify_parse_error,
    refuse,
)
from synth.execution.programs.result_channel import (
    observe_check,
    observe_function,
    observe_program,
    observe_script,
    observe_stdio,
)
from synth.languages.spec import (
    Headers,
    Language,
    UnsupportedType,
    WholeProgram,
    check_optional,
    driver_input,
)
from synth.languages.toolchain import Toolchain
from synth.records import (
    USUAL_STACK_MB,
    Call,
    CheckCall,
    CheckedCase,
    ClassCall,
    ExecutionRequest,
    FunctionCall,
    Limits,
    Observation,
    ProgramCall,
    ScriptCall,
    StdioCall,
)
from synth.values import Signature, ValueSyntaxError, parse_signature

ENVIRONMENT: Final = {
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "HOME": "/tmp",
    "TMPDIR": "/tmp",
    "PATH": "/usr/bin:/bin",
    "OMP_NUM_THREADS": "1",
}
COMPILE_LIMITS: Final = Limits(
    cpu_s=60, wall_s=600, memory_mb=2048, processes=64, output_bytes=1 << 20, file_bytes=256 << 20
)
COMPILER_ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TMPDIR": "/tmp", "HOME": "/tmp"}
SHARED: Final = "{shared}"
"""Placeholder in a plan's commands: the folder of the driver's shared files."""
INDEX: Final = "{index}"
"""Placeholder in a plan's run command: the program's number in a shared build."""

Mode = Literal["function", "script", "stdio", "check", "program"]
"""How a program is run and observed. A script run by a driver counts as a function."""


class LanguageSetup(NamedTuple):
    """One language in one sandbox: the settings that all its plans share."""

    language: Language
    toolchain: Toolchain
    level: str
    linker: str
    """The flag that chooses the linker; empty for the system's own."""

    @property
    def context(self) -> ObservationContext:
        return ObservationContext(self.level, self.toolchain.stated_for(self.language.name))


class RunSecrets(NamedTuple):
    """Values that no program can guess: the nonce of its private channel, and the name of a script's end."""

    nonce: str
    end_name: str


def draw_secrets() -> RunSecrets:
    """Fresh secrets for each plan."""
    return RunSecrets(secrets.token_hex(16), f"end_{secrets.token_hex(8)}")


class DrivenProgram(NamedTuple):
    """The call that a driver makes: enough to build several programs of one contract together."""

    code: str
    entry_point: str
    signature: Signature


class ProgramPlan(NamedTuple):
    """How one request is run. The runner fills in SHARED and INDEX in its commands."""

    request: ExecutionRequest
    language: Language
    context: ObservationContext
    mode: Mode
    files: Mapping[str, str]
    compile_server: tuple[str, ...]
    """Built by a resident compiler,"""
    compile_command: tuple[str, ...]
    """or by a command, or not at all."""
    run_command: tuple[str, ...]
    stdins: tuple[str, ...]
    """One process per stdin."""
    limits: Limits
    """Limits of each process, including its runtime."""
    environment: Mapping[str, str]
    nonce: str = ""
    """Set if the program has a private channel."""
    cases: int = 1
    driven: DrivenProgram | None = None
    compile_limits: Limits = COMPILE_LIMITS
    beside: Mapping[str, bytes] = MappingProxyType({})
    """Files of a `ProgramCall`, which stand beside the program,"""
    fetched: tuple[str, ...] = ()
    """and those that it is to report."""
    preload: tuple[str, ...] = ()
    """Modules that a warm process has loaded before it becomes this program."""
    warm_command: tuple[str, ...] = ()
    """How the program starts without the shell around it, where a warm process can be it,"""
    arguments: tuple[str, ...] = ()
    """and the words that it is then started with."""
    headers: Headers | None = None
    """Where the headers that the program includes first lie precompiled, if its compiler looks for them."""
    through_files: bool = False
    """Whether input or output pass through files of the working folder, which the program may write."""

    @property
    def has_channel(self) -> bool:
        """Whether the program reports on a private channel."""
        return self.mode in ("function", "script")

    def files_of(self, index: int) -> dict[str, bytes]:
        """The files of one case of a checker, by their place in the working folder of a warm start."""
        call = self.request.call
        assert isinstance(call, CheckCall), "nothing else has files of its own for each case"
        return dict(zip(_NAMES, map(_encoded, _texts(call.cases[index])), strict=True))

    @property
    def needs_build(self) -> bool:
        """Whether a compiler reads the program before it runs."""
        return bool(self.compile_server or self.compile_command)

    @property
    def starts_warm(self) -> bool:
        """Whether the language has warm processes for programs of this kind. The stack of a process is laid
        out when it starts, so that another one needs a start of its own."""
        zygote, kind = self.language.zygote, "functions" if self.mode == "function" else "programs"
        fits = not (self.request.other_hashing and self.language.hash_seed)
        usual = self.limits.stack_mb == USUAL_STACK_MB
        alone = not (self.beside or self.fetched or self.through_files)
        return zygote is not None and kind in zygote.runs and fits and usual and alone


class BuildOutcome(NamedTuple):
    """The result of a build. Both fields are None if it succeeded or nothing was built."""

    refused: str | None = None
    """The compiler's messages, if it rejected the program."""
    fault: str | None = None
    """The sandbox's fault, if it failed."""

    @property
    def is_built(self) -> bool:
        """Whether there is something to run."""
        return self.refused is None and self.fault is None


def plan_program(
    setup: LanguageSetup, request: ExecutionRequest, drawn: RunSecrets
) -> ProgramPlan | Observation:
    """The plan of a request, or the observation of a request that cannot be run."""
    language = setup.language
    refused = refuse(language, request)
    if refused:
        return failed(request, refused, setup.context)
    missing = say_missing(language, setup.toolchain, request)
    if missing:
        return not_installed(request, missing, setup.context)
    try:
        call, code = lower_script(language, request, drawn.end_name)
    except (UnsupportedType, ValueSyntaxError) as error:
        return failed(request, str(error), setup.context)
    if len(code) > MAX_CODE_BYTES:
        words = f"the program is longer than {MAX_CODE_BYTES} characters"
        return compile_failure(language, request, words, setup.context)
    try:
        plan = _plan_call(setup, request, call, code, drawn.nonce)
    except UnsupportedType as error:
        return failed(request, str(error), setup.context)
    unfit = why_unfit(plan.files)
    return plan if unfit is None else compile_failure(language, request, unfit, setup.context)


def _plan_call(
    setup: LanguageSetup, request: ExecutionRequest, call: Call, code: str, nonce: str
) -> ProgramPlan:
    if isinstance(call, FunctionCall):
        return _plan_function(setup, request, call, code, nonce)
    if isinstance(call, ScriptCall):
        return _plan_script(setup, request, call, nonce)
    if isinstance(call, CheckCall):
        return _plan_check(setup, request, call)
    if isinstance(call, ProgramCall):
        return _plan_program_call(setup, request, call)
    assert not isinstance(call, ClassCall), "lowered to the call of a function"
    return _plan_stdio(setup, request, call)


def _plan_function(
    setup: LanguageSetup, request: ExecutionRequest, call: FunctionCall, code: str, nonce: str
) -> ProgramPlan:
    driver = setup.language.driver
    assert driver is not None, "checked by refuse"
    signature = parse_signature(call.signature)
    check_optional(setup.language, signature)
    stdin = driver_input(nonce, call.entry_point, signature, call.arguments).decode("ascii")
    files = driver.files(code, call.entry_point, signature)
    plan = _plan(setup, request, "function", files, driver.compile_command, driver.run_command)
    driven = DrivenProgram(code, call.entry_point, signature)
    return plan._replace(stdins=(stdin,), nonce=nonce, cases=len(call.arguments), driven=driven)


def _plan_script(
    setup: LanguageSetup, request: ExecutionRequest, call: ScriptCall, nonce: str
) -> ProgramPlan:
    language, script = setup.language, setup.language.script
    assert script is not None, "checked by refuse"
    assert script.files is not None, "a script that no driver runs has files"
    mark = f'"{nonce} 0 returned b1\\n{nonce} finished\\n"'
    files = script.files(request.code, call.script, mark)
    compiler = script.compile_command or language.compile_command
    compiler = (*compiler, *script.extra_compile_args) if compiler else ()
    run_command = script.run_command or language.run_command
    return _plan(setup, request, "script", files, compiler, run_command)._replace(nonce=nonce)


def _plan_whole(setup: LanguageSetup, request: ExecutionRequest, mode: Mode) -> ProgramPlan:
    """A program that runs by itself, whatever its class, module or package is called."""
    language = setup.language
    whole = WholeProgram({language.file_name: request.code}, "")
    if language.whole_program is not None:
        whole = language.whole_program(request.code)
    compile_command, run_command = (
        tuple(word.replace("{main}", whole.main) for word in command)
        for command in (language.compile_command, language.run_command)
    )
    return _plan(setup, request, mode, whole.files, compile_command, run_command)


def _plan_stdio(setup: LanguageSetup, request: ExecutionRequest, call: StdioCall) -> ProgramPlan:
    language = setup.language
    plan = _plan_whole(setup, request, "stdio")
    plan = plan._replace(stdins=call.stdins, cases=len(call.stdins))
    if not (call.input_file or call.output_file):
        return plan
    return plan._replace(
        run_command=_through_files(plan.run_command, call.input_file, call.output_file),
        environment={**plan.environment, **language.beside_environment},
        through_files=True,
    )


def _through_files(command: Sequence[str], input_file: str, output_file: str) -> tuple[str, ...]:
    """The command as a shell runs it that writes stdin to one file and prints another. A program that a
    signal ended ends the shell in the same way. What earlier cases left there is removed first."""
    reads = f"rm -f {shlex.quote(input_file)}; cat >{shlex.quote(input_file)}; " if input_file else ""
    clears = f"rm -f {shlex.quote(output_file)}; " if output_file else ""
    feeds = " </dev/null" if input_file else ""
    drops = " >/dev/null" if output_file else ""
    prints = f"cat {shlex.quote(output_file)} 2>/dev/null; " if output_file else ""
    end = "if [ $s -gt 128 ]; then kill -$((s - 128)) $$; fi; exit $s"
    return ("/bin/sh", "-c", f'{reads}{clears}"$@"{feeds}{drops}; s=$?; {prints}{end}', "sh", *command)


_NAMES: Final = ("input", "output", "expected")
_WITH_FILES: Final = """\
read -r first second
head -c "$first" > /tmp/input && head -c "$second" > /tmp/output && cat > /tmp/expected || exit 125
exec "$@" /tmp/input /tmp/output /tmp/expected < /dev/null"""
"""Writes the three files of a case from stdin, then becomes the checker. The first line has the lengths of
the first two in bytes."""


def _plan_check(setup: LanguageSetup, request: ExecutionRequest, call: CheckCall) -> ProgramPlan:
    """A checker, started cold by a shell in the same sandbox, so that no sandbox needs to know about its
    files. A warm start finds them in its working folder, which comes with its files."""
    plan = _plan_whole(setup, request, "check")
    tool, *words = plan.run_command
    command = ("/bin/sh", "-c", _WITH_FILES, "sh", tool if "/" in tool else f"./{tool}", *words)
    stdins = tuple(map(_as_stdin, call.cases))
    longest = max((len(_encoded(text)) for text in stdins), default=0)
    limits = plan.limits.model_copy(
        update={
            "file_bytes": plan.limits.file_bytes + longest,
            "memory_mb": plan.limits.memory_mb + (longest >> 20) + 1,
        }
    )
    return plan._replace(
        run_command=command,
        warm_command=plan.run_command,
        arguments=tuple(f"/work/{name}" for name in _NAMES),
        stdins=stdins,
        cases=len(stdins),
        limits=limits,
    )


def _as_stdin(case: CheckedCase) -> str:
    first, second, _ = (len(_encoded(text)) for text in _texts(case))
    return f"{first} {second}\n{''.join(_texts(case))}"


def _texts(case: CheckedCase) -> tuple[str, str, str]:
    return case.input, case.output, case.expected


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _plan_program_call(setup: LanguageSetup, request: ExecutionRequest, call: ProgramCall) -> ProgramPlan:
    language = setup.language
    plan = _plan_whole(setup, request, "program")
    more = language.beside_environment if call.files or call.fetched else {}
    return plan._replace(
        stdins=(call.stdin,),
        beside={file.path: base64.b64decode(file.content) for file in call.files},
        fetched=call.fetched,
        environment={**plan.environment, **more},
        compile_limits=COMPILE_LIMITS.model_copy(
            update={"cpu_s": min(call.compile_s, COMPILE_LIMITS.cpu_s), "wall_s": 10 * call.compile_s}
        ),
    )


def _plan(
    setup: LanguageSetup,
    request: ExecutionRequest,
    mode: Mode,
    files: Mapping[str, str],
    compile_command: tuple[str, ...],
    run_command: tuple[str, ...],
) -> ProgramPlan:
    """The part that all modes share. A resident compiler, if there is one, replaces the command: the file
    names tell it what to build."""
    language, limits = setup.language, request.limits
    server = language.driver.compile_server if language.driver else ()
    compiler = (*compile_command, *setup.toolchain.compile_words) if compile_command else ()
    values = {"linker": setup.linker, "shared": SHARED, "index": INDEX, "heap_mb": _heap_mb(limits)}
    values |= _stack_values(language, limits)
    headers = _headers(language, files, compile_command)
    values |= {} if headers is None else {"headers": prepared_headers(headers)}
    return ProgramPlan(
        request=request,
        language=language,
        context=setup.context,
        mode=mode,
        files=files,
        compile_server=fill_placeholders(server, setup.toolchain, **values),
        compile_command=() if server else fill_placeholders(compiler, setup.toolchain, **values),
        run_command=fill_placeholders(run_command, setup.toolchain, **values),
        stdins=("",),
        limits=with_runtime_overhead(language, limits),
        environment=environment_of(language, setup.toolchain, request.other_hashing, limits),
        preload=_preload(setup, request),
        headers=headers,
    )


def prepared_headers(headers: Headers) -> str:
    """The word of a compile command that names their folder."""
    return f"{SHARED}/{headers.prepared}"


def _headers(language: Language, files: Mapping[str, str], command: Sequence[str]) -> Headers | None:
    """The headers that the program's own file includes first, if the command asks for them."""
    if language.precompiled is None or "{headers}" not in command:
        return None
    return language.precompiled.first(files.get(language.file_name, ""))


_OTHER_HASH_SEED: Final = "123456789"
"""Large: Perl orders small hashes alike under 0 and 1."""


def _preload(setup: LanguageSetup, request: ExecutionRequest) -> tuple[str, ...]:
    zygote, modules = setup.language.zygote, setup.toolchain.modules
    if zygote is None or zygote.preload is None or not modules:
        return ()
    script = request.call.script if isinstance(request.call, ScriptCall) else ""
    return zygote.preload(request.code, script, modules)


def environment_of(
    language: Language, toolchain: Toolchain, other_hashing: bool = False, limits: Limits | None = None
) -> dict[str, str]:
    """The whole environment of a program."""
    hashing = {language.hash_seed: _OTHER_HASH_SEED if other_hashing else "0"} if language.hash_seed else {}
    stack = {} if limits is None or limits.stack_mb == USUAL_STACK_MB else language.stack_environment
    values = _stack_values(language, limits or Limits())
    return {**ENVIRONMENT, **language.environment, **toolchain.environment, **hashing} | {
        name: text.format(**values) for name, text in stack.items()
    }


def fill_placeholders(command: Sequence[str], toolchain: Toolchain, **values: object) -> tuple[str, ...]:
    """The command with its `{placeholders}` filled: tools by their paths, the rest from the given values.
    Words that become empty are dropped."""
    known = {**toolchain.tools, **values}
    filled = (re.sub(r"\{([^{}]+)\}", lambda found: str(known[found[1]]), word) for word in command)
    return tuple(word for word in filled if word)


def _stack_values(language: Language, limits: Limits) -> dict[str, object]:
    """Placeholders for a runtime that lays its stack out itself."""
    stack_mb = max(1, min(limits.stack_mb, limits.memory_mb) + language.runtime_stack_mb)
    return {"stack_mb": stack_mb, "stack_kb": stack_mb << 10, "stack_bytes": stack_mb << 20}


def _heap_mb(limits: Limits) -> int:
    """The heap size given to a runtime."""
    return max(32, limits.memory_mb * 3 // 4)


def with_runtime_overhead(language: Language, limits: Limits) -> Limits:
    """The program's limits, plus the needs of its runtime."""
    more = {
        "memory_mb": limits.memory_mb + language.runtime_mb,
        "processes": limits.processes + language.runtime_threads,
    }
    return limits.model_copy(update=more)


def observe(plan: ProgramPlan, build: BuildOutcome, runs: Sequence[JobResult]) -> Observation:
    """The observation of the program, from its build and one result per stdin that was run. If the sandbox
    failed in any of them, it says nothing about the program."""
    fault = build.fault or next((one.infrastructure for one in runs if one.infrastructure), None)
    if fault:
        return failed(plan.request, fault, plan.context)
    unstartable = next((one.unstartable for one in runs if one.unstartable), None)
    refused = f"what was built is no program: {unstartable}" if unstartable else build.refused
    if refused is not None:
        return compile_failure(plan.language, plan.request, refused, plan.context)
    seen = _observe_runs(plan, runs)
    if plan.mode == "program":
        return seen
    return reclassify_parse_error(plan.language, plan.request, seen, is_built=plan.needs_build)


def _observe_runs(plan: ProgramPlan, runs: Sequence[JobResult]) -> Observation:
    if plan.mode == "check":
        return observe_check(plan.request, runs, plan.cases, plan.context)
    if plan.mode == "stdio":
        return observe_stdio(plan.request, runs or [JobResult(exit_code=0)], plan.cases, plan.context)
    if plan.mode == "script":
        return observe_script(plan.request, runs[0], plan.nonce, plan.context)
    if plan.mode == "program":
        return observe_program(plan.request, runs[0], plan.context)
    return observe_function(plan.request, runs[0], plan.nonce, plan.cases, plan.context)
