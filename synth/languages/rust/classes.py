"""Classes in Rust: a struct, `new`, and methods that may change it."""

from collections.abc import Callable

from synth.languages.classes import CALLS_FUNCTION, ClassForm, ClassShape, ShapedMethod
from synth.values import ValueType

_ZEROS = {"int": "0i64", "float": "0f64", "str": "String::new()", "bool": "false", "list": "Vec::new()"}


def make_classes(write_type: Callable[[ValueType], str]) -> ClassForm:
    """What Rust states for classes; `write_type` gives a type."""

    def typed(names: tuple[str, ...], kinds: tuple[ValueType, ...]) -> str:
        return ", ".join(f"{n}: {write_type(kind)}" for n, kind in zip(names, kinds, strict=True))

    def declare(shape: ClassShape) -> str:
        made = typed(shape.constructor_names, shape.constructor.parameters)
        lines = [f"    pub fn new({made}) -> Self"]
        for one in shape.methods:
            kind = one.signature.result
            result = "" if kind.kind == "null" else f" -> {write_type(kind)}"
            taken = "".join(
                f", {n}: {write_type(kind)}"
                for n, kind in zip(one.names, one.signature.parameters, strict=True)
            )
            lines.append(f"    pub fn {one.name}(&mut self{taken}){result}")
        return "\n".join([f"pub struct {shape.name}", f"impl {shape.name} {{", *lines, "}"])

    def call(method: ShapedMethod) -> str:
        called = f"made.{method.name}({', '.join(f'call.{slot}.clone()' for slot in method.slots)})"
        return f"{called};" if method.result is None else f"slots.{method.result} = {called};"

    def program(code: str, shape: ClassShape) -> str:
        names = tuple(f"a{at}" for at in range(len(shape.constructor.parameters)))
        taken = typed(names, shape.constructor.parameters)
        one_call = f"({', '.join(['i64', *map(write_type, shape.arguments)])},)"
        one_result = f"({', '.join(map(write_type, shape.results))},)"
        zeros = f"({', '.join(_ZEROS.get(kind.kind, 'None') for kind in shape.results)},)"
        cases = " ".join(f"if call.0 == {at} {{ {call(one)} }}" for at, one in enumerate(shape.methods))
        return (
            f"{code}\nfn {CALLS_FUNCTION}({taken}{', ' if taken else ''}calls: Vec<{one_call}>) "
            f"-> Vec<{one_result}> {{ let mut made = {shape.name}::new({', '.join(names)}); "
            f"let mut given = Vec::new(); for call in calls {{ let mut slots: {one_result} = {zeros}; "
            f"{cases} given.push(slots); }} given }}\n"
        )

    return ClassForm(program, declare)
