"""What the expressions of a text mean, as far as they are literals, names and calls.

The one rule: what is not surely one of them is unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from synth.grammar.nodes import Node
from synth.grammar.trees import node_text, walk
from synth.languages.stated_calls import (
    UNKNOWN,
    CallForm,
    ComparedForm,
    ExampleSyntax,
    FieldsForm,
    Form,
    InlineForm,
    ItemsForm,
    LiteralForm,
    NameForm,
)
from synth.seeds.examples.literals import read_number, read_text
from synth.values import Value


@dataclass(slots=True)
class FormScope:
    """What names stand for here, and whether a call may fail."""

    names: dict[str, Form]
    failing: bool = False

    def inner(self, more: Mapping[str, Form] | None = None, failing: bool = False) -> "FormScope":
        return FormScope({**self.names, **(more or {})}, self.failing or failing)


class FormReader:
    """Reads the expressions of one text at a time."""

    def __init__(self, syntax: ExampleSyntax) -> None:
        self._syntax, self._text = syntax, b""

    def names_in(self, node: Node) -> list[str]:
        """The names on the left of a binding."""
        left = next(
            (found for one in ("left", "name", "pattern") if (found := node.child_by_field_name(one))), None
        )
        whole = left if left is not None else node
        return [node_text(one, self._text) for one in walk(whole) if one.type in self._syntax.names]

    def form(self, node: Node, scope: FormScope) -> Form:
        """What an expression means."""
        syntax, kind = self._syntax, node.type
        if (
            syntax.read
            and (found := syntax.read(node, self._text, lambda one: self.form(one, scope))) is not None
        ):
            return self._resolve(found, scope)
        if kind in syntax.literals:
            return self._literal(node, syntax.literals[kind])
        if kind in syntax.names:
            return self._resolve(NameForm((node_text(node, self._text),)), scope)
        if kind in syntax.members:
            return self._member(node, scope)
        if kind in syntax.calls:
            return self._called(node, scope)
        if kind in syntax.lists or kind in syntax.tuples:
            return _joined(
                [self.form(one, scope) for one in plain_children(node)], as_tuple=kind in syntax.tuples
            )
        if kind in syntax.maps:
            return self._map(node, scope)
        if kind in syntax.negated:
            return self._negated(node, scope)
        if kind in syntax.compared:
            return self._compared(node, scope)
        if kind in syntax.inline:
            parameters, body = map(node.child_by_field_name, syntax.inline[kind])
            names = self.names_in(parameters) if parameters is not None else []
            return InlineForm(tuple(names), body) if body is not None else UNKNOWN
        if kind in syntax.wrappers and (inner := plain_children(node)):
            return self.form(inner[-1], scope)
        return UNKNOWN

    def _resolve(self, form: Form, scope: FormScope) -> Form:
        if not isinstance(form, NameForm):
            return form
        name = ".".join(form.path)
        if name in self._syntax.constants:
            return LiteralForm(self._syntax.constants[name])
        if len(form.path) == 1:
            return scope.names.get(name, form)
        return form

    def _literal(self, node: Node, kind: str) -> Form:
        text = node_text(node, self._text)
        if kind in ("true", "false", "null", "bool"):
            return LiteralForm({"true": True, "false": False, "null": None}[text if kind == "bool" else kind])
        if kind == "text":
            plain = (
                read_text(text)
                if not any("interpol" in c.type or "substit" in c.type for c in node.named_children)
                else None
            )
            return LiteralForm(plain) if plain is not None else UNKNOWN
        number = read_number(text)
        return LiteralForm(number) if number is not None else UNKNOWN

    def _member(self, node: Node, scope: FormScope) -> Form:
        whole_field, part_field = self._syntax.members[node.type]
        whole, part = node.child_by_field_name(whole_field), node.child_by_field_name(part_field)
        if part is None:
            return UNKNOWN
        of = self.form(whole, scope) if whole is not None else NameForm(())
        name = node_text(part, self._text)
        if of == UNKNOWN and whole is not None and whole.type in self._syntax.names | {"this"}:
            return NameForm((node_text(whole, self._text), name))
        if isinstance(of, FieldsForm):
            return of.fields.get(name, UNKNOWN)
        if isinstance(of, NameForm):
            joined = NameForm((*of.path, name))
            return UNKNOWN if self._syntax.namespaces and of.path else self._resolve(joined, scope)
        return CallForm((name,), (), of) if isinstance(of, CallForm | LiteralForm | ItemsForm) else UNKNOWN

    def _called(self, node: Node, scope: FormScope) -> Form:
        function_field = self._syntax.calls[node.type][0]
        function = node.child_by_field_name(function_field)
        given = [self.form(one, scope) for one in self.arguments(node)]
        if any(
            one.type in ("keyword_argument", "spread_element", "list_splat") for one in self.arguments(node)
        ):
            given = [UNKNOWN, *given]
        form = self.form(function, scope) if function is not None else UNKNOWN
        if isinstance(form, NameForm) and form.path:
            return self._made(form.path, tuple(given), None)
        if isinstance(form, CallForm) and form.path and (form.base is not None or not form.arguments):
            base = form.base
            if isinstance(base, CallForm) and base.base is None and base.path[0] == "new":
                return CallForm((*base.path[1:], *form.path), tuple(given))
            return self._made(form.path, tuple(given), base)
        return CallForm(("",), tuple(given), form) if isinstance(form, CallForm) else UNKNOWN

    def _made(self, path: tuple[str, ...], given: tuple[Form, ...], base: Form | None) -> Form:
        """The literal that a well-known function makes of literals, or the call itself."""
        syntax, name = self._syntax, ".".join(path)
        short = path[-1]
        if isinstance(base, LiteralForm) and not given and f".{short}" in syntax.same:
            return base
        if (
            base is None
            and len(given) == 1
            and (name in syntax.same or (len(path) == 1 and short in syntax.same))
        ):
            return given[0]
        if base is None and name in syntax.listing:
            return _joined(list(given), as_tuple=False)
        if base is None and name in syntax.mapping and len(given) % 2 == 0:
            flat = [one.value for one in given if isinstance(one, LiteralForm)]
            if len(flat) == len(given):
                return LiteralForm(dict(zip(map(_key, flat[::2]), flat[1::2], strict=True)))
        return CallForm(path, given, base)

    def arguments(self, node: Node) -> list[Node]:
        found = node.child_by_field_name(self._syntax.calls[node.type][1])
        return plain_children(found) if found is not None else []

    def _map(self, node: Node, scope: FormScope) -> Form:
        fields: dict[str, Form] = {}
        values: dict[Value, Value] = {}
        whole = True
        for pair in plain_children(node):
            if pair.type not in self._syntax.pairs:
                return UNKNOWN
            key_node, value_node = map(pair.child_by_field_name, self._syntax.pairs[pair.type])
            if key_node is None or value_node is None:
                return UNKNOWN
            key, value = self.form(key_node, scope), self.form(value_node, scope)
            if key_node.type in ("property_identifier", "identifier", "field_identifier"):
                key = LiteralForm(node_text(key_node, self._text))
            if not isinstance(key, LiteralForm):
                return UNKNOWN
            fields[str(key.value)] = value
            if isinstance(value, LiteralForm):
                values[_key(key.value)] = value.value
            else:
                whole = False
        return LiteralForm(values) if whole else FieldsForm(fields)

    def _negated(self, node: Node, scope: FormScope) -> Form:
        inner = plain_children(node)
        if not inner:
            return UNKNOWN
        form = self.form(inner[-1], scope)
        sign = node_text(node, self._text).strip()
        if sign.startswith(("-", "+")) and isinstance(form, LiteralForm) and type(form.value) in (int, float):
            assert isinstance(form.value, int | float)
            return LiteralForm(-form.value if sign[0] == "-" else form.value)
        if sign.startswith(("!", "not")):
            return ComparedForm(UNKNOWN, "!", form)
        return form if sign.startswith(("&", "*")) else UNKNOWN

    def _compared(self, node: Node, scope: FormScope) -> Form:
        sides = plain_children(node)
        if len(sides) != 2:
            return UNKNOWN
        between = (
            self._text[sides[0].end_byte : sides[1].start_byte].decode("utf-8", "replace").strip(" \t\n()")
        )
        return ComparedForm(self.form(sides[0], scope), between, self.form(sides[1], scope))


def plain_children(node: Node) -> list[Node]:
    return [child for child in node.named_children if "comment" not in child.type]


def _joined(forms: list[Form], *, as_tuple: bool) -> Form:
    """A list of literals, or the forms if not all are."""
    values = [form.value for form in forms if isinstance(form, LiteralForm)]
    if len(values) < len(forms):
        return ItemsForm(tuple(forms))
    return LiteralForm(tuple(values) if as_tuple else values)


def _key(value: Value) -> Value:
    return value if not isinstance(value, list | dict) else str(value)


def first_child(node: Node) -> Node:
    children = plain_children(node)
    return children[0] if children else node
