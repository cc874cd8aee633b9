"""OCaml: the driver is compiled once; each program is compiled with a start module that composes readers and
writers.

Integers have 63 bits; a map is a list of pairs.
"""

from collections.abc import Sequence

from synth.languages.ocaml.conformance import GOLD, HELLO, SAMPLES, STUBS
from synth.languages.spec import Driver, FailureWords, Language, Script
from synth.languages.support.composing import Terms
from synth.languages.support.scripts import appended
from synth.languages.support.sources import read_source
from synth.values import Signature

_SCALARS = {"int": "int", "float": "float", "str": "string", "bool": "bool", "null": "unit"}


def _tuple_type(inner: Sequence[str]) -> str:
    return f"({' * '.join(inner)})"


def _tuple_reader(inner: Sequence[str]) -> str:
    reads = "".join(f"let v{index} = {reader} r in " for index, reader in enumerate(inner))
    names = ", ".join(f"v{index}" for index in range(len(inner)))
    return f"(fun r -> Codemill.open_tuple r {len(inner)}; {reads}({names}))"


def _tuple_writer(inner: Sequence[str]) -> str:
    names = ", ".join(f"v{index}" for index in range(len(inner)))
    writes = "".join(f"; {writer} out v{index}" for index, writer in enumerate(inner))
    return f"(fun out ({names}) -> Codemill.put_tuple out {len(inner)}{writes})"


_TYPES = Terms("OCaml", _SCALARS, "{} list", "({} * {}) list", _tuple_type)
_READERS = Terms(
    "OCaml",
    {kind: f"Codemill.get_{kind}" for kind in _SCALARS},
    "(Codemill.get_list {})",
    "(Codemill.get_map {} {})",
    _tuple_reader,
)
_WRITERS = Terms(
    "OCaml",
    {kind: f"Codemill.put_{kind}" for kind in _SCALARS},
    "(Codemill.put_list {})",
    "(Codemill.put_map {} {})",
    _tuple_writer,
)
_MARK = (
    ";;\n"
    "let () = let channel = Unix.out_channel_of_descr (Obj.magic 3 : Unix.file_descr) in output_string "
    "channel MARK; flush channel"
)
_LIBRARIES = ("-w", "-a", "unix.cmxa", "str.cmxa")


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`let solve (xs : int list) (k : int) : int`."""
    written = " ".join(f"({name} : {kind})" for name, kind in _TYPES.pairs(names, signature)) or "()"
    return f"let {entry_point} {written} : {_TYPES.compose(signature.result)}"


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    reads = "".join(
        f"  let a{index} = {_READERS.compose(kind)} (Codemill.argument parts) in\n"
        for index, kind in enumerate(signature.parameters)
    )
    call = " ".join([f"Solution.{entry_point}", *(f"a{index}" for index in range(len(signature.parameters)))])
    call = call if signature.parameters else f"{call} ()"
    start = (
        f"let () = Codemill.drive (fun parts out ->\n{reads}  {_WRITERS.compose(signature.result)} out "
        f"({call}))\n"
    )
    return {"solution.ml": code, "start.ml": start}


LANGUAGE = Language(
    name="ocaml",
    aliases=("ml",),
    file_name="main.ml",
    tools=("ocamlopt",),
    version_arguments=("-version",),
    install="apt-get install -y ocaml-nox",
    grammar="ocaml",
    display_name="OCaml",
    compile_command=("{ocamlopt}", *_LIBRARIES, "-o", "program", "main.ml"),
    run_command=("./program",),
    script=Script(files=appended("main.ml", _MARK)),
    driver=Driver(
        files=_files,
        shared={"codemill.ml": read_source("ocaml/driver.ml")},
        shared_commands=(("{ocamlopt}", "-w", "-a", "-c", "codemill.ml"),),
        compile_command=(
            "{ocamlopt}",
            *_LIBRARIES,
            "-I",
            "{shared}",
            "{shared}/codemill.cmx",
            "-o",
            "program",
            "solution.ml",
            "start.ml",
        ),
        run_command=("./program",),
        unsupported_values=frozenset({"64-bit integers"}),
    ),
    render_signature=render_signature,
    failures=FailureWords(
        assertion=("Assert_failure",),
        out_of_memory=("Out of memory",),
        fatal_out_of_memory=("Fatal error: exception Out_of_memory",),
    ),
    gold=GOLD,
    hello=HELLO,
    stubs=STUBS,
    samples=SAMPLES,
)
