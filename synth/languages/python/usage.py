"""Clues to the type of a Python parameter: its default, its name, its documentation, and its use.

The one rule: a clue is worth points and nothing more (`synth/languages/support/guessing.py`).
"""

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator

from synth.languages.support.guessing import Clues, add_name, add_words

_STR_METHODS = frozenset(
    "capitalize casefold center encode endswith expandtabs format isalnum isalpha isascii isdecimal isdigit "
    "isidentifier islower isnumeric isspace istitle isupper join ljust lower lstrip partition removeprefix "
    "removesuffix replace rfind rindex rjust rpartition rsplit "
    "rstrip split splitlines startswith strip swapcase title translate upper zfill".split()
)
_LIST_METHODS = frozenset("append extend insert remove reverse sort".split())
_MAP_METHODS = frozenset("get items keys values setdefault update".split())
_INT_METHODS = frozenset("bit_length bit_count to_bytes".split())
_FLOAT_METHODS = frozenset("is_integer as_integer_ratio".split())
_NUMBER_CALLS = frozenset(
    "abs round divmod pow sqrt floor ceil log log2 log10 sin cos tan exp radians degrees".split()
)
_INT_CALLS = frozenset("range bin hex oct chr isqrt gcd lcm factorial comb perm".split())
_LIST_CALLS = frozenset(
    "sum sorted max min zip enumerate reversed any all map filter list set len iter prod Counter".split()
)
_STR_CALLS = frozenset("ord match search sub findall fullmatch finditer".split())
_ISINSTANCE = {"str": "str", "int": "int", "float": "float", "bool": "bool"}
_ISINSTANCE |= {"list": "list", "tuple": "list", "dict": "map"}
_MAX_DEPTH = 2

Is = Callable[[ast.AST], bool]


def read_clues(name: str, default: ast.expr | None, function: ast.FunctionDef) -> Clues:
    """What the function says about one of its parameters."""
    clues = _read_uses(function, _is_name(name), 0)
    _from_default(default, clues)
    add_name(name, clues.points)
    _from_documentation(name, ast.get_docstring(function) or "", clues.points)
    return clues


def _is_name(name: str) -> Is:
    return lambda node: isinstance(node, ast.Name) and node.id == name


def _from_default(default: ast.expr | None, clues: Clues) -> None:
    points = clues.points
    if isinstance(default, ast.UnaryOp):
        default = default.operand
    if isinstance(default, ast.Constant):
        family = {"bool": "bool", "int": "int", "float": "float", "str": "str"}.get(
            type(default.value).__name__
        )
        if family:
            points[family] += 8
    elif isinstance(default, ast.List | ast.Tuple):
        points["list"] += 6
        if default.elts:
            clues.inner = clues.inner or Clues()
            _from_default(default.elts[0], clues.inner)
    elif isinstance(default, ast.Dict):
        points["map"] += 6


def _from_documentation(name: str, text: str, points: Counter[str]) -> None:
    """The type that a docstring states: `:type n: int`, `:param int n:`, `n (int): …`, `n : int`."""
    word = re.escape(name)
    for form in (
        rf":type\s+{word}\s*:\s*([^\n]+)",
        rf":param\s+([\w\[\], ]{{1,40}}?)\s+{word}\s*:",
        rf"^\s*[*-]?\s*`?{word}`?\s*\(([^)\n]+)\)",
        rf"^\s*`?{word}`?\s*:\s*([^\n]+)",
        rf":param\s+{word}\s*:\s*([^\n]+)",
    ):
        if found := re.search(form, text, re.MULTILINE):
            add_words(found[1], points)
            return


# --- use ----------------------------------------------------------------------------------------------------


def _read_uses(function: ast.AST, is_it: Is, depth: int) -> Clues:
    """The clues of every node of the function's tree to what `is_it` recognizes."""
    clues = Clues()
    loops = set[str]()
    for node in ast.walk(function):
        _from_use(is_it, node, clues.points)
        loops |= set(_loop_names(is_it, node, clues.points))
    if depth < _MAX_DEPTH:
        inner = _read_uses(function, _is_inside(is_it, loops), depth + 1)
        clues.inner = inner if inner.points else None
    return clues


def _loop_names(is_it: Is, node: ast.AST, points: Counter[str]) -> Iterator[str]:
    """Names of the elements in a loop over it; points where an element is taken apart."""
    if not isinstance(node, ast.For | ast.comprehension):
        return
    target, source = node.target, node.iter
    called = source.func.id if isinstance(source, ast.Call) and isinstance(source.func, ast.Name) else ""
    if called in ("sorted", "reversed", "set", "list", "enumerate", "iter") and isinstance(source, ast.Call):
        source = source.args[0] if source.args else source
        if called == "enumerate" and isinstance(target, ast.Tuple) and len(target.elts) == 2:
            target = target.elts[1]
    if not is_it(source):
        return
    points["list"] += 3
    points["str"] += 1
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Tuple):
        points["pairs" if len(target.elts) == 2 else "triples"] += 5


def _is_inside(is_it: Is, loops: set[str]) -> Is:
    def inside(node: ast.AST) -> bool:
        if isinstance(node, ast.Subscript):
            return is_it(node.value) and not isinstance(node.slice, ast.Slice)
        return isinstance(node, ast.Name) and node.id in loops

    return inside


def _from_use(is_it: Is, node: ast.AST, points: Counter[str]) -> None:
    """Points from one node of the function's tree."""
    if isinstance(node, ast.Attribute) and is_it(node.value):
        _from_method(node.attr, points)
    elif isinstance(node, ast.Call):
        _from_call(is_it, node, points)
    elif isinstance(node, ast.Subscript) and is_it(node.value):
        _from_subscript(node, points)
    elif isinstance(node, ast.Subscript) and is_it(node.slice):
        points["int"] += 2
    elif isinstance(node, ast.BinOp | ast.AugAssign):
        _from_arithmetic(is_it, node, points)
    elif isinstance(node, ast.Compare):
        _from_comparison(is_it, node, points)
    elif isinstance(node, ast.Assign) and is_it(node.value) and isinstance(node.targets[0], ast.Tuple):
        points["pair"] += 4 if len(node.targets[0].elts) == 2 else 0


def _from_method(method: str, points: Counter[str]) -> None:
    for family, methods in (
        ("str", _STR_METHODS),
        ("list", _LIST_METHODS),
        ("map", _MAP_METHODS),
        ("int", _INT_METHODS),
        ("float", _FLOAT_METHODS),
    ):
        if method in methods:
            points[family] += 6


def _from_call(is_it: Is, node: ast.Call, points: Counter[str]) -> None:
    called = (
        node.func.id
        if isinstance(node.func, ast.Name)
        else node.func.attr
        if isinstance(node.func, ast.Attribute)
        else ""
    )
    if called == "isinstance" and len(node.args) == 2 and is_it(node.args[0]):
        _from_isinstance(node.args[1], points)
    elif any(is_it(argument) for argument in node.args):
        if called in _INT_CALLS:
            points["int"] += 6
        elif called in _NUMBER_CALLS:
            points["number"] += 4
        elif called in _LIST_CALLS and len(node.args) == 1:
            points["list"] += 3
            points["str"] += 1 if called in ("len", "list", "set", "sorted", "enumerate", "Counter") else 0
        elif called in _LIST_CALLS:
            points["list"] += 1
            points["number"] += 1 if called in ("max", "min") else 0
        elif called in _STR_CALLS:
            points["str"] += 5
        elif called in ("str", "float", "int", "Decimal", "Fraction"):
            points["int" if called == "str" else "number"] += 2


def _from_isinstance(kinds: ast.expr, points: Counter[str]) -> None:
    for node in ast.walk(kinds):
        if isinstance(node, ast.Name) and node.id in _ISINSTANCE:
            points[_ISINSTANCE[node.id]] += 3


def _from_subscript(node: ast.Subscript, points: Counter[str]) -> None:
    if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        points["map"] += 5
    elif isinstance(node.slice, ast.Slice):
        points["str"] += 2
        points["list"] += 2
    elif isinstance(node.slice, ast.Constant | ast.Name | ast.BinOp | ast.UnaryOp):
        points["list"] += 3
        points["str"] += 1


def _from_arithmetic(is_it: Is, node: ast.BinOp | ast.AugAssign, points: Counter[str]) -> None:
    sides = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)
    if not any(is_it(side) for side in sides):
        return
    other = sides[1] if is_it(sides[0]) else sides[0]
    text = isinstance(other, ast.JoinedStr) or isinstance(getattr(other, "value", None), str)
    if isinstance(node.op, ast.Add) and text:
        points["str"] += 5
    elif isinstance(node.op, ast.Add) and isinstance(other, ast.List | ast.ListComp):
        points["list"] += 5
    elif isinstance(node.op, ast.Mod) and is_it(sides[1]) and text:
        points["str"] += 1
    elif isinstance(
        node.op, ast.LShift | ast.RShift | ast.BitAnd | ast.BitOr | ast.BitXor | ast.FloorDiv | ast.Mod
    ):
        points["int"] += 4
    else:
        points["number"] += 2


def _from_comparison(is_it: Is, node: ast.Compare, points: Counter[str]) -> None:
    sides = [node.left, *node.comparators]
    if not any(is_it(side) for side in sides):
        return
    if is_it(sides[-1]) and isinstance(node.ops[-1], ast.In | ast.NotIn):
        for family in ("list", "str", "map"):
            points[family] += 1
    for side in sides:
        if isinstance(side, ast.Constant) and type(side.value) in (int, float, str):
            points["number" if type(side.value) is not str else "str"] += 3
        elif isinstance(side, ast.List):
            points["list"] += 3
