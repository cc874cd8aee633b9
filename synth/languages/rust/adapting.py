"""How a function of real Rust code is called with shared types.

Place in the flow: reference execution asks `adapt` for the ways to call the last function or method of a
name. A function whose types the driver reads as they are is called as it is. For any other, a function is
appended that takes owned values, makes the object, converts, and returns the result, or the argument that a
function without a result changes. The one rule: what stands in the declaration decides; a type without a
certain shared meaning is refused with its name.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from synth.grammar.trees import node_text, parse, walk
from synth.languages.rust.shared_types import (
    SCALARS,
    RustType,
    RustTypeReader,
    list_of,
    same,
    tuple_of,
    type_of_bound,
)
from synth.languages.spec import Adapted, NotAdapted, call_marks
from synth.languages.support.ways import gather_ways
from synth.values import parse_signature

if TYPE_CHECKING:
    from synth.grammar.nodes import Node

MAKER: Final = re.compile(r"(?:new|default|empty|create|build|init|make|from|with)(?:_\w+)?$")
"""Names of functions that make an object."""
FILLER: Final = re.compile(r"(?:push|add|insert|append|enqueue|put|set|union|offer|update)(_\w+)?$")
"""Names of methods that fill an object."""
_MAX_PARAMETERS: Final = 8
_MAX_WAYS: Final = 4
_MAX_FILLED: Final = 3
_LENGTH: Final = 3
"""What a constant parameter is tried at."""
_UNWRAP: Final = {
    "Result": '.map_err(|problem| format!("{:?}", problem)).unwrap()',
    "Option": ".unwrap()",
}
_TYPES: Final = frozenset({"struct_item", "enum_item", "type_item", "union_item", "trait_item"})


class _RustParameter(NamedTuple):
    name: str
    type: RustType


class _Object(NamedTuple):
    """How the object of a method is made."""

    parameters: tuple[_RustParameter, ...]
    lines: tuple[str, ...]
    """They bind `object`."""
    is_made: bool = False
    """Whether a function of the code makes it."""


def adapt(code: str, entry_point: str) -> tuple[Adapted, ...]:
    """The ways to call the last function of that name. Raises NotAdapted, UnparsedError."""
    program = _RustProgram(code)
    function = program.last(entry_point)
    return gather_ways(program.ways(function, reader) for reader in program.readers(function))[:_MAX_WAYS]


def changed_arguments(node: "Node", text: bytes) -> tuple[str, ...]:
    """The parameters through which a function may change something of its caller."""
    return tuple(
        name
        for name, kind in _parameters(node, text)
        if kind.type == "reference_type"
        and any(one.type == "mutable_specifier" for one in kind.named_children)
    )


def _parameters(node: "Node", text: bytes) -> "list[tuple[str, Node]]":
    """Name and type of each parameter, the receiver left out."""
    found: list[tuple[str, Node]] = []
    listed = node.child_by_field_name("parameters")
    for at, one in enumerate(listed.named_children if listed is not None else ()):
        kind, pattern = one.child_by_field_name("type"), one.child_by_field_name("pattern")
        if one.type == "parameter" and kind is not None and pattern is not None:
            name = node_text(pattern, text).removeprefix("mut ").strip()
            if name == "self":
                continue
            is_name = name.isidentifier() and name.isascii() and name != "_"
            found.append((name.lstrip("_") or name if is_name else f"value{at + 1}", kind))
    return found


class _RustProgram:
    """A closed program."""

    def __init__(self, code: str) -> None:
        self.code, self.text = code, code.encode("utf-8", "surrogatepass")
        self.root = parse(self.text, "rust").root_node
        self.types: Mapping[str, Node] = {
            self._name(node): node for node in self.root.named_children if node.type in _TYPES
        }
        self.functions = [
            node for node in walk(self.root) if node.type == "function_item" and not node.has_error
        ]

    def _name(self, node: "Node") -> str:
        found = node.child_by_field_name("name")
        return node_text(found, self.text) if found is not None else ""

    def last(self, name: str) -> "Node":
        """Raises NotAdapted."""
        found = [node for node in self.functions if self._name(node) == name]
        if not found:
            raise NotAdapted(f"no function {name} was found in it")
        function = found[-1]
        if function.parent is not None and function.parent != self.root and self._impl(function) is None:
            raise NotAdapted("it stands inside a function, a trait or a module of its own")
        return function

    def _impl(self, function: "Node") -> "Node | None":
        """The `impl` block around a method, if it stands at the top level."""
        block = function.parent
        around = block.parent if block is not None else None
        if around is None or around.type != "impl_item" or around.parent != self.root:
            return None
        return around

    def _owner(self, function: "Node") -> tuple[str, "Node | None"]:
        """The name of the type of a method, and the type as its `impl` writes it."""
        around = self._impl(function)
        kind = around.child_by_field_name("type") if around is not None else None
        if kind is None:
            return "", None
        head = kind.child_by_field_name("type") if kind.type == "generic_type" else kind
        return node_text(head, self.text) if head is not None else "", kind

    # --- type variables ---

    def readers(self, function: "Node") -> list[RustTypeReader]:
        """Readers with the types to try for the type variables, the likeliest first. Raises NotAdapted."""
        around = self._impl(function)
        bounds, lengths = self._bounds(function)
        if around is not None:
            more, others = self._bounds(around)
            bounds, lengths = {**more, **bounds}, {**others, **lengths}
        _, itself = self._owner(function)
        plain = RustTypeReader(self.text, self.types, {}, lengths, itself, self._associated(around))
        tried = {name: self._tried(plain, nodes) for name, nodes in bounds.items()}
        count = max(map(len, tried.values()), default=1)
        picked = [
            {name: kinds[min(at, len(kinds) - 1)] for name, kinds in tried.items()} for at in range(count)
        ]
        return [replace(plain, variables=variables) for variables in picked]

    def _associated(self, around: "Node | None") -> "dict[str, Node]":
        """The types that an `impl` names."""
        body = around.child_by_field_name("body") if around is not None else None
        return {
            self._name(one): kind
            for one in (body.named_children if body is not None else ())
            if one.type == "type_item" and (kind := one.child_by_field_name("type")) is not None
        }

    def _bounds(self, node: "Node") -> "tuple[dict[str, list[Node]], dict[str, int]]":
        """The bounds of each type parameter, and the constant ones."""
        bounds: dict[str, list[Node]] = {}
        lengths: dict[str, int] = {}
        declared = node.child_by_field_name("type_parameters")
        for one in declared.named_children if declared is not None else ():
            if one.type == "type_parameter":
                listed = one.child_by_field_name("bounds")
                bounds[self._name(one)] = list(listed.named_children) if listed is not None else []
            elif one.type == "const_parameter":
                lengths[self._name(one)] = _LENGTH
        for clause in node.named_children:
            for one in clause.named_children if clause.type == "where_clause" else ():
                left, listed = one.child_by_field_name("left"), one.child_by_field_name("bounds")
                if left is not None and listed is not None and node_text(left, self.text) in bounds:
                    bounds[node_text(left, self.text)] += listed.named_children
        return bounds, lengths

    def _tried(self, reader: RustTypeReader, bounds: "Sequence[Node]") -> list[RustType]:
        """The types to try for a variable with these bounds."""
        for bound in bounds:
            if node_text(bound, self.text).startswith(("Fn", "FnMut", "FnOnce")):
                raise NotAdapted("it takes a function")
            with suppress(NotAdapted):
                if (found := type_of_bound(reader, bound, is_result=False)) is not None:
                    return [found]
        names = " ".join(node_text(bound, self.text) for bound in bounds)
        if re.search(r"\bFloat\b|Into<f64>|\bReal\b", names):
            return [SCALARS["f64"]]
        if re.search(r"\b(?:Unsigned)\b", names):
            return [SCALARS["u64"]]
        if re.search(r"\b(?:Copy|Add|Sub|Mul|Div|Rem|Neg|Num|Integer|PrimInt|Zero|One|Signed|Sum)\b", names):
            return [SCALARS["i64"], SCALARS["f64"]]
        return [SCALARS["i64"], SCALARS["String"]]

    # --- calls ---

    def ways(self, function: "Node", reader: RustTypeReader) -> Iterator[Adapted]:
        """Raises NotAdapted."""
        parameters = [
            _RustParameter(name, reader.read(kind)) for name, kind in _parameters(function, self.text)
        ]
        result_node = function.child_by_field_name("return_type")
        result = reader.read(result_node, is_result=True) if result_node is not None else None
        if result is not None and result.shared == "null":
            result = None
        changed = changed_arguments(function, self.text) if result is None else ()
        returned = [one for one in parameters if one.name in changed and one.type.changeable]
        if result is None and not returned:
            raise NotAdapted("it returns nothing and changes no argument")
        owner, _ = self._owner(function)
        taken = {one.name for one in parameters}
        objects: Sequence[_Object | None] = (None,)
        if self._takes_self(function):
            objects = self._objects(function, owner, reader, taken)
        for made in objects:
            built = made.parameters if made is not None else ()
            every = [*built, *parameters]
            if len(every) > _MAX_PARAMETERS:
                raise NotAdapted(f"it takes {len(every)} arguments")
            shared = tuple_of([one.type for one in returned]).shared if len(returned) > 1 else ""
            shared = shared or (returned[0].type.shared if returned else result.shared if result else "")
            signature = parse_signature(f"({', '.join(one.type.shared for one in every)}) -> {shared}")
            names, domains = tuple(one.name for one in every), tuple(one.type.domain for one in every)
            marks = call_marks(changes=bool(returned))
            if not owner and result is not None and self._is_called_as_it_is(function, parameters, result):
                yield Adapted(self.code, self._name(function), names, (signature,), domains)
                return
            name = self._free_name(function)
            head = f"{owner}::" if owner and made is None else "object." if made is not None else ""
            call = _RustCall(f"{head}{self._name(function)}", parameters, returned, result)
            code = f"{self.code.rstrip()}\n\n{call.written(name, made)}\n"
            yield Adapted(code, name, names, (signature,), domains, marks=marks)

    def _takes_self(self, function: "Node") -> bool:
        listed = function.child_by_field_name("parameters")
        return any(
            one.type == "self_parameter" or node_text(one, self.text).startswith(("self:", "mut self"))
            for one in (listed.named_children if listed is not None else ())
        )

    def _is_called_as_it_is(
        self, function: "Node", parameters: Sequence[_RustParameter], result: RustType
    ) -> bool:
        """Whether the driver reads and writes the types without help; it passes references by itself."""
        if function.child_by_field_name("type_parameters") is not None or result.out is not same:
            return False
        kinds = [kind for _, kind in _parameters(function, self.text)]
        plain = ("primitive_type", "type_identifier", "generic_type", "tuple_type")
        return all(
            one.type.is_plain and kind.type in plain for one, kind in zip(parameters, kinds, strict=True)
        )

    def _free_name(self, function: "Node") -> str:
        """A name for the appended function: near the function's own, which a method may keep."""
        name = self._name(function)
        bound = {
            self._name(node)
            for node in self.root.named_children
            if node.child_by_field_name("name") is not None
        }
        head = self.code.partition("\nfn ")[0]
        bound |= set(re.findall(r"\b(\w+);", "\n".join(re.findall(r"^use .*;$", head, re.MULTILINE))))
        for new in (name, f"run_{name}", f"{name}_result", f"{name}_value"):
            if new not in bound and new not in ("main", "object", "answer"):
                return new
        raise NotAdapted(f"every name like {name} is taken")

    # --- objects ---

    def _objects(
        self, function: "Node", owner: str, reader: RustTypeReader, taken: set[str]
    ) -> list[_Object]:
        """The ways to make the object of a method, the likeliest first; at least one. Raises NotAdapted."""
        why: NotAdapted | None = None
        made: list[_Object] = []
        for make in (self._by_maker, self._by_fields):
            try:
                made.append(make(owner, reader, taken))
            except NotAdapted as refused:
                why = why or refused
        filled = [self._filled(one, function, owner, reader, taken) for one in made[:1]]
        found = [*filter(None, filled), *(one for one in made if one.parameters or one.is_made)]
        if not found:
            raise why or NotAdapted(f"nothing makes an object of {owner}")
        return found

    def _by_maker(self, owner: str, reader: RustTypeReader, taken: set[str]) -> _Object:
        makers = [
            node
            for node in self.functions
            if self._owner(node)[0] == owner
            and MAKER.match(self._name(node))
            and not self._takes_self(node)
            and self._made_by(node, owner)
        ]
        why = NotAdapted(f"nothing makes an object of {owner}")
        for maker in sorted(makers, key=lambda node: len(_parameters(node, self.text))):
            try:
                inner = self._reader_of(maker, reader)
                given = [
                    _renamed(_RustParameter(name, inner.read(kind)), taken)
                    for name, kind in _parameters(maker, self.text)
                ]
            except NotAdapted as refused:
                why = refused
                continue
            lines, passed = _arguments(given)
            fails = self._made_by(maker, owner)
            unwrap = {
                "Result": '.map_err(|problem| format!("{:?}", problem)).unwrap()',
                "Option": ".unwrap()",
            }
            call = f"{owner}{self._turbofish(owner, reader)}::{self._name(maker)}({passed})"
            made = f"let mut object = {call}{unwrap.get(fails, '')};"
            return _Object(tuple(given), (*lines, made), is_made=True)
        raise why

    def _made_by(self, node: "Node", owner: str) -> str:
        """How a function returns an object of the type: "Result", "Option", "itself"; "" if it does not."""
        result = node.child_by_field_name("return_type")
        written = node_text(result, self.text).replace(" ", "") if result is not None else ""
        found = re.fullmatch(
            rf"(?:(Result|Option)<)?(?:Self|{re.escape(owner)})(?:<.*>)?(?:,.*>|>)?", written
        )
        return (found[1] or "itself") if found else ""

    def _turbofish(self, owner: str, reader: RustTypeReader) -> str:
        """The type arguments of the owner, where all are known."""
        item = self.types.get(owner)
        declared = self._bounds(item)[0] if item is not None else {}
        values = [reader.variables[name].written for name in declared if name in reader.variables]
        return f"::<{', '.join(values)}>" if values and len(values) == len(declared) else ""

    def _reader_of(self, other: "Node", reader: RustTypeReader) -> RustTypeReader:
        """The reader of another method of the same type: its variables are tried at the same types."""
        around = self._impl(other)
        names = [*(self._bounds(around)[0] if around is not None else {}), *self._bounds(other)[0]]
        values = [*reader.variables.values(), *[SCALARS["i64"]] * len(names)]
        variables = {
            name: reader.variables.get(name, value) for name, value in zip(names, values, strict=False)
        }
        return RustTypeReader(
            self.text, self.types, {**reader.variables, **variables}, reader.lengths, self._owner(other)[1]
        )

    def _by_fields(self, owner: str, reader: RustTypeReader, taken: set[str]) -> _Object:
        read = reader.read(reader.itself)
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", owner).lower()
        parameter = _renamed(_RustParameter(name if name != owner else f"{name}_value", read), taken)
        return _Object((parameter,), (f"let mut object = {read.into(parameter.name)};",))

    def _filled(
        self, made: _Object, function: "Node", owner: str, reader: RustTypeReader, taken: set[str]
    ) -> _Object | None:
        """The object with items put into it, by a method that takes one, a key and its value, or an edge."""
        fillers = [
            node
            for node in self.functions
            if node != function
            and self._owner(node)[0] == owner
            and self._takes_self(node)
            and FILLER.match(self._name(node))
        ]
        for node in sorted(fillers, key=lambda one: _unlikely(self._name(one))):
            try:
                inner = self._reader_of(node, reader)
                kinds = [inner.read(kind) for _, kind in _parameters(node, self.text)]
            except NotAdapted:
                continue
            if not 1 <= len(kinds) <= _MAX_FILLED or any(one.changeable for one in kinds):
                continue
            listed = (
                kinds[0]
                if len(kinds) == 1
                else tuple_of([one._replace(into=same, out=same) for one in kinds])
            )
            items = list_of("Vec", listed._replace(into=same, out=same, borrows=False))
            parameter = _renamed(
                _RustParameter("items", items), taken | {one.name for one in made.parameters}
            )
            names = [f"item{at + 1}" for at in range(len(kinds))]
            pattern = names[0] if len(kinds) == 1 else f"({', '.join(names)})"
            given = ", ".join(one.into(name) for one, name in zip(kinds, names, strict=True))
            fill = (
                f"for {pattern} in {parameter.name} {{",
                f"    let _ = object.{self._name(node)}({given});",
                "}",
            )
            return _Object((*made.parameters, parameter), (*made.lines, *fill))
        return None


def _unlikely(name: str) -> tuple[bool, bool, int]:
    """Orders the methods that fill an object, the likeliest first: `push`, `add_edge`, `set_limit`."""
    more = FILLER.match(name)
    return bool(more and more[1]), "edge" not in name, len(name)


def _renamed(one: _RustParameter, taken: set[str]) -> _RustParameter:
    """The parameter under a name that is free."""
    return one._replace(name=f"{one.name}_of_object") if one.name in taken | {"object"} else one


def _arguments(parameters: Sequence[_RustParameter]) -> tuple[list[str], str]:
    """Lines that make what is lent, and the arguments of the call."""
    lines: list[str] = []
    passed: list[str] = []
    for one in parameters:
        written = one.type.into(one.name)
        if written.startswith("&mut "):
            lines.append(f"let mut {one.name}_changed = {written.removeprefix('&mut ')};")
            passed.append(f"&mut {one.name}_changed")
        else:
            passed.append(written)
    return lines, ", ".join(passed)


class _RustCall(NamedTuple):
    """The appended function."""

    called: str
    parameters: Sequence[_RustParameter]
    returned: Sequence[_RustParameter]
    result: RustType | None

    def written(self, name: str, made: _Object | None) -> str:
        """Its text."""
        every = [*(made.parameters if made is not None else ()), *self.parameters]
        head = ", ".join(f"{one.name}: {one.type.written}" for one in every)
        kinds = [one.type.written for one in self.returned]
        result = self.result.written if self.result is not None else ""
        result = result or (kinds[0] if len(kinds) == 1 else f"({', '.join(kinds)})")
        lines, passed = _arguments(self.parameters)
        lines = [*(made.lines if made is not None else ()), *lines]
        call = f"{self.called}({passed})"
        if self.result is not None:
            lines += [f"let answer = {self.result.out(call)};", "answer"]
        else:
            outs = [one.type.out(f"{one.name}_changed") for one in self.returned]
            lines += [f"{call};", outs[0] if len(outs) == 1 else f"({', '.join(outs)})"]
        return "\n".join([f"fn {name}({head}) -> {result} {{", *(f"    {line}" for line in lines), "}"])
