"""C++ by g++: a precompiled prelude (cpp/driver.hpp), and candidates of one task compiled together.

A program is put into its own namespace, after the standard headers; its standard includes are dropped, and
others are moved up. Candidates share a build only if they consist of plain functions, so that none can act in
another's process; each then runs a program from which the functions of the others are wiped, so that none can
use another's results.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial

from synth.grammar.node_types import NodeTypes, names
from synth.grammar.parser_process import UnparsedError
from synth.grammar.trees import parse
from synth.languages.cpp.adapting import adapt
from synth.languages.cpp.classes import make_classes
from synth.languages.cpp.conformance import CONTROLS, GOLD, HELLO, SAMPLES, STUBS
from synth.languages.cpp.declared import changed_arguments
from synth.languages.cpp.examples import SYNTAX
from synth.languages.cpp.headers import ALL, ALONE, COVERED, first_headers
from synth.languages.cpp.impure import IMPURE
from synth.languages.spec import (
    TESTLIB_REFUSALS,
    Batch,
    Driver,
    FailureWords,
    Language,
    Precompiled,
    ProgramSigns,
    Script,
    UnsupportedType,
    parameter_names,
)
from synth.languages.support.c_closing import CLOSING
from synth.languages.support.declarations import declared_contract, outside_braces, read_type
from synth.languages.support.elf import Symbol, symbols, wiped
from synth.languages.support.scripts import GUARD_C, WRAP_MAIN, with_asserts
from synth.languages.support.sources import read_source
from synth.records import FunctionContract
from synth.values import Signature, ValueType

_WRITTEN = {"int": "long long", "float": "double", "str": "string", "bool": "bool", "null": "nullptr_t"}
_SIMPLE = {
    "int": "int",
    "long": "int",
    "long long": "int",
    "long long int": "int",
    "long int": "int",
    "int64_t": "int",
    "size_t": "int",
}
_SIMPLE |= {
    "short": "int",
    "int32_t": "int",
    "double": "float",
    "float": "float",
    "string": "str",
    "bool": "bool",
}
_GENERIC = {
    "vector": "list",
    "deque": "list",
    "list": "list",
    "map": "map",
    "unordered_map": "map",
    "tuple": "tuple",
    "pair": "tuple",
}

FLAGS = (
    "-std=gnu++20",
    "-O1",
    "-fwrapv",
    "-ftrivial-auto-var-init=pattern",
    "-D_GLIBCXX_ASSERTIONS",
    "-w",
    "-pipe",
)
"""Overflow wraps, an index out of range aborts, an unset variable is never accidentally zero: the same
program, the same result."""

_PRECOMPILE = ("/bin/sh", "precompile.sh")
_HEADERS = ("-isystem", "{headers}")


def _all_of(names: Sequence[str]) -> str:
    """A header that includes those. Its last line means something while it is precompiled: instantiate.cc."""
    return "".join(f"#include <{name}>\n" for name in names) + "#pragma codemill instantiate\n"


_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[^\n]*$", re.MULTILINE)
_STANDARD = re.compile(r"^\s*#\s*include\s*<[a-z_]+(?:\.h)?>\s*$|^\s*#\s*include\s*<bits/stdc\+\+\.h>\s*$")
_BARE = re.compile(
    r"\bnamespace\s+(?!std\s*;)|(?:^|[^\w>:\s])[^\S\n]*::\s*\w|^[^\S\n]*#(?!\s*include)"
    r"|\bextern\b|%:|<%|\?\?=|_Pragma",
    re.MULTILINE,
)
_UNSHARED = re.compile(
    r"__attribute|\[\[|\basm\b|\b__asm|\bpragma\b|\bcodemill|\bcandidate_\d|\\\s*\n|\*/\s*#|\r(?!\n)"
)
"""Also anything that could hide such code: a word continued on the next line, a directive after a comment or
an old-style line end."""
_OWNER = re.compile(r"11candidate_(\d)|12candidate_(\d\d)|16candidate_main_(\d)|17candidate_main_(\d\d)")
"""Part of the name of every symbol of a candidate: its namespace or its start function, each preceded
by its length."""
_PLAIN_ITEMS = {"function_definition", "using_declaration", "comment", "preproc_include", ";"}


def write_type(kind: ValueType) -> str:
    """The type as a person writes it. Raises UnsupportedType for `any`."""
    if kind.kind in _WRITTEN:
        return _WRITTEN[kind.kind]
    name = {"list": "vector", "map": "map", "tuple": "tuple", "optional": "optional"}.get(kind.kind)
    if name is None:
        raise UnsupportedType(f"C++ has no type for {kind}")
    return f"{name}<{', '.join(map(write_type, kind.inner))}>"


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`long long solve(vector<long long> xs, long long k)`."""
    pairs = zip(parameter_names(names, signature), signature.parameters, strict=True)
    return (
        f"{write_type(signature.result)} {entry_point}({', '.join(f'{write_type(t)} {n}' for n, t in pairs)})"
    )


_read_type = partial(read_type, simple=_SIMPLE, generic=_GENERIC)


def find_signature(code: str, entry_point: str) -> FunctionContract | None:
    """The contract that the declared types state."""
    return declared_contract(code, entry_point, _read_type, void="null")


def _canonical(signature: Signature) -> str:
    """The signature's own parameter types; if C++ has none, `Unknown`, which fits no function."""
    try:
        return re.sub(
            r"\b(vector|string|map|tuple|optional|nullptr_t)\b",
            r"std::\1",
            ", ".join(map(write_type, signature.parameters)),
        )
    except UnsupportedType:
        return "codemill_driver::Unknown"


def _is_method(code: str, entry_point: str) -> bool:
    """Whether the entry point is a method of a class `Solution` and no function."""
    if re.search(r"\b(?:class|struct)\s+Solution\b", code) is None:
        return False
    function = re.compile(rf"(?<![\w:.>]){re.escape(entry_point)}\s*\(")
    return not any(map(function.search, outside_braces(code)))


def _dispatch(index: int, name: str, code: str, scope: str, entry_point: str, signature: Signature) -> str:
    in_class = _is_method(code, entry_point)
    called = f"{scope}Solution().{entry_point}" if in_class else f"{scope}{entry_point}"
    address = f"&{scope}Solution::{entry_point}" if in_class else called
    by_name = f"[](auto take) {{ take({address}); }}"
    by_call = f"[](auto&&... a) -> decltype({called}(a...)) {{ return {called}(a...); }}"
    driven = (
        f"codemill_driver::drive({by_call}, {by_name}, codemill_driver::Types<{_canonical(signature)}>{{}})"
    )
    return f'#line 1 "{name}"\n[[gnu::noinline]] int candidate_main_{index}() {{ return {driven}; }}\n'


def _one(index: int, name: str, code: str, entry_point: str, signature: Signature) -> str:
    moved = [line for line in _INCLUDE.findall(code) if not _STANDARD.match(line)]
    bare = _BARE.search(code) is not None
    body = code if bare else _INCLUDE.sub("", code)
    head = "" if bare else "".join(f"{line}\n" for line in moved) + f"namespace candidate_{index} {{\n"
    tail = "\n#undef int\n#undef long\n#undef double\n#undef main\n" if bare else "\n}\n"
    renamed = "#define main codemill_program_main\n" if bare else ""
    scope = "::" if bare else f"candidate_{index}::"
    dispatch = _dispatch(index, name, code, scope, entry_point, signature)
    return f'{head}{renamed}#line 1 "{name}"\n{body}{tail}{dispatch}'


def _file_names(codes: Sequence[str]) -> list[str]:
    """The compiler's file names for the candidates: no candidate can know them, so none can put another's
    name into a message."""
    mark = (
        hashlib.sha256("\0".join(codes).encode("utf-8", "surrogatepass")).hexdigest()[:8]
        if len(codes) > 1
        else ""
    )
    return [f"candidate{mark}_{index}.cpp" for index in range(len(codes))]


def batch_files(codes: Sequence[str], entry_point: str, signature: Signature) -> Mapping[str, str]:
    """One translation unit with all candidates; argv[1] selects the one that runs."""
    named = zip(_file_names(codes), codes, strict=True)
    parts = [_one(index, name, code, entry_point, signature) for index, (name, code) in enumerate(named)]
    cases = "".join(f"case {index}: return candidate_main_{index}();" for index in range(len(codes)))
    return {
        "main.cpp": "".join(parts)
        + (
            f'#line 1 "main.cpp"\nint main(int, char** argv) {{ switch (std::atoi(argv[1])) {{ {cases} }} '
            f"return 1; }}\n"
        )
    }


@lru_cache(maxsize=256)
def can_share(code: str) -> bool:
    """Whether the program has only plain functions, so that none of its objects exists or acts before `main`
    picks a candidate.

    Called both when rows are submitted and when they are run, so the last answers are cached.
    """
    if len(code) > 20_000 or _BARE.search(code) or _UNSHARED.search(code):
        return False
    if not all(_STANDARD.match(line) for line in _INCLUDE.findall(code)):
        return False
    try:
        root = parse(code.encode("utf-8", "surrogatepass"), "cpp", depth=1).root_node
    except UnparsedError:
        return False
    return not root.has_error and all(child.type in _PLAIN_ITEMS for child in root.children)


def blame(output: str, codes: Sequence[str]) -> dict[int, str]:
    """The candidates that the compiler rejected, with its first message on each."""
    indices = {name: index for index, name in enumerate(_file_names(codes))}
    found: dict[int, str] = {}
    for line in output.splitlines():
        named = re.match(r"(candidate\w+\.cpp):(\d+):\d+: (?:fatal )?error: (.*)", line)
        if named and named[1] in indices:
            found.setdefault(indices[named[1]], f"line {named[2]}: {named[3]}")
    return found


def parts(program: bytes, count: int) -> Callable[[int], bytearray]:
    """Each candidate's own program, with the code of the others wiped. Raises ValueError."""
    owned = [(symbol, owners) for symbol in symbols(program) if (owners := _owners(symbol))]
    if {owner for _, owners in owned for owner in owners} != set(range(count)):
        raise ValueError("a build in which not every candidate can be found")
    return lambda index: wiped(program, [symbol for symbol, owners in owned if owners != {index}])


def _owners(symbol: Symbol) -> set[int]:
    """The candidates that a symbol belongs to. The start-up code of the whole file is named after the first
    candidate, but belongs to all."""
    return (
        set()
        if symbol.name.startswith("_GLOBAL__")
        else {int("".join(found)) for found in _OWNER.findall(symbol.name)}
    )


def _files(code: str, entry_point: str, signature: Signature) -> Mapping[str, str]:
    return batch_files([code], entry_point, signature)


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    guard = f'extern "C" {{\n{GUARD_C.replace("MARK", mark)}}}\n'
    return {"main.cpp": with_asserts(code, script), "guard.cpp": guard}


LANGUAGE = Language(
    name="cpp",
    aliases=("c++", "cxx", "cc", "cpp17", "cpp20"),
    file_name="main.cpp",
    extensions=(".cpp", ".cc", ".cxx", ".hpp", ".hh", ".hxx"),
    tools=("g++",),
    install="apt-get install -y g++ mold",
    grammar="cpp",
    display_name="C++",
    compile_command=("{g++}", *FLAGS, "{linker}", *_HEADERS, "-o", "program", "main.cpp"),
    comment_signs=("//",),
    node_types=NodeTypes(
        functions=names("function_definition"),
        blocks=names("compound_statement"),
        expressions=names("attribute"),
        wrappers=names("template_declaration"),
        result_field="type",
        void="void",
    ),
    run_command=("./program",),
    classes=make_classes(write_type),
    program=ProgramSigns(
        reads=r"\bcin\s*>>|\bgetline\s*\(\s*(?:std::)?cin\b|\bscanf\s*\(", main=r"\bmain\s*\("
    ),
    driver=Driver(
        files=_files,
        optional=True,
        compile_command=(
            "{g++}",
            *FLAGS,
            "{linker}",
            "-include",
            "{shared}/driver.hpp",
            "-o",
            "program",
            "main.cpp",
        ),
        run_command=("./program", "{index}"),
        shared={
            **{
                name: read_source(f"cpp/{name}") for name in ("driver.hpp", "precompile.sh", "instantiate.cc")
            },
            **{f"{n}.hpp": _all_of([name]) for n, name in enumerate(ALONE)},
        },
        shared_commands=(
            (*_PRECOMPILE, "driver.hpp", ".", "-", ".", "{g++}", *FLAGS),
            *(
                (*_PRECOMPILE, f"{n}.hpp", "first", name, ".", "{g++}", *FLAGS)
                for n, name in enumerate(ALONE)
            ),
            (*_PRECOMPILE, "0.hpp", "all", " ".join(sorted({ALL} | COVERED)), ".", "{g++}", *FLAGS),
        ),
        batch=Batch(accepts=can_share, files=batch_files, blame=blame, split_binary=parts),
    ),
    precompiled=Precompiled(
        first=first_headers,
        source=_all_of,
        command=(
            "/bin/sh",
            "{shared}/precompile.sh",
            "{source}",
            "{folder}",
            "{names}",
            "{shared}",
            "{g++}",
            *FLAGS,
        ),
    ),
    render_signature=render_signature,
    find_signature=find_signature,
    adapt=adapt,
    closing=CLOSING,
    changed_arguments=changed_arguments,
    script=Script(files=_script, extra_compile_args=("guard.cpp", WRAP_MAIN)),
    examples=SYNTAX,
    impure=IMPURE,
    failures=FailureWords(
        out_of_memory=("std::bad_alloc",),
        fatal_out_of_memory=("an instance of 'std::bad_alloc'",),
        refusals=TESTLIB_REFUSALS,
    ),
    gold=GOLD,
    hello=HELLO,
    controls=CONTROLS,
    stubs=STUBS,
    samples=SAMPLES,
)
