"""Keeps what a program must not replace: the functions of test frameworks and of the modules that a script
imports.

It runs inside the sandbox, for `frameworks`. The one rule: what is kept is compared by identity, code
objects included, so a replacement shows whatever it claims to be.
"""

import sys
import types
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

_NOT_KEPT = frozenset({"__dict__", "__weakref__", "__doc__", "__getattr__"})
_Kinds = (staticmethod, classmethod, property)


class _Kept(NamedTuple):
    owner: object
    name: str
    value: object


class _Body(NamedTuple):
    function: Any
    code: types.CodeType
    defaults: object
    keyword_defaults: object


def _callables(owner: object) -> Iterator[_Kept]:
    for name, value in list(vars(owner).items()):
        if name not in _NOT_KEPT and (callable(value) or isinstance(value, _Kinds)):
            yield _Kept(owner, name, value)


def _bodies(value: object) -> Iterator[types.FunctionType]:
    parts = (value.fget, value.fset) if isinstance(value, property) else (getattr(value, "__func__", value),)
    yield from (part for part in parts if isinstance(part, types.FunctionType))


def _owners(modules: Iterable[types.ModuleType]) -> Iterator[object]:
    """The modules, and the classes that they define."""
    for module in modules:
        yield module
        for value in list(vars(module).values()):
            if isinstance(value, type) and value.__module__ == module.__name__ and value is not type:
                yield value


def modules_of(names: Iterable[str]) -> list[types.ModuleType]:
    """The loaded modules of these packages."""
    wanted = set(names)
    found = [module for name, module in list(sys.modules.items()) if name.partition(".")[0] in wanted]
    return [module for module in found if isinstance(module, types.ModuleType)]


class Genuine:
    """The callables of some modules and of their classes, as they are now."""

    def __init__(
        self, modules: Iterable[types.ModuleType], single: Iterable[tuple[object, str]] = ()
    ) -> None:
        owners = list(_owners(modules))
        self._kept = [one for owner in owners for one in _callables(owner)]
        self._kept += [_Kept(owner, name, vars(owner)[name]) for owner, name in single if name in vars(owner)]
        functions = {id(part): part for one in self._kept for part in _bodies(one.value)}.values()
        self._bodies = [_Body(one, one.__code__, one.__defaults__, one.__kwdefaults__) for one in functions]
        self._classes = [(owner, frozenset(vars(owner))) for owner in owners if isinstance(owner, type)]
        self.codes = {id(body.code) for body in self._bodies}

    def restore(self) -> None:
        """Put back what is not what it was."""
        for one in self._replaced():
            try:
                setattr(one.owner, one.name, one.value)
            except (AttributeError, TypeError):  # of a class that nobody can change
                continue
        for owner, name in self._added():
            delattr(owner, name)
        for body in self._bodies:
            if not _is_unchanged(body):
                body.function.__code__ = body.code
                body.function.__defaults__ = body.defaults
                body.function.__kwdefaults__ = body.keyword_defaults

    def changed(self) -> list[str]:
        """The names of what is not what it was."""
        names = [_named(one.owner, one.name) for one in self._replaced()]
        names += [_named(owner, name) for owner, name in self._added()]
        return names + [body.function.__name__ for body in self._bodies if not _is_unchanged(body)]

    def _replaced(self) -> list[_Kept]:
        return [one for one in self._kept if vars(one.owner).get(one.name) is not one.value]

    def _added(self) -> list[tuple[type, str]]:
        """Special methods that a class did not have."""
        return [
            (owner, name)
            for owner, before in self._classes
            for name, value in list(vars(owner).items())
            if name not in before
            and name.startswith("__")
            and isinstance(value, types.FunctionType | _Kinds[0])
        ]


def _named(owner: object, name: str) -> str:
    return f"{getattr(owner, '__name__', '')}.{name}"


def _is_unchanged(body: _Body) -> bool:
    return (
        body.function.__code__ is body.code
        and body.function.__defaults__ is body.defaults
        and body.function.__kwdefaults__ is body.keyword_defaults
    )
