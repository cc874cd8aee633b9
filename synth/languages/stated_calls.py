"""How a language writes the calls that a person states: literal arguments, the result that a test expects,
and where the called function lies.

Place in the flow: a `Language` states its `ExampleSyntax`; `synth/seeds/examples` reads texts with it. The
one rule: data and pure functions of text, nothing is executed; what is no literal is unknown, never guessed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from synth.values import Value

if TYPE_CHECKING:
    from synth.grammar.nodes import Node

LiteralKind = Literal["number", "text", "true", "false", "null", "bool"]

WANTED: Final = "codemill_wanted"
"""A function that no source has: `codemill_wanted(call, result)` is what documents state, as code."""
RAISED: Final = "codemill_raised"
"""The same for a call and the name of the exception that it raises."""


class CodePlace(NamedTuple):
    """Where an imported name lies: the end of a file's path without its extension, or of a folder's with a
    slash at its end; with a slash before it, the whole path below the source."""

    path: str
    name: str = ""
    """The function's own name; empty if the name stands for the file or folder."""


class FileImports(NamedTuple):
    """What a file can call."""

    names: Mapping[str, CodePlace]
    everywhere: tuple[str, ...] = ()
    """Paths whose functions need no name before them, beside the file's own."""
    classes: tuple[str, ...] = ()
    """Folders, with a slash at their end, in which a class has a file of its name."""


class LiteralForm(NamedTuple):
    """A literal."""

    value: Value


class CallForm(NamedTuple):
    """A call, or the making of an object, by the parts of its function's name."""

    path: tuple[str, ...]
    arguments: tuple["Form", ...]
    base: "Form | None" = None
    """The call whose result the method belongs to."""


class ItemsForm(NamedTuple):
    """Several forms in a row, of which not all are literals."""

    items: tuple["Form", ...]


class FieldsForm(NamedTuple):
    """A record by its fields."""

    fields: Mapping[str, "Form"]


class NameForm(NamedTuple):
    """A name, or several joined by dots."""

    path: tuple[str, ...]


class ComparedForm(NamedTuple):
    """Two forms and the operator between them; a negation has an empty left side."""

    left: "Form"
    operator: str
    right: "Form"


class InlineForm(NamedTuple):
    """A function without a name."""

    parameters: tuple[str, ...]
    body: "Node"


class UnknownForm(NamedTuple):
    """Anything else."""


Form = LiteralForm | CallForm | ItemsForm | FieldsForm | NameForm | ComparedForm | InlineForm | UnknownForm
UNKNOWN: Final = UnknownForm()


OF_AN_OBJECT: Final = CallForm(("an object",), ())
"""The base of a call of a method whose object is a variable."""


class RowTable(NamedTuple):
    """Rows that a test is run with, and the names that they are bound to."""

    names: tuple[str, ...]
    rows: tuple["Form", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleSyntax:
    """The grammar's names of what calls are made of. Pairs are names of fields."""

    names: frozenset[str] = frozenset({"identifier"})
    literals: Mapping[str, LiteralKind]
    lists: frozenset[str] = frozenset()
    tuples: frozenset[str] = frozenset()
    maps: frozenset[str] = frozenset()
    pairs: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    calls: Mapping[str, tuple[str, str]]
    """Function and arguments."""
    members: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """The whole and the part."""
    wrappers: frozenset[str] = frozenset({"parenthesized_expression"})
    """They mean what their last named child means."""
    compared: frozenset[str] = frozenset({"binary_expression"})
    negated: frozenset[str] = frozenset({"unary_expression"})
    bindings: Mapping[str, tuple[str, str]]
    """A name and its value."""
    loops: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """The names and what they run over."""
    inline: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Parameters and body of a function without a name."""
    branches: frozenset[str] = frozenset(
        {"if_statement", "while_statement", "for_statement", "try_statement", "switch_statement"}
    )
    """What is run sometimes, or often: names that it binds are unknown after it."""
    attempts: frozenset[str] = frozenset({"try_statement"})
    """Calls in them may fail."""
    refuted: frozenset[str] = frozenset()
    """Branches that report a fault: what their condition says must not be so."""
    reports: tuple[str, ...] = ()
    """Words in the body of such a branch."""
    asserts: frozenset[str] = frozenset()
    """Statements that state a condition."""
    equal: frozenset[str] = frozenset()
    """Functions that compare two arguments, in either order."""
    holds: Mapping[str, bool] = field(default_factory=dict)
    """Functions whose argument is to be true, or false."""
    truthy: bool = False
    """Whether a condition may hold for other values than true."""
    raising: Mapping[str, int] = field(default_factory=dict)
    """Functions that expect an exception, by the place of its name."""
    constants: Mapping[str, Value] = field(default_factory=dict)
    same: frozenset[str] = frozenset()
    """Functions and methods that give what they are given, as a literal."""
    listing: frozenset[str] = frozenset()
    """Functions that make a list of their arguments."""
    mapping: frozenset[str] = frozenset()
    """Functions that make a map of keys and values in turn."""
    read: "Callable[[Node, bytes, Callable[[Node], Form]], Form | None] | None" = None
    """A reader for odd nodes: (node, text, reader of the nodes below)."""
    tables: "Callable[[Node, bytes, Callable[[Node], Form]], RowTable | None] | None" = None
    """The rows that a function is run with, if it says so."""
    optional: bool = False
    """Whether a call may leave out arguments that the declaration names."""
    namespaces: bool = False
    """Whether functions lie in namespaces of lower-case names."""
    prepare: Callable[[str], str] | None = None
    """Rewrites a text before it is parsed."""
    documents: Callable[[str], Sequence[str]] | None = None
    """The examples in the comments of a text, as statements of the language: one text a document."""
    frame: str = "{body}"
    """A file with `{body}` in a function."""
    imports: Callable[[str, str], FileImports] | None = None
    """(text, path without extension) -> what the file can call."""
