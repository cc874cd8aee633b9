"""How the objects of a Python program's own classes are made from shared values.

Place in the flow: `adapting.py` asks here where a parameter, or the object of a method, is of such a class.
An object is the call of its class with the parameters of its constructor; a node that holds others of its
class is a linked list or a tree, made of a list of values; a container is filled by its own method. The one
rule: what is written only calls and assigns, and decides nothing.
"""

import ast
import re
from itertools import zip_longest
from typing import Final, NamedTuple

from synth.languages.python.guessing import (
    Construction,
    GivenParameter,
    Names,
    TakesItself,
    read_parameters,
)
from synth.languages.spec import NotAdapted
from synth.values import ValueType

_FILLER: Final = re.compile(r"(?:push|append|add|insert|enqueue|put|offer|set|union|store)(_\w+)?$")
_MOST_FILLED: Final = 3
"""Most arguments of a method that fills an object."""
_NEXT: Final = re.compile(r"_*(next|nxt)(_\w+|ptr)?$|.*_next$")
_LEFT: Final = re.compile(r"_*left(_\w+)?$")
_RIGHT: Final = re.compile(r"_*right(_\w+)?$")
_ORDERED: Final = re.compile(r"search|bst|balanc|avl|red.?black|treap|heap|splay", re.IGNORECASE)
"""Words of trees whose nodes stand in an order that a list of values does not give."""


def find_filler(owner: ast.ClassDef, other_than: str = "") -> ast.FunctionDef | None:
    """The method that puts a value into an object of the class, the likeliest: `push`, `add_edge`."""
    found = [
        node
        for node in owner.body
        if isinstance(node, ast.FunctionDef)
        and _FILLER.fullmatch(node.name)
        and node.name != other_than
        and not node.decorator_list
        and 1 <= _required(node) <= _MOST_FILLED
    ]
    return min(found, key=lambda node: (_required(node), len(node.name)), default=None)


def _required(method: ast.FunctionDef) -> int:
    """Arguments that a call has to give, the object apart; 0 if some can only be given by name."""
    given = method.args.posonlyargs + method.args.args
    by_name = any(default is None for default in method.args.kw_defaults)
    return 0 if by_name else len(given) - 1 - len(method.args.defaults)


class _Links(NamedTuple):
    """The attributes by which an object holds others of its class."""

    names: tuple[str, ...]
    """`next`, or the left and the right one."""
    passed: bool
    """Whether the constructor takes them all."""


class Classes:
    """The classes of a program, and how their objects are made."""

    def __init__(self, tree: ast.Module) -> None:
        self._nodes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        self._taken = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        self._taken |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        self._is_ordered = _ORDERED.search(ast.unparse(tree)) is not None
        self._open = set[str]()
        self._names = Names(_aliases(tree), self.build)

    @property
    def nodes(self) -> dict[str, ast.ClassDef]:
        """The classes by name."""
        return self._nodes

    def names(self) -> Names:
        """What the program's names mean in annotations."""
        return self._names

    def build(self, name: str, *, alone: bool = False) -> Construction | None:
        """How an object of the class is made: of a list of values if it holds others of its class, unless it
        is to stand `alone`. None if it is no class of the program. Raises NotAdapted."""
        if name not in self._nodes:
            return None
        if name in self._open:
            raise TakesItself(f"an object of {name} takes another one")
        self._open.add(name)
        try:
            if not alone and (links := self._links(self._nodes[name])) is not None:
                return self._linked(name, links)
            return Construction(name, tuple(self._parameters(self._nodes[name])))
        finally:
            self._open.discard(name)

    def fill(self, name: str, method: str) -> Construction | None:
        """How an object of the class is made and filled, for a method that is called of it; None if the class
        has no method for that."""
        filler = find_filler(self._nodes[name], method)
        if filler is None:
            return None
        try:
            made = self.build(name, alone=True)
            given = read_parameters(filler, 1, self._names)[: _required(filler)]
        except NotAdapted:
            return None
        whole = [*given, *made.parameters] if made is not None else []
        if made is None or any(one.built or one.keyword or one.rest or one.fixed for one in whole):
            return None
        return self._filled(name, filler.name, given, made.parameters)

    def _filled(
        self, name: str, filler: str, given: list[GivenParameter], parameters: tuple[GivenParameter, ...]
    ) -> Construction:
        helper = self._free(f"filled_{_spoken(name)}")
        heads = ", ".join(one.name for one in parameters)
        lines = (
            f"def {helper}(given_items{', ' * bool(heads)}{heads}):\n"
            f"    made = {name}({heads})\n"
            f"    for item in given_items:\n"
            f"        made.{filler}({'*item' if len(given) > 1 else 'item'})\n"
            f"    return made\n"
        )
        items = GivenParameter("items", tuple(_lists_of(given)), False)
        return Construction(helper, (items, *parameters), lines)

    # --- objects that hold others of their class ---

    def _links(self, owner: ast.ClassDef) -> _Links | None:
        head = self._constructor(owner)
        if head is None or self._is_ordered or head.args.kwonlyargs or head.args.vararg:
            return None
        given = (head.args.posonlyargs + head.args.args)[1:]
        own = [one.arg for one in given if _may_be_own(one, owner.name)]
        plain = [one.arg for one in given if one.arg not in own]
        required = len(given) - len(head.args.defaults)
        if not plain or given[0].arg != plain[0] or required > 1 + len(own):
            return None
        names = _in_order(own or [name for name in _empty_attributes(head) if _is_link(name)])
        return _Links(names, bool(own)) if names else None

    def _linked(self, name: str, links: _Links) -> Construction:
        head = self._constructor(self._nodes[name])
        assert head is not None, "it was read for the links"
        values = read_parameters(_seen_from_class(head, self._nodes[name]), 1, self._names)[:1]
        if not values or values[0].built or values[0].fixed:
            raise NotAdapted(f"an object of {name} holds no value that can be given")
        helper = self._free(f"linked_{_spoken(name)}")
        write = _write_chain if len(links.names) == 1 else _write_tree
        given = GivenParameter("", tuple(_lists_of(values)), False)
        return Construction(helper, (given,), write(helper, name, links))

    def _free(self, name: str) -> str:
        while name in self._taken:
            name += "_"
        return name

    # --- constructors ---

    def _constructor(self, owner: ast.ClassDef) -> ast.FunctionDef | None:
        own = (one for one in owner.body if isinstance(one, ast.FunctionDef) and one.name == "__init__")
        head = next(own, None)
        if head is None and (_is_dataclass(owner) or "NamedTuple" in _base_names(owner)):
            return _of_fields(owner)
        return head

    def _parameters(self, owner: ast.ClassDef) -> list[GivenParameter]:
        node: ast.ClassDef | None = owner
        seen = set[str]()
        while node is not None and node.name not in seen:
            seen.add(node.name)
            bases = _base_names(node)
            head = self._constructor(node)
            if head is not None:
                return read_parameters(_seen_from_class(head, node), 1, self._names)
            if any(base.endswith(("Enum", "Flag", "Protocol")) for base in bases):
                raise NotAdapted(f"{node.name} has no objects that can be made")
            maker = next((one for one in node.body if _member(one) == "__new__"), None)
            if isinstance(maker, ast.FunctionDef):
                return read_parameters(maker, 1, self._names)
            node = next((self._nodes[base] for base in bases if base in self._nodes), None)
        return []


def _member(statement: ast.stmt) -> str:
    return statement.name if isinstance(statement, ast.FunctionDef) else ""


def _base_names(node: ast.ClassDef) -> list[str]:
    return [ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in node.bases]


def _spoken(name: str) -> str:
    """`LinkedList` as `linked_list`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_")


def _lists_of(given: list[GivenParameter]) -> list[ValueType]:
    """Types of a list whose items are such arguments; of several arguments they are tuples."""
    if len(given) == 1:
        return [ValueType("list", (kind,)) for kind in given[0].types]
    rows = zip_longest(*(one.types[:2] for one in given))
    whole = [tuple(kind or one.types[0] for kind, one in zip(row, given, strict=True)) for row in rows]
    return [ValueType("list", (ValueType("tuple", row),)) for row in whole]


def _may_be_own(argument: ast.arg, name: str) -> bool:
    if argument.annotation is None:
        return _is_link(argument.arg)
    return re.search(rf"\b{re.escape(name)}\b", ast.unparse(argument.annotation)) is not None


def _is_link(name: str) -> bool:
    return any(form.fullmatch(name) for form in (_NEXT, _LEFT, _RIGHT))


def _in_order(names: list[str]) -> tuple[str, ...]:
    """`next` alone, or left and right; nothing if there are others."""
    if len(names) == 1 and _NEXT.fullmatch(names[0]):
        return (names[0],)
    left = [name for name in names if _LEFT.fullmatch(name)]
    right = [name for name in names if _RIGHT.fullmatch(name)]
    return (left[0], right[0]) if len(names) == 2 and left and right else ()


def _empty_attributes(head: ast.FunctionDef) -> list[str]:
    """The attributes that a constructor leaves empty."""
    found: list[str] = []
    for node in ast.walk(head):
        if isinstance(node, ast.Assign | ast.AnnAssign) and _is_none(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found += [target.attr for target in targets if isinstance(target, ast.Attribute)]
    return list(dict.fromkeys(found))


def _is_none(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _write_chain(helper: str, name: str, links: _Links) -> str:
    """A linked list in the order of the values."""
    (following,) = links.names
    made = f"{name}(value, {following}=head)" if links.passed else f"{name}(value)"
    joined = "" if links.passed else f"        node.{following} = head\n"
    return (
        f"def {helper}(values):\n    head = None\n    for value in reversed(values):\n"
        f"        node = {made}\n{joined}        head = node\n    return head\n"
    )


def _write_tree(helper: str, name: str, links: _Links) -> str:
    """A binary tree, the values level by level."""
    left, right = links.names
    below = ("nodes[2 * at + 1]", "nodes[2 * at + 2]")
    made = f"{name}(values[at]{f', {left}={below[0]}, {right}={below[1]}' if links.passed else ''})"
    joined = "" if links.passed else f"        nodes[at].{left}, nodes[at].{right} = {', '.join(below)}\n"
    return (
        f"def {helper}(values):\n    nodes = [None] * (2 * len(values) + 1)\n"
        f"    for at in reversed(range(len(values))):\n"
        f"        nodes[at] = {made}\n{joined}    return nodes[0]\n"
    )


def _aliases(tree: ast.Module) -> dict[str, ast.expr]:
    """Names of types that the program binds; a type variable says nothing."""
    found: dict[str, ast.expr] = {}
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if not isinstance(target, ast.Name) or not isinstance(value, ast.expr):
            continue
        if isinstance(value, ast.Call) and ast.unparse(value.func).endswith("TypeVar"):
            found[target.id] = ast.Name("Any", ast.Load())
        elif isinstance(value, ast.Subscript | ast.Name | ast.BinOp | ast.Attribute):
            found[target.id] = value
    return found


def _is_dataclass(node: ast.ClassDef) -> bool:
    return any("dataclass" in ast.unparse(item) for item in node.decorator_list)


def _of_fields(node: ast.ClassDef) -> ast.FunctionDef:
    """The constructor that the fields of a data class stand for."""
    words = ["self"]
    for one in node.body:
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            annotation, value = ast.unparse(one.annotation), one.value
            text = ast.unparse(value) if value is not None else ""
            if "ClassVar" in annotation or "init=False" in text:
                continue
            has_default = value is not None and (not text.startswith("field(") or "default" in text)
            words.append(f"{one.target.id}: {annotation}{' = None' if has_default else ''}")
    try:
        made = ast.parse(f"def __init__({', '.join(words)}): pass").body[0]
    except SyntaxError as error:
        raise NotAdapted("the fields of the class make no constructor") from error
    assert isinstance(made, ast.FunctionDef), "it was written as one"
    return made


def _seen_from_class(head: ast.FunctionDef, owner: ast.ClassDef) -> ast.FunctionDef:
    """The constructor with the uses of what it keeps: `self.n` of its methods reads as `n`."""
    kept: dict[str, str] = {}
    for node in ast.walk(head):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Name):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Attribute):
                    kept[target.attr] = node.value.id
    methods = [one for one in owner.body if isinstance(one, ast.FunctionDef) and one is not head]
    uses = [_Renamed(kept).visit(_copied(one)) for one in methods]
    return ast.FunctionDef(name=head.name, args=head.args, body=[*head.body, *uses], decorator_list=[])


def _copied(node: ast.FunctionDef) -> ast.stmt:
    return ast.parse(ast.unparse(node)).body[0]


class _Renamed(ast.NodeTransformer):
    """Writes the name of a parameter for the attribute that keeps it."""

    def __init__(self, kept: dict[str, str]) -> None:
        self._kept = kept

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """`self.n` as `n`."""
        self.generic_visit(node)
        is_own = isinstance(node.value, ast.Name) and node.value.id == "self"
        return ast.Name(self._kept[node.attr], node.ctx) if is_own and node.attr in self._kept else node
