"""The definition of a language: everything needed to check, compile, run and call programs in it.

Place in the flow: `registry` finds the languages, `toolchain` finds their tools on this machine, and the
sandbox turns a `Language` and a request into jobs. The one rule: a language is data and pure functions, so
reading it starts no program and loads no grammar.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from synth.grammar import trees
from synth.grammar.node_types import NodeTypes
from synth.grammar.trees import ParseError
from synth.languages.closing import Closing
from synth.languages.conformance import ConformancePrograms, Controls, Gold, Stub
from synth.languages.domain import Domain as Domain
from synth.languages.package_use import PackageUse
from synth.languages.stated_calls import ExampleSyntax
from synth.languages.unsupported import UnsupportedType as UnsupportedType
from synth.records import FunctionContract
from synth.values import Signature, ValueType, has_optional

if TYPE_CHECKING:
    from synth.grammar.nodes import Node
    from synth.languages.classes import ClassForm

UnsupportedValue = Literal[
    "64-bit integers",
    "lone surrogates",
    "NUL in text",
    "null in lists",
    "infinity and NaN",
    "errors of calls",
]

_TYPE_CODES: Final = {"int": "i", "float": "f", "str": "s", "bool": "b", "null": "n", "any": "?"}


class NotAdapted(ValueError):
    """Why a function of real code cannot be called with shared types, in words."""

    def __init__(self, why: str, needs: str = "") -> None:
        super().__init__(why)
        self.needs = needs
        """A name that the code needs and does not hold, if that is why."""


CallMark = Literal["changes_argument", "takes_function"]
"""What is particular about a call: its result is the argument that it changed, or a named function of the
language is passed on for a parameter."""

CONVERSION_MARK: Final = "codemill"
"""Stands in the message of an error that converting lines raise: such an error is no answer of the code."""


class Adapted(NamedTuple):
    """One way to call a function of real code with shared types: candidates are asked in these types only,
    and `code` holds what converts them for the function itself."""

    code: str
    """The closed code, with the lines that convert; the driver calls its `entry_point`."""
    entry_point: str
    parameter_names: tuple[str, ...]
    signatures: tuple[Signature, ...]
    """The likeliest first. Several only where the driver needs no types (`any`): one run tries them all."""
    domains: tuple[Domain, ...] = ()
    """One for each parameter; empty if they take every value."""
    gentle: bool = False
    """Whether it is tried on small inputs that fit together: no empty list, all of one length, numbers that
    are indices."""
    marks: tuple[CallMark, ...] = ()


def call_marks(*, changes: bool = False, passes: bool = False) -> tuple[CallMark, ...]:
    """The marks of a call that gives back a changed argument, or passes a function on."""
    return (*(("changes_argument",) if changes else ()), *(("takes_function",) if passes else ()))


TESTLIB_REFUSALS: Final = (1, 2, 4, 8)
"""testlib's exit codes for a wrong answer, an output in a wrong form, one with more behind it, and one that
ends too early; 3 is a failure of the checker. For the languages that it is written in: none of their programs
ends with one of these unless it says so."""


@dataclass(frozen=True, slots=True)
class FailureWords:
    """The texts by which failed programs of the language are recognized."""

    assertion: tuple[str, ...] = ()
    """Multi-line patterns for the output of a failed test. The word "assertion" is always recognized."""
    out_of_memory: tuple[str, ...] = ()
    """Prefixes of an exception's text."""
    fatal_out_of_memory: tuple[str, ...] = ()
    """Texts on stderr after the process ran out of memory."""
    uncaught: tuple[str, ...] = ()
    """Multi-line patterns for stderr after an exception that nobody caught, where such a program ends with
    exit code 1 as one that says so may."""
    refusals: tuple[int, ...] = (1,)
    """Exit codes by which a checker in the language refuses an output."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Builds several programs with one signature together, for compilers whose start costs more
    than the compilation."""

    accepts: Callable[[str], bool]
    """Whether a program may share a build. It must be unable to change the behaviour of the others."""
    files: Callable[[Sequence[str], str, Signature], Mapping[str, str]]
    """(programs, entry point, signature) -> the files of the build."""
    blame: Callable[[str, Sequence[str]], Mapping[int, str]]
    """(compiler output, programs) -> the positions of the rejected programs, each with its messages. An empty
    result means that the output does not tell. A program may forge compiler output, so the output must
    identify each program by something that no program can know."""
    split_binary: Callable[[bytes, int], Callable[[int], bytes | bytearray]]
    """(built binary, number of programs) -> a function from a program's position to its binary, with the code
    of the others removed; each is made when asked for, because a large one times their number is too much.
    Raises ValueError."""
    size: int = 24


@dataclass(frozen=True, slots=True)
class Driver:
    """Function mode: how to call a typed function. docs/architecture/execution.md describes the protocol."""

    files: Callable[[str, str, Signature], Mapping[str, str]]
    """(code, entry point, signature) -> all files of the build, program included. Raises UnsupportedType."""
    run_command: tuple[str, ...]
    compile_command: tuple[str, ...] = ()
    shared: Mapping[str, str] = field(default_factory=dict)
    """Files shared by all programs (a header, a driver class), prepared once by `shared_commands`."""
    shared_commands: tuple[tuple[str, ...], ...] = ()
    batch: Batch | None = None
    compile_server: tuple[str, ...] = ()
    """Starts a resident compiler: sources in, products out, over pipes (execution/programs/compiler_pool.py).
    It also compiles whole programs and scripts; the file names tell it which."""
    unsupported_values: frozenset[UnsupportedValue] = frozenset()
    """Values that the language cannot represent: a call with one of them raises."""
    reports_every_parse_error: bool = False
    """Whether the driver itself reports every program that does not parse. Otherwise the grammar is consulted
    after an early end."""
    big_integers: bool = False
    """Whether integers beyond 64 bits are returned unchanged."""
    optional: bool = False
    """Whether its functions may take and return `optional[T]`."""
    slow: bool = False
    """Whether a build or a start takes a second or more: tests then try fewer programs."""


@dataclass(frozen=True, slots=True)
class Zygote:
    """A warm process of the language. It loads everything that is slow to load, then forks one
    child per program.

    The fork happens in `codemill_serve`, a function of /work/libzygote.so, which returns in the child. The
    child runs the stdin/stdout program if /work holds one, and the driver otherwise. The function is called
    in one of three ways:

    1. `command` starts a program that calls it (Python has such a zygote).
    2. `serves_itself`: the usual command of the language reads one of `files`, which calls it.
    3. Neither: the interpreter starts with its usual command and the library preloaded. The library calls the
       function when the interpreter opens the program's file, so everything after is as in a cold start.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    """The zygote's own files, and the driver's. If the library is preloaded and one of them has the name
    of the program's file, the interpreter reads it first and continues with the program's (Ruby reads
    the program's instead)."""
    command: tuple[str, ...] = ()
    serves_itself: bool = False
    opened_files: Mapping[str, str] = field(default_factory=dict)
    """For a preloaded library: the file to wait for, by the last word of the command. By default it is that
    word itself; a driver opens the program's file."""
    skipped_function: str = ""
    """For a preloaded library: a function of the interpreter that only frees memory or removes files at
    exit. The children skip it."""
    preload: Callable[[str, str, frozenset[str]], tuple[str, ...]] | None = None
    """For a command: (code, script, modules that are there) -> modules that the zygote loads before its first
    program, as further words of the command, before `--` and the arguments of its programs, if they have any.
    Programs that ask for the same ones share zygotes."""
    runs: frozenset[Literal["functions", "programs"]] = frozenset({"functions", "programs"})
    """`functions`: function mode. `programs`: stdin/stdout programs and scripts."""

    @property
    def is_preloaded(self) -> bool:
        return not self.command and not self.serves_itself


@dataclass(frozen=True, slots=True)
class Script:
    """Script mode: joins a program and a test script into one process, which writes a mark at its end.

    Exactly one of `files` and `driver_program` is given. The code that writes the mark runs only if nothing
    ended the program earlier.
    """

    files: Callable[[str, str, str], Mapping[str, str]] | None = None
    """(code, script, mark) -> the files. They write `mark` to descriptor 3; it is a text in double quotes in
    which `\\n` is a new line."""
    compile_command: tuple[str, ...] = ()
    """Empty: as for other programs of the language."""
    extra_compile_args: tuple[str, ...] = ()
    """Words after the compile command."""
    run_command: tuple[str, ...] = ()
    """Empty: as for other programs of the language."""
    driver_program: Callable[[str, str, str], str] | None = None
    """(code, script, parting) -> a text for the driver, in which a line with `parting` parts the two. It
    is called with `parting` as its entry point, which no function has as a name, and answers with one case:
    the end. So scripts use the driver's warm path."""


class Headers(NamedTuple):
    """Where the headers that a program includes first lie precompiled: `{headers}` in the compile command."""

    prepared: str
    """A folder below the driver's shared files."""
    wanted: tuple[str, ...] = ()
    """The names of those that no such folder has. They are precompiled together on this machine once enough
    programs ask for them."""


@dataclass(frozen=True, slots=True)
class Precompiled:
    """Headers that are precompiled for the programs that include them first (execution/programs/
    header_sets.py)."""

    first: Callable[[str], Headers]
    """The text of a program's file -> its headers. All names in `wanted` are names that the language's module
    states: they are compiled outside the sandbox."""
    source: Callable[[Sequence[str]], str]
    """(names) -> the header that includes them."""
    command: tuple[str, ...]
    """Precompiles it: `{source}` is its file in an empty folder, `{names}` all names as one word, and the
    programs look into the folder `{folder}` below it."""


class ProgramSigns(NamedTuple):
    """What shows that a file of real code is a whole program over stdin: both patterns are found in it."""

    reads: str
    main: str = ""
    tidy: Callable[[str], str] | None = None
    """(code) -> the program without what it says to a person at a keyboard. Raises UnparsedError."""


class WholeProgram(NamedTuple):
    """A stdin/stdout program whose name depends on its text."""

    files: Mapping[str, str]
    main: str
    """The name that it starts by: `{main}` in the commands."""


class Traced(NamedTuple):
    """How a program of the language tells which steps it takes on an input."""

    program: Callable[[str, str], str]
    """(code, entry point) -> the program with a function that takes the same arguments and returns a list of
    ints, one for each step."""
    entry_point: str
    """The name of that function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language. Commands are tuples with `{tool}` for a tool's path and `{shared}` for the folder of the
    driver's shared files."""

    name: str
    aliases: tuple[str, ...] = ()
    """All its other names in lower case: in recipes and data sets, and as models write them on
    a code fence."""
    file_name: str
    extensions: tuple[str, ...] = ()
    """Extensions of source files, each with its dot; by default the extension of `file_name`."""
    tools: tuple[str, ...]
    version_arguments: tuple[str, ...] = ("--version",)
    """The option that makes the first tool print its version; empty if it has none, and its file name
    is used instead."""
    install: str
    """The command that installs the toolchain on Debian."""
    grammar: str = ""
    """The name of its tree-sitter grammar; empty if there is none, or if it rejects ordinary programs."""
    node_types: NodeTypes | None = None
    """The grammar's names for functions, blocks and comments, used to cut functions from sources and to
    make FIM samples."""
    comment_signs: tuple[str, ...] = ("#", "//")
    """Which of these begin a comment. Both by default, since fragments of unknown languages are also read."""
    display_name: str = ""
    """Its name as people write it, if that is not just the capitalized name."""
    check: Callable[[str], ParseError | None] | None = None
    """A native parse check, if it is better than the grammar."""
    compile_command: tuple[str, ...] = ()
    run_command: tuple[str, ...]
    whole_program: Callable[[str], WholeProgram] | None = None
    """For a language in which the name of a class, package or file matters: the files of a stdin/stdout
    program. By default the program is `file_name` as it is."""
    program: ProgramSigns | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    beside_environment: Mapping[str, str] = field(default_factory=dict)
    """More variables for a program with files beside it, so that it finds its modules among them."""
    classes: "ClassForm | None" = None
    hash_seed: str = ""
    """The variable that orders its hash tables; empty if there is none. Programs usually get 0."""
    paths: tuple[str, ...] = ()
    """Host files and folders outside /usr that the toolchain reads (its settings, a package database); those
    that exist are visible in the sandbox."""
    runtime_mb: int = 0
    """Memory that the runtime itself needs, in megabytes: added to the program's own limit."""
    runtime_threads: int = 0
    """Threads of the runtime: added to the program's own limit of processes."""
    runtime_stack_mb: int = 0
    """What a runtime that lays out its own stack gets beside the program's limit, in megabytes; negative for
    one that keeps a part of it for itself."""
    stack_environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that give the runtime another stack than the usual one, with `{stack_bytes}` to be filled."""
    data_limit: bool = True
    """Whether RLIMIT_DATA suits the runtime: not if it reserves much more than it uses (node, java, go)."""
    precompiled: Precompiled | None = None
    """Headers precompiled for whole programs and scripts."""
    packages: PackageUse | None = None
    """None: programs see the standard library, and what the toolchain finds by itself."""
    driver: Driver | None = None
    zygote: Zygote | None = None
    script: Script | None = None
    render_signature: Callable[[str, tuple[str, ...], Signature], str] | None = None
    """(entry point, parameter names, signature) -> the line that declares the function, as a person
    would write it."""
    find_signature: Callable[[str, str], FunctionContract | None] | None = None
    """(code, entry point) -> the contract that the declaration states; None if it states none."""
    traced: Traced | None = None
    """How a program tells the steps that it takes; None: the search for inputs goes by answers alone."""
    examples: ExampleSyntax | None = None
    """How calls are stated in tests and documents; None: nobody reads them."""
    adapt: Callable[[str, str], Sequence[Adapted]] | None = None
    """(closed code, entry point) -> the ways to call the last function of that name with shared types, the
    likeliest first; the next one is tried where one fails. Raises NotAdapted, UnparsedError."""
    one_number: bool = False
    """Whether it has one type for whole numbers and others: results that mix both are then floats."""
    closing: Closing | None = None
    """How its functions are closed over their file and package; None: a function has to stand alone."""
    changed_arguments: "Callable[[Node, bytes], tuple[str, ...]] | None" = None
    """(function, text) -> the parameters through which it may change something of its caller: a function
    without a result is a seed if there is one, and `adapt` returns the changed argument. None: none is."""
    impure: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What gives another answer at another time -> words of programs that use it:
    chance, the clock, threads, files, its input, the environment, the network."""
    failures: FailureWords = FailureWords()
    gold: Gold | None = None
    """With a driver: a correct program."""
    hello: str
    """A stdin/stdout program: it reads one line of integers and prints their sum."""
    controls: Controls | None = None
    stubs: tuple[Stub, ...] = ()
    """How its functions are turned into stubs, one entry for each form of a definition."""
    samples: ConformancePrograms

    @property
    def title(self) -> str:
        """Its name as people write it, for prompts and tables."""
        return self.display_name or self.name.capitalize()

    @property
    def source_extensions(self) -> tuple[str, ...]:
        """Extensions of source files, each with its dot."""
        return self.extensions or (f".{self.file_name.rpartition('.')[2]}",)

    @property
    def has_parse_check(self) -> bool:
        """Whether `parse_error` can say anything."""
        return bool(self.check or self.grammar)

    def parse_error(self, code: str) -> ParseError | None:
        """The first syntax error, or None; stages, filters and sandboxes all use this check, in a process of
        its own. Raises UnparsedError for a text that costs too much."""
        if self.check:
            return self.check(code)
        return trees.parse_error(code, self.grammar) if self.grammar else None


def render_signature(
    language: Language, entry_point: str, names: tuple[str, ...], signature: Signature
) -> str:
    """The declaration line in that language, or the language-neutral form if it has none. Raises
    UnsupportedType."""
    check_optional(language, signature)
    if language.render_signature is None:
        return f"{entry_point}{signature}"
    return language.render_signature(entry_point, names, signature)


def check_optional(language: Language, signature: Signature) -> None:
    """Raises UnsupportedType if the signature has an optional type and the language none."""
    holds = language.driver is not None and language.driver.optional
    if not holds and any(map(has_optional, (*signature.parameters, signature.result))):
        raise UnsupportedType(f"{language.title} has no optional types here")


def find_signature(language: Language, code: str, entry_point: str) -> FunctionContract | None:
    """The contract stated by the code's own declaration of the function, or None."""
    return language.find_signature(code, entry_point) if language.find_signature else None


def type_tokens(kind: ValueType) -> str:
    """A type in prefix form for drivers: `list[tuple[int, str]]` is `l t2 i s`. An optional type is the type
    inside it, since a driver sees each null by itself."""
    if kind.kind == "optional":
        return type_tokens(kind.inner[0])
    head = _TYPE_CODES.get(kind.kind) or {"list": "l", "map": "m", "tuple": f"t{len(kind.inner)}"}[kind.kind]
    return " ".join([head, *map(type_tokens, kind.inner)])


def driver_input(
    nonce: str, entry_point: str, signature: Signature, arguments: tuple[tuple[str, ...], ...]
) -> bytes:
    """A driver's stdin: nonce, entry point, parameter types, result type, number of cases, then one
    case per line."""
    header = [
        nonce,
        entry_point,
        "\t".join(map(type_tokens, signature.parameters)),
        type_tokens(signature.result),
        str(len(arguments)),
    ]
    return "\n".join([*header, *("\t".join(case) for case in arguments), ""]).encode("ascii")


def parameter_names(names: tuple[str, ...], signature: Signature) -> tuple[str, ...]:
    """The given names, or a, b, c … if there are fewer names than parameters."""
    return tuple(
        names[i] if i < len(names) else "abcdefghijklmnopqrstuvwxyz"[i % 26]
        for i in range(len(signature.parameters))
    )
