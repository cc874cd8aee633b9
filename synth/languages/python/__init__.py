"""Python: checked by its own parser, called by python/driver.py."""

import ast

from synth.languages.spec import Driver, Gold, Language, Zygote, parameter_names, read_driver
from synth.languages.support import controls
from synth.languages.support.scripting import PYTHON
from synth.records import FunctionContract
from synth.values import Signature, ValueType

_SIMPLE = {
    "int": "int",
    "float": "float",
    "str": "str",
    "bool": "bool",
    "None": "null",
    "Any": "any",
    "object": "any",
}
_BARE = {"list": "list[any]", "List": "list[any]", "dict": "map[any, any]", "Dict": "map[any, any]"}
_WRITTEN = {"int": "int", "float": "float", "str": "str", "bool": "bool", "null": "None", "any": "object"}


def check(code: str) -> str | None:
    """The first syntax error by Python's own parser, or None."""
    try:
        ast.parse(code)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return str(error) or type(error).__name__
    return None


def _write_type(kind: ValueType) -> str:
    name = {"list": "list", "map": "dict", "tuple": "tuple"}.get(kind.kind)
    if name is None:
        return _WRITTEN[kind.kind]
    return f"{name}[{', '.join(map(_write_type, kind.inner)) or '()'}]"


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`def solve(xs: list[int], k: int) -> int`."""
    pairs = zip(parameter_names(names, signature), signature.parameters, strict=True)
    return (
        f"def {entry_point}({', '.join(f'{n}: {_write_type(t)}' for n, t in pairs)}) -> "
        f"{_write_type(signature.result)}"
    )


def _read_type(node: ast.expr | None) -> str | None:
    """Text form of an annotation, or None when it has no language-neutral meaning."""
    if isinstance(node, ast.Constant) and node.value is None:
        return "null"
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _read_text(node.value)
    if isinstance(node, ast.Attribute):
        return _read_type(ast.Name(node.attr))
    if isinstance(node, ast.Name):
        return _SIMPLE.get(node.id) or _BARE.get(node.id)
    if isinstance(node, ast.Subscript):
        return _read_generic(node)
    return None


def _read_text(annotation: str) -> str | None:
    try:
        return _read_type(ast.parse(annotation, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _read_generic(node: ast.Subscript) -> str | None:
    outer = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
    arguments = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    inner = [_read_type(argument) for argument in arguments]
    name = {"list": "list", "dict": "map", "tuple": "tuple"}.get(outer.lower())
    wanted = {"list": 1, "map": 2, "tuple": len(inner)}.get(name or "")
    if name is None or wanted != len(inner) or None in inner:
        return None
    return f"{name}[{', '.join(filter(None, inner))}]"


def find_signature(code: str, entry_point: str) -> FunctionContract | None:
    """The contract that the annotations of a top-level function state; None when one is missing or has no
    neutral meaning."""
    if check(code) is not None:
        return None
    functions = [
        node
        for node in ast.parse(code).body
        if isinstance(node, ast.FunctionDef) and node.name == entry_point
    ]
    if not functions:
        return None
    taken = functions[-1].args
    if taken.vararg or taken.kwarg or taken.kwonlyargs:
        return None
    parameters = [*taken.posonlyargs, *taken.args]
    types = [_read_type(parameter.annotation) for parameter in parameters]
    result = _read_type(functions[-1].returns)
    if result is None or None in types:
        return None
    signature = f"({', '.join(filter(None, types))}) -> {result}"
    return FunctionContract(
        entry_point=entry_point, signature=signature, parameter_names=tuple(p.arg for p in parameters)
    )


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    return {"solution.py": code, "driver.py": read_driver("python/driver.py")}


LANGUAGE = Language(
    name="python",
    aliases=("py", "python3"),
    file_name="main.py",
    tools=("python3",),
    version_arguments=("-I", "-S", "--version"),
    install="apt-get install -y python3",
    grammar="python",
    check=check,
    run_command=("{python3}", "-S", "-B", "main.py"),
    environment={"PYTHONHASHSEED": "0", "PYTHONSAFEPATH": "1", "PYTHONNOUSERSITE": "1"},
    driver=Driver(files=_files, run_command=("{python3}", "-S", "-B", "driver.py")),
    zygote=Zygote(
        files={"driver.py": read_driver("python/driver.py"), "zygote.py": read_driver("python/zygote.py")},
        command=("{python3}", "-S", "-B", "/work/zygote.py"),
    ),
    render_signature=render_signature,
    find_signature=find_signature,
    gold=Gold("def solve(xs: list[int]) -> int:\n    return sum(xs)\n", ("l3 i1 i2 i3",), "i6"),
    script=PYTHON,
    controls=controls.PYTHON,
    hello="print(sum(map(int, input().split())))\n",
)
