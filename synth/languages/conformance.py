"""Programs in a language that show that its module works, and programs that no test may accept.

Place in the flow: each language states its own (`Language.gold`, `samples`, `controls`); the tests run them
in every language, and `synth.verify.negative_controls` makes controls from them. The one rule: data alone,
and each program does what its field says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Gold:
    """A correct program with one input and its output, for probes and tests. `arguments` and `expected` are
    wire text."""

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
    """Computes something else."""
    script: str
    leaving: tuple[str, ...]
    """Programs that end before the tests, without computing anything."""
    hiding: str = ""
    """A wrong program that switches off whatever would show it."""
    forms: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Other usual forms by what they are: a right program that becomes wrong when its `+` becomes `*`, and
    its script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConformancePrograms:
    """Programs for the common tests. With a driver they define `solve` (the gold's task: the sum of a list);
    without one they are stdin/stdout programs (the hello's task).

    Two more kinds stand in text files in the language's folder, each program under a line `=== name`:
    cheats.txt holds programs that try to pass without computing the answer, and warm.txt, where there is a
    zygote, programs that must see no difference between a warm and a cold start.
    """

    wrong: str
    """Runs well and answers something else."""
    hanging: str
    crashing: str
    broken: str
    """Does not parse. Without a parse check, its compiler or interpreter says so."""
    refused: str = ""
    """Parses, and the compiler refuses it."""
    greedy: str = ""
    """Allocates more memory than any limit allows."""
    styles: tuple[str, ...] = ()
    """With a driver: other usual ways to write the gold."""
    identity: str = ""
    """With a driver: the text after the declaration of `solve` with one parameter `x` that makes it return
    just that."""
    identity_of: Mapping[str, str] = field(default_factory=dict)
    """The same for the kinds of results that need another text."""
    mutator: str = ""
    """With a driver: `(list[int], int) -> list[int]` that appends to its own argument and returns it."""
    honest: str = ""
    """With a driver: `(int) -> int`, x * x + 7."""
    functions: str = ""
    """With node types: a source file whose functions are cut."""
    function_names: tuple[str, ...] = ()
    """Of `functions`, in order."""
    script: ScriptPrograms | None = None
    """With script mode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """How to write, in this language, programs that no suite may accept: a stub, an early exit, PASS on
    stdout, an object equal to everything.

    In each text STATEMENT stands for `exit`, `shout` or nothing, and VALUE for the returned value.
    """

    body: str = ""
    """With a driver: the text after the declaration of a function that carries out STATEMENT and returns
    VALUE."""
    before: str = ""
    """What STATEMENT needs at the beginning of the program: imports."""
    zero: Mapping[str, str] = field(default_factory=dict)
    """The zero or empty value of each kind of result; "" is every other kind."""
    nothing: str = ""
    """A value that any function may return whatever it declares: null, nil. Empty where types forbid it."""
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
    """With script mode: carries out STATEMENT before the script that follows. Empty where no program can."""
