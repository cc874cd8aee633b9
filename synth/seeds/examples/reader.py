"""Reads the calls that a text states: assertions, rows of test tables, documents' examples, literal calls.

Place in the flow: a text and its language -> `StatedCall`s; `index.py` finds the functions that they call.
The one rule: names are followed through plain bindings only, and a name that is bound under a condition or
handed to somebody who could change its value is unknown from there on.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final, Literal, NamedTuple

from synth.grammar.nodes import Node
from synth.grammar.parser_process import UnparsedError
from synth.grammar.trees import node_text, parse, walk
from synth.languages.registry import find_language
from synth.languages.stated_calls import (
    OF_AN_OBJECT,
    RAISED,
    UNKNOWN,
    WANTED,
    CallForm,
    ComparedForm,
    ExampleSyntax,
    FieldsForm,
    FileImports,
    Form,
    InlineForm,
    ItemsForm,
    LiteralForm,
    NameForm,
    RowTable,
)
from synth.records import Example
from synth.seeds.examples.forms import FormReader, FormScope, first_child
from synth.seeds.examples.literals import LONGEST
from synth.values import Value, encode

Source = Literal["doctest", "test", "caller", "text"]

MOST_A_FILE: Final = 2000
"""Calls read of one file."""
MOST_ROWS: Final = 64
"""Rows of a table that are followed."""
_DEEPEST: Final = 60


class StatedCall(NamedTuple):
    """A call with literal arguments, and where its function may lie (`CodePlace.path`)."""

    name: str
    places: tuple[str, ...]
    example: Example


class _CallTarget(NamedTuple):
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
        found = _CallReader(syntax, spoken.grammar, is_test(path)).read(text)
        imports = syntax.imports(text, stem) if syntax.imports else FileImports({})
        stated = [
            _locate(target.path, example, imports, stem)
            for target, example in found
            if _may_be_a_function(target.path, imports, syntax)
        ]
        return sorted(stated, key=lambda call: call.example.expected is None and not call.example.raises)
    return []


def is_test(path: str) -> bool:
    """Whether a file holds tests, by its path."""
    return "test" in path.lower() or "spec" in path.lower()


def _may_be_a_function(path: tuple[str, ...], imports: FileImports, syntax: ExampleSyntax) -> bool:
    """Not a method of an object: before the name stand a class, a module or a namespace, or nothing."""
    outer = path[:-1]
    known = any(".".join(outer[:at]) in imports.names for at in range(1, len(outer) + 1))
    return not outer or known or syntax.namespaces or outer[-1][:1].isupper()


def _locate(path: tuple[str, ...], example: Example, imports: FileImports, stem: str) -> StatedCall:
    """Where the function of a call lies, by what the file imports."""
    *outer, name = path
    for at in range(len(outer), 0, -1):
        if place := imports.names.get(".".join(outer[:at])):
            rest = "/".join([place.path.rstrip("/"), *outer[at:]]) if outer[at:] else place.path
            return StatedCall(name, (rest, place.path), example)
    if not outer and (place := imports.names.get(name)):
        return StatedCall(place.name or name, (place.path,), example)
    if outer and imports.classes:
        return StatedCall(name, tuple(f"{folder}{outer[0]}" for folder in imports.classes), example)
    return StatedCall(name, (stem, *imports.everywhere), example)


class _CallReader(FormReader):
    def __init__(self, syntax: ExampleSyntax, grammar: str, is_test: bool) -> None:
        super().__init__(syntax)
        self._grammar = grammar
        self._source: Source = "test" if is_test else "caller"
        self._found: dict[_CallTarget, Example] = {}

    def read(self, text: str) -> list[tuple[_CallTarget, Example]]:
        syntax = self._syntax
        for document in islice(syntax.documents(text), 400) if syntax.documents else ():
            self._read(syntax.frame.replace("{body}", document), "doctest")
        self._read(text, self._source)
        return list(self._found.items())

    def _read(self, text: str, source: Source) -> None:
        self._source = source
        whole = self._syntax.prepare(text) if self._syntax.prepare else text
        self._text = whole.encode("utf-8", "surrogatepass")
        self._visit(parse(self._text, self._grammar, _DEEPEST).root_node, FormScope({}))

    # --- statements -----------------------------------------------------------------------------------------

    def _visit(self, node: Node, scope: FormScope) -> None:
        """Follow one node and what lies below it."""
        syntax, kind = self._syntax, node.type
        if len(self._found) >= MOST_A_FILE:
            return
        if kind in syntax.bindings:
            self._bind(node, scope)
        elif kind in syntax.loops and self._loop(node, scope):
            return
        elif kind in syntax.asserts:
            self._hold(self.form(first_child(node), scope), True)
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
        elif syntax.tables and (table := syntax.tables(node, self._text, lambda one: self.form(one, scope))):
            self._visit_table(node, table, scope)
        elif node.child_by_field_name("body") is not None:
            self._visit_below(node, scope.inner(dict.fromkeys(self._parameters(node), UNKNOWN)))
        else:
            self._visit_below(node, scope)

    def _visit_below(self, node: Node, scope: FormScope) -> None:
        for child in node.named_children:
            self._visit(child, scope)

    def _parameters(self, node: Node) -> list[str]:
        found = node.child_by_field_name("parameters")
        return self.names_in(found) if found is not None else []

    def _bind(self, node: Node, scope: FormScope) -> None:
        name_field, value_field = self._syntax.bindings[node.type]
        names, value = node.child_by_field_name(name_field), node.child_by_field_name(value_field)
        if names is None:
            return
        bound = self.names_in(names)
        form = self.form(value, scope) if value is not None else UNKNOWN
        scope.names.update(dict.fromkeys(bound, UNKNOWN))
        if bound and not (isinstance(form, CallForm) and len(bound) > 2):
            # of several results, the first is the value (Go)
            scope.names[bound[0]] = form if len(bound) == 1 or isinstance(form, CallForm) else UNKNOWN

    def _loop(self, node: Node, scope: FormScope) -> bool:
        """Run through a table of literals, row by row."""
        names_field, over_field = self._syntax.loops[node.type]
        names, over = node.child_by_field_name(names_field), node.child_by_field_name(over_field)
        body = node.child_by_field_name("body")
        if body is None and node.parent is not None:  # Go: the clause stands before the body
            body = node.parent.child_by_field_name("body")
        rows = _rows(self.form(over, scope)) if over is not None else ()
        if names is None or body is None or not rows:
            return False
        bound = self.names_in(names)
        self._visit_rows(body, RowTable(tuple(bound), rows), scope)
        self._forget(node, scope)
        return node.type != "range_clause"

    def _visit_table(self, node: Node, table: RowTable, scope: FormScope) -> None:
        definition = node.child_by_field_name("definition")
        body = (definition if definition is not None else node).child_by_field_name("body")
        if body is not None and not table.rows:
            # no names: a block that is to fail
            self._visit_below(body, scope.inner(dict.fromkeys(table.names, UNKNOWN), failing=not table.names))
        elif body is not None:
            self._visit_rows(body, table, scope)

    def _visit_rows(self, body: Node, table: RowTable, scope: FormScope) -> None:
        for row in table.rows[:MOST_ROWS]:
            self._visit_below(body, scope.inner(_spread(table.names, row)))

    def _visit_refuted(self, node: Node, scope: FormScope) -> None:
        """A branch that reports a fault: its condition is what must not be so."""
        syntax, inner = self._syntax, scope.inner()
        body, condition = node.child_by_field_name("consequence"), node.child_by_field_name("condition")
        first = node.child_by_field_name("initializer")
        if first is not None:
            self._visit(first, inner)
        said = node_text(body, self._text) if body is not None else ""
        if condition is not None and any(words in said for words in syntax.reports):
            for form in _alternatives(self.form(condition, inner)):
                self._refute(form)
        self._forget(node, inner)
        self._visit_below(node, inner)
        self._forget(node, scope)

    def _forget(self, node: Node, scope: FormScope) -> None:
        """What a branch or a loop binds has no known value after it."""
        for inner in walk(node):
            if inner.type in self._syntax.bindings or "assignment" in inner.type or "update" in inner.type:
                for name in self.names_in(inner):
                    if name in scope.names:
                        scope.names[name] = UNKNOWN

    # --- calls ----------------------------------------------------------------------------------------------

    def _visit_call(self, node: Node, scope: FormScope) -> None:
        form = self.form(node, scope)
        known = self._judge(form, scope) if isinstance(form, CallForm) else False
        for argument in self.arguments(node):
            if isinstance(inner := self.form(argument, scope), InlineForm):
                self._visit_inline(inner, form, scope)
            elif not known:
                self._visit(argument, scope)
        function = node.child_by_field_name(self._syntax.calls[node.type][0])
        if function is not None and not known:
            self._visit_below(function, scope)
        if isinstance(form, CallForm) and not known:
            self._note(form, failing=scope.failing)
        self._spoil(node, scope)

    def _visit_inline(self, inner: InlineForm, call: Form, scope: FormScope) -> None:
        """A function handed to `each` or `forEach` of a table is run with its rows."""
        over = call.base if isinstance(call, CallForm) else None
        table = over.arguments[0] if isinstance(over, CallForm) and over.arguments else over
        rows = _rows(table) if table is not None else ()
        if isinstance(call, CallForm) and rows and (call.path[-1] == "forEach" or "each" in _path_of(over)):
            self._visit_rows(inner.body, RowTable(inner.parameters, rows), scope)
        else:
            self._visit(inner.body, scope.inner(dict.fromkeys(inner.parameters, UNKNOWN)))

    def _spoil(self, node: Node, scope: FormScope) -> None:
        """A call can change the lists that it is handed."""
        for one in walk(node):
            name = node_text(one, self._text) if one.type in self._syntax.names else ""
            found = scope.names.get(name)
            if isinstance(found, LiteralForm) and isinstance(found.value, list | dict):
                scope.names[name] = UNKNOWN

    def _judge(self, call: CallForm, scope: FormScope) -> bool:
        """Whether the call states what another one gives; if so, it is noted."""
        syntax, last = self._syntax, call.path[-1]
        given = call.arguments
        if last in (WANTED, RAISED) and len(given) == 2:
            wanted = given[1]
            if last == RAISED and isinstance(wanted, LiteralForm):
                return self._note(given[0], raises=str(wanted.value))
            return self._note_equal(given[0], wanted)
        base = call.base
        if isinstance(base, CallForm) and base.path[-1] in ("expect", "assertThat") and base.arguments:
            return self._judge_chain(base.arguments[0], call, last)
        if last in syntax.raising and given:
            return self._note_raising(call, syntax.raising[last])
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

    def _judge_chain(self, tested: Form, call: CallForm, last: str) -> bool:
        """`expect(call).toBe(result)`."""
        if last in self._syntax.raising:
            return self._note_raising(call._replace(arguments=(tested,)), -1)
        if last in self._syntax.equal and call.arguments:
            return self._note_equal(tested, call.arguments[0])
        if last in self._syntax.constants:
            return self._note_equal(tested, LiteralForm(self._syntax.constants[last]))
        return False

    def _note_raising(self, call: CallForm, at: int) -> bool:
        named = call.arguments[at] if 0 <= at < len(call.arguments) else UNKNOWN
        name = named.path[-1] if isinstance(named, NameForm | CallForm) else "error"
        done = False
        for form in call.arguments:
            if isinstance(form, InlineForm):
                body = self.form(form.body, FormScope({}))
                done = self._note(body, raises=name) or done
            elif isinstance(form, CallForm):
                done = self._note(form, raises=name) or done
        if not done and len(call.arguments) > at + 1 and isinstance(call.arguments[at + 1], NameForm):
            function = call.arguments[at + 1]
            assert isinstance(function, NameForm)
            return self._note(CallForm(function.path, call.arguments[at + 2 :]), raises=name)
        return True

    def _hold(self, form: Form, truth: bool) -> bool:
        """A condition that is to be true, or false."""
        if isinstance(form, ComparedForm) and form.left == UNKNOWN and form.operator in ("!", "not"):
            return self._hold(form.right, not truth)
        if isinstance(form, ComparedForm) and form.operator in ("&&", "and") and truth:
            return any([self._hold(form.left, True), self._hold(form.right, True)])
        if isinstance(form, ComparedForm) and form.operator in ("==", "===", "is") and truth:
            return self._note_equal(form.left, form.right) or self._note_equal(form.right, form.left)
        if isinstance(form, CallForm):
            if form.path[-1] in self._syntax.equal and truth and len(form.arguments) == 2:
                first, second = form.arguments
                return self._note_equal(first, second) or self._note_equal(second, first)
            return self._note(form, expected=None if self._syntax.truthy else LiteralForm(truth))
        return False

    def _refute(self, form: Form) -> None:
        if isinstance(form, ComparedForm) and form.operator in ("!=", "!=="):
            self._hold(ComparedForm(form.left, "==", form.right), True)
        elif isinstance(form, ComparedForm) and form.left == UNKNOWN and form.operator == "!":
            self._hold(form.right, True)
        elif isinstance(form, CallForm):
            self._hold(form, False)

    def _note_equal(self, tested: Form, wanted: Form) -> bool:
        if (
            isinstance(tested, ComparedForm)
            and isinstance(wanted, LiteralForm)
            and isinstance(wanted.value, bool)
        ):
            return self._hold(tested, wanted.value)
        if not isinstance(tested, CallForm):
            return False
        if isinstance(wanted, CallForm) and wanted.path[-1] == "Err":
            return self._note(tested, raises="Err")
        return isinstance(wanted, LiteralForm) and self._note(tested, expected=wanted)

    def _note(
        self, form: Form, expected: LiteralForm | None = None, raises: str = "", *, failing: bool = False
    ) -> bool:
        """Keep the call if all its arguments are literals; a stated result comes before a bare call."""
        if (
            not isinstance(form, CallForm)
            or not form.arguments
            or failing
            or not all(isinstance(one, LiteralForm) for one in form.arguments)
        ):
            return False
        wires = tuple(_wire(one.value) for one in form.arguments if isinstance(one, LiteralForm))
        result = _wire(expected.value) if expected is not None else None
        path = form.path
        if "" in wires or result == "" or path[-1] in _OURS or len(self._found) >= MOST_A_FILE:
            return False
        if form.base is not None:
            if form.base != OF_AN_OBJECT:
                return False
            result, raises = None, ""  # it may hang on what the object was told before
        target = _CallTarget(path, wires)
        known = self._found.get(target)
        if known is None or (known.expected is None and not known.raises):
            self._found[target] = Example(
                arguments=wires, expected=result, raises=raises, source=self._source
            )
        return True


_OURS: Final = frozenset({WANTED, RAISED, ""})


def _rows(form: Form) -> tuple[Form, ...]:
    if isinstance(form, ItemsForm):
        return form.items
    if isinstance(form, LiteralForm) and isinstance(form.value, list | tuple):
        return tuple(LiteralForm(item) for item in form.value)
    return ()


def _spread(names: Sequence[str], row: Form) -> dict[str, Form]:
    """What each name of a loop is bound to; for one name, or a row that is a record, the row itself."""
    if len(names) == 1 or isinstance(row, FieldsForm):
        return {**dict.fromkeys(names[:-1], UNKNOWN), names[-1]: row} if names else {}
    parts = _rows(row)
    if len(parts) != len(names):
        # Go: an index stands before the item
        return {**dict.fromkeys(names[:-1], UNKNOWN), names[-1]: row} if names else {}
    return dict(zip(names, parts, strict=True))


def _path_of(form: Form | None) -> tuple[str, ...]:
    return form.path if isinstance(form, CallForm | NameForm) else ()


def _alternatives(form: Form) -> Iterator[Form]:
    if isinstance(form, ComparedForm) and form.operator in ("||", "or"):
        yield from _alternatives(form.left)
        yield from _alternatives(form.right)
    else:
        yield form


def _wire(value: Value) -> str:
    """Wire text; empty for a value that is too long or has no form in it."""
    try:
        text = encode(value)
    except (TypeError, RecursionError):
        return ""
    return text if len(text) <= LONGEST else ""
