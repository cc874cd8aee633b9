"""Turns a request into an item for the worker, and the worker's answer into an observation.

Place in the flow: `e2b_sandbox.py` calls this before and after it dispatches a batch;
`programs/program_plan.py` decides plans and observations, as on this machine. The one rule: everything
specific to a language is decided outside; the worker gets only commands and texts.
"""

from dataclasses import dataclass, replace

from synth.execution.observations import ObservationContext, failed, not_installed
from synth.execution.programs.program_plan import (
    COMPILER_ENVIRONMENT,
    INDEX,
    BuildOutcome,
    LanguageSetup,
    ProgramPlan,
    draw_secrets,
    fill_placeholders,
    observe,
    plan_program,
)
from synth.execution.programs.result_channel import compiler_messages
from synth.execution.remote.wire import (
    FoundToolchain,
    Item,
    RunResult,
    Shared,
    WorkerCapabilities,
    WorkerResult,
)
from synth.ids import content_hash
from synth.languages.package_use import MachinePackages
from synth.languages.registry import UnknownLanguage, all_languages, get_language
from synth.languages.spec import Driver
from synth.languages.toolchain import Toolchain
from synth.records import ExecutionRequest, Observation


@dataclass(frozen=True, slots=True)
class DispatchedRequest:
    """A request in transit: its plan, and the worker's item."""

    plan: ProgramPlan
    item: Item


def probe_task() -> dict[str, object]:
    """The toolchains that the worker should look for."""
    return {
        "languages": {
            one.name: {
                "tools": one.tools,
                "version": one.version_arguments,
                "machine": one.packages.machine if one.packages else (),
            }
            for one in all_languages()
        }
    }


class RemoteToolchains:
    """The toolchains of a remote sandbox; turns requests into items for them."""

    def __init__(self, probe: WorkerCapabilities, level: str) -> None:
        self.level = level
        self._linker = "-fuse-ld=mold" if probe.mold else ""
        self._toolchains = {
            name: _toolchain(name, found) for name, found in probe.languages.items() if found is not None
        }
        self._shared: dict[str, Shared] = {}

    def toolchain(self, language: str) -> str:
        """The toolchain of the language inside; empty if there is none."""
        try:
            name = get_language(language).name
        except UnknownLanguage:
            return ""
        return self._toolchains[name].stated_for(name) if name in self._toolchains else ""

    def shared_of(self, item: Item) -> dict[str, Shared]:
        """The shared files that the worker needs for an item, by key."""
        return {item.shared: self._shared[item.shared]} if item.shared else {}

    def ask(self, index: int, request: ExecutionRequest) -> DispatchedRequest | Observation:
        """The item of a request, or the observation if it cannot or need not be run."""
        nowhere = ObservationContext(self.level, "")
        try:
            language = get_language(request.language)
        except UnknownLanguage as error:
            return failed(request, str(error), nowhere)
        toolchain = self._toolchains.get(language.name)
        if toolchain is None:
            return not_installed(request, language.install, nowhere)
        setup = LanguageSetup(language, toolchain, self.level, self._linker)
        plan = plan_program(setup, request, draw_secrets())
        if isinstance(plan, Observation):
            return plan
        if plan.beside or plan.fetched:
            words = "a remote sandbox takes no files beside a program; run it on this machine"
            return failed(request, words, setup.context)
        return DispatchedRequest(plan, _item(index, plan, self._share(language.driver, toolchain)))

    def _share(self, driver: Driver | None, toolchain: Toolchain) -> str:
        """Record a driver's shared files, and return their key."""
        if driver is None or not driver.shared:
            return ""
        key = content_hash(sorted(driver.shared.items()), driver.shared_commands, toolchain.digest)
        if key not in self._shared:
            commands = tuple(
                fill_placeholders(command, toolchain, linker=self._linker)
                for command in driver.shared_commands
            )
            self._shared[key] = Shared(files=dict(driver.shared), commands=commands)
        return key


def _toolchain(name: str, found: FoundToolchain) -> Toolchain:
    """A remote sandbox's tools, and what it offers to programs beside them. Nothing can be added there."""
    known = Toolchain(found.tools, found.version, found.digest)
    use, modules = get_language(name).packages, frozenset(found.machine.modules)
    if use is None or (use.machine and not modules):
        return known
    machine = MachinePackages(found.machine.standard_path, found.machine.folders, modules)
    return replace(known, machine=machine, environment=use.environment(machine, ""), modules=modules)


def _item(index: int, plan: ProgramPlan, shared: str) -> Item:
    """A plan as sent to the worker: built alone, so it is number 0 in its build."""
    return Item(
        index=index,
        files=dict(plan.files),
        server=plan.compile_server,
        compile=plan.compile_command,
        run=tuple(word.replace(INDEX, "0") for word in plan.run_command),
        stdins=plan.stdins,
        shared=shared,
        limits=plan.limits,
        compile_limits=plan.compile_limits,
        env=dict(plan.environment),
        compile_env=COMPILER_ENVIRONMENT,
        data_limit=plan.language.data_limit,
        owns_work=plan.through_files,
    )


def observe_answer(asked: DispatchedRequest, answer: WorkerResult) -> Observation:
    """The observation that follows from the answer."""
    build = _outcome(answer.build)
    if answer.fault:
        build = BuildOutcome(fault=answer.fault)
    elif build.is_built and asked.plan.stdins and not answer.runs:
        build = BuildOutcome(fault="the worker left out the run")
    return observe(asked.plan, build, [run.job_result() for run in answer.runs])


def _outcome(build: RunResult | None) -> BuildOutcome:
    result = None if build is None else build.job_result()
    if result is None or result.is_clean:
        return BuildOutcome()
    if result.infrastructure:
        return BuildOutcome(fault=result.infrastructure)
    return BuildOutcome(refused=compiler_messages(result))
