"""What a request becomes before it is run, and what its results say: literal values in and out."""

from dataclasses import replace

import pytest

from synth.execution.isolation.job import JobResult, Output
from synth.execution.programs.program_plan import (
    BuildOutcome,
    LanguageSetup,
    ProgramPlan,
    RunSecrets,
    draw_secrets,
    fill_placeholders,
    observe,
    plan_program,
)
from synth.execution.programs.request_rules import MAX_CODE_BYTES
from synth.languages.registry import get_language
from synth.languages.toolchain import Toolchain
from synth.records import (
    Call,
    ExecutionRequest,
    FunctionCall,
    Limits,
    Observation,
    Phase,
    ScriptCall,
    StdioCall,
)

DRAWN = RunSecrets("n" * 32, "end_0")
CALL = FunctionCall(entry_point="f", signature="(int) -> int", arguments=(("i1",), ("i2",)))
SCRIPT = ScriptCall(script="assert f(1) == 1")
STDIO = StdioCall(stdins=("1", "2"))
BUILT = BuildOutcome()


def setup(language: str) -> LanguageSetup:
    found = get_language(language)
    tools = {name: f"/opt/{name}" for name in found.tools}
    return LanguageSetup(found, Toolchain(tools, "1.2", "abc"), "B", "-fuse-ld=mold")


def request(language: str, call: Call, code: str = "the program") -> ExecutionRequest:
    return ExecutionRequest(id="r", language=language, code=code, call=call, limits=Limits(memory_mb=100))


def plan(language: str, call: Call, code: str = "the program") -> ProgramPlan:
    found = plan_program(setup(language), request(language, call, code), DRAWN)
    assert isinstance(found, ProgramPlan)
    return found


def refusal(language: str, call: Call, code: str = "the program") -> Observation:
    found = plan_program(setup(language), request(language, call, code), DRAWN)
    assert isinstance(found, Observation)
    return found


def result(*lines: str, exit_code: int = 0, out: str = "") -> JobResult:
    """A run that wrote these lines on its channel."""
    channel = "".join(f"{DRAWN.nonce} {line}\n" for line in lines).encode()
    return JobResult(exit_code=exit_code, channel=channel, stdout=Output(out.encode(), len(out)))


# --- from a request to a plan ---


def test_a_typed_call_is_a_driver_that_reads_the_nonce_and_the_cases() -> None:
    made = plan("python", CALL)
    assert (made.mode, made.nonce, made.cases, made.has_channel) == ("function", DRAWN.nonce, 2, True)
    assert made.stdins == (f"{DRAWN.nonce}\nf\ni\ni\n2\ni1\ni2\n",)
    assert made.run_command[0] == "/opt/python3"
    assert "the program" in made.files.values()
    assert not made.needs_build and made.starts_warm


def test_a_stdin_program_is_one_file_and_one_process_for_each_stdin() -> None:
    made = plan("python", STDIO)
    assert (made.mode, made.stdins, made.cases, made.has_channel) == ("stdio", ("1", "2"), 2, False)
    assert dict(made.files) == {get_language("python").file_name: "the program"}
    assert made.nonce == "" and made.driven is None


def test_a_script_that_a_driver_runs_is_a_call_of_an_end_that_it_cannot_name() -> None:
    made = plan("python", SCRIPT)
    assert (made.mode, made.cases) == ("function", 1)
    assert made.driven is not None and made.driven.entry_point == f"script {DRAWN.end_name}"
    assert made.stdins[0].splitlines()[:2] == [DRAWN.nonce, f"script {DRAWN.end_name}"]
    assert DRAWN.nonce not in "".join(made.files.values())


def test_another_script_writes_the_nonce_itself_and_reads_nothing() -> None:
    made = plan("lua", SCRIPT)
    assert (made.mode, made.cases, made.stdins, made.has_channel) == ("script", 1, ("",), True)
    assert any(f"{DRAWN.nonce} finished" in text for text in made.files.values())


def test_commands_keep_the_places_that_only_the_machine_knows() -> None:
    made = plan("cpp", CALL)
    assert "{shared}/driver.hpp" in made.compile_command and "{index}" in made.run_command
    assert "-fuse-ld=mold" in made.compile_command
    assert made.needs_build and not made.compile_server


def test_a_resident_compiler_is_asked_instead_of_a_command_in_every_mode() -> None:
    for call in (CALL, SCRIPT, STDIO):
        made = plan("java", call)
        assert made.compile_server and not made.compile_command and made.needs_build


def test_limits_hold_for_the_program_and_its_runtime_beside_it() -> None:
    java = get_language("java")
    limits = plan("java", STDIO).limits
    assert limits.memory_mb == 100 + java.runtime_mb
    assert limits.processes == Limits().processes + java.runtime_threads
    assert any("75m" in word for word in plan("java", STDIO).run_command)


def test_every_plan_draws_its_own_secrets() -> None:
    drawn = [draw_secrets() for _ in range(100)]
    assert len({one.nonce for one in drawn}) == len({one.end_name for one in drawn}) == 100
    assert not any(one.nonce in one.end_name or one.end_name[4:] in one.nonce for one in drawn)


def test_a_word_that_becomes_empty_is_left_out_and_an_unknown_placeholder_is_an_error() -> None:
    toolchain = Toolchain({"cc": "/opt/cc"}, "", "")
    assert fill_placeholders(("{cc}", "{linker}", "-o{x}"), toolchain, linker="", x=3) == ("/opt/cc", "-o3")
    with pytest.raises(KeyError):
        fill_placeholders(("{nothing}",), toolchain)


# --- requests that are not run ---


def test_what_no_program_could_change_is_a_fault_and_never_a_label() -> None:
    two = CALL.model_copy(update={"arguments": (("i1", "i2"),)})
    for language, call in (
        ("awk", CALL),
        ("python", two),
        ("cpp", CALL.model_copy(update={"signature": "?"})),
    ):
        seen = refusal(language, call)
        assert seen.infrastructure and (seen.level, seen.phase) == ("B", Phase.RUN)


def test_a_type_that_the_language_cannot_express_is_a_fault() -> None:
    assert refusal("nim", CALL.model_copy(update={"signature": "(any) -> int"})).infrastructure


@pytest.mark.parametrize("call", [CALL, SCRIPT, STDIO])
def test_a_program_that_is_too_long_is_refused_unread_in_every_mode(call: Call) -> None:
    seen = refusal("python", call, "x" * (MAX_CODE_BYTES + 1))
    assert seen.phase is Phase.PARSE and "longer than" in seen.stderr.head
    assert seen.toolchain == "python 1.2 abc"


# --- from results to an observation ---


def test_the_results_of_each_mode_become_its_cases() -> None:
    lines = ("0 returned i1", "1 returned i2", "finished")
    called = observe(plan("python", CALL), BUILT, [result(*lines)])
    assert (called.finished, [case.output for case in called.cases]) == (True, ["i1", "i2"])
    read = observe(plan("python", STDIO), BUILT, [result(out="a"), result(out="b")])
    assert (read.finished, [case.output for case in read.cases]) == (True, ["a", "b"])
    for language in ("python", "lua"):
        ended = observe(plan(language, SCRIPT), BUILT, [result("0 returned b1", "finished")])
        assert (ended.finished, [case.output for case in ended.cases]) == (True, ["b1"])


def test_a_script_that_writes_its_own_end_must_also_end_well() -> None:
    ended = observe(plan("lua", SCRIPT), BUILT, [result("0 returned b1", "finished", exit_code=1)])
    assert not ended.finished


@pytest.mark.parametrize("call", [CALL, SCRIPT, STDIO])
def test_a_fault_in_any_run_says_nothing_about_the_program(call: Call) -> None:
    broken = JobResult(infrastructure="the slot broke")
    runs = [result(exit_code=1), broken] if call is STDIO else [broken]
    seen = observe(plan("python", call), BUILT, runs)
    assert (seen.infrastructure, seen.cases, seen.exit_code) == ("the slot broke", (), None)


@pytest.mark.parametrize("call", [CALL, SCRIPT, STDIO])
def test_a_refused_build_is_a_compile_error_and_a_broken_one_a_fault(call: Call) -> None:
    made = plan("java", call, "class Solution {}")
    assert observe(made, BuildOutcome(refused="no symbol"), []).stderr.head == "no symbol"
    assert observe(made, BuildOutcome(refused="no symbol"), []).infrastructure is None
    assert observe(made, BuildOutcome(fault="no room"), []).infrastructure == "no room"


def test_a_refused_program_that_does_not_parse_is_a_parse_error() -> None:
    call = StdioCall(stdins=("",))
    assert observe(plan("c", call, "int main( {"), BuildOutcome(refused="?"), []).phase is Phase.PARSE
    assert (
        observe(plan("c", call, "int main() { return x; }"), BuildOutcome(refused="?"), []).phase
        is Phase.COMPILE
    )


def test_an_interpreter_that_ends_before_the_first_case_may_have_failed_to_read_the_program() -> None:
    call = StdioCall(stdins=("",))
    bad, good = plan("python", call, "def ("), plan("python", call, "x = 1")
    assert observe(bad, BUILT, [result(exit_code=1)]).phase is Phase.PARSE
    assert observe(good, BUILT, [result(exit_code=1)]).phase is Phase.RUN
    assert observe(bad, BUILT, [result()]).phase is Phase.RUN


def test_of_what_a_compiler_has_read_the_grammar_is_not_asked() -> None:
    made = plan("c", StdioCall(stdins=("",)), "int main( {")
    assert observe(made, BUILT, [result(exit_code=1)]).phase is Phase.RUN


def test_a_program_without_inputs_ends_well_and_has_no_cases() -> None:
    seen = observe(plan("python", StdioCall(stdins=())), BUILT, [])
    assert (seen.exit_code, seen.cases, seen.infrastructure) == (0, (), None)


def test_a_language_without_warm_processes_starts_cold() -> None:
    python = setup("python")
    cold = python._replace(language=replace(python.language, zygote=None))
    made = plan_program(cold, request("python", CALL), DRAWN)
    assert isinstance(made, ProgramPlan) and not made.starts_warm
