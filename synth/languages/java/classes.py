"""Classes in Java."""

from collections.abc import Callable

from synth.languages.classes import CALLS_FUNCTION, ClassForm, ClassShape, ShapedMethod
from synth.languages.java.class_seeds import SEEDS
from synth.values import ValueType

_ZEROS = {"int": "0L", "float": "0.0", "str": '""', "bool": "false", "optional": "null"}


def make_classes(write_type: Callable[[ValueType, bool], str]) -> ClassForm:
    """What Java states for classes; `write_type` gives a type, boxed or not."""

    def typed(names: tuple[str, ...], kinds: tuple[ValueType, ...]) -> str:
        return ", ".join(f"{write_type(kind, False)} {n}" for n, kind in zip(names, kinds, strict=True))

    def declare(shape: ClassShape) -> str:
        lines = [f"    {shape.name}({typed(shape.constructor_names, shape.constructor.parameters)})"]
        for one in shape.methods:
            kind = one.signature.result
            result = "void" if kind.kind == "null" else write_type(kind, False)
            lines.append(f"    {result} {one.name}({typed(one.names, one.signature.parameters)})")
        return "\n".join([f"class {shape.name} {{", *lines, "}"])

    def call(shape: ClassShape, method: ShapedMethod) -> str:
        taken = (f"({write_type(shape.arguments[at - 1], True)}) call.get({at})" for at in method.slots)
        called = f"made.{method.name}({', '.join(taken)})"
        return f"{called};" if method.result is None else f"slots.set({method.result}, {called});"

    def program(code: str, shape: ClassShape) -> str:
        names = tuple(f"a{at}" for at in range(len(shape.constructor.parameters)))
        taken = typed(names, shape.constructor.parameters)
        zeros = ", ".join(_ZEROS.get(kind.kind, "new ArrayList<Object>()") for kind in shape.results)
        cases = " ".join(
            f"if ((Long) call.get(0) == {at}L) {call(shape, one)}" for at, one in enumerate(shape.methods)
        )
        return (
            f'{code}\n@SuppressWarnings("unchecked") class CodemillCalls {{ '
            f"static List<List<Object>> {CALLS_FUNCTION}({taken}{', ' if taken else ''}"
            f"List<List<Object>> calls) throws Throwable {{ "
            f"{shape.name} made = new {shape.name}({', '.join(names)}); "
            f"List<List<Object>> given = new ArrayList<>(); for (List<Object> call : calls) {{ "
            f"List<Object> slots = new ArrayList<>(Arrays.asList(new Object[] {{{zeros}}})); {cases} "
            f"given.add(slots); }} return given; }} }}\n"
        )

    return ClassForm(program, declare, SEEDS)
