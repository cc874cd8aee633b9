"""Programs that show that a language's module works, and programs that no test suite may accept.

Place in the flow: each language states its own (`Language.gold`, `samples`, `controls`); the tests run them
in every language, and `synth.verify.negative_controls` makes controls from them. The one rule: they are pure
data, and each program does what its field says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Gold:
    """A correct program with one input and its expected output, for probes and tests. `arguments` and
    `expected` are wire text."""

    code: str
    arguments: tuple[str, ...]
    expected: str
    signature: str = "(list[int]) -> int"
    entry_point: str = "solve"


@dataclass(frozen=True, slots=True)
class ScriptPrograms:
    """Script mode: programs that define `twice`, and one script that tests it."""

    right: str
    wrong: str
    """Computes a wrong result."""
    script: str
    leaving: tuple[str, ...]
    """Programs that end before the tests, without computing anything."""
    hiding: str = ""
    """A wrong program that disables the check that would expose it."""
    forms: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Other common forms, by description: a right program that becomes wrong if its `+` becomes `*`,
    and its script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConformancePrograms:
    """Programs for the tests that all languages share. With a driver they define `solve` (the task of `gold`:
    the sum of a list); without one they are stdin/stdout programs (the task of `hello`).

    Two more kinds are in text files in the language's folder, each program under a line `=== name`:
    cheats.txt holds programs that try to pass without computing the answer, and warm.txt (for languages with
    a zygote) holds programs that must see no difference between a warm and a cold start.
    """

    wrong: str
    """Runs successfully and gives a wrong answer."""
    hanging: str
    crashing: str
    broken: str
    """Does not parse. Without a parse check, the compiler or interpreter reports it."""
    refused: str = ""
    """Parses, but the compiler rejects it."""
    greedy: str = ""
    """Allocates more memory than any limit allows."""
    styles: tuple[str, ...] = ()
    """With a driver: other common ways to write `gold`."""
    identity: str = ""
    """With a driver: the text after the declaration of `solve` with one parameter `x` that makes
    it return `x`."""
    identity_of: Mapping[str, str] = field(default_factory=dict)
    """The same for kinds of results that need a different text."""
    mutator: str = ""
    """With a driver: `(list[int], int) -> list[int]` that appends to its own argument and returns it."""
    honest: str = ""
    """With a driver: `(int) -> int`, x * x + 7."""
    functions: str = ""
    """With node types: a source file from which functions are cut."""
    function_names: tuple[str, ...] = ()
    """The names of the functions in `functions`, in order."""
    script: ScriptPrograms | None = None
    """With script mode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """How to write programs in this language that no suite may accept: a stub, an early exit, PASS on stdout,
    an object equal to everything.

    In each text STATEMENT stands for `exit`, `shout` or nothing, and VALUE for the returned value.
    """

    body: str = ""
    """With a driver: the text after a function's declaration that carries out STATEMENT and returns VALUE."""
    before: str = ""
    """The imports that STATEMENT needs at the beginning of the program."""
    zero: Mapping[str, str] = field(default_factory=dict)
    """The zero or empty value of each kind of result; "" stands for every other kind."""
    nothing: str = ""
    """A value that any function may return whatever it declares: null, nil. Empty if types forbid it."""
    argument: str = "x"
    """How a parameter `x` is read."""
    equal: tuple[str, str] = ("", "")
    """A definition placed before the function, and a value made from it that claims to equal everything."""
    exit: str
    """Ends the process with exit code 0."""
    shout: str
    """Prints PASS."""
    program: str = "STATEMENT"
    """A whole program."""
    part: str = "STATEMENT"
    """With script mode: carries out STATEMENT before the script that follows. Empty if no program can."""


PARENTHESES = r"\((?:[^()]|\((?:[^()]|\([^()]*+\)){0,99}+\)){0,999}+\)"
"""A pattern for a list of parameters, with two more levels inside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stub:
    """How a function of a program is turned into a stub that returns a value of our choice.

    In each text VALUE stands for the value, NAME for the function's name and TYPE for its declared type.
    """

    head: str
    """A multi-line pattern that matches a function up to the first word of its body, with the groups `name`,
    `type` (the declared type of the result) where there is one, and `indent` where the body begins on its
    own line."""
    early: str = ""
    """Text at the beginning of the body that returns VALUE."""
    again: str = ""
    """Instead of `early`: another definition after the program, which replaces the first."""
    typed: tuple[tuple[str, str, str], ...] = ()
    """(pattern of a declared type, a value, another value of the type)."""
    silent: bool = False
    """Whether a function without a declared type is one of `typed`, by the empty pattern."""
    untyped: tuple[tuple[str, str], ...]
    """Pairs of values for other functions, one kind of value after the other."""
