"""The shape of a language module: everything the sandbox needs to know to check, compile, run and call
programs of one language.

Place in the flow: `registry.py` finds the modules, `synth.execution.local.sandbox` turns a `Language` and a
request into jobs. The one rule: a language is data and pure functions. Nothing here starts a program except
`find_toolchain`, which asks for versions.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from synth.languages.parsing import tree_error
from synth.records import FunctionContract
from synth.values import Signature, ValueType

UnsupportedValue = Literal[
    "64-bit integers", "lone surrogates", "NUL in text", "null in lists", "infinity and NaN"
]

_WHEELS: Final = {"zig": "ziglang"}
"""Tools that come in a Python package of another name."""

_TYPE_CODES: Final = {"int": "i", "float": "f", "str": "s", "bool": "b", "null": "n", "any": "?"}


class UnsupportedType(ValueError):
    """A signature that a statically typed language cannot express, for example `any` in C++."""


@dataclass(frozen=True, slots=True)
class Toolchain:
    """Where the programs of a language are on this machine. `root` is what has to be visible inside the
    sandbox besides /usr."""

    tools: Mapping[str, str]
    """Name to real path, links and shims resolved."""
    version: str
    digest: str
    """Changes when the toolchain does: part of the key of cached results."""
    readonly: tuple[str, ...] = ()
    marks: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Size and time of each tool's file, and of the libraries beside it, when it was found; empty for a
    toolchain on another machine."""

    def stated_for(self, language: str) -> str:
        """As observations state it."""
        return f"{language} {self.version} {self.digest}"

    @property
    def is_unchanged(self) -> bool:
        """Whether the tools are still there, and still the same files."""
        try:
            return all(_mark(path) == mark for path, mark in self.marks.items())
        except OSError:
            return False


def _marks(tools: Mapping[str, str]) -> dict[str, tuple[int, int]]:
    """Of the tools, and of the libraries beside them: where a toolchain is removed piece by piece, those may
    go first."""
    libraries = {Path(path).parents[1] / "lib" for path in tools.values()}
    return {
        path: _mark(path)
        for path in (*tools.values(), *(str(folder) for folder in libraries if folder.is_dir()))
    }


def _mark(path: str) -> tuple[int, int]:
    found = os.stat(path)  # noqa: PTH116  # after each program
    return found.st_size, found.st_mtime_ns


@dataclass(frozen=True, slots=True)
class Gold:
    """A correct program with one input and its output, for probes and tests. `arguments` and `expected` are
    wire text."""

    code: str
    arguments: tuple[str, ...]
    expected: str
    signature: str = "(list[int]) -> int"
    entry_point: str = "solve"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConformancePrograms:
    """Programs for the common tests. With a driver they define `solve` (the gold's task: the sum of a list);
    without one they are stdin/stdout programs (the hello's task)."""

    wrong: str
    """Runs well and answers something else."""
    hanging: str
    crashing: str
    broken: str
    """Does not parse: a parse error, or where no grammar reads the language, whatever its compiler or
    interpreter says."""
    refused: str = ""
    """Parses, and the compiler refuses it."""
    identity: str = ""
    """With a driver: what stands after the declaration of `solve` with one parameter `x` to return just
    that."""
    identity_of: Mapping[str, str] = field(default_factory=dict)
    """The same, for kinds of results where it is written in another way."""
    mutator: str = ""
    """With a driver: `(list[int], int) -> list[int]` that appends to its own argument and returns it."""
    honest: str = ""
    """With a driver: `(int) -> int`, x * x + 7."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """How to write, in this language, programs that no suite may accept (`execution/controls.py` says which).
    In each text STATEMENT stands for `exit`, `shout` or nothing, and VALUE for what is returned."""

    body: str = ""
    """With a driver: what stands after the declaration of a function that carries out STATEMENT and returns
    VALUE."""
    before: str = ""
    """What STATEMENT needs at the beginning of the program: imports."""
    zero: Mapping[str, str] = field(default_factory=dict)
    """Kind of result to its zero or empty value; "" is for every other kind."""
    nothing: str = ""
    """What any function may return whatever it declares: null, nil. Empty where types forbid it."""
    argument: str = "x"
    """How a parameter `x` is read."""
    equal: tuple[str, str] = ("", "")
    """A definition that stands before the function, and a value made from it that claims to equal
    everything."""
    exit: str
    """Ends the process with exit code 0."""
    shout: str
    """Prints PASS."""
    program: str = "STATEMENT"
    """A whole program."""
    part: str = "STATEMENT"
    """With script mode: what carries out STATEMENT before the script that follows it. Empty where nothing
    does that by itself."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Several candidates of one signature built together, for languages whose compiler is slow to start on
    each alone."""

    accepts: Callable[[str], bool]
    """Whether a program can share a build: it must not be able to change what another one does."""
    files: Callable[[Sequence[str], str, Signature], Mapping[str, str]]
    """(codes, entry point, signature) to the files of one build."""
    blame: Callable[[str, Sequence[str]], Mapping[int, str]]
    """(the compiler's output, codes) to the candidates (by position) that it refused, each with its messages.
    Empty: cannot be told. The output may quote a program, so what names a candidate in it has to be something
    that no program can know."""
    split_binary: Callable[[bytes, int], list[bytes]]
    """(what was built, number of candidates) to the program of each, without anything of the others. Raises
    ValueError."""
    size: int = 24


@dataclass(frozen=True, slots=True)
class Driver:
    """Function mode: how to call a typed function of this language. See docs/architecture/execution.md for
    the protocol."""

    files: Callable[[str, str, Signature], Mapping[str, str]]
    """(code, entry point, signature) to all files of the build, the program's included. Raises
    UnsupportedType."""
    run_command: tuple[str, ...]
    compile_command: tuple[str, ...] = ()
    shared: Mapping[str, str] = field(default_factory=dict)
    """Files that are the same for every program (a header, a driver class), prepared once by
    `shared_commands`."""
    shared_commands: tuple[tuple[str, ...], ...] = ()
    batch: Batch | None = None
    compile_server: tuple[str, ...] = ()
    """A resident compiler: sources in, products out, over pipes (execution/compile_servers.py). It compiles
    whole programs and scripts too, and knows from the names of the files what to make of them."""
    unsupported_values: frozenset[UnsupportedValue] = frozenset()
    """Values that the language cannot hold: a call with one of them raises."""
    big_integers: bool = False
    """Whether integers beyond 64 bits come back unchanged."""
    slow: bool = False
    """Whether a build or a start takes a second or more: tests then try fewer programs."""


@dataclass(frozen=True, slots=True)
class Zygote:
    """A warm process of the language: it loads what is slow to load and calls `codemill_serve` of
    /work/libzygote.so. Where that returns it is a program, and runs the file of a stdin/stdout program where
    /work has one, else the driver. See drivers/python_zygote.py."""

    files: Mapping[str, str] = field(default_factory=dict)
    """Its own files, the driver's among them."""
    command: tuple[str, ...] = ()
    """Empty: the command of the program itself, for interpreters that have loaded everything when they open
    the file that its last word names. The library is preloaded and calls `codemill_serve` there, so that all
    that follows is as in a cold start. Where `files` have one of that name, it is read first, by fgets(), and
    the program's where it ends; Ruby's parser reads the program's in its place."""
    serves_itself: bool = False
    """Without a command: `files` call `codemill_serve`, and nothing is preloaded."""
    opened_files: Mapping[str, str] = field(default_factory=dict)
    """Without a command: last word of the command to the file that is opened then, if not that one: a driver
    opens the program's."""
    skipped_function: str = ""
    """Without a command: a function of the interpreter that only frees memory or removes files at the end.
    Programs do not call it."""
    runs: frozenset[Literal["functions", "programs"]] = frozenset({"functions", "programs"})
    """Function mode; programs with their own stdin and stdout, scripts included."""

    @property
    def is_preloaded(self) -> bool:
        return not self.command and not self.serves_itself


@dataclass(frozen=True, slots=True)
class Script:
    """Script mode: how a program and a test script become one process that says at its end that it got there.

    Exactly one of `files` and `driver_program` is given. What follows the script is reached only when nothing before
    it ended the program.
    """

    files: Callable[[str, str, str], Mapping[str, str]] | None = None
    """(code, script, mark) to the files. `mark` is a text in double quotes, `\\n` in it meaning a new line,
    for descriptor 3."""
    compile_command: tuple[str, ...] = ()
    """Empty: as for other programs of the language."""
    extra_compile_args: tuple[str, ...] = ()
    """Words after the compile command."""
    run_command: tuple[str, ...] = ()
    """Empty: as for other programs of the language."""
    driver_program: Callable[[str, str, str], str] | None = None
    """(code, script, end) to a program for the driver that defines the function `end` after the script: the
    warm path of a driver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language. Commands are tuples with `{tool}` for a tool's path and `{shared}` for the folder of the
    driver's shared files."""

    name: str
    aliases: tuple[str, ...] = ()
    file_name: str
    tools: tuple[str, ...]
    version_arguments: tuple[str, ...] = ("--version",)
    """What the first tool is asked; empty where it has no answer, and the name of its file has to do."""
    install: str
    """The command that installs the toolchain on Debian."""
    grammar: str = ""
    """Its name in `synth.grammar.loader`; empty where that has none, or one that misreads usual programs."""
    display_name: str = ""
    """Its name as people write it, where that is not the name with a capital."""
    check: Callable[[str], str | None] | None = None
    """A native parse check, where one is better than the grammar: None, or the first error in words."""
    compile_command: tuple[str, ...] = ()
    run_command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    paths: tuple[str, ...] = ()
    """Host files and folders outside /usr that the toolchain reads (its settings, a package database); those
    that exist are shown."""
    runtime_mb: int = 0
    """What the runtime needs for itself, in megabytes: added to the program's own limit."""
    runtime_threads: int = 0
    """Threads of the runtime: added to the program's own limit of processes."""
    data_limit: bool = True
    """Whether RLIMIT_DATA suits the runtime: not where much is reserved and little used (node, java, go)."""
    driver: Driver | None = None
    zygote: Zygote | None = None
    script: Script | None = None
    render_signature: Callable[[str, tuple[str, ...], Signature], str] | None = None
    """(entry point, parameter names, signature) to the line that declares the function, as a person would
    write it."""
    find_signature: Callable[[str, str], FunctionContract | None] | None = None
    """(code, entry point) to the contract that the declaration states; None when it states none."""
    gold: Gold | None = None
    controls: Controls | None = None
    hello: str
    """A stdin/stdout program: it reads one line of integers and prints their sum."""
    samples: ConformancePrograms | None = None

    @property
    def title(self) -> str:
        """Its name as people write it, for prompts and tables."""
        return self.display_name or self.name.capitalize()

    @property
    def extension(self) -> str:
        """Of its files, without the dot."""
        return self.file_name.rpartition(".")[2]

    def parse_error(self, code: str) -> str | None:
        """The first syntax error in words, or None. Loads the grammar on first use."""
        if self.check:
            return self.check(code)
        return tree_error(code, self.grammar) if self.grammar else None


def render_signature(
    language: Language, entry_point: str, names: tuple[str, ...], signature: Signature
) -> str:
    """The declaration line in that language; where the language has none of its own, the language-neutral
    form."""
    if language.render_signature is None:
        return f"{entry_point}{signature}"
    return language.render_signature(entry_point, names, signature)


def find_signature(language: Language, code: str, entry_point: str) -> FunctionContract | None:
    """The contract that the code's own declaration of the function states, or None."""
    return language.find_signature(code, entry_point) if language.find_signature else None


@lru_cache(maxsize=256)
def find_toolchain(language_name: str) -> Toolchain | None:
    """The toolchain of a language on this machine, or None when a tool is missing. Asked once in a
    process."""
    from synth.languages.registry import get_language

    language = get_language(language_name)
    tools = {name: path for name in language.tools if (path := find_tool(name))}
    if len(tools) < len(language.tools):
        return None
    first = tools[language.tools[0]]
    version = (
        _version([first, *language.version_arguments]) if language.version_arguments else Path(first).name
    )
    if version is None:
        return None
    marks = _marks(tools)
    own = [
        f"{path}:{':'.join(map(str, marks[path]))}" for path in tools.values()
    ]  # libraries change with any package
    digest = hashlib.sha256("\n".join([version, *own]).encode()).hexdigest()[:12]
    shown = {root for path in tools.values() if (root := _root(path))} | {
        path for path in language.paths if Path(path).exists()
    }
    return Toolchain(tools, version, digest, tuple(sorted(shown)), marks)


def find_tool(name: str) -> str | None:
    """The real path of a tool. System folders come first: a shim of a version manager costs 100 ms a
    start."""
    found = shutil.which(name, path="/usr/local/bin:/usr/bin:/bin") or shutil.which(name)
    real = _unshim(name, found) if found else _in_wheel(name)
    return real or (str(Path(sys.executable).resolve()) if name == "python3" else None)


def _in_wheel(name: str) -> str | None:
    """The path of a tool that comes in a Python package."""
    places = [Path(folder) / _WHEELS[name] / name for folder in sys.path] if name in _WHEELS else []
    return next((str(place.resolve()) for place in places if place.is_file()), None)


def _unshim(name: str, found: str) -> str | None:
    """The program itself. A package of npm may put a start of node before it."""
    real = Path(found).resolve()
    if real.suffix == ".js" and real.with_name(name).is_file():
        return str(real.with_name(name))
    if real.name == "rustup":
        toolchains = Path(os.environ.get("RUSTUP_HOME", Path.home() / ".rustup")) / "toolchains"
        candidates = sorted(toolchains.glob(f"stable*/bin/{name}")) or sorted(
            toolchains.glob(f"*/bin/{name}")
        )
        return str(candidates[0]) if candidates else None
    return str(real) if Path(found).parent.name != "shims" else None


def _root(path: str) -> str:
    """The folder outside /usr that a tool lives in (`<root>/bin/tool`), or nothing."""
    inside = path.startswith(("/usr/", "/bin/", "/lib"))
    return "" if inside else str(Path(path).parent.parent)


def _version(command: list[str]) -> str | None:
    """The first line of what it says of itself. What a virtual machine warns of may stand before that."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = [
        line.strip()
        for line in (done.stdout + done.stderr).splitlines()
        if line.strip() and "warning:" not in line
    ]
    return lines[0] if lines and done.returncode == 0 else None


def type_tokens(kind: ValueType) -> str:
    """A type in prefix form for drivers: `list[tuple[int, str]]` is `l t2 i s`."""
    head = _TYPE_CODES.get(kind.kind) or {"list": "l", "map": "m", "tuple": f"t{len(kind.inner)}"}[kind.kind]
    return " ".join([head, *map(type_tokens, kind.inner)])


def driver_input(
    nonce: str, entry_point: str, signature: Signature, arguments: tuple[tuple[str, ...], ...]
) -> bytes:
    """What a driver reads on stdin: nonce, entry point, parameter types, result type, number of cases, then
    one case a line."""
    header = [
        nonce,
        entry_point,
        "\t".join(map(type_tokens, signature.parameters)),
        type_tokens(signature.result),
        str(len(arguments)),
    ]
    return "\n".join([*header, *("\t".join(case) for case in arguments), ""]).encode("ascii")


@lru_cache
def read_driver(name: str) -> str:
    """The text of a driver in synth/languages/drivers."""
    return (Path(__file__).parent / "drivers" / name).read_text(encoding="utf-8")


def parameter_names(names: tuple[str, ...], signature: Signature) -> tuple[str, ...]:
    """The given names, or a, b, c … where fewer are given than there are parameters."""
    return tuple(
        names[i] if i < len(names) else "abcdefghijklmnopqrstuvwxyz"[i % 26]
        for i in range(len(signature.parameters))
    )
