"""C by gcc: the driver is compiled once, and each program gets a `main` that reads arguments in the types
that its function declares.

It supports scalars, and lists of scalars as a pointer and a length; a last parameter receives the length of
a returned list.
"""

import re
from typing import NamedTuple

from synth.grammar.node_types import NodeTypes, names
from synth.languages.c.adapting import adapt, find_signature
from synth.languages.c.conformance import CONTROLS, GOLD, HELLO, SAMPLES, STUBS
from synth.languages.c.impure import IMPURE
from synth.languages.cpp.declared import changed_arguments
from synth.languages.cpp.examples import SYNTAX
from synth.languages.spec import (
    TESTLIB_REFUSALS,
    Driver,
    FailureWords,
    Language,
    ProgramSigns,
    Script,
    UnsupportedType,
    parameter_names,
)
from synth.languages.support.c_closing import CLOSING
from synth.languages.support.composing import Terms
from synth.languages.support.declarations import Declaration, find_declaration
from synth.languages.support.scripts import GUARD_C, WRAP_MAIN, with_asserts
from synth.languages.support.sources import read_source
from synth.values import Signature, ValueType

_SCALARS = {"int": "long long", "float": "double", "str": "char *", "bool": "bool", "null": "void"}
_TYPES = Terms("C", _SCALARS, "{} *")
_BITS = {
    "short": 16,
    "int": 32,
    "long": 64,
    "long int": 64,
    "long long": 64,
    "long long int": 64,
    "ptrdiff_t": 64,
    "char": 8,
}
_BITS |= {f"int{bits}_t": bits for bits in (8, 16, 32, 64)}
_UNSIGNED = {"unsigned": 32, "size_t": 63, "unsigned char": 8} | {
    f"uint{bits}_t": min(bits, 63) for bits in (8, 16, 32, 64)
}
_UNSIGNED |= {f"unsigned {name}": min(bits, 63) for name, bits in _BITS.items() if not name.endswith("_t")}
_RANGES = {name: (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for name, bits in _BITS.items()}
_RANGES |= {name: (0, 2**bits - 1) for name, bits in _UNSIGNED.items()}

_FLAGS = ("-std=gnu17", "-O1", "-fwrapv", "-ftrivial-auto-var-init=pattern", "-w")
_BEFORE = (
    "#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n#define main codemill_program_main\n"
)
_DECLARED = """
#undef main
#undef int
#undef long
#line 1 "start.c"
void codemill_begin(void), codemill_end(void), codemill_start(void), codemill_stop(void);
void codemill_put_null(void), codemill_put_int(long long), codemill_put_float(double);
void codemill_put_bool(int), codemill_put_str(const char *), codemill_put_list(unsigned long);
int codemill_next(void), codemill_bool(void);
long long codemill_int(long long, long long);
double codemill_float(void);
char *codemill_str(void);
unsigned long codemill_count(void);
"""


class CType(NamedTuple):
    base: str
    pointers: int

    def __str__(self) -> str:
        return f"{self.base} {'*' * self.pointers}".strip()


def _read(text: str) -> CType:
    words = [
        word
        for word in re.sub(r"[*\[\]]", " ", text).split()
        if word not in ("const", "restrict", "signed", "register")
    ]
    return CType(" ".join(words), text.count("*") + text.count("[]"))


def _fits(kind: ValueType, declared: CType) -> bool:
    bases = {
        "int": set(_RANGES),
        "float": {"double", "float"},
        "bool": {"bool", "_Bool", "int"},
        "str": {"char"},
        "null": {"void"},
    }
    if kind.kind == "list":
        return (
            _fits(kind.inner[0], CType(declared.base, declared.pointers - 1)) and kind.inner[0].kind != "null"
        )
    return declared.base in bases[kind.kind] and declared.pointers == (kind.kind == "str")


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`long long solve(const long long *xs, size_t xs_len, long long k)`."""
    written = []
    for name, kind in zip(parameter_names(names, signature), signature.parameters, strict=True):
        written.append(_declare(kind, name, "const " if kind.kind in ("list", "str") else ""))
        written += [f"size_t {name}_len"] if kind.kind == "list" else []
    written += ["size_t *result_len"] if signature.result.kind == "list" else []
    return f"{_declare(signature.result, entry_point)}({', '.join(written) or 'void'})"


def _declare(kind: ValueType, name: str, before: str = "") -> str:
    if kind.kind == "list" and kind.inner[0].kind in ("list", "null"):
        raise UnsupportedType(f"C has no usual form of {kind}")
    written = f"{before}{_TYPES.compose(kind)}".replace("* *", "**")
    return f"{written}{'' if written.endswith('*') else ' '}{name}"


def _declared(code: str, entry_point: str, signature: Signature) -> Declaration:
    """The program's declaration, or the canonical one if it cannot be read."""
    own = find_declaration(code, entry_point)
    canonical = find_declaration(f"{render_signature(entry_point, (), signature)} {{", entry_point)
    found = own or canonical
    if found is None:  # no parameters: `(void)`
        return Declaration(_declare(signature.result, ""), ())
    return Declaration(found.result, tuple(p for p in found.parameters if p.type_text.strip() != "void"))


_READERS = {"float": "codemill_float()", "bool": "codemill_bool()", "str": "codemill_str()"}


def _reader(kind: ValueType, declared: CType) -> str:
    if kind.kind == "int":
        least, most = _RANGES[declared.base]
        return f"codemill_int({least + 1}LL - 1, {most}LL)"
    return _READERS[kind.kind]


def _argument(index: int, kind: ValueType, declared: CType) -> str:
    """Statements that make the argument `a<index>`, and for a list its length `n<index>`."""
    if kind.kind != "list":
        return f"{declared} a{index} = {_reader(kind, declared)};\n"
    item = CType(declared.base, declared.pointers - 1)
    return (
        f"unsigned long n{index} = codemill_count();\n{item} *a{index} = __builtin_calloc(n{index} + "
        f"1, sizeof({item}));\n"
        f"for (unsigned long i = 0; i < n{index}; ++i) a{index}[i] = {_reader(kind.inner[0], item)};\n"
    )


def _result(call: str, kind: ValueType, declared: CType, length: str) -> str:
    if kind.kind == "null":
        return f"{call};\ncodemill_start();\ncodemill_put_null();\n"
    if kind.kind != "list":
        return f"{declared} r = {call};\ncodemill_start();\ncodemill_put_{kind.kind}(r);\n"
    put = f"for (unsigned long i = 0; i < (unsigned long)m; ++i) codemill_put_{kind.inner[0].kind}(r[i]);\n"
    return (
        f"{length} m = 0;\n{declared} r = {call};\ncodemill_start();\ncodemill_put_list((unsigned "
        f"long)m);\n{put}"
    )


def _body(code: str, entry_point: str, signature: Signature) -> str | None:
    """The statements of one case, or None if the declaration does not fit the signature."""
    declared = _declared(code, entry_point, signature)
    left = [_read(parameter.type_text) for parameter in declared.parameters]
    statements, passed = "", []
    for index, kind in enumerate(signature.parameters):
        if not left or not _fits(kind, left[0]):
            return None
        statements += _argument(index, kind, left.pop(0))
        passed.append(f"a{index}")
        if kind.kind == "list":
            if not left or left.pop(0) not in {CType(name, 0) for name in _RANGES}:
                return None
            passed.append(f"n{index}")
    length = left.pop(0) if signature.result.kind == "list" and left else CType("size_t", 1)
    if (
        left
        or length.pointers != 1
        or length.base not in _RANGES
        or not _fits(signature.result, _read(declared.result))
    ):
        return None
    passed += ["&m"] if signature.result.kind == "list" else []
    return statements + _result(
        f"{entry_point}({', '.join(passed)})", signature.result, _read(declared.result), length.base
    )


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    wanted = render_signature(entry_point, (), signature)
    body = _body(code, entry_point, signature)
    if body is None:
        start = f'\n#line 1 "start.c"\n#error "the function must be declared like this: {wanted}"\n'
    else:
        loop = f"while (codemill_next()) {{\n{body}codemill_stop();\n}}"
        start = f"{_DECLARED}int main(void) {{\ncodemill_begin();\n{loop}\ncodemill_end();\n}}\n"
    return {"main.c": f'{_BEFORE}#line 1 "solution.c"\n{code}\n{start}'}


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    return {"main.c": with_asserts(code, script), "guard.c": GUARD_C.replace("MARK", mark)}


LANGUAGE = Language(
    name="c",
    file_name="main.c",
    extensions=(".c", ".h"),
    tools=("gcc",),
    install="apt-get install -y gcc",
    grammar="c",
    compile_command=("{gcc}", *_FLAGS, "{linker}", "-o", "program", "main.c", "-lm"),
    comment_signs=("//",),
    node_types=NodeTypes(
        functions=names("function_definition"),
        blocks=names("compound_statement"),
        expressions=names("attribute"),
        result_field="type",
        void="void",
    ),
    run_command=("./program",),
    program=ProgramSigns(reads=r"\bscanf\s*\(|\bgetchar\s*\(|\bstdin\b", main=r"\bmain\s*\("),
    driver=Driver(
        files=_files,
        shared={"driver.c": read_source("c/driver.c")},
        shared_commands=(("{gcc}", *_FLAGS, "-c", "-o", "driver.o", "driver.c"),),
        compile_command=("{gcc}", *_FLAGS, "{linker}", "-o", "program", "main.c", "{shared}/driver.o", "-lm"),
        run_command=("./program",),
        unsupported_values=frozenset({"NUL in text", "errors of calls"}),
    ),
    script=Script(files=_script, extra_compile_args=("guard.c", WRAP_MAIN)),
    render_signature=render_signature,
    find_signature=find_signature,
    adapt=adapt,
    closing=CLOSING,
    changed_arguments=changed_arguments,
    examples=SYNTAX,
    impure=IMPURE,
    failures=FailureWords(refusals=TESTLIB_REFUSALS),
    gold=GOLD,
    hello=HELLO,
    controls=CONTROLS,
    stubs=STUBS,
    samples=SAMPLES,
)
