"""Classes in Go: a struct, a function that makes it, and methods on its pointer."""

from collections.abc import Callable

from synth.languages.classes import CALLS_FUNCTION, ClassForm, ClassShape, ShapedMethod
from synth.values import ValueType


def make_classes(write_type: Callable[[ValueType], str]) -> ClassForm:
    """What Go states for classes; `write_type` gives a type."""

    def typed(names: tuple[str, ...], kinds: tuple[ValueType, ...]) -> str:
        return ", ".join(f"{n} {write_type(kind)}" for n, kind in zip(names, kinds, strict=True))

    def declare(shape: ClassShape) -> str:
        made = typed(shape.constructor_names, shape.constructor.parameters)
        lines = [f"type {shape.name} struct", f"func New{shape.name}({made}) *{shape.name}"]
        for one in shape.methods:
            kind = one.signature.result
            result = "" if kind.kind == "null" else f" {write_type(kind)}"
            taken = typed(one.names, one.signature.parameters)
            lines.append(f"func (self *{shape.name}) {one.name}({taken}){result}")
        return "\n".join(lines)

    def call(method: ShapedMethod) -> str:
        called = f"made.{method.name}({', '.join(f'call.S{slot}' for slot in method.slots)})"
        return called if method.result is None else f"slots.R{method.result} = {called}"

    def program(code: str, shape: ClassShape) -> str:
        """Slots are fields of structs, which the driver reads and writes as tuples."""
        names = tuple(f"a{at}" for at in range(len(shape.constructor.parameters)))
        taken = typed(names, shape.constructor.parameters)
        slots = "".join(f"; S{at} {write_type(kind)}" for at, kind in enumerate(shape.arguments, 1))
        results = "; ".join(f"R{at} {write_type(kind)}" for at, kind in enumerate(shape.results))
        cases = "\n".join(f"if call.S0 == {at} {{ {call(one)} }}" for at, one in enumerate(shape.methods))
        return (
            f"{code}\ntype codemillCall struct {{ S0 int{slots} }}\n"
            f"type codemillGiven struct {{ {results} }}\n"
            f"func {CALLS_FUNCTION}({taken}{', ' if taken else ''}calls []codemillCall) []codemillGiven {{\n"
            f"made := New{shape.name}({', '.join(names)})\ngiven := []codemillGiven{{}}\n"
            f"for _, call := range calls {{\nslots := codemillGiven{{}}\n{cases}\n"
            f"given = append(given, slots)\n}}\nreturn given\n}}\n"
        )

    return ClassForm(program, declare)
