"""HumanEvalPack (tasks to fix, to explain and to write, in six languages): `prompt`, `declaration`, `test`,
`test_setup` and `entry_point`; the language is the first part of `task_id` (`Go/3`).

Samples continue the prompt, or are whole programs: `generations.json` of its own runner, in the order of the
problems. The one rule: what its own evaluation puts before a program stands there.
"""

import re
from typing import Final

from synth.languages.registry import normalize_language
from synth.verify.formats.spec import BenchmarkSample, Fields, Format, Reading, RowParts, need, read_sample
from synth.verify.formats.whole_functions import without_main

_LANGUAGES: Final = {"js": "javascript", "c++": "cpp"}
STOPS: Final = {
    "python": ("\nclass", "\ndef", "\n#", "\n@", "\nprint", "\nif", "\nassert"),
    "go": ("\n//", "\nfunc main(", "struct", "\nfunc"),
}
_PYTHON: Final = (
    "import math, re, sys, copy, datetime, itertools, collections, heapq, statistics, functools, hashlib\n"
    "import string\nfrom typing import *\nfrom collections import *\n"
)
_CPP: Final = "using namespace std;\n" + "".join(
    f"#include<{name}>\n"
    for name in "stdlib.h algorithm cmath math.h numeric stdio.h vector set map queue stack list deque "
    "string climits cstring iostream sstream fstream".split()
)
_GO: Final = "math strings fmt strconv time bytes regexp sort math/rand crypto/md5".split()
_GO_IMPORT: Final = re.compile(
    r"^import[ \t]*(?:\((?P<many>[^)]*)\)|(?P<one>\"[^\"\n]+\"))[ \t]*$", re.MULTILINE
)
_GO_PACKAGE: Final = re.compile(r"^package[ \t]+\w+[ \t]*$", re.MULTILINE)


def language_of(problem: Fields) -> str:
    """The language of a problem."""
    named = need(problem, "task_id").partition("/")[0].lower()
    return normalize_language(_LANGUAGES.get(named, named))


def convert(problem: Fields, sample: BenchmarkSample) -> RowParts:
    """The program behind what the harness gives it, and the test."""
    language = language_of(problem)
    read = read_sample(sample, language, need(problem, "entry_point"))
    test = need(problem, "test")
    code = _prepared(language, problem, _joined(language, need(problem, "prompt"), read), test)
    return RowParts(language, code, {"kind": "script", "script": f"\n{test}\n"}, note=read.note)


def _joined(language: str, prompt: str, read: Reading) -> str:
    """A whole program, or the completion up to its end behind the prompt."""
    if read.whole:
        return read.code
    ended = first_function(language, read.code.rstrip())
    return (prompt.rstrip() if ended.startswith("\n") else prompt) + ended


def first_function(language: str, completion: str) -> str:
    """The completion up to where the function that the prompt began ends."""
    for stop in STOPS.get(language, ()):
        completion = completion.partition(stop)[0]
    if language == "python":
        lines = completion.split("\n")
        outside = (at for at, line in enumerate(lines) if line.strip() and line[0] not in " \t")
        return "\n".join(lines[: next(outside, len(lines))])
    opened = 2 if language == "java" else 1
    for at, character in enumerate(completion):
        opened += (character == "{") - (character == "}")
        if opened == 0:
            return completion[: at + 1]
    return completion


def _prepared(language: str, problem: Fields, code: str, test: str) -> str:
    if language == "python":
        numpy = "import numpy\nimport numpy as np\n" if re.search(r"\b(?:np|numpy)\b", code + test) else ""
        return _PYTHON + numpy + code
    if language == "cpp":
        boost = "#include<boost/any.hpp>\n" if "boost" in code + test else ""
        return _CPP + boost + code.partition("int main")[0]
    if language == "java":
        return code.replace("public class Main {\n    }", "").strip()
    if language == "go":
        return _with_go_imports(str(problem.get("test_setup") or ""), code, test)
    return _with_rust_declaration(need(problem, "declaration"), code) if language == "rust" else code


def _with_go_imports(setup: str, code: str, test: str) -> str:
    """One package clause and one import of each package that the program states or uses."""
    stated = set[str]()
    for found in _GO_IMPORT.finditer(f"{setup}\n{code}"):
        stated.update(re.findall(r"(?:[\w.]+[ \t]+)?\"[^\"\n]+\"", found["many"] or found["one"]))
    body = _GO_PACKAGE.sub("", _GO_IMPORT.sub("", code))
    text = "\n".join(line for line in f"{body}\n{test}".split("\n") if not line.lstrip().startswith("//"))
    used = {f'"{name}"' for name in _GO if re.search(rf"\b{name.rpartition('/')[2]}\.", text)}
    kept = {one for one in stated if one.strip('"') not in _GO} | used
    lines = "".join(f"\t{one}\n" for one in sorted(kept))
    return f"package main\n\nimport (\n{lines})\n{body}"


def _with_rust_declaration(declaration: str, code: str) -> str:
    """The program without a `main`, in whose place the tests run, behind the lines of the declaration that it
    lacks."""
    before, code = "", without_main(code)
    for line in map(str.strip, without_main(declaration).split("\n")):
        if line not in code and not (line.startswith("fn") and line.partition("(")[0] in code):
            before += f"{line}\n"
    return before + code


FORMAT = Format(
    name="humanevalpack",
    title="HumanEvalPack",
    aliases=("humaneval-pack", "humaneval_pack", "octopack"),
    packages="humanevalpack",
    convert=convert,
)
