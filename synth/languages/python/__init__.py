"""Python: checked by its own parser, called by python/driver.py."""

import ast

from synth.grammar.node_types import NodeTypes, names
from synth.grammar.python_trees import parse_python
from synth.grammar.trees import ParseError, native_error
from synth.languages.python.adapting import adapt
from synth.languages.python.annotations import read_exact
from synth.languages.python.classes import make_classes
from synth.languages.python.conformance import CONTROLS, GOLD, HELLO, SAMPLES, STUBS
from synth.languages.python.examples import SYNTAX
from synth.languages.python.packages import PACKAGES, preload
from synth.languages.python.traced import ENTRY_POINT, with_steps
from synth.languages.spec import (
    Driver,
    FailureWords,
    Language,
    ProgramSigns,
    Script,
    Traced,
    Zygote,
    parameter_names,
)
from synth.languages.support.changes import changed_elements
from synth.languages.support.declarations import state_contract
from synth.languages.support.prompts_of_input import without_python_prompts
from synth.languages.support.sources import read_source
from synth.records import FunctionContract
from synth.values import Signature, ValueType

_WRITTEN = {"int": "int", "float": "float", "str": "str", "bool": "bool", "null": "None", "any": "object"}


def check(code: str) -> ParseError | None:
    """The first syntax error by Python's own parser, or None. Raises UnparsedError."""
    return native_error(code, "cpython")


def _write_type(kind: ValueType) -> str:
    if kind.kind == "optional":
        return f"{_write_type(kind.inner[0])} | None"
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


def find_signature(code: str, entry_point: str) -> FunctionContract | None:
    """The contract that the annotations of a top-level function state; None if one is missing or has
    no neutral meaning."""
    tree = parse_python(code)
    if tree is None:
        return None
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == entry_point]
    if not functions:
        return None
    taken = functions[-1].args
    if taken.vararg or taken.kwarg or taken.kwonlyargs:
        return None
    parameters = [*taken.posonlyargs, *taken.args]
    annotations = [*(parameter.annotation for parameter in parameters), functions[-1].returns]
    kinds = [read_exact(annotation) if annotation else None for annotation in annotations]
    *types, result = [str(kind) if kind is not None else None for kind in kinds]
    return state_contract(entry_point, [parameter.arg for parameter in parameters], types, result)


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    names = ("driver", *_SUITE) if " " in entry_point else ("driver",)
    return {"solution.py": code} | {f"{name}.py": read_source(f"python/{name}.py") for name in names}


_SUITE = ("suite", "script_text", "frameworks", "frames", "genuine", "unittest_runs", "pytest_runs")
"""The modules that run a program and its test script."""


def _script(code: str, script: str, parting: str) -> str:
    """Both stand in one file, as the main module's, and are compiled one by one: each may begin with a future
    import, and neither can continue the other."""
    return f"{code}\n# {parting}\n{script}\n"


LANGUAGE = Language(
    name="python",
    aliases=("py", "python3"),
    file_name="main.py",
    tools=("python3",),
    version_arguments=("-I", "-S", "--version"),
    install="apt-get install -y python3",
    grammar="python",
    check=check,
    comment_signs=("#",),
    node_types=NodeTypes(
        functions=names("function_definition"),
        lists_generators=True,
        blocks=names("block module"),
        expressions=names(
            "attribute binary_operator boolean_operator call comparison_operator dictionary "
            "dictionary_comprehension lambda list list_comprehension not_operator set set_comprehension "
            "subscript tuple unary_operator"
        ),
        wrappers=names("decorated_definition"),
    ),
    run_command=("{python3}", "-B", "main.py"),
    environment={"PYTHONSAFEPATH": "1", "PYTHONNOUSERSITE": "1", "PYTHONINTMAXSTRDIGITS": "0"},
    beside_environment={"PYTHONPATH": "/work"},
    hash_seed="PYTHONHASHSEED",
    packages=PACKAGES,
    classes=make_classes(_write_type),
    program=ProgramSigns(
        reads=r"(?m)^(?!\s*#).*(?:\binput\s*\(|\bsys\.stdin\b)", tidy=without_python_prompts
    ),
    driver=Driver(
        files=_files,
        run_command=("{python3}", "-B", "driver.py"),
        reports_every_parse_error=True,
        big_integers=True,
        optional=True,
    ),
    zygote=Zygote(
        files={f"{name}.py": read_source(f"python/{name}.py") for name in ("driver", "zygote", *_SUITE)},
        command=("{python3}", "-B", "/work/zygote.py"),
        preload=preload,
    ),
    render_signature=render_signature,
    traced=Traced(with_steps, ENTRY_POINT),
    find_signature=find_signature,
    examples=SYNTAX,
    adapt=adapt,
    changed_arguments=changed_elements,
    script=Script(driver_program=_script),
    failures=FailureWords(
        assertion=("AssertionError",),
        out_of_memory=("MemoryError",),
        uncaught=(r"^Traceback \(most recent call last\):$", "^SyntaxError: "),
    ),
    gold=GOLD,
    hello=HELLO,
    controls=CONTROLS,
    stubs=STUBS,
    samples=SAMPLES,
)
