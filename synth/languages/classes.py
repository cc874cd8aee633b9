"""Classes that are called in turn: how a sequence of calls is laid out in typed slots, and what a language
states for it.

Place in the flow: the sandbox turns a `ClassCall` into the call of one function, which the language appends
to the program (`ClassForm.program`); a prompt shows `ClassForm.declare`. Where classes of real code are
seeds, the language says which they are and how they can be called (`ClassSeeds`). The one rule: drivers know
nothing of classes.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from synth.languages.domain import Domain
from synth.languages.unsupported import UnsupportedType
from synth.records import ClassCall, ClassContract, Method
from synth.values import Signature, Value, ValueType, parse_signature

CALLS_FUNCTION: Final = "codemill_calls"
"""The appended function."""
PROBE_FUNCTION: Final = "codemill_probe"
"""The function that says of each call how it went."""
MAX_SLOTS: Final = 5
"""With the method's number, drivers of typed languages read tuples of six."""
MAX_DEPTH: Final = 2
"""Lists in lists: rows of a matrix, edges of a graph."""
_SCALARS: Final = frozenset({"int", "float", "str", "bool"})
_ZEROS: Final[dict[str, Value]] = {"int": 0, "float": 0.0, "str": "", "bool": False}


def zero(kind: ValueType) -> Value:
    """What an unused slot holds."""
    if kind.kind == "optional":
        return None
    return [] if kind.kind == "list" else _ZEROS[kind.kind]


@dataclass(frozen=True, slots=True)
class ShapedMethod:
    """A method with its types, and the slots that hold its arguments and its result."""

    name: str
    names: tuple[str, ...]
    signature: Signature
    slots: tuple[int, ...]
    """Positions in the tuple of a call, from 1."""
    result: int | None
    """The position in the tuple of results; None if it gives nothing."""


@dataclass(frozen=True, slots=True)
class ClassShape:
    """A class laid out: the types of the slots, and where each method finds its own."""

    name: str
    constructor: Signature
    constructor_names: tuple[str, ...]
    methods: tuple[ShapedMethod, ...]
    arguments: tuple[ValueType, ...]
    results: tuple[ValueType, ...]

    @classmethod
    def of(cls, call: ClassCall | ClassContract) -> "ClassShape":
        """Lay out a class. Raises UnsupportedType for types that have no slot, ValueSyntaxError."""
        signatures = [parse_signature(method.signature) for method in call.methods]
        constructor = parse_signature(call.constructor.signature)
        for kind in (*constructor.parameters, *(one for made in signatures for one in made.parameters)):
            _check(kind, is_result=False)
        most: dict[ValueType, int] = {}
        for signature in signatures:
            for kind, count in Counter(signature.parameters).items():
                most[kind] = max(most.get(kind, 0), count)
        arguments = tuple(kind for kind, count in most.items() for _ in range(count))
        results = tuple(dict.fromkeys(one.result for one in signatures if one.result.kind != "null"))
        for kind in results:
            _check(kind, is_result=True)
        if len(arguments) > MAX_SLOTS or not 0 < len(results) <= MAX_SLOTS:
            raise UnsupportedType("its methods need more slots than a tuple has, or give nothing at all")
        methods = tuple(
            _shape(method, signature, arguments, results)
            for method, signature in zip(call.methods, signatures, strict=True)
        )
        names = _names(call.constructor, constructor)
        return cls(call.class_name, constructor, names, methods, arguments, results)

    @property
    def signature(self) -> Signature:
        """Of the appended function."""
        calls = ValueType("list", (ValueType("tuple", (ValueType("int"), *self.arguments)),))
        given = ValueType("list", (ValueType("tuple", self.results),))
        return Signature((*self.constructor.parameters, calls), given)

    def lay_out(self, calls: Sequence[tuple[int, Sequence[Value]]]) -> list[Value]:
        """The last argument of a row, from (number of the method, its arguments)."""
        laid: list[Value] = []
        for number, values in calls:
            slots = [zero(kind) for kind in self.arguments]
            for slot, value in zip(self.methods[number].slots, values, strict=True):
                slots[slot - 1] = value
            laid.append((number, *slots))
        return laid


def has_slot(kind: ValueType, depth: int = MAX_DEPTH) -> bool:
    """Whether an argument of that type can be given: a number, a text, a truth value, a list of these."""
    return kind.kind in _SCALARS or (kind.kind == "list" and depth > 0 and has_slot(kind.inner[0], depth - 1))


def _check(kind: ValueType, *, is_result: bool) -> None:
    is_optional = is_result and kind.kind == "optional" and kind.inner[0].kind in _SCALARS
    if not has_slot(kind) and not is_optional:
        raise UnsupportedType(f"a call of a class has no slot for {kind}")


def _names(method: Method, signature: Signature) -> tuple[str, ...]:
    count = len(signature.parameters)
    return method.parameter_names if len(method.parameter_names) == count else tuple("abcdefgh"[:count])


def _shape(
    method: Method, signature: Signature, arguments: Sequence[ValueType], results: Sequence[ValueType]
) -> ShapedMethod:
    free = list(enumerate(arguments, 1))
    slots = []
    for kind in signature.parameters:
        taken = next(pair for pair in free if pair[1] == kind)
        free.remove(taken)
        slots.append(taken[0])
    result = None if signature.result.kind == "null" else list(results).index(signature.result)
    return ShapedMethod(method.name, _names(method, signature), signature, tuple(slots), result)


class FoundClass(NamedTuple):
    """A class of a file of which objects can be made and two methods at least be called."""

    name: str
    start_line: int
    """From 1, as `end_line`, which is its last."""
    end_line: int
    methods: tuple[str, ...]
    """They say nothing on stdout."""
    needed: tuple[str, ...] = ()
    """The names by which the members come that make an object, where they come only when asked for."""


class DraftMethod(NamedTuple):
    """A method, or the constructor, with a type for each argument that it has to be given."""

    name: str
    names: tuple[str, ...]
    kinds: tuple[ValueType, ...]
    domains: tuple[Domain, ...] = ()
    """One for each argument; empty if they take every value."""
    gives: bool = True
    """False for one that is known to have no result."""
    result: ValueType | None = None
    """What it is known to give; None where only calls can tell."""


class DraftClass(NamedTuple):
    """A class as it may be called, before it is known what its methods give."""

    code: str
    """The closed code, with the lines that convert."""
    name: str
    constructor: DraftMethod
    methods: tuple[DraftMethod, ...]


class ClassSeeds(NamedTuple):
    """What a language states so that classes of real code become seeds."""

    find: Callable[[str], Sequence[FoundClass]]
    """(text of a file) -> its classes that stand at the top. Raises UnparsedError."""
    draft: Callable[[str, str], Sequence[DraftClass]]
    """(closed code, name) -> the ways to call the class, the likeliest first. Raises NotAdapted,
    UnparsedError."""
    probe: Callable[[DraftClass], str] | None = None
    """The draft's code with PROBE_FUNCTION, which takes the arguments of a constructor and a list of calls,
    each with the name of its method first, and says of each call how it went: `["gave", result]`,
    `["raised"]`, or `["other"]` for a result that no slot holds. None where the types of all results are
    declared: then the calls are run at once."""


class ClassForm(NamedTuple):
    """What a language states for classes."""

    program: Callable[[str, ClassShape], str]
    """(code, class) -> the program with CALLS_FUNCTION, which makes an object and calls it in turn."""
    declare: Callable[[ClassShape], str]
    """The lines that declare the class, as a person would write them."""
    seeds: ClassSeeds | None = None
    """None: its classes are not cut from real code."""
