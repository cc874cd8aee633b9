"""MdEval (programs to repair): the language is the first part of `question_id` (`Go/1`), `test` stands in it;
samples are answers (`llm_response`, whose first block of the language counts) or programs.

The one rule is that of its own evaluation: the test follows the program, and includes and imports that the
program lacks and every test needs are put before it. Its markup tasks compare text: nothing can be run.
"""

from typing import Final

from synth.languages.registry import normalize_language
from synth.verify.formats.dotnet_projects import IMPLICIT_USINGS
from synth.verify.formats.spec import BenchmarkSample, Fields, Format, RowParts, need, read_sample, refuse
from synth.verify.formats.whole_functions import without_main

_LANGUAGES: Final = {"clisp": "commonlisp", "c#": "csharp", "f#": "fsharp"}
_NOT_RUN: Final = ("html", "json", "markdown")
_GIVEN: Final = {
    "c": ("#include <assert.h>", "#include <assert.h>\n"),
    "cpp": ("#include<cassert>", "#include <cassert>\n"),
    "csharp": ("using System;", "using System.Diagnostics;\n"),
    "fsharp": ("open System", "open System\n"),
    "swift": ("import Foundation", "import Foundation\n"),
}
"""By language: what the program may have, and what is put before it where it has not."""
_TESTIFY: Final = '"github.com/stretchr/testify/assert"'
_GO_IMPORTS: Final = f'import (\n\t"testing"\n\t{_TESTIFY}\n'


def language_of(problem: Fields) -> str:
    """The language of a problem."""
    named = need(problem, "question_id").partition("/")[0].lower()
    return normalize_language(_LANGUAGES.get(named, named))


def convert(problem: Fields, sample: BenchmarkSample) -> RowParts:
    """The test after the program."""
    language = language_of(problem)
    if language in _NOT_RUN:
        raise refuse(f"MdEval's {language} tasks", "cannot be run: they compare text")
    read = read_sample(sample, language, choice="first")
    test = need(problem, "test")
    program = without_main(read.code) if language == "rust" and "#[test]" in test else read.code
    code = completed_imports(language, program)
    tests = {"kind": "script", "script": f"\n{test}\n"}
    return RowParts(language, code, tests, note=read.note)


def completed_imports(language: str, code: str) -> str:
    """The program with what the tests need; Scala's without the brace that its tests bring."""
    if language == "scala":
        return code[:-1] if code.endswith("\n}") else code
    if language == "go" and _TESTIFY not in code:
        if "import (\n" in code:
            return code.replace("import (\n", _GO_IMPORTS, 1)
        return f"package main\n\n{_GO_IMPORTS})\n{code.partition('package main')[2] or code}"
    mark, given = _GIVEN.get(language, ("", ""))
    always = IMPLICIT_USINGS if language == "csharp" else ""
    return always + ("" if mark in code else given) + code


FORMAT = Format(
    name="mdeval",
    title="MdEval",
    key_fields=("question_id",),
    packages="mdeval",
    convert=convert,
)
