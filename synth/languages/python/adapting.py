"""The ways to call a Python function or method of real code with shared types.

Place in the flow: reference execution asks for them (`Language.adapt`). Where plain positional values will
not do, a function is added that a candidate can be asked for instead: it builds the object of a method,
lists what a generator yields, gives back the argument that was changed, or passes a named function on. The
one rule: what is added only calls; it decides nothing.
"""

import ast
import copy
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from synth.grammar.python_trees import parse_python
from synth.languages.python.guessing import (
    Construction,
    GivenParameter,
    Names,
    guess_signatures,
    read_parameters,
)
from synth.languages.spec import Adapted, NotAdapted, call_marks
from synth.languages.support.guessing import MAX_PARAMETERS

MOST_LISTED = 1000
"""Elements that are taken of a generator, which may have no end."""

_CHANGING = frozenset(
    "append extend insert remove pop clear sort reverse update setdefault popitem appendleft".split()
)
_INNER = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
_OPERATORS = frozenset(
    "__add__ __sub__ __mul__ __truediv__ __floordiv__ __mod__ __pow__ __and__ __or__ __xor__ __matmul__ "
    "__eq__ __ne__ __lt__ __le__ __gt__ __ge__".split()
)
_CALLBACKS = {1: ("abs", "len", "str"), 2: ("max", "pow")}
"""Named functions that are passed on, by the number of arguments that they are called with."""


class _Target(NamedTuple):
    """What is called: `f`, `Class.f`, `Class(n).f` or, for a property, without arguments of its own."""

    function: ast.FunctionDef
    owner: str
    """The class and the arguments of its constructor, or empty."""
    built_by: tuple[GivenParameter, ...] = ()
    """The parameters of the constructor."""
    skip: int = 0
    """Parameters that the object itself is given for."""
    is_property: bool = False


def adapt(code: str, entry_point: str) -> Sequence[Adapted]:
    """The ways to call the function, or the method `Class.method`. Raises NotAdapted."""
    tree = parse_python(code)
    if tree is None:
        raise NotAdapted("the program does not parse")
    owner, _, name = entry_point.rpartition(".")
    names = _Classes(tree).names()
    target = _method(tree, owner, name, names) if owner else _Target(_function(tree.body, name), "")
    return list(_ways(code, tree, target, names))


def _function(body: list[ast.stmt], name: str) -> ast.FunctionDef:
    found = [node for node in body if isinstance(node, ast.FunctionDef) and node.name == name]
    if not found:
        raise NotAdapted("no such function")
    return found[-1]


# --- calling ------------------------------------------------------------------------------------------------


def _ways(code: str, tree: ast.Module, target: _Target, names_of: Names) -> Iterator[Adapted]:
    function = target.function
    callbacks = _callbacks(function, target.skip)
    left = _without(function, set(callbacks))
    if target.owner.endswith("({})") and function.name in _OPERATORS:
        left = _with_operand(left, target.owner.partition("(")[0])
    parameters = [] if target.is_property else read_parameters(left, target.skip, names_of)
    leaves = list(_leaves([*target.built_by, *parameters]))
    given, names = [one for one, _ in leaves], _distinct([name for _, name in leaves])
    if not given:
        raise NotAdapted("takes no arguments that can be given")
    if len(given) > MAX_PARAMETERS:
        raise NotAdapted(f"more than {MAX_PARAMETERS} parameters")
    taken = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | set(_defined(tree))
    changed = changed_parameter(function, [one.name for one in parameters])
    listed = any(isinstance(node, ast.Yield | ast.YieldFrom) for node in _own(function))
    odd = any(one.keyword or one.rest for one in given) or len(given) != len(parameters)
    odd = odd or any(one.built for one in parameters)
    is_plain = not (target.owner or callbacks or changed or listed or odd)
    signatures = guess_signatures(given)
    if is_plain:
        yield Adapted(code, function.name, tuple(names), signatures)
        return
    for choice in _choices(callbacks):
        name = _free_name(target, choice, listed, taken)
        by_one = dict(zip(map(id, given), names, strict=True))
        call = _call(target, parameters, by_one, choice)
        returned = next((name for one, name in zip(given, names, strict=True) if one.name == changed), "")
        body = _body(call, returned, listed)
        lines = f"\n\ndef {name}({', '.join(names)}):\n{body}"
        marks = call_marks(changes=bool(returned), passes=bool(choice))
        yield Adapted(code.rstrip() + "\n" + lines, name, tuple(names), signatures, marks=marks)


def _leaves(parameters: Sequence[GivenParameter], prefix: str = "") -> Iterator[tuple[GivenParameter, str]]:
    """The parameters that are given and their names, with those of constructors in place of their objects."""
    for one in parameters:
        if one.built is None:
            yield one, prefix + one.name
        else:
            yield from _leaves(one.built.parameters, f"{prefix}{one.name}_")


def _call(
    target: _Target, parameters: list[GivenParameter], names: dict[int, str], choice: dict[str, str]
) -> str:
    """The expression that calls it."""
    written = _arguments(target.function, target.skip, parameters, names, choice)
    if not target.owner:
        return f"{target.function.name}({written})"
    owner = target.owner.format(_written(target.built_by, names))
    return f"{owner}.{target.function.name}" + ("" if target.is_property else f"({written})")


def _written(parameters: Sequence[GivenParameter], names: dict[int, str]) -> str:
    words = [(one, _value(one, names)) for one in parameters]
    return ", ".join(f"{one.name}={word}" if one.keyword else word for one, word in words)


def _value(one: GivenParameter, names: dict[int, str]) -> str:
    if one.built is not None:
        return f"{one.built.name}({_written(one.built.parameters, names)})"
    return f"*{names[id(one)]}" if one.rest else names[id(one)]


def _arguments(
    function: ast.FunctionDef,
    skip: int,
    parameters: list[GivenParameter],
    names: dict[int, str],
    choice: dict[str, str],
) -> str:
    """The arguments in the order of the head; after one that is left to its default, by name."""
    values = choice | {one.name: _value(one, names) for one in parameters}
    words, named = list[str](), False
    for argument in (function.args.posonlyargs + function.args.args)[skip:]:
        value = values.get(argument.arg, "")
        if value:
            words.append(f"{argument.arg}={value}" if named else value)
        named = named or not value
    if function.args.vararg is not None and (rest := values.get(function.args.vararg.arg, "")):
        words.append(rest)
    for argument in function.args.kwonlyargs:
        words += [f"{argument.arg}={values[argument.arg]}"] if argument.arg in values else []
    return ", ".join(words)


def _body(call: str, changed: str, listed: bool) -> str:
    if listed:
        return f"    from itertools import islice\n\n    return list(islice({call}, {MOST_LISTED}))\n"
    return f"    {call}\n    return {changed}\n" if changed else f"    return {call}\n"


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, each once: a method may call a parameter as its constructor does."""
    found: list[str] = []
    for name in names:
        while name in found:
            name += "_"
        found.append(name)
    return found


def _free_name(target: _Target, choice: dict[str, str], listed: bool, taken: set[str]) -> str:
    """A name for the function that is added, as a person might call it."""
    function = target.function.name.strip("_") or target.function.name
    name = function
    if target.owner and (name in taken or target.function.name.startswith("__")):
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", target.owner.partition("(")[0]).lower()
        name = f"{words.strip('_')}_{function}"
    elif not target.owner and not choice:
        name = f"{function}_listed" if listed else f"{function}_result"
    name += "".join(f"_with_{value}" for value in choice.values())
    while name in taken:
        name += "_"
    return name


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name


def _own(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """The nodes of the function, without those of functions inside it."""
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, _INNER):
            stack.extend(ast.iter_child_nodes(node))


# --- arguments that are changed, and functions that are passed ----------------------------------------------


def changed_parameter(function: ast.FunctionDef, names: Sequence[str]) -> str:
    """The name of the first parameter that a function without a result changes; empty if there is none."""
    nodes = list(_own(function))
    if any(isinstance(node, ast.Return) and not _is_none(node.value) for node in nodes):
        return ""
    if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in nodes):
        return ""
    changed = set[str]()
    for node in nodes:
        root: ast.expr | None = None
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            root = node.value
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _CHANGING
        ):
            root = node.func.value
        while isinstance(root, ast.Subscript):
            root = root.value
        if isinstance(root, ast.Name):
            changed.add(root.id)
    return next((name for name in names if name in changed), "")


def _is_none(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is None)


def _callbacks(function: ast.FunctionDef, skip: int) -> dict[str, int]:
    """Parameters that are called, and with how many arguments; one with a default is left to it."""
    arguments = function.args
    given = arguments.posonlyargs + arguments.args
    required = given[skip : len(given) - len(arguments.defaults)]
    required += [
        one
        for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is None
    ]
    found: dict[str, int] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for argument in required:
                if node.func.id == argument.arg and not node.keywords:
                    found[argument.arg] = len(node.args)
    if any(count not in _CALLBACKS for count in found.values()):
        raise NotAdapted("calls a function that it is given with other than one or two arguments")
    if len(found) > 1:
        raise NotAdapted("calls several functions that it is given")
    return found


def _choices(callbacks: dict[str, int]) -> list[dict[str, str]]:
    for name, count in callbacks.items():
        return [{name: passed} for passed in _CALLBACKS[count]]
    return [{}]


def _without(function: ast.FunctionDef, names: set[str]) -> ast.FunctionDef:
    """The function without parameters for which something else is passed."""
    if not names:
        return function
    arguments = function.args
    kept = ast.arguments(
        posonlyargs=[one for one in arguments.posonlyargs if one.arg not in names],
        args=[one for one in arguments.args if one.arg not in names],
        vararg=arguments.vararg,
        kwonlyargs=[one for one in arguments.kwonlyargs if one.arg not in names],
        kw_defaults=[
            default
            for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
            if one.arg not in names
        ],
        kwarg=arguments.kwarg,
        defaults=arguments.defaults,
    )
    return ast.FunctionDef(name=function.name, args=kept, body=function.body, decorator_list=[])


# --- methods ------------------------------------------------------------------------------------------------


def _method(tree: ast.Module, owner: str, name: str, names: Names) -> _Target:
    node = next((one for one in tree.body if isinstance(one, ast.ClassDef) and one.name == owner), None)
    if node is None:
        raise NotAdapted(f"there is no class {owner}")
    function = _function(node.body, name)
    decorators = {ast.unparse(item).rpartition(".")[2] for item in function.decorator_list}
    if "staticmethod" in decorators:
        return _Target(function, owner)
    if "classmethod" in decorators:
        return _Target(function, owner, skip=1)
    if not function.args.posonlyargs + function.args.args:
        raise NotAdapted("is no method of an object")
    if name in ("__init__", "__new__", "__post_init__", "__init_subclass__", "__class_getitem__"):
        raise NotAdapted("builds the object itself")
    built_by = names.build(owner)
    assert built_by is not None, "it is a class of the program"
    is_property = bool(decorators & {"property", "cached_property"})
    return _Target(function, owner + "({})", built_by.parameters, 1, is_property)


def _with_operand(function: ast.FunctionDef, owner: str) -> ast.FunctionDef:
    """An operator whose other side has no type takes an object of its own class."""
    made = copy.deepcopy(function)
    for argument in made.args.args[1:2]:
        argument.annotation = argument.annotation or ast.Name(owner, ast.Load())
    return made


class _Classes:
    """The classes of a program, and how their objects are made."""

    def __init__(self, tree: ast.Module) -> None:
        self._nodes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        self._open = set[str]()
        self._names = Names(_aliases(tree), self.build)

    def names(self) -> Names:
        """What the program's names mean in annotations."""
        return self._names

    def build(self, name: str) -> Construction | None:
        """How an object of the class is made. Raises NotAdapted."""
        if name not in self._nodes:
            return None
        if name in self._open:
            raise NotAdapted(f"an object of {name} takes another one")
        self._open.add(name)
        try:
            return Construction(name, tuple(self._parameters(self._nodes[name])))
        finally:
            self._open.discard(name)

    def _parameters(self, owner: ast.ClassDef) -> list[GivenParameter]:
        node: ast.ClassDef | None = owner
        seen = set[str]()
        while node is not None and node.name not in seen:
            seen.add(node.name)
            bases = [ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in node.bases]
            own = (one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__")
            head = next(own, None)
            if head is None and (_is_dataclass(node) or "NamedTuple" in bases):
                head = _of_fields(node)
            if head is not None:
                return read_parameters(_seen_from_class(head, node), 1, self._names)
            if any(base.endswith(("Enum", "Flag", "Protocol")) for base in bases):
                raise NotAdapted(f"{node.name} has no objects that can be made")
            if any(isinstance(one, ast.FunctionDef) and one.name == "__new__" for one in node.body):
                raise NotAdapted(f"{node.name} makes its objects in a way of its own")
            node = next((self._nodes[base] for base in bases if base in self._nodes), None)
        return []


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
