"""What a language states so that its functions can be closed over their file and package.

Place in the flow: a language builds a `Closing` of pure functions over syntax trees; `synth/seeds/closing.py`
follows the names and joins what they lead to. The one rule: positions are byte offsets into the file, so that
a name can be written anew where it stands.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from synth.grammar.trees import node_text

if TYPE_CHECKING:
    from synth.grammar.nodes import Node


class Bound(NamedTuple):
    """A name where a declaration binds it."""

    name: str
    start: int
    end: int


class Mention(NamedTuple):
    """A name that stands free in a declaration: it may lead to another one."""

    path: tuple[str, ...]
    """The name, and the names below it where the language parts them: `("max", "Int")` for Go's `max.Int`."""
    start: int
    ends: tuple[int, ...]
    """Where each element of the path ends."""
    required: bool = True
    """False where it may be something else (the key of a literal, a word of a macro): if nothing binds it,
    nobody asks."""
    below: str = ""
    """Where the path begins, if it is not this file: `super` for Rust's `super::gcd`."""


class Mentions(NamedTuple):
    """What a piece of code asks of the code around it."""

    names: tuple[Mention, ...] = ()
    members: frozenset[str] = frozenset()
    """Names after a dot: methods that the types of the file may have to bring."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Declared:
    """One declaration of a file. Exactly what it binds, asks for and belongs to decides whether it comes."""

    start: int
    end: int
    """Its own text; of a container, the text before its members."""
    nodes: "tuple[Node, ...]" = ()
    """What is read for the names that it asks for."""
    binds: tuple[Bound, ...] = ()
    members: frozenset[str] = frozenset()
    """The names by which it is called after a dot."""
    member_of: tuple[str, ...] = ()
    """The types (and the trait) whose coming brings it, or lets it come."""
    comes: Literal["asked", "with_owner", "always"] = "asked"
    """`asked`: once its name is mentioned. `with_owner`: with all of `member_of` that the package declares,
    and is left out if it cannot be closed itself. `always`: with its file or its container (a `use`
    of traits, `using namespace`)."""
    inside: "Declared | None" = None
    """The container around it: a class, an `impl`, a namespace."""
    tail: tuple[int, int] | None = None
    """Of a container: its text after the members."""
    text: str = ""
    """Written instead of the text between `start` and `end`."""
    in_package: bool = True
    """Whether the other files of its module see it."""
    leads_to: str = ""
    """Of an import: what it names, in the language's own words."""
    refused: str = ""
    """Why it cannot come, if it cannot."""


class Outside(NamedTuple):
    """An import of what every program has: it is kept as it is."""


class Module(NamedTuple):
    """Where an import leads inside the tree."""

    folder_or_file: str
    """Path of the module, as `Closing.files` reads it."""
    path: tuple[str, ...] = ()
    """The name in it, and those below; empty if the import names the module itself."""
    every: bool = False
    """Whether every name of the module is meant (`use super::*`)."""


class Closed(NamedTuple):
    """Refusal of an import: the code needs something that is not there or may not be."""

    reason: Literal["not_self_contained", "impure"]
    why: str


class Neighbours:
    """The other files of a tree, as far as they may be read: what a language asks while it looks for a
    module. `synth/seeds/neighbours.py` reads real ones; this one has none."""

    def files(self, folder: str) -> Sequence[str]:
        """The source files of the language in that folder, by their paths from the tree's root, sorted."""
        return ()

    def text(self, path: str) -> str | None:
        """The text of a file that may be used; None if there is none."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """How functions of the language are closed over their file and package. Pure functions of trees, texts
    and paths; a path counts from the root of the source tree and has `/` everywhere."""

    declarations: "Callable[[Node, bytes], Iterable[Declared]]"
    """(root, text) -> the declarations of a file, containers and their members included, imports too."""
    mentions: "Callable[[Node, bytes], Mentions]"
    """(node, text) -> the names that are free in it."""
    module: Callable[[str, Neighbours], Sequence[str]]
    """(path of a file, neighbours) -> the files that share its names, itself left out."""
    locate: Callable[[str, str, Neighbours], Module | Outside | Closed]
    """(path of the file, what an import leads to, neighbours) -> where that is."""
    files: Callable[[str, Neighbours], Sequence[str]]
    """(`Module.folder_or_file`, neighbours) -> its files."""
    assemble: Callable[[Sequence[str], Sequence[str]], str]
    """(imports, other declarations in order) -> the program."""
    predeclared: frozenset[str] | None = None
    """The names that every program has; None if the language cannot list them, and then a name that nothing
    binds is left to the compiler."""
    unbound: "Callable[[Mention], Closed | None] | None" = None
    """What a name that nothing binds must be, where its form tells: a path into another crate."""
    qualified: bool = False
    """Whether the entry point of a member is written `Owner.member`."""
    may_bind: Callable[[str, str], bool] | None = None
    """(path of another file of the module, name) -> whether that file may bind the name for others; None: any
    file may bind any name."""
    entry_last: Literal["never", "unless_needed", "always"] = "never"
    """Whether the function stands last in what holds it, so that it is the last of its name: `always` lets
    that stand last in the program too, `unless_needed` is for languages where order matters."""
    overloads: bool = False
    """Whether several declarations of one name belong together; otherwise a name bound twice is refused."""


def free_mentions(
    root: "Node",
    text: bytes,
    *,
    mention: "Callable[[Node, bytes], Mention | None]",
    bound: "Callable[[Node, bytes], Iterable[tuple[str, int]]]",
    scopes: frozenset[str],
    members: frozenset[str],
    own: frozenset[str] = frozenset(),
) -> Mentions:
    """The names below `root` that no scope around them binds.

    `mention` reads a node as a name (a path is read whole, and its parts not again); `bound` says which names
    a node binds in the scope around it, and from which byte on; `root` and the nodes of `scopes` are scopes;
    those of `members` are names after a dot. Names in `own` count as free although something below binds
    them: they are what the declaration gives to its file.
    """
    found: list[Mention] = []
    after_dots: set[str] = set()
    stack: list[tuple[Node, dict[str, int]]] = [(root, {})]
    while stack:
        node, known = stack.pop()
        if node is root or node.type in scopes:
            inner = _bound_in(node, text, bound, scopes)
            inner = {name: since for name, since in inner.items() if node is not root or name not in own}
            known = known | {name: min(since, known.get(name, since)) for name, since in inner.items()}
        if node.type in members:
            after_dots.add(node_text(node, text))
        if (read := mention(node, text)) is None:
            stack.extend((child, known) for child in node.named_children)
            continue
        if read.below or known.get(read.path[0], read.start + 1) > read.start:
            found.append(read)
        after_dots.update(read.path[1:])
        stack.extend((child, known) for child in _generic_parts(node))
    return Mentions(tuple(sorted(found, key=lambda one: one.start)), frozenset(after_dots))


def _bound_in(
    scope: "Node",
    text: bytes,
    bound: "Callable[[Node, bytes], Iterable[tuple[str, int]]]",
    scopes: frozenset[str],
) -> dict[str, int]:
    """The names that a scope binds, each with the first byte from which it holds."""
    names: dict[str, int] = {}
    stack = [scope]
    while stack:
        node = stack.pop()
        for name, since in bound(node, text):
            names[name] = min(since, names.get(name, since))
        if node is scope or node.type not in scopes:
            stack.extend(node.named_children)
    return names


def _generic_parts(node: "Node") -> "Iterator[Node]":
    """The type arguments inside a path, which are names of their own."""
    stack = list(node.named_children)
    while stack:
        inner = stack.pop()
        if inner.type == "type_arguments":
            yield inner
        else:
            stack.extend(inner.named_children)
