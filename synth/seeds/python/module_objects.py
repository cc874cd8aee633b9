"""Modules of a Python file's own package that it uses as objects: `from . import wire`, `import dns.wire`.

Place in the flow: closing a function asks here what such a name stands for. In the closed program it stands
for an object with the members that are used. The one rule: a module that is passed on, or of which something
is used that its file does not bind, is refused.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from synth.seeds.python.module_index import AnyImport, ModuleIndex, UnclosedName


class NoTree:
    """A text without a tree around it."""

    def find(self, module: ModuleIndex, statement: ast.ImportFrom) -> ModuleIndex | None:
        """The module that the statement imports from, or None."""
        return None


class UsedMember(NamedTuple):
    """A member of a module, and the module that uses it."""

    user: ModuleIndex
    module: ModuleIndex
    name: str


@dataclass(slots=True)
class ModuleObjects:
    """The modules that are used as objects in a closed program."""

    package: NoTree
    _bound: dict[tuple[int, str], tuple[ModuleIndex, ModuleIndex]] = field(default_factory=dict)
    """By the module that uses it and the dotted name there: that module, and what it uses."""
    _uses: dict[int, dict[str, None]] = field(default_factory=dict)
    _members: dict[str, dict[str, ModuleIndex]] = field(default_factory=dict)
    """By dotted name, the members and where they are bound."""
    _written: set[str] = field(default_factory=set)

    def note_use(self, module: ModuleIndex, dotted: str) -> None:
        """A name, or members of members of one, that a piece of the module uses."""
        self._uses.setdefault(id(module), {})[dotted] = None

    def bind(self, module: ModuleIndex, imports: Sequence[AnyImport], name: str) -> str:
        """What the imports that bind a name stand for, if they import modules of the package; "" if not."""
        found = dict(pair for one in imports for pair in self._find(module, one, name))
        for prefix, target in found.items():
            self._bound[id(module), prefix] = module, target
        if not found:
            return ""
        prefix, target = next(iter(found.items()))
        return f"package {name}" if "." in prefix else f"module {id(target)}"

    def _find(
        self, module: ModuleIndex, statement: AnyImport, name: str
    ) -> Iterator[tuple[str, ModuleIndex]]:
        for alias in statement.names:
            if (alias.asname or alias.name.split(".")[0]) != name:
                continue
            if isinstance(statement, ast.Import):
                wanted = ast.ImportFrom(module=alias.name, names=[], level=0)
            else:
                other = self.package.find(module, statement)
                if other is not None and (alias.name in other.statements or other.stars):
                    continue
                path = ".".join(part for part in (statement.module, alias.name) if part)
                wanted = ast.ImportFrom(module=path, names=[], level=statement.level)
            if (target := self.package.find(module, wanted)) is not None:
                yield alias.asname or alias.name, target

    def take_new(self) -> list[UsedMember]:
        """The members that are used and have not been told yet. Raises UnclosedName."""
        found: list[UsedMember] = []
        for (user, prefix), (module, target) in list(self._bound.items()):
            for dotted in self._uses.get(user, {}):
                member = self._member(user, prefix, dotted)
                if not member or member in self._members.setdefault(prefix, {}):
                    continue
                if member not in target.statements:
                    raise UnclosedName("not_self_contained", dotted, "is not bound in its module")
                self._members[prefix][member] = target
                found.append(UsedMember(module, target, member))
        return found

    def _member(self, user: int, prefix: str, dotted: str) -> str:
        """The member of the object that a use asks for; "" if it is about something else."""
        top = _top(prefix)
        if _top(dotted) != top:
            return ""
        known = [one for key, one in self._bound if key == user and _top(one) == top]
        longest = max((one for one in known if f"{dotted}.".startswith(f"{one}.")), key=len, default="")
        is_above = any(one.startswith(f"{dotted}.") for one in known)
        if "." not in dotted or not (longest or is_above):
            raise UnclosedName("not_self_contained", dotted, "is a module that is passed on")
        if dotted in known:
            return ""  # a part of a longer name, which is told as well
        return dotted[len(prefix) + 1 :].partition(".")[0] if longest == prefix else ""

    def written_after(self, modules: Sequence[ModuleIndex]) -> list[str]:
        """The lines that bind objects all of whose members are bound once these modules are written."""
        there = set(map(id, modules))
        lines = []
        for top in dict.fromkeys(prefix.partition(".")[0] for prefix in self._members):
            inside = {
                prefix: members
                for prefix, members in self._members.items()
                if prefix.partition(".")[0] == top
            }
            owners = {id(module) for members in inside.values() for module in members.values()}
            if top not in self._written and owners <= there:
                self._written.add(top)
                lines.append(f"{top} = {_written(top, inside)}\n")
        return lines


def _top(dotted: str) -> str:
    return dotted.partition(".")[0]


def _written(prefix: str, members: dict[str, dict[str, ModuleIndex]]) -> str:
    """The object of that dotted name, with those inside it."""
    words = [f"{name}={name}" for name in members.get(prefix, {})]
    deeper = [
        one.removeprefix(f"{prefix}.").partition(".")[0] for one in members if one.startswith(f"{prefix}.")
    ]
    words += [f"{name}={_written(f'{prefix}.{name}', members)}" for name in dict.fromkeys(deeper)]
    return f"SimpleNamespace({', '.join(words)})"
