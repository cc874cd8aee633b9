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
    guess_signatures,
    read_parameters,
)
from synth.languages.python.objects import Classes
from synth.languages.python.results import Conversion, find_conversion, own_nodes
from synth.languages.spec import Adapted, NotAdapted, call_marks
from synth.languages.support.guessing import MAX_PARAMETERS

_CHANGING = frozenset(
    "append extend insert remove pop clear sort reverse update setdefault popitem appendleft".split()
)
_OPERATORS = frozenset(
    "__add__ __sub__ __mul__ __truediv__ __floordiv__ __mod__ __pow__ __and__ __or__ __xor__ __matmul__ "
    "__eq__ __ne__ __lt__ __le__ __gt__ __ge__".split()
)
_CALLBACKS = {1: ("abs", "len", "str"), 2: ("max", "pow")}
"""Named functions that are passed on, by the number of arguments that they are called with."""


class _Target(NamedTuple):
    """What is called: `f`, `Class.f`, `Class(n).f`, `filled_class(items).f` or, for a property, without
    arguments of its own."""

    function: ast.FunctionDef
    owner: str = ""
    """The class, if it is a static method or a class method."""
    made: Construction | None = None
    """How the object is made that it is a method of."""
    skip: int = 0
    """Parameters that the object itself is given for."""
    is_property: bool = False


def adapt(code: str, entry_point: str) -> Sequence[Adapted]:
    """The ways to call the function, or the method `Class.method`. Raises NotAdapted."""
    tree = parse_python(code)
    if tree is None:
        raise NotAdapted("the program does not parse")
    owner, _, name = entry_point.rpartition(".")
    classes = Classes(tree)
    targets = _methods(tree, owner, name, classes) if owner else [_Target(_function(tree.body, name))]
    ways, refused = list[Adapted](), list[NotAdapted]()
    for target in targets:
        for brief in (False, True):
            try:
                ways += [way for way in _ways(code, tree, target, classes, brief) if way not in ways]
            except NotAdapted as why:
                refused.append(why)
    if not ways and refused:
        raise refused[0]
    return ways


def _function(body: list[ast.stmt], name: str) -> ast.FunctionDef:
    found = [node for node in body if isinstance(node, ast.FunctionDef) and node.name == name]
    if not found:
        raise NotAdapted("no such function")
    return found[-1]


# --- calling ------------------------------------------------------------------------------------------------


def _ways(code: str, tree: ast.Module, target: _Target, classes: Classes, brief: bool) -> Iterator[Adapted]:
    """The ways to call one target; `brief` leaves everything to its default that has one."""
    function = target.function
    callbacks = _callbacks(function, target.skip)
    left = _without(function, set(callbacks))
    if target.made is not None and function.name in _OPERATORS:
        left = _with_operand(left, target.owner)
    parameters = [] if target.is_property else read_parameters(left, target.skip, classes.names())
    if brief:
        parameters = _required(parameters)
        target = target._replace(made=_briefly(target.made)) if target.made is not None else target
    made_by = target.made.parameters if target.made is not None else ()
    leaves = list(_leaves([*made_by, *parameters]))
    given, names = [one for one, _ in leaves], _distinct([name for _, name in leaves])
    if not given:
        raise NotAdapted("takes no arguments that can be given")
    if len(given) > MAX_PARAMETERS:
        raise NotAdapted(f"more than {MAX_PARAMETERS} parameters")
    taken = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | set(_defined(tree))
    changed = changed_parameter(function, [one.name for one in parameters])
    conversion = None if changed else find_conversion(function, classes.nodes, target.owner)
    listed = any(isinstance(node, ast.Yield | ast.YieldFrom) for node in own_nodes(function))
    odd = any(one.keyword or one.rest for one in given) or len(given) != len(parameters)
    odd = odd or any(one.built or one.fixed for one in parameters)
    odd = odd or [one.name for one in parameters] != _positions(function)[: len(parameters)]
    is_plain = not (target.owner or callbacks or changed or conversion or odd)
    signatures = guess_signatures(given)
    if is_plain:
        yield Adapted(code, function.name, tuple(names), signatures)
        return
    for choice in _choices(callbacks):
        name = _free_name(target, choice, listed, taken)
        by_one = dict(zip(map(id, given), names, strict=True))
        call = _call(target, parameters, by_one, choice)
        returned = next(
            (name for one, name in zip(given, names, strict=True) if changed and one.name == changed), ""
        )
        body = _body(call, returned, conversion)
        helpers = "".join(f"\n\n{text}" for text in _helpers(target.made, parameters))
        lines = f"{helpers}\n\ndef {name}({', '.join(names)}):\n{body}"
        marks = call_marks(changes=bool(returned), passes=bool(choice))
        yield Adapted(code.rstrip() + "\n" + lines, name, tuple(names), signatures, marks=marks)


def _required(parameters: Sequence[GivenParameter]) -> list[GivenParameter]:
    return [
        one._replace(built=_briefly(one.built)) if one.built is not None else one
        for one in parameters
        if not one.optional
    ]


def _briefly(made: Construction) -> Construction:
    """The call without what has a default; a function that is written first takes all that it states."""
    return made if made.helper else made._replace(parameters=tuple(_required(made.parameters)))


def _leaves(parameters: Sequence[GivenParameter], prefix: str = "") -> Iterator[tuple[GivenParameter, str]]:
    """The parameters that are given and their names, with those of constructors in place of their objects."""
    for one in parameters:
        name = prefix + one.name
        if one.built is not None:
            yield from _leaves(one.built.parameters, name + "_" * bool(name))
        elif not one.fixed:
            yield one, name.rstrip("_") or "values"


def _call(
    target: _Target, parameters: list[GivenParameter], names: dict[int, str], choice: dict[str, str]
) -> str:
    """The expression that calls it."""
    written = _arguments(target.function, target.skip, parameters, names, choice)
    if not target.owner:
        return f"{target.function.name}({written})"
    owner = _made(target.made, names) if target.made is not None else target.owner
    return f"{owner}.{target.function.name}" + ("" if target.is_property else f"({written})")


def _written(parameters: Sequence[GivenParameter], names: dict[int, str]) -> str:
    words = [(one, _value(one, names)) for one in parameters]
    return ", ".join(f"{one.name}={word}" if one.keyword else word for one, word in words)


def _value(one: GivenParameter, names: dict[int, str]) -> str:
    if one.fixed:
        return one.fixed
    if one.built is not None:
        return _made(one.built, names)
    return f"*{names[id(one)]}" if one.rest else names[id(one)]


def _made(made: Construction, names: dict[int, str]) -> str:
    return f"{made.name}({_written(made.parameters, names)})"


def _helpers(made: Construction | None, parameters: Sequence[GivenParameter]) -> list[str]:
    """The functions that have to be written first, each once."""
    found = [made.helper] if made is not None else []
    inner = [*(made.parameters if made is not None else ()), *parameters]
    found += [text for one in inner if one.built is not None for text in _helpers(one.built, ())]
    return list(dict.fromkeys(text for text in found if text))


def _positions(function: ast.FunctionDef) -> list[str]:
    return [one.arg for one in function.args.posonlyargs + function.args.args]


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


def _body(call: str, changed: str, conversion: Conversion | None) -> str:
    if changed:
        return f"    {call}\n    return {changed}\n"
    if conversion is None:
        return f"    return {call}\n"
    imports = f"    {conversion.imports}\n\n" if conversion.imports else ""
    if "{0}" in conversion.written:
        return f"{imports}    found = {call}\n    return {conversion.written.format('found')}\n"
    return f"{imports}    return {conversion.written.format(call)}\n"


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
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", target.owner).lower()
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


# --- arguments that are changed, and functions that are passed ----------------------------------------------


def changed_parameter(function: ast.FunctionDef, names: Sequence[str]) -> str:
    """The name of the first parameter that a function without a result changes; empty if there is none."""
    nodes = list(own_nodes(function))
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


def _methods(tree: ast.Module, owner: str, name: str, classes: Classes) -> list[_Target]:
    """The ways to call a method: of an object as it is made, then of one that was filled."""
    node = next((one for one in tree.body if isinstance(one, ast.ClassDef) and one.name == owner), None)
    if node is None:
        raise NotAdapted(f"there is no class {owner}")
    function = _function(node.body, name)
    decorators = {ast.unparse(item).rpartition(".")[2] for item in function.decorator_list}
    if "staticmethod" in decorators:
        return [_Target(function, owner)]
    if "classmethod" in decorators:
        return [_Target(function, owner, skip=1)]
    if not function.args.posonlyargs + function.args.args:
        raise NotAdapted("is no method of an object")
    if name in ("__init__", "__new__", "__post_init__", "__init_subclass__", "__class_getitem__"):
        raise NotAdapted("builds the object itself")
    made = [classes.build(owner), classes.fill(owner, name)]
    is_property = bool(decorators & {"property", "cached_property"})
    return [_Target(function, owner, one, 1, is_property) for one in made if one is not None]


def _with_operand(function: ast.FunctionDef, owner: str) -> ast.FunctionDef:
    """An operator whose other side has no type takes an object of its own class."""
    made = copy.deepcopy(function)
    for argument in made.args.args[1:2]:
        argument.annotation = argument.annotation or ast.Name(owner, ast.Load())
    return made
