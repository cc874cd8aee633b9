"""No check of ours refuses a program that the module of its language brings, and each refuses one that does
not parse."""

import pytest

from synth.filters.protocol import Keep, Reject
from synth.filters.syntax import check_syntax
from synth.languages.registry import all_languages, get_language
from synth.languages.spec import Language, UnsupportedType, render_signature
from synth.records import Call, FunctionCall, StdioCall
from synth.values import parse_signature
from synth.verify.negative_controls import control_programs

LANGUAGES = [language.name for language in all_languages()]
SIGNATURES = ("(list[int]) -> int", "(int) -> int", "(str) -> str", "(map[str, int]) -> bool", "() -> float")


def sample_programs(language: Language) -> dict[str, str]:
    """Whole programs of the module by what they are; `broken` is not among them."""
    samples, gold = language.samples, language.gold
    programs = {
        "hello": language.hello,
        "gold": gold.code if gold else "",
        "wrong": samples.wrong,
        "hanging": samples.hanging,
        "crashing": samples.crashing,
        "refused": samples.refused,
        "greedy": samples.greedy,
        "mutator": samples.mutator,
        "honest": samples.honest,
        "functions": samples.functions,
        **{f"style {at}": code for at, code in enumerate(samples.styles)},
    }
    return {name: code for name, code in programs.items() if code}


def identities(language: Language) -> dict[str, str]:
    """Functions that return their argument, as the signatures render them."""
    samples, programs = language.samples, {}
    for signature in SIGNATURES if samples.identity else ():
        parsed = parse_signature(signature)
        try:
            line = render_signature(language, "solve", ("x",), parsed)
        except UnsupportedType:
            continue
        programs[signature] = line + samples.identity_of.get(parsed.result.kind, samples.identity)
    return programs


def controls(language: Language) -> dict[str, str]:
    """The negative controls of each kind of test but scripts, whose controls are not whole programs."""
    calls: list[Call] = [StdioCall(stdins=("",))]
    if language.driver:
        calls += [FunctionCall(entry_point="solve", signature=text, arguments=()) for text in SIGNATURES]
    programs = {
        f"{call}: {name}": code for call in calls for name, code in control_programs(language, call).items()
    }
    return {name: code for name, code in programs.items() if code}


def script_files(language: Language) -> dict[str, str]:
    """The files of the language that are run for its programs of script mode, its own endings included."""
    script, programs = language.script, language.samples.script
    if script is None or programs is None:
        return {}
    pairs = {"right": (programs.right, programs.script), "wrong": (programs.wrong, programs.script)}
    files: dict[str, str] = {}
    for form, (code, test) in (pairs | dict(programs.forms)).items():
        if script.driver_program:
            files[form] = script.driver_program(code, test, "end")
        elif script.files:
            made = script.files(code, test, '"00 0 returned b1\\n00 finished\\n"')
            own = {name: text for name, text in made.items() if name.endswith(language.source_extensions)}
            files |= {f"{form}: {name}": text for name, text in own.items()}
    return files


def refused(language: Language, programs: dict[str, str]) -> dict[str, object]:
    """What the filter of the syntax stage and the sandbox refuse."""
    found = {
        name: (check_syntax(code, language.name), language.parse_error(code))
        for name, code in programs.items()
    }
    return {name: checks for name, checks in found.items() if isinstance(checks[0], Reject) or checks[1]}


@pytest.mark.parametrize("name", LANGUAGES)
def test_no_program_of_a_language_is_refused(name: str) -> None:
    language = get_language(name)
    programs = {
        **sample_programs(language),
        **identities(language),
        **controls(language),
        **script_files(language),
    }
    assert len(programs) > 4
    assert refused(language, programs) == {}


@pytest.mark.parametrize("name", [name for name in LANGUAGES if get_language(name).has_parse_check])
def test_a_program_that_does_not_parse_is_refused_by_both_checks(name: str) -> None:
    language = get_language(name)
    rejected, error = (
        check_syntax(language.samples.broken, name),
        language.parse_error(language.samples.broken),
    )
    assert error is not None
    assert rejected == Reject("parse_error", {"line": error.line, "error": error.message})


def test_a_language_without_a_parse_check_is_kept_and_says_so() -> None:
    unchecked = [name for name in LANGUAGES if not get_language(name).has_parse_check]
    assert {"cobol", "groovy"} <= set(unchecked)
    for name in unchecked:
        assert check_syntax(get_language(name).samples.broken, name) == Keep({"checked": "no grammar"})
