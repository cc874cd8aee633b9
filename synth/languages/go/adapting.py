"""How a function of real Go code is called with shared types.

Place in the flow: reference execution asks `adapt` for the ways to call the last function or method of a
name. A function whose types the driver reads as they are is called as it is. For any other, a function is
appended that makes the receiver, converts the arguments, and returns the result, or the argument that a
function without a result changes. The one rule: what stands in the declaration decides; a type without a
certain shared meaning is refused with its name.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from synth.grammar.trees import node_text, parse, walk
from synth.languages.go.shared_types import EACH, EACH_HELPER, SCALARS, GoType, GoTypeReader, same
from synth.languages.spec import Adapted, NotAdapted, call_marks
from synth.languages.support.ways import gather_ways
from synth.values import parse_signature

if TYPE_CHECKING:
    from synth.grammar.nodes import Node

_MAX_PARAMETERS: Final = 8
_MAX_WAYS: Final = 4
_MAX_FILLED: Final = 3
"""Most arguments of a method that fills an object."""
_UNCHANGED: Final = frozenset({"len", "cap", "append", "make", "string", "min", "max", "print", "println"})
"""Builtin functions that change no argument."""
MAKER: Final = re.compile(r"(?:[Nn]ew|[Mm]ake|[Cc]reate|[Ii]nit)(?![a-z])")
"""Names of functions that make an object."""
MADE: Final = re.compile(r"\(?\s*(?:\w+\s+)?\*?(\w+)(?:\[[^\]]*\])?\s*(?:,\s*(?:\w+\s+)?error)?\s*\)?")
"""A result that is one object or a pointer to one, with an error beside it or not; group 1 is its type."""
FILLER: Final = re.compile(r"(?:push|add|insert|append|enqueue|put|set|store)([a-z]?\w*)$", re.IGNORECASE)
"""Names of methods that fill an object."""


class _GoParameter(NamedTuple):
    name: str
    type: GoType
    is_variadic: bool = False


class _Receiver(NamedTuple):
    """How the object of a method is made."""

    parameters: tuple[_GoParameter, ...]
    lines: tuple[str, ...]
    """They bind `object`."""
    is_made: bool = False
    """Whether a function of the code makes it."""


def adapt(code: str, entry_point: str) -> tuple[Adapted, ...]:
    """The ways to call the last function of that name. Raises NotAdapted, UnparsedError."""
    program = _GoProgram(code)
    function = program.last(entry_point)
    readers = (
        GoTypeReader(program.text, program.types, variables, bytes_are_text)
        for variables, bytes_are_text in program.choices(function)
    )
    return gather_ways(program.ways(function, reader) for reader in readers)[:_MAX_WAYS]


def changed_arguments(node: "Node", text: bytes) -> tuple[str, ...]:
    """The parameters through which a function may change something of its caller."""
    body = node.child_by_field_name("body")
    names = [
        name
        for name, kind, _ in _parameters(node, text)
        if kind.type in ("slice_type", "map_type", "pointer_type") and name
    ]
    found = set(_changed(body, text)) if body is not None else set()
    return tuple(name for name in names if name in found)


def _changed(body: "Node", text: bytes) -> Iterator[str]:
    """The names through which the body writes, or that it hands on."""
    for node in walk(body):
        if node.type == "assignment_statement":
            left = node.child_by_field_name("left")
            for one in left.named_children if left is not None else ():
                if one.type != "identifier":
                    yield _root(one, text)
        elif node.type in ("inc_statement", "dec_statement"):
            if node.named_children and node.named_children[0].type != "identifier":
                yield _root(node.named_children[0], text)
        elif node.type == "call_expression":
            called, given = node.child_by_field_name("function"), node.child_by_field_name("arguments")
            if (
                called is None
                or node_text(called, text).startswith("fmt.")
                or node_text(called, text) in _UNCHANGED
            ):
                continue
            for one in given.named_children if given is not None else ():
                yield _root(one, text)


def _root(node: "Node", text: bytes) -> str:
    """The leftmost name of an expression: `a` for `a[i].x` and `*a`."""
    while node.type != "identifier" and node.named_children and node.type != "call_expression":
        node = node.named_children[0]
    return node_text(node, text) if node.type == "identifier" else ""


def _parameters(node: "Node", text: bytes) -> "list[tuple[str, Node, bool]]":
    """Name, type and whether it takes any number, for each parameter."""
    found: list[tuple[str, Node, bool]] = []
    listed = node.child_by_field_name("parameters")
    for one in listed.named_children if listed is not None else ():
        kind = one.child_by_field_name("type")
        if kind is None or one.type not in ("parameter_declaration", "variadic_parameter_declaration"):
            continue
        names = [node_text(child, text) for child in one.named_children if child.type == "identifier"]
        found += [(name, kind, one.type.startswith("variadic")) for name in names or [""]]
    return found


class _GoProgram:
    """A closed program."""

    def __init__(self, code: str) -> None:
        self.code, self.text = code, code.encode("utf-8", "surrogatepass")
        self.root = parse(self.text, "go").root_node
        kinds = ("function_declaration", "method_declaration")
        self.functions = [
            node for node in self.root.named_children if node.type in kinds and not node.has_error
        ]
        self.types: Mapping[str, Node] = {
            self._name(spec): spec
            for node in self.root.named_children
            if node.type == "type_declaration"
            for spec in node.named_children
            if spec.type in ("type_spec", "type_alias")
        }

    def _name(self, node: "Node") -> str:
        found = node.child_by_field_name("name")
        return node_text(found, self.text) if found is not None else ""

    def last(self, name: str) -> "Node":
        """Raises NotAdapted."""
        found = [node for node in self.functions if self._name(node) == name]
        if not found:
            raise NotAdapted(f"no function {name} was found in it")
        return found[-1]

    # --- type variables ---

    def choices(self, function: "Node") -> list[tuple[dict[str, GoType], bool]]:
        """What may stand for the type variables (and under "" for `any`), and whether bytes are texts."""
        bounds = {**self._bounds_of_receiver(function), **self._bounds(function)}
        head = self._head(function)
        if re.search(r"\bany\b|\binterface\s*\{\s*\}", head):
            bounds[""] = "any"
        tried = [_tried(bound, self.types) for bound in bounds.values()] or [("",)]
        count = max(map(len, tried))
        picked = [
            {
                name: SCALARS[kinds[min(at, len(kinds) - 1)]]
                for name, kinds in zip(bounds, tried, strict=False)
            }
            for at in range(count)
        ]
        texts = (True, False) if re.search(r"\bbyte\b", head) else (True,)
        return [(variables, text) for variables in picked for text in texts]

    def _head(self, function: "Node") -> str:
        body = function.child_by_field_name("body")
        end = body.start_byte if body is not None else function.end_byte
        own = [node_text(spec, self.text) for spec in self.types.values()]
        return "\n".join([self.text[function.start_byte : end].decode("utf-8", "replace"), *own])

    def _bounds(self, node: "Node") -> dict[str, str]:
        """The type parameters of a function or a type, each with its constraint."""
        declared = node.child_by_field_name("type_parameters")
        found: dict[str, str] = {}
        for one in declared.named_children if declared is not None else ():
            kind = one.child_by_field_name("type")
            for child in one.named_children:
                if child.type == "identifier" and kind is not None:
                    found[node_text(child, self.text)] = node_text(kind, self.text)
        return found

    def _bounds_of_receiver(self, function: "Node") -> dict[str, str]:
        owner, names = self._receiver_of(function)
        declared = list(self._bounds(self.types[owner]).values()) if owner in self.types else []
        return dict(zip(names, declared, strict=False))

    def _receiver_of(self, function: "Node") -> tuple[str, list[str]]:
        """The type of the receiver, and the names that its type parameters have there."""
        receiver = function.child_by_field_name("receiver")
        found = (
            [one for one in walk(receiver) if one.type == "type_identifier"] if receiver is not None else []
        )
        names = [node_text(one, self.text) for one in found]
        return (names[0], names[1:]) if names else ("", [])

    # --- calls ---

    def ways(self, function: "Node", reader: GoTypeReader) -> Iterator[Adapted]:
        """Raises NotAdapted."""
        parameters = self._read_parameters(function, reader)
        results, fails = self._results(function, reader)
        changed = changed_arguments(function, self.text) if not results else ()
        returned = [one for one in parameters if one.name in changed and one.type.changeable]
        if not results and not returned:
            raise NotAdapted("it returns nothing and changes no argument")
        owner, _ = self._receiver_of(function)
        taken = {one.name for one in parameters}
        for receiver in self._receivers(function, owner, reader, taken) if owner else (None,):
            built = receiver.parameters if receiver is not None else ()
            every = [*built, *parameters]
            if len(every) > _MAX_PARAMETERS:
                raise NotAdapted(f"it takes {len(every)} arguments")
            shared = [one.type.shared for one in returned] or [one.shared for one in results]
            signature = parse_signature(
                f"({', '.join(one.type.shared for one in every)}) -> {_tuple(shared)}"
            )
            names, domains = tuple(one.name for one in every), tuple(one.type.domain for one in every)
            marks = call_marks(changes=bool(returned))
            if self._is_called_as_it_is(function, parameters, results):
                yield Adapted(self.code, self._name(function), names, (signature,), domains)
                return
            name = self._free_name(function)
            call = _GoCall(
                self._called(function, reader, receiver is not None), parameters, returned, results, fails
            )
            written = call.written(name, receiver)
            helper = f"\n\n{EACH_HELPER}" if EACH in written else ""
            code = f"{self.code.rstrip()}\n\n{written}{helper}\n"
            yield Adapted(code, name, names, (signature,), domains, marks=marks)

    def _read_parameters(self, function: "Node", reader: GoTypeReader) -> list[_GoParameter]:
        found: list[_GoParameter] = []
        for at, (name, kind, is_variadic) in enumerate(_parameters(function, self.text)):
            read = reader.read(kind)
            named = name if name and name != "_" else f"value{at + 1}"
            found.append(_GoParameter(named, reader.list_of(read) if is_variadic else read, is_variadic))
        return found

    def _results(self, function: "Node", reader: GoTypeReader) -> tuple[list[GoType], bool]:
        """The types of the results, and whether an error stands last, which is an exception."""
        result = function.child_by_field_name("result")
        if result is None:
            return [], False
        kinds: list[Node] = [result]
        if result.type == "parameter_list":
            kinds = []
            for one in result.named_children:
                kind = one.child_by_field_name("type")
                count = sum(child.type == "identifier" for child in one.named_children)
                kinds += [kind] * max(1, count) if kind is not None else []
        fails = bool(kinds) and node_text(kinds[-1], self.text) == "error"
        if fails and len(kinds) == 1:
            raise NotAdapted("it returns nothing but an error")
        return [reader.read(kind, is_result=True) for kind in kinds[: len(kinds) - fails]], fails

    def _is_called_as_it_is(
        self, function: "Node", parameters: Sequence[_GoParameter], results: Sequence[GoType]
    ) -> bool:
        return (
            function.type == "function_declaration"
            and bool(results)
            and function.child_by_field_name("type_parameters") is None
            and all(one.type.is_plain for one in parameters)
            and all(one.out is same for one in results)
        )

    def _called(self, function: "Node", reader: GoTypeReader, is_method: bool) -> str:
        name = self._name(function)
        if is_method:
            return f"object.{name}"
        variables = [reader.variables[one].own for one in self._bounds(function)]
        return f"{name}[{', '.join(variables)}]" if variables else name

    def _free_name(self, function: "Node") -> str:
        """A name for the appended function: near the function's own, which a method may keep."""
        name = self._name(function)
        bound = {self._name(node) for node in self.functions if node.type == "function_declaration"}
        bound |= set(self.types) | set(re.findall(r"\b[A-Za-z_]\w*\b", self._globals()))
        for new in (name, name[:1].lower() + name[1:], f"run{name[:1].upper()}{name[1:]}", f"{name}Result"):
            if new not in bound and new not in _KEYWORDS:
                return new
        raise NotAdapted(f"every name like {name} is taken")

    def _globals(self) -> str:
        kinds = ("const_declaration", "var_declaration", "import_declaration")
        return "\n".join(
            node_text(node, self.text) for node in self.root.named_children if node.type in kinds
        )

    # --- objects ---

    def _receivers(
        self, function: "Node", owner: str, reader: GoTypeReader, taken: set[str]
    ) -> Iterator[_Receiver]:
        """The ways to make the object of a method, the likeliest first: by its maker or from its fields, both
        with items put into it and without. Raises NotAdapted if there is none."""
        why: NotAdapted | None = None
        made: list[_Receiver] = []
        for make in (self._by_maker, self._by_fields):
            try:
                made.append(make(owner, reader, taken))
            except NotAdapted as refused:
                why = why or refused
        with suppress(NotAdapted):
            made.append(self._empty(owner, reader))
        filled = [self._filled(one, function, owner, reader, taken) for one in made]
        found = [*filter(None, filled[:1]), *(one for one in made if one.parameters or one.is_made)]
        if not found:
            raise why or NotAdapted(f"nothing makes an object of {owner}")
        yield from found

    def _by_maker(self, owner: str, reader: GoTypeReader, taken: set[str]) -> _Receiver:
        makers = sorted(
            (
                node
                for node in self.functions
                if node.type == "function_declaration"
                and MAKER.match(self._name(node))
                and self._made_by(node) == owner
            ),
            key=lambda node: len(_parameters(node, self.text)),
        )
        why = NotAdapted(f"nothing makes an object of {owner}")
        for maker in makers:
            inner = self._in_maker(maker, owner, reader)
            try:
                parameters = [_renamed(one, taken) for one in self._read_parameters(maker, inner)]
            except NotAdapted as refused:
                why = refused
                continue
            given = ", ".join(_passed(one) for one in parameters)
            call = f"{self._called(maker, inner, is_method=False)}({given})"
            result = maker.child_by_field_name("result")
            if result is not None and result.type == "parameter_list":
                lines: tuple[str, ...] = (
                    f"object, problem := {call}",
                    "if problem != nil {",
                    "\tpanic(problem)",
                    "}",
                )
            else:
                lines = (f"object := {call}",)
            return _Receiver(tuple(parameters), lines, is_made=True)
        raise why

    def _made_by(self, node: "Node") -> str:
        """The type of which a function returns an object, alone or beside an error."""
        result = node.child_by_field_name("result")
        if result is None:
            return ""
        written = node_text(result, self.text).strip()
        found = re.fullmatch(
            r"\(?\s*(?:\w+\s+)?\*?(\w+)(?:\[[^\]]*\])?\s*(?:,\s*(?:\w+\s+)?error)?\s*\)?", written
        )
        return found[1] if found else ""

    def _in_maker(self, maker: "Node", owner: str, reader: GoTypeReader) -> GoTypeReader:
        """The reader of a function that makes the owner: its type variables are those of the method, by their
        order."""
        values = [one for name, one in reader.variables.items() if name]
        own = dict(zip(self._bounds(maker), values, strict=False))
        if len(own) < len(self._bounds(maker)):
            raise NotAdapted(f"an object of {owner} needs a type that is not known")
        return GoTypeReader(self.text, self.types, {**reader.variables, **own}, reader.bytes_are_text)

    def _by_fields(self, owner: str, reader: GoTypeReader, taken: set[str]) -> _Receiver:
        """An object from its fields."""
        read = reader.read(self._type_node(owner))
        name = owner[:1].lower() + owner[1:]
        name = f"{name}Value" if name == owner or name in _KEYWORDS else name
        parameter = _renamed(_GoParameter(name, read), taken)
        return _Receiver((parameter,), (f"object := {read.into(parameter.name)}",))

    def _type_node(self, owner: str) -> "Node":
        receivers = [
            one
            for node in self.functions
            if self._receiver_of(node)[0] == owner
            and (receiver := node.child_by_field_name("receiver")) is not None
            for one in walk(receiver)
            if one.type == "generic_type"
            or (one.type == "type_identifier" and node_text(one, self.text) == owner)
        ]
        if not receivers:
            raise NotAdapted(f"nothing makes an object of {owner}")
        return receivers[-1]

    def _empty(self, owner: str, reader: GoTypeReader) -> _Receiver:
        count = len(self._bounds(self.types[owner])) if owner in self.types else 0
        values = [one.own for name, one in reader.variables.items() if name][:count]
        if len(values) < count:
            raise NotAdapted(f"an object of {owner} needs a type that is not known")
        written = f"{owner}[{', '.join(values)}]" if values else owner
        return _Receiver((), (f"object := new({written})",))

    def _filled(
        self, made: _Receiver, function: "Node", owner: str, reader: GoTypeReader, taken: set[str]
    ) -> _Receiver | None:
        """The object with items put into it, by a method that takes one, a key and its value, or an edge."""
        fillers = [
            node
            for node in self.functions
            if node != function and self._receiver_of(node)[0] == owner and FILLER.match(self._name(node))
        ]
        for node in sorted(fillers, key=lambda one: _unlikely(self._name(one))):
            renamed = dict(zip(self._receiver_of(node)[1], reader.variables.values(), strict=False))
            inner = GoTypeReader(
                self.text, self.types, {**reader.variables, **renamed}, reader.bytes_are_text
            )
            try:
                kinds = [inner.read(kind) for _, kind, _ in _parameters(node, self.text)]
            except NotAdapted:
                continue
            if not 1 <= len(kinds) <= _MAX_FILLED or not all(
                one.is_plain or one.own == "any" for one in kinds
            ):
                continue
            if len(kinds) == 1:
                items = inner.list_of(kinds[0]._replace(into=same, own=kinds[0].written))
                given = "item"
            else:
                fields = "; ".join(f"{chr(65 + at)} {one.written}" for at, one in enumerate(kinds))
                record = f"[]struct{{ {fields} }}"
                items = GoType(f"list[{_tuple([one.shared for one in kinds])}]", record, record)
                given = ", ".join(f"item.{chr(65 + at)}" for at in range(len(kinds)))
            if items.shared == "str":
                continue
            given_items = _renamed(
                _GoParameter("items", items), taken | {one.name for one in made.parameters}
            )
            loop = f"for _, item := range {given_items.name} {{"
            fill = (loop, f"\tobject.{self._name(node)}({given})", "}")
            return _Receiver((*made.parameters, given_items), (*made.lines, *fill))
        return None


_KEYWORDS: Final = frozenset(
    "break case chan const continue default defer else fallthrough for func go goto if import interface map "
    "package range return select struct switch type var init main append cap close complex copy delete imag "
    "len make new panic print println real recover any bool byte error int string object".split()
)


def _tried(bound: str, types: Mapping[str, object]) -> tuple[str, ...]:
    """The types to try for a type variable with that constraint, the likeliest first."""
    name = bound.rpartition(".")[2].strip()
    by_name = {
        "Integer": ("int",),
        "Signed": ("int",),
        "Unsigned": ("uint",),
        "Float": ("float64",),
        "Number": ("int", "float64"),
        "Ordered": ("int", "string"),
        "any": ("int", "string"),
        "comparable": ("int", "string"),
    }
    if name in by_name:
        return by_name[name]
    if "|" in bound or name in types:
        return ("int", "string", "float64")
    return ("int", "string")


def _unlikely(name: str) -> tuple[bool, bool, int]:
    """Orders the methods that fill an object, the likeliest first: `Push`, `AddEdge`, `SetLimit`."""
    more = FILLER.match(name)
    return bool(more and more[1]), "edge" not in name.lower(), len(name)


def _renamed(one: _GoParameter, taken: set[str]) -> _GoParameter:
    """The parameter under a name that is free."""
    return one._replace(name=f"{one.name}OfObject") if one.name in taken | {"object", "problem"} else one


def _tuple(shared: Sequence[str]) -> str:
    return shared[0] if len(shared) == 1 else f"tuple[{', '.join(shared)}]"


def _passed(one: _GoParameter) -> str:
    return one.type.into(one.name) + ("..." if one.is_variadic else "")


class _GoCall(NamedTuple):
    """The appended function."""

    called: str
    parameters: Sequence[_GoParameter]
    returned: Sequence[_GoParameter]
    results: Sequence[GoType]
    fails: bool

    def written(self, name: str, receiver: _Receiver | None) -> str:
        """Its text."""
        every = [*(receiver.parameters if receiver is not None else ()), *self.parameters]
        head = ", ".join(f"{one.name} {one.type.written}" for one in every)
        kinds = [one.type.written for one in self.returned] or [
            one.own if one.out is same else one.written for one in self.results
        ]
        kinds = [*kinds, "error"] if self.fails and self.results else kinds
        lines = [*(receiver.lines if receiver is not None else ()), *self._body()]
        result = kinds[0] if len(kinds) == 1 else f"({', '.join(kinds)})"
        return "\n".join([f"func {name}({head}) {result} {{", *(f"\t{line}" for line in lines), "}"])

    def _body(self) -> list[str]:
        lines: list[str] = []
        passed: list[str] = []
        for one in self.parameters:
            if one in self.returned and one.type.into is not same:
                lines.append(f"{one.name}Changed := {one.type.into(one.name)}")
                passed.append(f"{one.name}Changed" + ("..." if one.is_variadic else ""))
            else:
                passed.append(_passed(one))
        call = f"{self.called}({', '.join(passed)})"
        if self.returned:
            outs = [
                one.type.out(one.name if one.type.into is same else f"{one.name}Changed")
                for one in self.returned
            ]
            return [*lines, call, f"return {', '.join(outs)}"]
        if all(one.out is same for one in self.results):
            return [*lines, f"return {call}"]
        names = [f"result{at + 1}" for at in range(len(self.results))]
        outs = [one.out(name) for one, name in zip(self.results, names, strict=True)]
        if self.fails:
            lines += [
                f"{', '.join(names)}, problem := {call}",
                "if problem != nil {",
                "\tpanic(problem)",
                "}",
            ]
            return [*lines, f"return {', '.join(outs)}, nil"]
        return [*lines, f"{', '.join(names)} := {call}", f"return {', '.join(outs)}"]
