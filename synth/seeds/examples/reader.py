"""Reads the calls that a text states: assertions, rows of test tables, documents' examples, literal calls.

Place in the flow: a text and its language -> `StatedCall`s; `index.py` finds the functions that they call.
The one rule: names are followed through plain bindings only, and a name that is bound under a condition or
handed to somebody who could change its value is unknown from there on.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal, NamedTuple

from synth.grammar.nodes import Node
from synth.grammar.parser_process import UnparsedError
from synth.grammar.trees import node_text, parse, walk
from synth.languages.registry import find_language
from synth.languages.stated_calls import (
    RAISED,
    UNKNOWN,
    WANTED,
    Called,
    Compared,
    ExampleSyntax,
    Fields,
    Form,
    Imports,
    Inline,
    Items,
    Known,
    Named,
    Table,
)
from synth.records import Example
from synth.seeds.examples.literals import LONGEST, read_number, read_text
from synth.values import Value, encode

Source = Literal["doctest", "test", "caller", "text"]

MOST_A_FILE: Final = 2000
"""Calls read of one file."""
MOST_ROWS: Final = 64
"""Rows of a table that are followed."""
_DEEPEST: Final = 60


class StatedCall(NamedTuple):
    """A call with literal arguments, and where its function may lie (`Place.path`)."""

    name: str
    places: tuple[str, ...]
    example: Example


class _Target(NamedTuple):
    path: tuple[str, ...]
    arguments: tuple[str, ...]


def read_calls(text: str, language: str, path: str) -> list[StatedCall]:
    """The calls that a file states, those with a result first; `path` is its path below the source. Nothing
    in a text makes it raise: one that cannot be parsed states nothing."""
    spoken = find_language(language)
    if spoken is None or spoken.examples is None:
        return []
    syntax, stem = spoken.examples, "/" + path.rpartition(".")[0]
    with suppress(UnparsedError, RecursionError):
        found = _Reader(syntax, spoken.grammar, _is_test(path)).read(text)
        imports = syntax.imports(text, stem) if syntax.imports else Imports({})
        stated = [
            _locate(target.path, example, imports, stem)
            for target, example in found
            if _may_be_a_function(target.path, imports, syntax)
        ]
        return sorted(stated, key=lambda call: call.example.expected is None and not call.example.raises)
    return []


def _is_test(path: str) -> bool:
    return "test" in path.lower() or "spec" in path.lower()


def _may_be_a_function(path: tuple[str, ...], imports: Imports, syntax: ExampleSyntax) -> bool:
    """Not a method of an object: before the name stand a class, a module or a namespace, or nothing."""
    outer = path[:-1]
    known = any(".".join(outer[:at]) in imports.names for at in range(1, len(outer) + 1))
    return not outer or known or syntax.namespaces or outer[-1][:1].isupper()


def _locate(path: tuple[str, ...], example: Example, imports: Imports, stem: str) -> StatedCall:
    """Where the function of a call lies, by what the file imports."""
    *outer, name = path
    for at in range(len(outer), 0, -1):
        if place := imports.names.get(".".join(outer[:at])):
            rest = "/".join([place.path.rstrip("/"), *outer[at:]]) if outer[at:] else place.path
            return StatedCall(name, (rest, place.path), example)
    if not outer and (place := imports.names.get(name)):
        return StatedCall(place.name or name, (place.path,), example)
    return StatedCall(
        name, (stem, *imports.everywhere, *(f"{one}{outer[-1]}" for one in _in(imports, outer))), example
    )


def _in(imports: Imports, outer: list[str]) -> tuple[str, ...]:
    """Folders in which a class may have a file of its own."""
    return tuple(one for one in imports.everywhere if one.endswith("/")) if outer else ()


@dataclass(slots=True)
class _Scope:
    """What names stand for here, and whether a call may fail."""

    names: dict[str, Form]
    failing: bool = False

    def inner(self, more: Mapping[str, Form] | None = None, failing: bool = False) -> "_Scope":
        return _Scope({**self.names, **(more or {})}, self.failing or failing)


class _Reader:
    def __init__(self, syntax: ExampleSyntax, grammar: str, is_test: bool) -> None:
        self._syntax, self._grammar = syntax, grammar
        self._source: Source = "test" if is_test else "caller"
        self._text = b""
        self._found: dict[_Target, Example] = {}

    def read(self, text: str) -> list[tuple[_Target, Example]]:
        syntax = self._syntax
        for document in islice(syntax.documents(text), 400) if syntax.documents else ():
            self._read(syntax.frame.replace("{body}", document), "doctest")
        self._read(text, self._source)
        return list(self._found.items())

    def _read(self, text: str, source: Source) -> None:
        self._source = source
        whole = self._syntax.prepare(text) if self._syntax.prepare else text
        self._text = whole.encode("utf-8", "surrogatepass")
        self._visit(parse(self._text, self._grammar, _DEEPEST).root_node, _Scope({}))

    # --- statements -----------------------------------------------------------------------------------------

    def _visit(self, node: Node, scope: _Scope) -> None:
        """Follow one node and what lies below it."""
        syntax, kind = self._syntax, node.type
        if len(self._found) >= MOST_A_FILE:
            return
        if kind in syntax.bindings:
            self._bind(node, scope)
        elif kind in syntax.loops and self._loop(node, scope):
            return
        elif kind in syntax.asserts:
            self._hold(self._form(_first(node), scope), True)
        elif kind in syntax.calls:
            self._visit_call(node, scope)
            return
        if kind in syntax.refuted:
            self._visit_refuted(node, scope)
        elif kind in syntax.branches:
            inner = scope.inner(failing=kind in syntax.attempts)
            self._forget(node, inner)
            self._visit_below(node, inner)
            self._forget(node, scope)
        elif syntax.tables and (table := syntax.tables(node, self._text, lambda one: self._form(one, scope))):
            self._visit_table(node, table, scope)
        elif node.child_by_field_name("body") is not None:
            self._visit_below(node, scope.inner(dict.fromkeys(self._parameters(node), UNKNOWN)))
        else:
            self._visit_below(node, scope)

    def _visit_below(self, node: Node, scope: _Scope) -> None:
        for child in node.named_children:
            self._visit(child, scope)

    def _parameters(self, node: Node) -> list[str]:
        found = node.child_by_field_name("parameters")
        return self._names_in(found) if found is not None else []

    def _bind(self, node: Node, scope: _Scope) -> None:
        name_field, value_field = self._syntax.bindings[node.type]
        names, value = node.child_by_field_name(name_field), node.child_by_field_name(value_field)
        if names is None:
            return
        bound = self._names_in(names)
        form = self._form(value, scope) if value is not None else UNKNOWN
        scope.names.update(dict.fromkeys(bound, UNKNOWN))
        if bound and not (isinstance(form, Called) and len(bound) > 2):
            # of several results, the first is the value (Go)
            scope.names[bound[0]] = form if len(bound) == 1 or isinstance(form, Called) else UNKNOWN

    def _loop(self, node: Node, scope: _Scope) -> bool:
        """Run through a table of literals, row by row."""
        names_field, over_field = self._syntax.loops[node.type]
        names, over = node.child_by_field_name(names_field), node.child_by_field_name(over_field)
        body = node.child_by_field_name("body")
        if body is None and node.parent is not None:  # Go: the clause stands before the body
            body = node.parent.child_by_field_name("body")
        rows = _rows(self._form(over, scope)) if over is not None else ()
        if names is None or body is None or not rows:
            return False
        bound = self._names_in(names)
        self._visit_rows(body, Table(tuple(bound), rows), scope)
        self._forget(node, scope)
        return node.type != "range_clause"

    def _visit_table(self, node: Node, table: Table, scope: _Scope) -> None:
        definition = node.child_by_field_name("definition")
        body = (definition if definition is not None else node).child_by_field_name("body")
        if body is not None and not table.rows:
            # no names: a block that is to fail
            self._visit_below(body, scope.inner(dict.fromkeys(table.names, UNKNOWN), failing=not table.names))
        elif body is not None:
            self._visit_rows(body, table, scope)

    def _visit_rows(self, body: Node, table: Table, scope: _Scope) -> None:
        for row in table.rows[:MOST_ROWS]:
            self._visit_below(body, scope.inner(_spread(table.names, row)))

    def _visit_refuted(self, node: Node, scope: _Scope) -> None:
        """A branch that reports a fault: its condition is what must not be so."""
        syntax, inner = self._syntax, scope.inner()
        body, condition = node.child_by_field_name("consequence"), node.child_by_field_name("condition")
        first = node.child_by_field_name("initializer")
        if first is not None:
            self._visit(first, inner)
        said = node_text(body, self._text) if body is not None else ""
        if condition is not None and any(words in said for words in syntax.reports):
            for form in _alternatives(self._form(condition, inner)):
                self._refute(form)
        self._forget(node, inner)
        self._visit_below(node, inner)
        self._forget(node, scope)

    def _forget(self, node: Node, scope: _Scope) -> None:
        """What a branch or a loop binds has no known value after it."""
        for inner in walk(node):
            if inner.type in self._syntax.bindings or "assignment" in inner.type or "update" in inner.type:
                for name in self._names_in(inner):
                    if name in scope.names:
                        scope.names[name] = UNKNOWN

    def _names_in(self, node: Node) -> list[str]:
        """The names on the left of a binding."""
        left = next(
            (found for one in ("left", "name", "pattern") if (found := node.child_by_field_name(one))), None
        )
        whole = left if left is not None else node
        return [node_text(one, self._text) for one in walk(whole) if one.type in self._syntax.names]

    # --- calls ----------------------------------------------------------------------------------------------

    def _visit_call(self, node: Node, scope: _Scope) -> None:
        form = self._form(node, scope)
        known = self._judge(form, scope) if isinstance(form, Called) else False
        for argument in self._arguments(node):
            if isinstance(inner := self._form(argument, scope), Inline):
                self._visit_inline(inner, form, scope)
            elif not known:
                self._visit(argument, scope)
        function = node.child_by_field_name(self._syntax.calls[node.type][0])
        if function is not None and not known:
            self._visit_below(function, scope)
        if isinstance(form, Called) and not known:
            self._note(form, failing=scope.failing)
        self._spoil(node, scope)

    def _visit_inline(self, inner: Inline, call: Form, scope: _Scope) -> None:
        """A function handed to `each` or `forEach` of a table is run with its rows."""
        over = call.base if isinstance(call, Called) else None
        table = over.arguments[0] if isinstance(over, Called) and over.arguments else over
        rows = _rows(table) if table is not None else ()
        if isinstance(call, Called) and rows and (call.path[-1] == "forEach" or "each" in _path_of(over)):
            self._visit_rows(inner.body, Table(inner.parameters, rows), scope)
        else:
            self._visit(inner.body, scope.inner(dict.fromkeys(inner.parameters, UNKNOWN)))

    def _spoil(self, node: Node, scope: _Scope) -> None:
        """A call can change the lists that it is handed."""
        for one in walk(node):
            name = node_text(one, self._text) if one.type in self._syntax.names else ""
            found = scope.names.get(name)
            if isinstance(found, Known) and isinstance(found.value, list | dict):
                scope.names[name] = UNKNOWN

    def _judge(self, call: Called, scope: _Scope) -> bool:
        """Whether the call states what another one gives; if so, it is noted."""
        syntax, last = self._syntax, call.path[-1]
        given = call.arguments
        if last in (WANTED, RAISED) and len(given) == 2:
            wanted = given[1]
            if last == RAISED and isinstance(wanted, Known):
                return self._note(given[0], raises=str(wanted.value))
            return self._note_equal(given[0], wanted)
        if last in syntax.raising and given:
            return self._note_raising(call, syntax.raising[last])
        if isinstance(call.base, Called) and call.base.path[-1] == "expect" and call.base.arguments:
            return self._judge_chain(call.base.arguments[0], call, last)
        if last in syntax.equal:
            while given and given[0] == UNKNOWN:
                given = given[1:]
            return len(given) >= 2 and (
                self._note_equal(given[0], given[1]) or self._note_equal(given[1], given[0])
            )
        if last in syntax.holds and given:
            held = [self._hold(one, syntax.holds[last]) for one in given[:2]]
            return any(held)
        return False

    def _judge_chain(self, tested: Form, call: Called, last: str) -> bool:
        """`expect(call).toBe(result)`."""
        if last in self._syntax.raising:
            return self._note_raising(call._replace(arguments=(tested,)), -1)
        if last in self._syntax.equal and call.arguments:
            return self._note_equal(tested, call.arguments[0])
        if last in self._syntax.constants:
            return self._note_equal(tested, Known(self._syntax.constants[last]))
        return False

    def _note_raising(self, call: Called, at: int) -> bool:
        named = call.arguments[at] if 0 <= at < len(call.arguments) else UNKNOWN
        name = named.path[-1] if isinstance(named, Named | Called) else "error"
        done = False
        for form in call.arguments:
            if isinstance(form, Inline):
                body = self._form(form.body, _Scope({}))
                done = self._note(body, raises=name) or done
            elif isinstance(form, Called):
                done = self._note(form, raises=name) or done
        if not done and len(call.arguments) > at + 1 and isinstance(call.arguments[at + 1], Named):
            function = call.arguments[at + 1]
            assert isinstance(function, Named)
            return self._note(Called(function.path, call.arguments[at + 2 :]), raises=name)
        return True

    def _hold(self, form: Form, truth: bool) -> bool:
        """A condition that is to be true, or false."""
        if isinstance(form, Compared) and form.left == UNKNOWN and form.operator in ("!", "not"):
            return self._hold(form.right, not truth)
        if isinstance(form, Compared) and form.operator in ("&&", "and") and truth:
            return any([self._hold(form.left, True), self._hold(form.right, True)])
        if isinstance(form, Compared) and form.operator in ("==", "===", "is") and truth:
            return self._note_equal(form.left, form.right) or self._note_equal(form.right, form.left)
        if isinstance(form, Called):
            if form.path[-1] in self._syntax.equal and truth and len(form.arguments) == 2:
                first, second = form.arguments
                return self._note_equal(first, second) or self._note_equal(second, first)
            return self._note(form, expected=None if self._syntax.truthy else Known(truth))
        return False

    def _refute(self, form: Form) -> None:
        if isinstance(form, Compared) and form.operator in ("!=", "!=="):
            self._hold(Compared(form.left, "==", form.right), True)
        elif isinstance(form, Compared) and form.left == UNKNOWN and form.operator == "!":
            self._hold(form.right, True)
        elif isinstance(form, Called):
            self._hold(form, False)

    def _note_equal(self, tested: Form, wanted: Form) -> bool:
        if isinstance(tested, Compared) and isinstance(wanted, Known) and isinstance(wanted.value, bool):
            return self._hold(tested, wanted.value)
        if not isinstance(tested, Called):
            return False
        if isinstance(wanted, Called) and wanted.path[-1] == "Err":
            return self._note(tested, raises="Err")
        return isinstance(wanted, Known) and self._note(tested, expected=wanted)

    def _note(
        self, form: Form, expected: Known | None = None, raises: str = "", *, failing: bool = False
    ) -> bool:
        """Keep the call if all its arguments are literals; a stated result comes before a bare call."""
        if (
            not isinstance(form, Called)
            or not form.arguments
            or failing
            or not all(isinstance(one, Known) for one in form.arguments)
        ):
            return False
        wires = tuple(_wire(one.value) for one in form.arguments if isinstance(one, Known))
        result = _wire(expected.value) if expected is not None else None
        path = form.path
        if "" in wires or result == "" or path[-1] in _OURS or len(self._found) >= MOST_A_FILE:
            return False
        target = _Target(path, wires)
        known = self._found.get(target)
        if known is None or (known.expected is None and not known.raises):
            self._found[target] = Example(
                arguments=wires, expected=result, raises=raises, source=self._source
            )
        return True

    # --- forms ----------------------------------------------------------------------------------------------

    def _form(self, node: Node, scope: _Scope) -> Form:
        """What an expression means."""
        syntax, kind = self._syntax, node.type
        if (
            syntax.read
            and (found := syntax.read(node, self._text, lambda one: self._form(one, scope))) is not None
        ):
            return self._resolve(found, scope)
        if kind in syntax.literals:
            return self._literal(node, syntax.literals[kind])
        if kind in syntax.names:
            return self._resolve(Named((node_text(node, self._text),)), scope)
        if kind in syntax.members:
            return self._member(node, scope)
        if kind in syntax.calls:
            return self._called(node, scope)
        if kind in syntax.lists or kind in syntax.tuples:
            return _joined([self._form(one, scope) for one in _plain(node)], as_tuple=kind in syntax.tuples)
        if kind in syntax.maps:
            return self._map(node, scope)
        if kind in syntax.negated:
            return self._negated(node, scope)
        if kind in syntax.compared:
            return self._compared(node, scope)
        if kind in syntax.inline:
            parameters, body = map(node.child_by_field_name, syntax.inline[kind])
            names = self._names_in(parameters) if parameters is not None else []
            return Inline(tuple(names), body) if body is not None else UNKNOWN
        if kind in syntax.wrappers and (inner := _plain(node)):
            return self._form(inner[-1], scope)
        return UNKNOWN

    def _resolve(self, form: Form, scope: _Scope) -> Form:
        if not isinstance(form, Named):
            return form
        name = ".".join(form.path)
        if name in self._syntax.constants:
            return Known(self._syntax.constants[name])
        if len(form.path) == 1:
            return scope.names.get(name, form)
        return form

    def _literal(self, node: Node, kind: str) -> Form:
        text = node_text(node, self._text)
        if kind in ("true", "false", "null"):
            return Known({"true": True, "false": False, "null": None}[kind])
        if kind == "text":
            plain = (
                read_text(text)
                if not any("interpol" in c.type or "substit" in c.type for c in node.named_children)
                else None
            )
            return Known(plain) if plain is not None else UNKNOWN
        number = read_number(text)
        return Known(number) if number is not None else UNKNOWN

    def _member(self, node: Node, scope: _Scope) -> Form:
        whole_field, part_field = self._syntax.members[node.type]
        whole, part = node.child_by_field_name(whole_field), node.child_by_field_name(part_field)
        if part is None:
            return UNKNOWN
        of = self._form(whole, scope) if whole is not None else Named(())
        name = node_text(part, self._text)
        if of == UNKNOWN and whole is not None and whole.type in self._syntax.names | {"this"}:
            return Named((node_text(whole, self._text), name))
        if isinstance(of, Fields):
            return of.fields.get(name, UNKNOWN)
        if isinstance(of, Named):
            return self._resolve(Named((*of.path, name)), scope)
        return Called((name,), (), of) if isinstance(of, Called | Known | Items) else UNKNOWN

    def _called(self, node: Node, scope: _Scope) -> Form:
        function_field = self._syntax.calls[node.type][0]
        function = node.child_by_field_name(function_field)
        given = [self._form(one, scope) for one in self._arguments(node)]
        if any(
            one.type in ("keyword_argument", "spread_element", "list_splat") for one in self._arguments(node)
        ):
            given = [UNKNOWN, *given]
        form = self._form(function, scope) if function is not None else UNKNOWN
        if isinstance(form, Named) and form.path:
            return self._made(form.path, tuple(given), None)
        if isinstance(form, Called) and form.path and (form.base is not None or not form.arguments):
            base = form.base
            if isinstance(base, Called) and base.base is None and base.path[0] == "new":
                return Called((*base.path[1:], *form.path), tuple(given))
            return self._made(form.path, tuple(given), base)
        return Called(("",), tuple(given), form) if isinstance(form, Called) else UNKNOWN

    def _made(self, path: tuple[str, ...], given: tuple[Form, ...], base: Form | None) -> Form:
        """The literal that a well-known function makes of literals, or the call itself."""
        syntax, name = self._syntax, ".".join(path)
        short = path[-1]
        if isinstance(base, Known) and not given and f".{short}" in syntax.same:
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
            flat = [one.value for one in given if isinstance(one, Known)]
            if len(flat) == len(given):
                return Known(dict(zip(map(_key, flat[::2]), flat[1::2], strict=True)))
        return Called(path, given, base)

    def _arguments(self, node: Node) -> list[Node]:
        found = node.child_by_field_name(self._syntax.calls[node.type][1])
        return _plain(found) if found is not None else []

    def _map(self, node: Node, scope: _Scope) -> Form:
        fields: dict[str, Form] = {}
        values: dict[Value, Value] = {}
        whole = True
        for pair in _plain(node):
            if pair.type not in self._syntax.pairs:
                return UNKNOWN
            key_node, value_node = map(pair.child_by_field_name, self._syntax.pairs[pair.type])
            if key_node is None or value_node is None:
                return UNKNOWN
            key, value = self._form(key_node, scope), self._form(value_node, scope)
            if key_node.type in ("property_identifier", "identifier", "field_identifier"):
                key = Known(node_text(key_node, self._text))
            if not isinstance(key, Known):
                return UNKNOWN
            fields[str(key.value)] = value
            if isinstance(value, Known):
                values[_key(key.value)] = value.value
            else:
                whole = False
        return Known(values) if whole else Fields(fields)

    def _negated(self, node: Node, scope: _Scope) -> Form:
        inner = _plain(node)
        if not inner:
            return UNKNOWN
        form = self._form(inner[-1], scope)
        sign = node_text(node, self._text).strip()
        if sign.startswith(("-", "+")) and isinstance(form, Known) and type(form.value) in (int, float):
            assert isinstance(form.value, int | float)
            return Known(-form.value if sign[0] == "-" else form.value)
        if sign.startswith(("!", "not")):
            return Compared(UNKNOWN, "!", form)
        return form if sign.startswith(("&", "*")) else UNKNOWN

    def _compared(self, node: Node, scope: _Scope) -> Form:
        sides = _plain(node)
        if len(sides) != 2:
            return UNKNOWN
        between = (
            self._text[sides[0].end_byte : sides[1].start_byte].decode("utf-8", "replace").strip(" \t\n()")
        )
        return Compared(self._form(sides[0], scope), between, self._form(sides[1], scope))


_OURS: Final = frozenset({WANTED, RAISED, ""})


def _plain(node: Node) -> list[Node]:
    return [child for child in node.named_children if "comment" not in child.type]


def _first(node: Node) -> Node:
    children = _plain(node)
    return children[0] if children else node


def _joined(forms: list[Form], *, as_tuple: bool) -> Form:
    """A list of literals, or the forms if not all are."""
    values = [form.value for form in forms if isinstance(form, Known)]
    if len(values) < len(forms):
        return Items(tuple(forms))
    return Known(tuple(values) if as_tuple else values)


def _rows(form: Form) -> tuple[Form, ...]:
    if isinstance(form, Items):
        return form.items
    if isinstance(form, Known) and isinstance(form.value, list | tuple):
        return tuple(Known(item) for item in form.value)
    return ()


def _spread(names: Sequence[str], row: Form) -> dict[str, Form]:
    """What each name of a loop is bound to; for one name, or a row that is a record, the row itself."""
    if len(names) == 1 or isinstance(row, Fields):
        return {**dict.fromkeys(names[:-1], UNKNOWN), names[-1]: row} if names else {}
    parts = _rows(row)
    if len(parts) != len(names):
        # Go: an index stands before the item
        return {**dict.fromkeys(names[:-1], UNKNOWN), names[-1]: row} if names else {}
    return dict(zip(names, parts, strict=True))


def _path_of(form: Form | None) -> tuple[str, ...]:
    return form.path if isinstance(form, Called | Named) else ()


def _alternatives(form: Form) -> Iterator[Form]:
    if isinstance(form, Compared) and form.operator in ("||", "or"):
        yield from _alternatives(form.left)
        yield from _alternatives(form.right)
    else:
        yield form


def _key(value: Value) -> Value:
    return value if not isinstance(value, list | dict) else str(value)


def _wire(value: Value) -> str:
    """Wire text; empty for a value that is too long or has no form in it."""
    try:
        text = encode(value)
    except (TypeError, RecursionError):
        return ""
    return text if len(text) <= LONGEST else ""
