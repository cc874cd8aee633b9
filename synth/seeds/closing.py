"""Closes a function over its file and its package: the program that holds it with everything that it needs.

A language states its declarations, what they ask for and where its imports lead
(`synth/languages/closing.py`); this module follows the names from the function on, across files, and joins
what they lead to. Names of another module that would clash are written anew wherever they stand. The one
rule: the meaning of a name is never guessed. A name that is bound twice, that nothing binds, or that leads
out of the tree is refused, with the name and the reason in words. What comes is bounded, in declarations and
tokens.

A seed then has two texts: `Seed.code`, the function alone, which a model is shown and whose length is limited
by the recipe, and `Seed.closed`, the program that runs.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from synth.filters.protocol import Reject
from synth.grammar.parser_process import UnparsedError
from synth.grammar.trees import parse
from synth.languages.classes import FoundClass
from synth.languages.closing import (
    Closed,
    Closing,
    Declared,
    Mention,
    Mentions,
    Module,
    Neighbours,
    Outside,
)
from synth.languages.spec import Language
from synth.seeds.functions import Function
from synth.token_estimate import estimate_tokens

MAX_PULLED = 48
"""Code that needs more declarations than this is a library, not a function."""
MAX_TOKENS = 6144
"""Most tokens of a closed program."""
MAX_DECLARED = 2000
"""Most declarations of one file; functions of a longer one stay unclosed, so that a file costs a second."""
_MAX_STEPS = 64
"""Longest chain of imports that lead to imports."""


class ClosedFunction(NamedTuple):
    """A self-contained program, with the names that came along."""

    code: str
    entry_point: str
    pulled: tuple[str, ...]


class _NotClosed(Exception):
    def __init__(self, needs: str, why: str, reason: str = "not_self_contained") -> None:
        self.reject = Reject(reason, {"needs": needs[:200], "why": why})


@dataclass(eq=False, slots=True)
class _File:
    """The declarations of one file."""

    path: str
    text: bytes
    declarations: tuple[Declared, ...]
    by_name: dict[str, list[Declared]] = field(default_factory=dict)
    by_owner: dict[str, list[Declared]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for one in self.declarations:
            for owner in one.member_of:
                self.by_owner.setdefault(owner, []).append(one)
            for bound in one.binds:
                self.by_name.setdefault(bound.name, []).append(one)


@dataclass(eq=False, slots=True)
class _Placed:
    """A declaration with its file."""

    declaration: Declared
    file: _File


@dataclass(slots=True)
class _Edit:
    start: int
    end: int
    leads_to: _Placed
    name: str


class FileClosing:
    """One file, ready to close its functions. Raises UnparsedError."""

    def __init__(self, text: str, path: str, language: Language, neighbours: Neighbours) -> None:
        assert language.closing is not None, "the caller asks only languages that close"
        self.closing: Closing = language.closing
        self._grammar, self._neighbours = language.grammar, neighbours
        self._files: dict[str, _File | None] = {}
        self._mentions: dict[Declared, Mentions] = {}
        self._file = self._index(path, text)

    def _index(self, path: str, text: str) -> _File:
        data = text.encode("utf-8", "surrogatepass")
        root = parse(data, self._grammar).root_node
        file = _File(path, data, tuple(self.closing.declarations(root, data)))
        self._files[path] = file
        return file

    def file_at(self, path: str) -> _File | None:
        """The file of that path, or None if it cannot be used."""
        if path not in self._files:
            text = self._neighbours.text(path)
            try:
                file = None if text is None else self._index(path, text)
                self._files[path] = file if file and len(file.declarations) <= MAX_DECLARED else None
            except UnparsedError:
                self._files[path] = None
        return self._files[path]

    def mentions_of(self, declaration: Declared, file: _File) -> Mentions:
        """What a declaration asks for."""
        if declaration not in self._mentions:
            all_ = [self.closing.mentions(node, file.text) for node in declaration.nodes]
            self._mentions[declaration] = Mentions(
                tuple(one for part in all_ for one in part.names),
                frozenset().union(*(part.members for part in all_)),
            )
        return self._mentions[declaration]

    def close(self, function: Function) -> ClosedFunction | Reject:
        """The function with everything that it needs. Rejects: not_self_contained, impure."""
        if (count := len(self._file.declarations)) > MAX_DECLARED:
            why = f"stands among {count} declarations"
            return Reject("not_self_contained", {"needs": function.name, "why": why})
        try:
            return _Closure(self, self._file).close(function)
        except _NotClosed as refused:
            return refused.reject

    def close_class(self, found: FoundClass) -> str | Reject:
        """The program of a class with those of its methods that can be closed, and with everything that they
        need. Rejects as `close`."""
        try:
            return _Closure(self, self._file).close_class(found)
        except _NotClosed as refused:
            return refused.reject

    # --- finding names ---

    def module_files(self, file: _File, name: str = "") -> Iterator[_File]:
        """The files that share the names of this one, itself first, as far as they may bind that name."""
        yield file
        may_bind = self.closing.may_bind
        for path in self.closing.module(file.path, self._neighbours):
            if may_bind is not None and not may_bind(path, name):
                continue
            other = self.file_at(path)
            if other is not None and other is not file:
                yield other

    def find(self, name: str, file: _File) -> list[_Placed]:
        """The declarations of a name, as a file sees it."""
        own = [_Placed(one, file) for one in file.by_name.get(name, ())]
        others = [
            _Placed(one, other)
            for other in self.module_files(file, name)
            if other is not file
            for one in other.by_name.get(name, ())
            if one.in_package
        ]
        return own + others

    def follow(self, leads_to: str, file: _File) -> Module | Outside | Closed:
        """Where an import leads."""
        return self.closing.locate(file.path, leads_to, self._neighbours)

    def first_file(self, module: Module) -> _File | None:
        """A file of a module, from which its names are looked up."""
        paths = self.closing.files(module.folder_or_file, self._neighbours)
        return next((file for path in paths if (file := self.file_at(path)) is not None), None)


@dataclass(slots=True)
class _State:
    """What came so far."""

    pulled: dict[Declared, _File] = field(default_factory=dict)
    members: set[str] = field(default_factory=set)
    edits: dict[Declared, list[_Edit]] = field(default_factory=dict)
    waiting: list[_Placed] = field(default_factory=list)
    dropped: set[Declared] = field(default_factory=set)

    def copy(self) -> "_State":
        return _State(
            dict(self.pulled), set(self.members), dict(self.edits), list(self.waiting), set(self.dropped)
        )


class _Closure:
    """The closure of one function."""

    def __init__(self, index: FileClosing, file: _File) -> None:
        self._index, self._file, self._state = index, file, _State()

    def close(self, function: Function) -> ClosedFunction | Reject:
        entry = self._entry(function)
        self._pull(_Placed(entry, self._file))
        self._settle()
        while self._bring_members():
            pass
        code = self._program(function.name)
        names = {bound.name for one in self._state.pulled if one is not entry for bound in one.binds}
        owner = entry.member_of[0] if entry.member_of and self._index.closing.qualified else ""
        entry_point = f"{owner}.{function.name}" if owner else function.name
        return ClosedFunction(code, entry_point, tuple(sorted(names)))

    def close_class(self, found: FoundClass) -> str:
        """The program of a class: its methods come one by one, and one that cannot be closed stays away."""
        own = [
            one
            for one in self._file.by_name.get(found.name, ())
            if one.inside is None or _is_open(one.inside)
        ]
        if len(own) != 1:
            raise _NotClosed(found.name, "is bound twice" if own else "is no declaration of the file")
        self._pull(_Placed(own[0], self._file))
        self._come(found.needed)
        refused, came = None, 0
        for method in found.methods:
            before = self._state.copy()
            try:
                self._come((method,))
                came += 1
            except _NotClosed as why:
                self._state, refused = before, refused or why
        if refused is not None and came < 2:
            raise refused
        return self._program(found.name)

    def _come(self, members: Iterable[str]) -> None:
        """Pull the members of those names and everything that they need."""
        self._state.members |= set(members)
        self._settle()
        while self._bring_members():
            pass

    def _program(self, name: str) -> str:
        code = self._assemble()
        if (tokens := estimate_tokens(code)) > MAX_TOKENS:
            raise _NotClosed(name, f"needs a program of {tokens} tokens")
        return code

    def _entry(self, function: Function) -> Declared:
        """The smallest declaration that holds the function."""
        at = function.node.start_byte
        around = [one for one in self._file.declarations if one.start <= at < one.end and not one.tail]
        if not around:
            raise _NotClosed(function.name, "stands in no declaration that can be taken alone")
        return min(around, key=lambda one: one.end - one.start)

    def _settle(self) -> None:
        while self._state.waiting:
            found = self._state.waiting.pop()
            self._ask(found.declaration, found.file)

    def _pull(self, found: _Placed) -> None:
        declaration, file = found.declaration, found.file
        if declaration in self._state.pulled:
            return
        if declaration.refused:
            raise _NotClosed(_label(declaration), declaration.refused)
        if len(self._state.pulled) >= MAX_PULLED:
            raise _NotClosed(_label(declaration), f"comes after {MAX_PULLED} other declarations")
        fresh = file not in self._state.pulled.values()
        self._state.pulled[declaration] = file
        self._state.waiting.append(found)
        if declaration.inside is not None:
            self._pull(_Placed(declaration.inside, file))
        if fresh:
            for one in file.declarations:
                if one.comes == "always" and not one.inside:
                    self._pull_if_outside(one, file)
        for one in file.declarations:
            if one.comes == "always" and one.inside is declaration:
                self._pull(_Placed(one, file))

    def _pull_if_outside(self, declaration: Declared, file: _File) -> None:
        """What always comes with its file; an import that leads into the tree comes only when asked."""
        if not declaration.leads_to or isinstance(self._index.follow(declaration.leads_to, file), Outside):
            self._pull(_Placed(declaration, file))

    def _ask(self, declaration: Declared, file: _File) -> None:
        """Pull what the declaration mentions, and note where that is written."""
        asked = self._index.mentions_of(declaration, file)
        self._state.members |= asked.members
        edits = [self._resolve(mention, file) for mention in asked.names]
        self._state.edits[declaration] = [edit for edit in edits if edit is not None]

    # --- names ---

    def _resolve(self, mention: Mention, file: _File) -> _Edit | None:
        """Pull what the name leads to."""
        if mention.below:
            where = self._located(mention.below, mention.path[0], file)
            found = self._in_module(where, mention.path, -1, 0) if isinstance(where, Module) else None
        else:
            found = self._lookup(mention.path, 0, file, 0)
            if found is None:
                found = self._by_glob(mention.path, file)
        if found is None:
            self._check_known(mention)
            return None
        target, last = found
        self._pull(target)
        if target.declaration.leads_to:
            return None
        return _Edit(mention.start, mention.ends[last], target, mention.path[last])

    def _check_known(self, mention: Mention) -> None:
        known, unbound = self._index.closing.predeclared, self._index.closing.unbound
        if unbound is not None and (refused := unbound(mention)) is not None:
            raise _NotClosed("::".join(mention.path), refused.why, refused.reason)
        if known is not None and mention.required and mention.path[0] not in known:
            raise _NotClosed(mention.path[0], "is bound neither in the file nor in its package")

    def _lookup(self, path: Sequence[str], at: int, file: _File, steps: int) -> tuple[_Placed, int] | None:
        """The declaration that the path leads to from its element `at`, and the last element used. None if
        the name is not there; an import that is kept as it is, is its own answer."""
        found = self._index.find(path[at], file)
        if not found:
            return None
        if len(found) > 1 and not self._index.closing.overloads:
            raise _NotClosed(path[at], "is bound twice")
        for one in found[1:]:
            self._pull(one)
        first = found[0]
        if not first.declaration.leads_to:
            return first, at
        if steps > _MAX_STEPS:
            raise _NotClosed(path[at], "leads from import to import without an end")
        where = self._located(first.declaration.leads_to, path[at], file=first.file)
        if not isinstance(where, Module):
            return first, at
        return self._in_module(where, path, at, steps + 1)

    def _located(self, leads_to: str, name: str, file: _File) -> Module | Outside:
        where = self._index.follow(leads_to, file)
        if isinstance(where, Closed):
            raise _NotClosed(leads_to or name, where.why, where.reason)
        return where

    def _in_module(self, where: Module, path: Sequence[str], at: int, steps: int) -> tuple[_Placed, int]:
        """The rest of the path, looked up in a module of the tree."""
        file = self._index.first_file(where)
        if file is None:
            raise _NotClosed(where.folder_or_file, "is a file that cannot be read")
        names, offset = (where.path, at) if where.path else (tuple(path[at + 1 :]), at + 1)
        if not names:
            raise _NotClosed(path[at], "is a module, and nothing of it is named")
        rest = (*names, *path[at + 1 :]) if where.path else names
        found = self._lookup(rest, 0, file, steps) or self._by_glob(rest, file, steps)
        if found is None:
            raise _NotClosed("::".join(rest), f"is not bound in {where.folder_or_file}")
        target, last = found
        used = offset + max(0, last - (len(where.path) - 1 if where.path else 0))
        return target, min(used, len(path) - 1)

    def _by_glob(self, path: Sequence[str], file: _File, steps: int = 0) -> tuple[_Placed, int] | None:
        """The name in a module of which the file takes every name."""
        if steps > _MAX_STEPS:
            return None
        for one in file.by_name.get("*", ()):
            where = self._index.follow(one.leads_to, file)
            if isinstance(where, Module) and (other := self._index.first_file(where)) is not None:
                found = self._lookup(path, 0, other, steps + 1)
                if found is not None:
                    return found
        return None

    # --- members ---

    def _bring_members(self) -> bool:
        """Pull the members that what came lets come. Returns whether there was one."""
        for found in self._candidates():
            if found.declaration in self._state.pulled or found.declaration in self._state.dropped:
                continue
            before = self._state.copy()
            try:
                self._pull(found)
                self._settle()
            except _NotClosed:
                if found.declaration.comes == "asked":
                    raise
                self._state = before
                self._state.dropped.add(found.declaration)
            return True
        return False

    def _candidates(self) -> Iterator[_Placed]:
        """Members of the types that came, in the files that declare or share them."""
        files = list(dict.fromkeys(self._state.pulled.values()))
        came = {bound.name for one in self._state.pulled for bound in one.binds}
        seen: set[str] = set()
        for file in files:
            for other in self._index.module_files(file):
                if other.path in seen:
                    continue
                seen.add(other.path)
                for name in sorted(came & other.by_owner.keys()):
                    for one in other.by_owner[name]:
                        if self._is_wanted(one, other):
                            yield _Placed(one, other)

    def _is_wanted(self, member: Declared, file: _File) -> bool:
        owners = [found for name in member.member_of if (found := self._owner(name, file)) is not None]
        came = [found.declaration in self._state.pulled for found in owners]
        if member.members & self._state.members and any(came):
            return True
        return member.comes == "with_owner" and bool(came) and all(came)

    def _owner(self, name: str, file: _File) -> _Placed | None:
        """The type of that name, without pulling it."""
        try:
            found = self._lookup_quietly(name, file)
        except _NotClosed:
            return None
        return found

    def _lookup_quietly(self, name: str, file: _File) -> _Placed | None:
        state = self._state.copy()
        try:
            found = self._lookup((name,), 0, file, 0) or self._by_glob((name,), file)
        finally:
            self._state = state
        return found[0] if found is not None and not found[0].declaration.leads_to else None

    # --- the text ---

    def _assemble(self) -> str:
        names = self._new_names()
        files = list(dict.fromkeys(self._state.pulled.values()))
        ordered = [*(file for file in reversed(files) if file is not self._file), self._file]
        imports: dict[str, None] = {}
        parts: list[str] = []
        last = self._around_entry()
        for file in ordered:
            mine = sorted(
                (one for one, where in self._state.pulled.items() if where is file),
                key=lambda one: (one in last, one.start),
            )
            for one in mine:
                if one.leads_to:
                    imports[one.text] = None
                elif one.inside is None:
                    parts.append(self._text(one, file, mine, names))
        return self._index.closing.assemble(list(imports), parts)

    def _around_entry(self) -> set[Declared]:
        """The function's declaration, the first that came, and what holds it, as far as it may stand last."""
        entry: Declared | None = next(iter(self._state.pulled))
        held = set[Declared]()
        when = self._index.closing.entry_last
        is_needed = any(
            edit.leads_to.declaration is entry
            for one, edits in self._state.edits.items()
            for edit in edits
            if one is not entry and one in self._state.pulled
        )
        if when == "never" or (when == "unless_needed" and is_needed):
            return held
        while entry is not None:
            held.add(entry)
            entry = entry.inside if when == "always" else None
        return held

    def _new_names(self) -> dict[Declared, dict[str, str]]:
        """The name that each binding gets: its own, unless another module's declaration has it already."""
        names: dict[Declared, dict[str, str]] = {}
        taken: dict[str, Declared | str] = {}
        order = sorted(self._state.pulled.items(), key=lambda pair: pair[1] is not self._file)
        for one, _ in order:
            if one.leads_to:
                for bound in one.binds:
                    if bound.name != "*" and taken.setdefault(bound.name, one.text) != one.text:
                        raise _NotClosed(bound.name, "is bound by imports of two modules")
        for one, file in order:
            if one.leads_to:
                continue
            names[one] = {}
            for bound in one.binds:
                if one.inside is not None and not _is_open(one.inside):
                    continue
                new = bound.name
                holder = taken.get(new)
                if holder is not None and not self._may_share(holder, one):
                    new = f"{_module_label(file.path)}_{new}"
                    if new in taken:
                        raise _NotClosed(bound.name, "is bound in two modules")
                taken[new] = one
                names[one][bound.name] = new
        return names

    def _may_share(self, holder: Declared | str, one: Declared) -> bool:
        return (
            self._index.closing.overloads
            and not isinstance(holder, str)
            and self._state.pulled[holder] is self._state.pulled[one]
        )

    def _text(
        self,
        one: Declared,
        file: _File,
        mine: Sequence[Declared],
        names: dict[Declared, dict[str, str]],
    ) -> str:
        """The text of a declaration with its members, every name as it is called in the program."""
        if one.text:
            return one.text
        own = _rewritten(one.start, one.end, file.text, self._changes(one, names))
        if one.tail is None:
            return own
        inner = [self._text(member, file, mine, names) for member in mine if member.inside is one]
        return "\n".join([own, *inner, file.text[slice(*one.tail)].decode("utf-8", "surrogatepass")])

    def _changes(
        self, one: Declared, names: dict[Declared, dict[str, str]]
    ) -> Iterable[tuple[int, int, str]]:
        for bound in one.binds:
            new = names.get(one, {}).get(bound.name)
            if new is not None and bound.end > bound.start:
                yield bound.start, bound.end, new
        for edit in self._state.edits.get(one, ()):
            target = edit.leads_to.declaration
            yield edit.start, edit.end, names.get(target, {}).get(_bound_as(target, edit.name), edit.name)


def _bound_as(target: Declared, written: str) -> str:
    """The name by which the target is bound, where an import calls it otherwise."""
    names = [bound.name for bound in target.binds]
    return written if written in names or len(names) != 1 else names[0]


def _is_open(container: Declared) -> bool:
    """Whether the names inside are names of the file (a namespace block, `extern "C"`)."""
    return not container.binds and not container.member_of


def _rewritten(start: int, end: int, text: bytes, changes: Iterable[tuple[int, int, str]]) -> str:
    parts: list[bytes] = []
    at = start
    for begin, stop, new in sorted(set(changes)):
        if at <= begin and stop <= end:
            parts += [text[at:begin], new.encode()]
            at = stop
    return b"".join([*parts, text[at:end]]).decode("utf-8", "surrogatepass")


def _module_label(path: str) -> str:
    folder, _, name = path.rpartition("/")
    words = (folder.rpartition("/")[2] or name.partition(".")[0]).replace("-", "_")
    return "".join(symbol if symbol.isalnum() or symbol == "_" else "_" for symbol in words) or "other"


def _label(declaration: Declared) -> str:
    return declaration.leads_to or next((bound.name for bound in declaration.binds), "")
