"""Typed signatures for Python functions, as a ranked list to try: read from annotations, else guessed from
defaults, usage and names.

A guess is cheap: the reference stage runs the function on inputs of each candidate and keeps the first that
works, so this module needs to be right within a few tries, not at once. The one rule: only types that every
language shares (`synth.values`) are ever proposed.
"""

import ast
from itertools import islice, product

from synth.filters.protocol import Reject
from synth.grammar.python_trees import parse_python
from synth.languages.python.annotations import read_annotation
from synth.seeds.python.usage import guess_parameter
from synth.values import Signature, ValueType, parse_type

MAX_CANDIDATES = 6
MAX_PARAMETERS = 5
ANY, NULL = parse_type("any"), parse_type("null")


def guess_signatures(
    code: str, entry_point: str, limit: int = MAX_CANDIDATES
) -> tuple[tuple[str, ...], list[Signature]] | Reject:
    """Parameter names and candidate signatures, the likeliest first. The result type is `any`: the actual one
    is inferred from the returned values.

    Optional parameters without a type are left to their defaults. Rejects with no_signature.
    """
    function = _find(code, entry_point)
    if function is None:
        return Reject("no_signature", {"why": "no such function"})
    refused = _refuse(function)
    if refused:
        return Reject("no_signature", {"why": refused})
    named = [(argument, default) for argument, default in _positional(function)]
    choices = [(argument.arg, _choices(argument, default, function)) for argument, default in named]
    while choices and choices[-1][1] in ([], [NULL]) and named[len(choices) - 1][1] is not None:
        choices.pop()
    missing = next((name for name, types in choices if not types), "")
    if missing or not choices or len(choices) > MAX_PARAMETERS:
        return Reject(
            "no_signature",
            {
                "why": "a parameter has no type that every language shares"
                if missing
                else "number of parameters",
                "parameter": missing,
            },
        )
    names, types = zip(*choices, strict=True)
    return tuple(names), [
        Signature(parameters, ANY) for parameters in islice(_best_first(list(types)), limit)
    ]


def _find(code: str, entry_point: str) -> ast.FunctionDef | None:
    tree = parse_python(code)
    found = (
        [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == entry_point]
        if tree
        else []
    )
    return found[-1] if found else None


def _refuse(function: ast.FunctionDef) -> str:
    """Why the function cannot be called with positional values, or empty."""
    arguments = function.args
    if any(default is None for default in arguments.kw_defaults):
        return "needs keyword arguments"
    if not arguments.posonlyargs and not arguments.args:
        return "takes no positional parameters"
    return ""


def _positional(function: ast.FunctionDef) -> list[tuple[ast.arg, ast.expr | None]]:
    arguments = function.args.posonlyargs + function.args.args
    required = len(arguments) - len(function.args.defaults)
    return list(zip(arguments, [None] * required + list(function.args.defaults), strict=True))


def _choices(argument: ast.arg, default: ast.expr | None, function: ast.FunctionDef) -> list[ValueType]:
    """Types to try for one parameter, the likeliest first; none if its annotation names
    an unsupported type."""
    if argument.annotation is not None:
        stated = read_annotation(argument.annotation)
        if stated is not None:
            return stated
    if isinstance(default, ast.Constant) and default.value is None:
        return []
    return guess_parameter(argument.arg, default, function)


def _best_first(choices: list[list[ValueType]]) -> list[tuple[ValueType, ...]]:
    """All combinations, ordered by the sum of their choices' ranks. At most 4 choices per parameter and 5
    parameters: 1024 combinations."""
    ranked = sorted(
        product(*(enumerate(options[:4]) for options in choices)),
        key=lambda combination: sum(rank for rank, _ in combination),
    )
    return [tuple(kind for _, kind in combination) for combination in ranked]
