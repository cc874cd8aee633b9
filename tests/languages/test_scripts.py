"""Script mode in each language: a script counts when its end was reached, and by nothing else."""

from typing import Any, Final

import pytest

from synth.execution.local.sandbox import LocalSandbox
from synth.languages.conformance import ScriptPrograms
from synth.languages.registry import all_languages, get_language
from synth.records import Limits, Outcome
from synth.verify.answers import VerifyResult, make_answer
from synth.verify.rows import prepare, read_row
from tests.builders import Run
from tests.languages.toolchains import need

SCRIPTED: Final = [language.name for language in all_languages() if language.script]


def script_programs(language: str) -> ScriptPrograms:
    """The programs of script mode that the language states."""
    programs = get_language(language).samples.script
    assert programs is not None, f"{language} has script mode and no programs for it"
    return programs


def programs_of(language: str) -> dict[str, str]:
    """Each with its kind."""
    programs = get_language(language).samples.script
    if programs is None:
        return {}
    leaving = {f"leaving {at}": code for at, code in enumerate(programs.leaving)}
    return {"right": programs.right, "wrong": programs.wrong, **leaving}


CASES: Final = [(language, kind) for language in SCRIPTED for kind in programs_of(language)]
FORMS: Final = [
    (language, form)
    for language in SCRIPTED
    if (programs := get_language(language).samples.script)
    for form in programs.forms
]


def judge_script(language: str, code: str, script: str, sandbox: LocalSandbox, run: Run[Any]) -> VerifyResult:
    need(language)
    row = read_row(
        {"id": "x", "language": language, "code": code, "tests": {"kind": "script", "script": script}}, "row"
    )
    prepared = prepare(row, "row", Limits(cpu_s=20, wall_s=200))
    return make_answer(prepared, run(sandbox.execute([prepared.request]))[0])


@pytest.mark.parametrize("language", [language.name for language in all_languages()])
def test_a_language_with_script_mode_has_programs_for_it(language: str) -> None:
    spoken = get_language(language)
    assert (spoken.script is None) == (spoken.samples.script is None)
    assert spoken.script is None or script_programs(language).leaving


@pytest.mark.parametrize(("language", "kind"), CASES, ids=[f"{language} {kind}" for language, kind in CASES])
def test_only_the_program_that_passes_its_script_passes(
    language: str, kind: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    code, script = programs_of(language)[kind], script_programs(language).script
    answer = judge_script(language, code, script, local_sandbox, run)
    expected = {"right": Outcome.PASS, "wrong": Outcome.WRONG_ANSWER}.get(kind)
    assert answer.verdict == expected or (
        expected is None
        and answer.verdict in (Outcome.RUNTIME_ERROR, Outcome.COMPILE_ERROR, Outcome.PARSE_ERROR)
    ), answer
    assert answer.trust == "T3"


@pytest.mark.parametrize(("language", "form"), FORMS, ids=[f"{language}, {form}" for language, form in FORMS])
def test_a_script_may_have_the_other_forms_of_its_language(
    language: str, form: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    code, script = script_programs(language).forms[form]
    answer = judge_script(language, code, script, local_sandbox, run)
    assert answer.verdict is Outcome.PASS, answer
    answer = judge_script(language, code.replace(" + ", " * "), script, local_sandbox, run)
    assert answer.verdict in (Outcome.RUNTIME_ERROR, Outcome.WRONG_ANSWER), answer


@pytest.mark.parametrize("language", [name for name in SCRIPTED if script_programs(name).hiding])
def test_a_wrong_program_that_hides_failures_does_not_pass(
    language: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    programs = script_programs(language)
    answer = judge_script(language, programs.hiding, programs.script, local_sandbox, run)
    assert answer.verdict is not Outcome.PASS


@pytest.mark.parametrize("name", ["dart", "julia", "powershell", "swift"])
def test_what_stands_around_a_script_parses_in_the_languages_that_nobody_could_run(name: str) -> None:
    language, sheet = get_language(name), script_programs(name)
    assert language.script is not None
    assert language.script.files is not None
    files = language.script.files(sheet.right, sheet.script, '"00 0 returned b1\\n00 finished\\n"')
    assert [language.parse_error(text) for text in files.values()] == [None] * len(files)
    assert language.parse_error(f"{sheet.right}\n(((") is not None


def test_a_program_that_does_not_parse_is_told_from_one_that_fails(
    local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    answer = judge_script("python", "def twice(x:\n", "assert twice(1) == 2", local_sandbox, run)
    assert answer.verdict is Outcome.PARSE_ERROR


def test_rust_test_functions_are_run(local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    script = """#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn small() { assert_eq!(twice(3), 6); }
}
"""
    programs = script_programs("rust")
    answers = [
        judge_script("rust", code, script, local_sandbox, run) for code in (programs.right, programs.wrong)
    ]
    assert [answer.verdict for answer in answers] == [Outcome.PASS, Outcome.WRONG_ANSWER]


def test_a_mark_of_another_run_is_a_violation(local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    forged = """import os
for c in range(3, 400):
    try:
        os.write(c, b'0123 0 returned b1\\n0123 finished\\n')
    except OSError: pass
os._exit(0)
"""
    assert judge_script("python", forged, "assert False", local_sandbox, run).verdict is Outcome.VIOLATION
