"""Guesses the type of an unannotated parameter from its use in the function: points for each type,
the best first.

The one rule: points only order the candidates; running the function decides which one is right.
"""

import ast
import re
from collections import Counter

from synth.values import ValueType, parse_type

_STR_METHODS = frozenset(
    "capitalize casefold center encode endswith expandtabs format isalnum isalpha isascii isdecimal isdigit "
    "isidentifier islower isnumeric isspace istitle isupper join ljust lower lstrip partition removeprefix "
    "removesuffix replace rfind rindex rjust rpartition rsplit "
    "rstrip split splitlines startswith strip swapcase title translate upper zfill".split()
)
_LIST_METHODS = frozenset("append extend insert remove reverse sort".split())
_MAP_METHODS = frozenset("get items keys values setdefault update".split())
_INT_METHODS = frozenset("bit_length bit_count to_bytes".split())
_NUMBER_CALLS = frozenset(
    "abs round divmod pow sqrt floor ceil log log2 log10 sin cos tan exp isqrt gcd factorial comb".split()
)
_LIST_CALLS = frozenset(
    "sum sorted max min zip enumerate reversed any all map filter list set len iter".split()
)

_NAMES = (
    (r"(is|has|use|allow|should|with|include|strict|reverse|ignore)(_.*)?|flag|verbose", "bool"),
    (
        r"n|k|m|i|j|num|count|size|length|width|height|depth|index|idx|start|stop|end|step"
        r"|limit|base|year|month|day|bits?|.*_(count|size|index|len)",
        "int",
    ),
    (r"x|y|z|a|b|c|value|val|t|r|alpha|beta|eps|tol|rate|ratio|scale|factor|angle|lat|lon", "number"),
    (
        r"s|text|string|word|name|line|msg|message|str\d?|path|key|prefix|suffix|sep"
        r"|title|label|pattern|char|ch|c|url|source|code|.*_(name|str|text|string)",
        "str",
    ),
    (r"(words|names|lines|strings|keys|tokens|texts|paths|labels|.*_(names|lines|words))", "strings"),
    (
        r"l|lst|xs|ys|arr|array|seq|items?|values|nums|numbers|data"
        r"|elements|iterable|shape|dims|sizes|indices|.*_(list|ids|items)",
        "list",
    ),
    (r"d|dct|dict\w*|mapping|map|table|counts|kwargs|config|.*_(dict|map)", "map"),
    (r"(matrix|grid|board|rows|table)", "matrix"),
)

_TYPES = {
    "bool": ("bool",),
    "int": ("int",),
    "number": ("int", "float"),
    "float": ("float",),
    "str": ("str",),
    "list": ("list[int]", "list[str]"),
    "strings": ("list[str]",),
    "map": ("map[str, int]", "map[str, str]"),
    "matrix": ("list[list[int]]",),
}


def guess_parameter(name: str, default: ast.expr | None, function: ast.FunctionDef) -> list[ValueType]:
    """Up to four types for the parameter, the likeliest first. Empty if its default is not a shared value and
    its use gives no clue."""
    points: Counter[str] = Counter()
    _from_default(default, points)
    _from_name(name, points)
    for node in ast.walk(function):
        _from_use(name, node, points)
    if not points:
        return (
            [] if default is not None else [parse_type(text) for text in ("int", "str", "list[int]", "float")]
        )
    ranked = [
        text
        for family, _ in sorted(points.items(), key=lambda item: (-item[1], item[0]))
        for text in _TYPES[family]
    ]
    return [parse_type(text) for text in dict.fromkeys(ranked)][:4]


def _from_default(default: ast.expr | None, points: Counter[str]) -> None:
    if isinstance(default, ast.Constant):
        family = {"bool": "bool", "int": "int", "float": "float", "str": "str"}.get(
            type(default.value).__name__
        )
        if family:
            points[family] += 8
    elif isinstance(default, ast.List | ast.Tuple):
        points["list"] += 6
    elif isinstance(default, ast.Dict):
        points["map"] += 6


def _from_name(name: str, points: Counter[str]) -> None:
    for pattern, family in _NAMES:
        if re.fullmatch(pattern, name.lower()):
            points[family] += 2


def _is(node: ast.AST | None, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _from_use(name: str, node: ast.AST, points: Counter[str]) -> None:
    """Points from one node of the function's tree."""
    if isinstance(node, ast.Attribute) and _is(node.value, name):
        _from_method(node.attr, points)
    elif isinstance(node, ast.Call):
        _from_call(name, node, points)
    elif isinstance(node, ast.For | ast.comprehension) and _is(node.iter, name):
        points["list"] += 3
        points["str"] += 1
    elif isinstance(node, ast.Subscript) and _is(node.value, name):
        _from_subscript(node, points)
    elif isinstance(node, ast.BinOp | ast.AugAssign):
        _from_arithmetic(name, node, points)
    elif isinstance(node, ast.Compare):
        _from_comparison(name, node, points)


def _from_method(method: str, points: Counter[str]) -> None:
    for family, methods in (
        ("str", _STR_METHODS),
        ("list", _LIST_METHODS),
        ("map", _MAP_METHODS),
        ("int", _INT_METHODS),
    ):
        if method in methods:
            points[family] += 6


def _from_call(name: str, node: ast.Call, points: Counter[str]) -> None:
    called = (
        node.func.id
        if isinstance(node.func, ast.Name)
        else node.func.attr
        if isinstance(node.func, ast.Attribute)
        else ""
    )
    if called == "isinstance" and len(node.args) == 2 and _is(node.args[0], name):
        _from_isinstance(node.args[1], points)
    elif any(_is(argument, name) for argument in node.args):
        if called == "range":
            points["int"] += 6
        elif called in _NUMBER_CALLS:
            points["number"] += 4
        elif called in _LIST_CALLS:
            points["list"] += 3
            points["str"] += 1 if called in ("len", "list", "set", "sorted", "enumerate") else 0
        elif called in ("ord", "match", "search", "sub", "findall", "fullmatch"):
            points["str"] += 5


def _from_isinstance(kinds: ast.expr, points: Counter[str]) -> None:
    for node in ast.walk(kinds):
        family = {
            "str": "str",
            "int": "int",
            "float": "float",
            "list": "list",
            "tuple": "list",
            "dict": "map",
            "bool": "bool",
        }
        if isinstance(node, ast.Name) and node.id in family:
            points[family[node.id]] += 3


def _from_subscript(node: ast.Subscript, points: Counter[str]) -> None:
    if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        points["map"] += 5
    elif isinstance(node.slice, ast.Slice):
        points["str"] += 2
        points["list"] += 2
    elif isinstance(node.slice, ast.Constant | ast.Name | ast.BinOp | ast.UnaryOp):
        points["list"] += 3
        points["str"] += 1


def _from_arithmetic(name: str, node: ast.BinOp | ast.AugAssign, points: Counter[str]) -> None:
    sides = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)
    if not any(_is(side, name) for side in sides):
        return
    other = sides[1] if _is(sides[0], name) else sides[0]
    if (
        isinstance(node.op, ast.Add)
        and isinstance(other, ast.Constant | ast.JoinedStr)
        and not isinstance(getattr(other, "value", ""), int | float)
    ):
        points["str"] += 5
    elif (
        isinstance(node.op, ast.Mod)
        and _is(sides[1], name)
        and isinstance(sides[0], ast.Constant)
        and isinstance(sides[0].value, str)
    ):
        points["str"] += 1
    elif isinstance(
        node.op, ast.LShift | ast.RShift | ast.BitAnd | ast.BitOr | ast.BitXor | ast.FloorDiv | ast.Mod
    ):
        points["int"] += 4
    else:
        points["number"] += 2


def _from_comparison(name: str, node: ast.Compare, points: Counter[str]) -> None:
    sides = [node.left, *node.comparators]
    if not any(_is(side, name) for side in sides):
        return
    if _is(sides[-1], name) and isinstance(node.ops[-1], ast.In | ast.NotIn):
        points["list"] += 1
        points["str"] += 1
        points["map"] += 1
    for side in sides:
        if isinstance(side, ast.Constant) and type(side.value) in (int, float, str):
            points["number" if type(side.value) is not str else "str"] += 3
