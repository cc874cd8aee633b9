"""Closes a Python function or method over its file and its package.

Place in the flow: the cutter closes what it cuts; before a seed is run it is closed once more, alone. The one
rule: every name that the closed program uses is bound in it or is pure, so it runs alone. Of a class come the
members that are used, of a module the statements that bind or change the names that are needed.
"""

import ast
import importlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain

from synth.filters.protocol import Reject
from synth.languages.python.class_seeds import public_methods
from synth.languages.python.objects import find_filler
from synth.seeds.closing import MAX_TOKENS
from synth.seeds.python.module_index import (
    FUTURE,
    AnyImport,
    Definition,
    Lines,
    ModuleIndex,
    UnclosedName,
    bound_names,
    lines_of,
)
from synth.seeds.python.module_objects import ModuleObjects, NoTree
from synth.seeds.python.purity import (
    IMPURE_ATTRIBUTES,
    IMPURE_BUILTINS,
    IMPURE_MEMBERS,
    PURE_BUILTINS,
    PURE_MEMBERS,
    judge_member,
    judge_module,
)
from synth.token_estimate import estimate_tokens

MAX_PULLED = 40
WHOLE_CLASS = "*"
"""In the place of a method's name: all public ones that print nothing."""
"""Code with more statements than this is a library, not a function."""
MAX_FILES = 12
"""Nor is code from more files than this."""

_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
_SHOWING = frozenset("__repr__ __str__ __format__".split())
_SHOWS = frozenset("str repr format print ascii join".split())
_RARE = frozenset(
    "__reduce__ __reduce_ex__ __getstate__ __setstate__ __getnewargs__ __del__ __copy__ __deepcopy__ "
    "__sizeof__ __dir__".split()
)


@dataclass(frozen=True, slots=True)
class ClosedProgram:
    """A self-contained Python program. The statement that holds its entry point is its last one."""

    code: str
    entry_point: str
    """A function, or `Class.method`."""
    pulled: tuple[str, ...]
    """Names pulled in from the file and its package."""


def close(
    index: ModuleIndex, entry_point: str, package: NoTree | None = None, shown_tokens: int = 0
) -> ClosedProgram | Reject:
    """The function or method with everything that it needs. If that is longer than `shown_tokens` (0: any
    length will do), and short enough without the docstrings of what it needs, it comes without those.

    Rejects: not_self_contained, impure.
    """
    try:
        closure = _close(index, entry_point, package or NoTree())
    except UnclosedName as refused:
        return refused.reject
    program = closure.assemble()
    tokens = estimate_tokens(program.code)
    if shown_tokens and tokens > shown_tokens:
        brief = closure.assemble(briefly=True)
        if (fewer := estimate_tokens(brief.code)) <= shown_tokens:
            program, tokens = brief, fewer
    if tokens <= MAX_TOKENS:
        return program
    return Reject("not_self_contained", {"needs": entry_point, "why": f"needs a program of {tokens} tokens"})


def _close(index: ModuleIndex, entry_point: str, package: NoTree) -> "_PythonClosure":
    """With what builds its arguments, if that can be closed too: the method that fills the object of a
    method, and the classes of its parameters, which postponed annotations only name. Raises UnclosedName."""
    owner, _, method = entry_point.partition(".")
    statement = index.find(owner) if method != WHOLE_CLASS else None
    filler = find_filler(statement, method) if isinstance(statement, ast.ClassDef) else None
    words = [filler.name] if filler is not None else []
    methods = {method, "__init__", *words}
    named = _named_classes(index, statement, methods, package) if statement is not None else []
    attempts = [(words, named), ([], named), (words, []), ([], [])]
    for more, classes in [one for at, one in enumerate(attempts) if one not in attempts[:at]][:-1]:
        with suppress(UnclosedName):
            return _PythonClosure(index, entry_point, package, more, classes)
    return _PythonClosure(index, entry_point, package)


def _named_classes(index: ModuleIndex, statement: ast.stmt, methods: set[str], package: NoTree) -> list[str]:
    """The names in the annotations of a function, or of some methods of a class, that the file binds to a
    type, or imports from its package."""
    body = statement.body if isinstance(statement, ast.ClassDef) else [statement]
    heads = [one for one in body if isinstance(one, ast.FunctionDef)]
    heads = [one for one in heads if one is statement or one.name in methods]
    given = [
        one for head in heads for one in (*head.args.posonlyargs, *head.args.args, *head.args.kwonlyargs)
    ]
    stated = [*(one.annotation for one in given), *(head.returns for head in heads)]
    texts = [ast.unparse(one) for one in stated if one is not None]
    words = dict.fromkeys(word for text in texts for word in _WORD.findall(text))

    def is_type(statement: ast.stmt) -> bool:
        if isinstance(statement, ast.ImportFrom):
            return package.find(index, statement) is not None
        return isinstance(statement, ast.ClassDef | ast.Assign | ast.AnnAssign)

    return [word for word in words if any(map(is_type, index.statements.get(word, ())))]


@dataclass(slots=True, eq=False)
class _Piece:
    """A statement that comes along; of a class, the members that are used."""

    module: ModuleIndex
    statement: ast.stmt
    members: list[ast.stmt] = field(default_factory=list)

    def parts(self) -> Iterator[ast.AST]:
        """What is read for names and attributes."""
        if not isinstance(self.statement, ast.ClassDef):
            yield self.statement
            return
        node = self.statement
        yield from chain(node.decorator_list, node.bases, node.keywords, self.members)

    def text(self, briefly: bool = False, entry: str | None = None) -> str:
        """Its source; `briefly` leaves docstrings out, but not that of the entry."""
        statement, without = self.statement, list[Lines]()
        if isinstance(statement, ast.ClassDef):
            kept = set(map(id, self.members))
            without = [lines_of(member) for member in statement.body if id(member) not in kept]
            if len(without) == len(statement.body) or statement.body[0].lineno == statement.lineno:
                without = []
        definitions = [
            node
            for node in [statement, *self.members]
            if isinstance(node, Definition) and getattr(node, "name", "") != entry
        ]
        without += [lines_of(found) for node in definitions if briefly and (found := _docstring(node))]
        return self.module.source(statement, without)


def _docstring(node: ast.stmt) -> ast.stmt | None:
    """The docstring of a definition that holds more than that."""
    body = node.body if isinstance(node, Definition) else []
    first = body[0] if len(body) > 1 else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return first if isinstance(first.value.value, str) else None
    return None


class _PythonClosure:
    """Follows names from the entry point through the statements that bind them."""

    def __init__(
        self,
        index: ModuleIndex,
        entry_point: str,
        package: NoTree,
        words: Sequence[str] = (),
        classes: Sequence[str] = (),
    ) -> None:
        self._package, self._entry_point = package, entry_point
        self._name, _, self._method = entry_point.partition(".")
        self._modules = [index]
        self._after: dict[int, set[int]] = {}
        self._pieces: dict[int, _Piece] = {}
        self._owners: dict[str, object] = {}
        self._imports: dict[str, str] = {}
        self._inner_imports: dict[str, str] = {}
        self._renamed: dict[str, tuple[int, str]] = {}
        self._objects = ModuleObjects(package)
        self._seen: set[tuple[int, str]] = set()
        self._words = {self._method, *words} - {""}
        self._dotted: set[str] = set()
        self._plain: list[ast.Name] = []
        self._inner: set[int] = set()
        self._entry = self._find_entry(index)
        if self._method == WHOLE_CLASS and isinstance(self._entry, ast.ClassDef):
            self._words = {method.name for method in public_methods(self._entry)}
        self._pull(index, self._entry)
        for name in classes:
            self._follow(index, name)
        while sum(map(self._grow, list(self._pieces.values()))) or self._grow_objects():
            pass
        self._check_attributes()

    def _find_entry(self, index: ModuleIndex) -> ast.stmt:
        statement = index.find(self._name)
        if statement is None:
            several = bool(index.statements.get(self._name))
            why = "is bound twice or under a condition" if several else "is not bound in the file"
            raise UnclosedName("not_self_contained", self._name, why)
        kind = ast.ClassDef if self._method else ast.FunctionDef
        if not isinstance(statement, kind):
            raise UnclosedName("not_self_contained", self._name, "is no plain function of the file")
        if self._method not in ("", WHOLE_CLASS) and self._method not in map(
            _member_name, getattr(statement, "body", [])
        ):
            raise UnclosedName("not_self_contained", self._entry_point, "is no method of the class")
        return statement

    # --- following names ---

    def _pull(self, module: ModuleIndex, statement: ast.stmt) -> None:
        if id(statement) in self._pieces:
            return
        self._pieces[id(statement)] = piece = _Piece(module, statement)
        if len(self._pieces) > MAX_PULLED:
            raise UnclosedName(
                "not_self_contained", self._entry_point, f"needs more than {MAX_PULLED} statements"
            )
        if not isinstance(statement, ast.ClassDef):
            self._read(piece, piece.text(), [statement])

    def _grow(self, piece: _Piece) -> bool:
        """Take the members of a class that have been asked for; whether there were new ones."""
        statement = piece.statement
        if not isinstance(statement, ast.ClassDef):
            return False
        kept = [member for member in statement.body if self._is_asked(statement, member)]
        kept = kept or statement.body[:1]
        new = [member for member in kept if member not in piece.members]
        if not new and piece.members:
            return False
        piece.members = kept
        own = {name for member in statement.body for name in _member_names(member)}
        names = piece.module.needs(piece.text())
        if self._method != "__hash__" and not _asks_for_hashes(statement):
            names -= {"hash"}  # for its own protocol: what hangs on the order of hashes shows in the runs
        self._words |= {name for name in names & own if name not in piece.module.statements}
        names = names - own | names & set(piece.module.statements)
        self._read(piece, piece.text(), list(piece.parts()), names)
        return True

    def _is_asked(self, owner: ast.ClassDef, member: ast.stmt) -> bool:
        if isinstance(member, Definition):
            name = member.name
            if name in _SHOWING and name not in self._words:
                return bool(self._words & _SHOWS)
            special = name.startswith("__") and name.endswith("__") and name not in _RARE
            return special or name in self._words or f"{owner.name}.{name}" == self._entry_point
        names = _member_names(member)
        return not names or bool(owner.bases or owner.decorator_list) or bool(names & self._words)

    def _read(
        self, piece: _Piece, text: str, parts: Iterable[ast.AST], names: frozenset[str] | None = None
    ) -> None:
        """Note the words of a piece, and follow the names that it needs."""
        module = piece.module
        for node in chain.from_iterable(map(ast.walk, parts)):
            if isinstance(node, ast.Attribute):
                self._words.add(node.attr)
                if _is_dotted(node):
                    self._dotted.add(dotted := ast.unparse(node))
                    self._objects.note_use(module, dotted)
                self._inner.add(id(node.value))
            elif isinstance(node, ast.Name):
                self._plain.append(node)
                self._words |= {node.id} & _SHOWS
                if id(node) not in self._inner:
                    self._objects.note_use(module, node.id)
            elif isinstance(node, ast.JoinedStr):
                self._words.add("str")
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
                self._words.add(node.value)  # getattr(self, "name"), attrgetter("name")
            elif isinstance(node, AnyImport):
                self._check_inner_import(node)
        own = {name for name, bound in module.statements.items() if piece.statement in bound}
        for name in own:
            self._own(name, text if _is_type_variable(piece.statement) else module)
        for name in sorted(module.needs(text) if names is None else names):
            self._follow(module, name)

    def _own(self, name: str, owner: object) -> None:
        """One name has one meaning in the closed program."""
        if self._owners.setdefault(name, owner) != owner:
            raise UnclosedName("not_self_contained", name, "means different things in two files")

    def _follow(self, module: ModuleIndex, name: str) -> None:
        if (id(module), name) in self._seen:
            return
        self._seen.add((id(module), name))
        statements = module.statements.get(name, [])
        imports = [statement for statement in statements if isinstance(statement, AnyImport)]
        binding = [statement for statement in statements if name in bound_names(statement)]
        if imports and len(imports) < len(binding):
            raise UnclosedName("not_self_contained", name, "is bound twice or under a condition")
        if imports and (owner := self._objects.bind(module, imports, name)):
            self._own(name, owner)
        elif imports:
            self._follow_import(module, imports[-1], name)
        elif binding:
            for statement in statements:
                self._pull(module, statement)
        elif not self._follow_star(module, name):
            self._own(name, "builtins")
            if name in IMPURE_BUILTINS:
                raise UnclosedName("impure", name, "is a builtin with effects")
            if name not in PURE_BUILTINS:
                raise UnclosedName("not_self_contained", name, "is not bound in the file")

    def _grow_objects(self) -> bool:
        """Follow what is used of modules of the package; whether there was something new."""
        found = self._objects.take_new()
        for module, target, member in found:
            self._enter(module, target)
            self._follow(target, member)
        if found:
            self._take_import("SimpleNamespace", "from types import SimpleNamespace\n")
        return bool(found)

    def _follow_star(self, module: ModuleIndex, name: str) -> bool:
        for statement in module.stars:
            other = self._package.find(module, statement)
            if other is not None and name in other.statements:
                self._enter(module, other)
                self._follow(other, name)
                return True
            source = statement.module or ""
            if not statement.level and judge_module(source) == "pure" and _has(source, name):
                self._take_import(name, f"from {source} import {name}\n")
                return True
        return False

    def _follow_import(self, module: ModuleIndex, statement: AnyImport, name: str) -> None:
        alias = next(item for item in statement.names if (item.asname or item.name.split(".")[0]) == name)
        other = self._package.find(module, statement) if isinstance(statement, ast.ImportFrom) else None
        if other is not None and (alias.name in other.statements or other.stars):
            self._enter(module, other)
            self._follow(other, alias.name)
            if alias.asname and alias.asname != alias.name:
                self._own(alias.asname, module)
                self._renamed[alias.asname] = (id(other), f"{alias.asname} = {alias.name}\n")
            return
        renamed = f" as {alias.asname}" if alias.asname else ""
        if isinstance(statement, ast.Import):
            _check_module(alias.name)
            self._take_import(name, f"import {alias.name}{renamed}\n")
            return
        source = "." * statement.level + (statement.module or "")
        _check_member(source, alias.name)
        self._take_import(name, f"from {source} import {alias.name}{renamed}\n")

    def _take_import(self, name: str, line: str) -> None:
        """Two imports of submodules of one package bind one name."""
        self._own(name, "import" if line.startswith("import ") and "." in line else line)
        self._imports[line] = name

    def _check_inner_import(self, node: AnyImport) -> None:
        """Imports inside functions count too."""
        for alias in node.names:
            renamed = f" as {alias.asname}" if alias.asname else ""
            if isinstance(node, ast.Import):
                _check_module(alias.name)
                line, bound = f"import {alias.name}{renamed}\n", alias.asname or alias.name.split(".")[0]
            else:
                source = "." * node.level + (node.module or "")
                _check_member(source, alias.name)
                line, bound = f"from {source} import {alias.name}{renamed}\n", alias.asname or alias.name
            self._inner_imports[line] = bound

    def _enter(self, module: ModuleIndex, other: ModuleIndex) -> None:
        if other not in self._modules:
            self._modules.append(other)
            if len(self._modules) > MAX_FILES:
                raise UnclosedName(
                    "not_self_contained", self._entry_point, f"needs more than {MAX_FILES} files"
                )
        self._after.setdefault(id(module), set()).add(id(other))

    def _check_attributes(self) -> None:
        """What is used of modules that are pure in parts only."""
        alone = {node.id for node in self._plain if id(node) not in self._inner}
        for line, name in [*self._imports.items(), *self._inner_imports.items()]:
            words = line.split()
            member = f".{words[3]}" if words[0] == "from" else ""
            module = words[1] + member
            top = module if member or "as" in words else name
            if top in PURE_MEMBERS and name in alone:
                raise UnclosedName("impure", top, "is passed on, and not all of it is pure")
            for used in self._dotted:
                if used.split(".")[0] == name:
                    _check_used(top + used.removeprefix(name))
            impure = IMPURE_ATTRIBUTES.get(module.split(".")[0], frozenset()) & self._words
            if impure:
                raise UnclosedName("impure", f"{module}: {min(impure)}", "reads the clock or the time zone")

    # --- writing it ---

    def assemble(self, briefly: bool = False) -> ClosedProgram:
        """Imports first, then what came from other files, then from its own, the entry point last."""
        future = any(module.future for module in self._modules)
        imports = sorted(line for line in self._imports if not line.startswith("#"))
        parts = ["".join(([FUTURE] if future else []) + imports)]
        pulled: set[str] = set()
        written: list[ModuleIndex] = []
        for module in self._in_order():
            pieces = [piece for piece in self._pieces.values() if piece.module is module]
            for piece in sorted(pieces, key=lambda piece: piece.statement.lineno):
                if piece.statement is not self._entry:
                    parts.append(piece.text(briefly))
                    pulled |= {name for name, bound in module.statements.items() if piece.statement in bound}
            parts += [line for owner, line in self._renamed.values() if owner == id(module)]
            written.append(module)
            parts += self._objects.written_after(written)
        entry = self._pieces[id(self._entry)]
        parts.append(entry.text(briefly, self._method or self._name))
        code = "\n".join(part for part in parts if part)
        return ClosedProgram(code, self._entry_point, tuple(sorted(pulled - {self._name})))

    def _in_order(self) -> list[ModuleIndex]:
        """Each file after those that it needs."""
        by_id, done = {id(module): module for module in self._modules}, list[int]()

        def visit(key: int, open_: frozenset[int]) -> None:
            if key in done or key in open_:
                return
            for other in sorted(self._after.get(key, ()), key=list(by_id).index):
                visit(other, open_ | {key})
            done.append(key)

        visit(id(self._modules[0]), frozenset())
        return [by_id[key] for key in done]


def _is_type_variable(statement: ast.stmt) -> bool:
    """Two files may bind a name to the same type variable."""
    value = statement.value if isinstance(statement, ast.Assign) else None
    return isinstance(value, ast.Call) and ast.unparse(value.func).endswith(("TypeVar", "ParamSpec"))


def _asks_for_hashes(owner: ast.ClassDef) -> bool:
    """Whether a class asks for hashes elsewhere than for its own."""
    members = [member for member in owner.body if _member_name(member) != "__hash__"]
    nodes = chain.from_iterable(map(ast.walk, members))
    return any(isinstance(node, ast.Name) and node.id == "hash" for node in nodes)


def _member_name(member: ast.stmt) -> str:
    return member.name if isinstance(member, Definition) else ""


def _member_names(member: ast.stmt) -> set[str]:
    """The names that a statement of a class body binds; none for a docstring."""
    if isinstance(member, Definition):
        return {member.name}
    return {
        node.id
        for node in ast.walk(member)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del)
    }


def _is_dotted(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def _has(module: str, name: str) -> bool:
    """Whether a module on the list of pure ones has a public member of that name."""
    found = importlib.import_module(module)
    return name in getattr(found, "__all__", [one for one in dir(found) if not one.startswith("_")])


def _check_used(dotted: str) -> None:
    """`os.path.join`: each module on the way has that member, and it is pure."""
    parts = dotted.split(".")
    for at in range(1, len(parts)):
        module = ".".join(parts[:at])
        known = module in PURE_MEMBERS or module in IMPURE_MEMBERS
        if known and judge_member(module, parts[at]) != "pure":
            raise UnclosedName("impure", f"{module}.{parts[at]}", "is not on the list of pure members")


def _check_module(module: str) -> None:
    judgement = judge_module(module)
    if judgement != "pure" and module not in PURE_MEMBERS:
        _refuse_module(module, judgement)


def _check_member(module: str, member: str) -> None:
    """`from urllib import parse` is judged as `urllib.parse`."""
    if f"{module}.{member}" in PURE_MEMBERS:
        return
    judgement = judge_member(module, member)
    if judgement != "pure":
        _refuse_module(module, judgement)


def _refuse_module(module: str, judgement: str) -> None:
    reason = "impure" if judgement == "impure" else "not_self_contained"
    raise UnclosedName(reason, module, "is not on the list of pure modules")
