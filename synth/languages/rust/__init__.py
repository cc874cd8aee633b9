"""Rust by rustc: the driver is a library that is compiled once; the function's declaration decides how its
arguments are passed."""

import re

from synth.grammar.node_types import NodeTypes, names
from synth.languages.rust.adapting import adapt, changed_arguments
from synth.languages.rust.classes import make_classes
from synth.languages.rust.closing import CLOSING
from synth.languages.rust.conformance import CONTROLS, GOLD, HELLO, SAMPLES, STUBS
from synth.languages.rust.examples import SYNTAX
from synth.languages.rust.impure import IMPURE
from synth.languages.rust.packages import PACKAGES
from synth.languages.rust.script import SCRIPT
from synth.languages.spec import Driver, FailureWords, Language, ProgramSigns
from synth.languages.support.composing import Terms
from synth.languages.support.declarations import split_top
from synth.languages.support.sources import read_source
from synth.values import Signature

_SCALARS = {"int": "i64", "float": "f64", "str": "String", "bool": "bool", "null": "()"}
_KEYS = frozenset({"int", "str", "bool", "tuple", "list"})
_TYPES = Terms(
    "Rust",
    _SCALARS,
    "Vec<{}>",
    "HashMap<{}, {}>",
    lambda inner: f"({', '.join(inner)}{',' * (len(inner) == 1)})",
    _KEYS,
    lambda _, inner: f"Option<{inner}>",
)
_FLAGS = ("--edition", "2021", "-C", "opt-level=1", "-C", "overflow-checks=on", "-A", "warnings")
_BUILD = (*_FLAGS, "-C", "codegen-units=1", "-C", "link-args={linker}")
"""One unit: programs are small, and each unit is a thread and a file of its own."""


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`fn solve(xs: Vec<i64>, k: i64) -> i64`, after the import that it needs."""
    written = ", ".join(f"{name}: {kind}" for name, kind in _TYPES.pairs(names, signature))
    line = f"fn {entry_point}({written}) -> {_TYPES.compose(signature.result)}"
    return f"use std::collections::HashMap;\n\n{line}" if "HashMap" in line else line


_SELF = re.compile(r"&?\s*(?:'\w+\s+)?(?:mut\s+)?self\s*")
_OWNER = re.compile(r"^\s*impl\s+Solution\b", re.MULTILINE)


def _owner(code: str, entry_point: str) -> str:
    """What stands before the function: nothing, or `Solution`, or an object of it where the method takes
    one."""
    function = rf"\bfn\s+{re.escape(entry_point)}\s*(?:<[^>]*>)?\s*\(\s*"
    if not _OWNER.search(code) or re.search(rf"^{function}", code.replace("pub ", ""), re.MULTILINE):
        return ""
    if not re.search(rf"{function}(?:{_SELF.pattern})\s*[,)]", code):
        return "Solution::"
    if re.search(r"\bfn\s+new\s*\(\s*\)", code):
        return "Solution::new()."
    fields = re.search(r"\bstruct\s+Solution\s*\{\s*[^\s}]", code)
    return "<super::Solution as Default>::default()." if fields else "(super::Solution {})."


def _declared(code: str, entry_point: str) -> list[str]:
    """The types of the parameters, as written; empty if the function is not found."""
    found = list(re.finditer(rf"\bfn\s+{re.escape(entry_point)}\s*(?:<[^>]*>)?\s*\(", code))
    if not found:
        return []
    depth, at = 1, found[-1].end()
    while depth and at < len(code):
        depth += (code[at] == "(") - (code[at] == ")")
        at += 1
    parameters = split_top(code[found[-1].end() : at - 1])
    return [one.partition(":")[2].strip() for one in parameters if not _SELF.fullmatch(one.partition(":")[0])]


def _argument(declared: str) -> str:
    """How the next argument is passed: by value, or as a reference to its own value."""
    reference = re.match(r"&\s*(?:'\w+\s+)?(mut\s+)?", declared)
    if reference is None:
        return "a.next()"
    owned = declared[reference.end() :].strip()
    inner = re.fullmatch(r"\[([^;]*)\]", owned)
    owned = f"Vec<{inner[1]}>" if inner else "String" if owned == "str" else owned
    return f"&{'mut ' if reference[1] else ''}a.next::<{owned}>()"


def _path(owner: str) -> str:
    return owner if owner.startswith(("<", "(")) else f"super::{owner}"


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    _TYPES.check(signature)
    owner = _owner(code, entry_point)
    missing = (
        "pub struct Solution;"
        if _OWNER.search(code) and not re.search(r"\bstruct\s+Solution\b", code)
        else ""
    )
    declared = _declared(code, entry_point)
    arguments = ", ".join(
        map(
            _argument,
            declared if len(declared) == len(signature.parameters) else ["" for _ in signature.parameters],
        )
    )
    start = f"""
{missing}
#[allow(unused_imports)]
mod codemill_start {{
    use super::*;
    use std::collections::*;
    #[no_mangle]
    pub extern "C" fn main() -> i32 {{
        codemill_driver::drive(|a| codemill_driver::wire({_path(owner)}{entry_point}({arguments})));
        0
    }}
}}
"""
    return {"solution.rs": f"#![no_main] {code}\n{start}"}


LANGUAGE = Language(
    name="rust",
    aliases=("rs",),
    file_name="main.rs",
    tools=("rustc",),
    install="apt-get install -y rustc",
    grammar="rust",
    compile_command=("{rustc}", *_BUILD, "-o", "program", "main.rs"),
    comment_signs=("//",),
    node_types=NodeTypes(
        functions=names("function_item"),
        blocks=names("block"),
        comments=names("line_comment block_comment"),
        expressions=names("attribute macro_invocation"),
        result_field="return_type",
    ),
    run_command=("./program",),
    packages=PACKAGES,
    classes=make_classes(_TYPES.compose),
    program=ProgramSigns(reads=r"\bstdin\s*\(\s*\)", main=r"\bfn\s+main\s*\("),
    driver=Driver(
        files=_files,
        shared={"codemill_driver.rs": read_source("rust/driver.rs")},
        shared_commands=(
            (
                "{rustc}",
                *_FLAGS,
                "--crate-type",
                "rlib",
                "--crate-name",
                "codemill_driver",
                "codemill_driver.rs",
            ),
        ),
        compile_command=(
            "{rustc}",
            *_BUILD,
            "--extern",
            "codemill_driver={shared}/libcodemill_driver.rlib",
            "-o",
            "program",
            "solution.rs",
        ),
        run_command=("./program",),
        unsupported_values=frozenset({"lone surrogates"}),
        optional=True,
    ),
    script=SCRIPT,
    render_signature=render_signature,
    adapt=adapt,
    closing=CLOSING,
    changed_arguments=changed_arguments,
    examples=SYNTAX,
    impure=IMPURE,
    failures=FailureWords(fatal_out_of_memory=("memory allocation of ",), uncaught=("^Error: ",)),
    gold=GOLD,
    hello=HELLO,
    controls=CONTROLS,
    stubs=STUBS,
    samples=SAMPLES,
)
