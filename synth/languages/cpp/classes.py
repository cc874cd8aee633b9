"""Classes in C++."""

from collections.abc import Callable

from synth.languages.classes import CALLS_FUNCTION, ClassForm, ClassShape, ShapedMethod
from synth.languages.cpp.class_seeds import SEEDS
from synth.values import ValueType


def make_classes(write_type: Callable[[ValueType], str]) -> ClassForm:
    """What C++ states for classes; `write_type` gives a type as a person writes it."""

    def full(kind: ValueType) -> str:
        """The same with its namespace, which the program need not open."""
        text = write_type(kind)
        for name in ("vector", "string", "optional"):
            text = text.replace(name, f"std::{name}")
        return text

    def typed(names: tuple[str, ...], kinds: tuple[ValueType, ...], write: Callable[[ValueType], str]) -> str:
        return ", ".join(f"{write(kind)} {n}" for n, kind in zip(names, kinds, strict=True))

    def declare(shape: ClassShape) -> str:
        made = typed(shape.constructor_names, shape.constructor.parameters, write_type)
        lines = [f"    {shape.name}({made});"]
        for one in shape.methods:
            kind = one.signature.result
            result = "void" if kind.kind == "null" else write_type(kind)
            lines.append(
                f"    {result} {one.name}({typed(one.names, one.signature.parameters, write_type)});"
            )
        return "\n".join([f"class {shape.name} {{", "public:", *lines, "};"])

    def call(method: ShapedMethod) -> str:
        called = f"made.{method.name}({', '.join(f'std::get<{slot}>(call)' for slot in method.slots)})"
        return f"{called};" if method.result is None else f"std::get<{method.result}>(slots) = {called};"

    def program(code: str, shape: ClassShape) -> str:
        names = tuple(f"a{at}" for at in range(len(shape.constructor.parameters)))
        taken = typed(names, shape.constructor.parameters, full)
        one_call = f"std::tuple<{', '.join(['long long', *map(full, shape.arguments)])}>"
        one_result = f"std::tuple<{', '.join(map(full, shape.results))}>"
        cases = " ".join(
            f"if (std::get<0>(call) == {at}) {{ {call(one)} }}" for at, one in enumerate(shape.methods)
        )
        made = f"{shape.name} made{{{', '.join(names)}}};" if names else f"{shape.name} made;"
        return (
            f"{code}\nstd::vector<{one_result}> {CALLS_FUNCTION}({taken}{', ' if taken else ''}"
            f"std::vector<{one_call}> calls) {{ {made} std::vector<{one_result}> given; "
            f"for (auto& call : calls) {{ {one_result} slots{{}}; {cases} given.push_back(slots); }} "
            f"return given; }}\n"
        )

    return ClassForm(program, declare, SEEDS)
