"""Classes in JavaScript and TypeScript."""

from collections.abc import Callable
from typing import Final

from synth.languages.classes import CALLS_FUNCTION, ClassForm, ClassShape, ShapedMethod, zero
from synth.languages.javascript.class_seeds import JAVASCRIPT_SEEDS, TYPESCRIPT_SEEDS
from synth.values import ValueType


def _literal(kind: ValueType) -> str:
    return {"None": "null", "False": "false", "0.0": "0"}.get(text := repr(zero(kind)), text)


def _call(method: ShapedMethod) -> str:
    called = f"made.{method.name}({', '.join(f'call[{slot}]' for slot in method.slots)})"
    return called if method.result is None else f"slots[{method.result}] = {called}"


def _body(shape: ClassShape) -> str:
    made = ", ".join(f"a{at}" for at in range(len(shape.constructor.parameters)))
    zeros = ", ".join(map(_literal, shape.results))
    cases = " ".join(f"if (call[0] === {at}) {_call(one)};" for at, one in enumerate(shape.methods))
    return (
        f"{{ const made = new {shape.name}({made}); const given = []; "
        f"for (const call of calls) {{ const slots = [{zeros}]; {cases} given.push(slots); }} "
        "return given; }"
    )


def _program(code: str, shape: ClassShape) -> str:
    names = ", ".join([*(f"a{at}" for at in range(len(shape.constructor.parameters))), "calls"])
    return f"{code}\n;function {CALLS_FUNCTION}({names}) {_body(shape)}\n"


def _typed_program(code: str, shape: ClassShape) -> str:
    """What is added is untyped: the type checker has nothing to say about it."""
    names = [*(f"a{at}" for at in range(len(shape.constructor.parameters))), "calls"]
    body = (
        _body(shape)
        .replace("const given =", "const given: any[] =")
        .replace("const slots =", "const slots: any[] =")
    )
    typed = ", ".join(f"{name}: any" for name in names)
    return f"{code}\n;function {CALLS_FUNCTION}({typed}): any {body}\n"


def _declare(shape: ClassShape) -> str:
    methods = [f"  {one.name}({', '.join(one.names)})" for one in shape.methods]
    head = f"  constructor({', '.join(shape.constructor_names)})"
    return "\n".join([f"class {shape.name} {{", head, *methods, "}"])


CLASSES: Final = ClassForm(_program, _declare, JAVASCRIPT_SEEDS)


def make_typescript_classes(write_type: Callable[[ValueType], str]) -> ClassForm:
    """What TypeScript states for classes; `write_type` gives an annotation."""

    def declare(shape: ClassShape) -> str:
        def typed(names: tuple[str, ...], kinds: tuple[ValueType, ...]) -> str:
            return ", ".join(f"{n}: {write_type(kind)}" for n, kind in zip(names, kinds, strict=True))

        lines = [f"  constructor({typed(shape.constructor_names, shape.constructor.parameters)})"]
        for one in shape.methods:
            kind = one.signature.result
            result = "void" if kind.kind == "null" else write_type(kind)
            lines.append(f"  {one.name}({typed(one.names, one.signature.parameters)}): {result}")
        return "\n".join([f"class {shape.name} {{", *lines, "}"])

    return ClassForm(_typed_program, declare, TYPESCRIPT_SEEDS)
