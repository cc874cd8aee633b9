"""Classes in Python."""

from collections.abc import Callable, Sequence

from synth.languages.classes import CALLS_FUNCTION, ClassForm, ClassShape, ShapedMethod, zero
from synth.languages.python.class_seeds import SEEDS
from synth.values import ValueType


def make_classes(write_type: Callable[[ValueType], str]) -> ClassForm:
    """What Python states for classes; `write_type` gives an annotation."""

    def declare(shape: ClassShape) -> str:
        def head(name: str, names: Sequence[str], kinds: Sequence[ValueType], result: str) -> str:
            pairs = (f", {n}: {write_type(kind)}" for n, kind in zip(names, kinds, strict=True))
            return f"    def {name}(self{''.join(pairs)}) -> {result}"

        made = shape.constructor.parameters
        lines = [f"class {shape.name}:", head("__init__", shape.constructor_names, made, "None")]
        for one in shape.methods:
            kinds, result = one.signature.parameters, write_type(one.signature.result)
            lines.append(head(one.name, one.names, kinds, result))
        return "\n".join(lines)

    return ClassForm(_program, declare, SEEDS)


def _program(code: str, shape: ClassShape) -> str:
    count = len(shape.constructor.parameters)
    made = ", ".join(f"a{at}" for at in range(count))
    zeros = ", ".join(repr(zero(kind)) for kind in shape.results)
    lines = [
        f"\n\ndef {CALLS_FUNCTION}({made}{', ' if made else ''}calls):",
        f"    made, given = {shape.name}({made}), []",
        "    for call in calls:",
        f"        slots = [{zeros}]",
    ]
    for number, method in enumerate(shape.methods):
        lines += [f"        if call[0] == {number}:", f"            {_call(method)}"]
    return code + "\n".join([*lines, "        given.append(tuple(slots))", "    return given", ""])


def _call(method: ShapedMethod) -> str:
    called = f"made.{method.name}({', '.join(f'call[{slot}]' for slot in method.slots)})"
    return called if method.result is None else f"slots[{method.result}] = {called}"
