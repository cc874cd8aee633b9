"""C++ types with a shared meaning: how a value is declared for the driver, and how it is handed on.

Place in the flow: `adapting.py` reads the declarators of a function here, as text without their names. The
one rule: a type without a certain shared meaning is refused with its name.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from synth.languages.spec import Domain, NotAdapted
from synth.languages.support.declarations import split_top


def same(expression: str) -> str:
    """A value that needs no conversion."""
    return expression


class CppType(NamedTuple):
    """A C++ type with a shared meaning."""

    shared: str
    written: str
    """The type that the driver reads and writes."""
    into: Callable[[str], str] = same
    """The name of a variable of the written type -> an expression of the code's own type."""
    out: Callable[[str], str] = same
    """The way back."""
    domain: Domain = "any"


_QUALIFIERS: Final = re.compile(r"\b(?:const|constexpr|static|inline|register|volatile|typename)\b")
_SIGNED: Final = frozenset(
    "int short long int8_t int16_t int32_t int64_t ptrdiff_t ssize_t intmax_t intptr_t int_fast32_t "
    "int_fast64_t".split()
)
_UNSIGNED: Final = frozenset(
    "unsigned size_t uint8_t uint16_t uint32_t uint64_t uintmax_t uint_fast32_t uint_fast64_t uint "
    "std::size_t".split()
)
_WORDS: Final = frozenset("signed unsigned int short long char".split())
_TEXTS: Final = frozenset("string string_view".split())
_SEQUENCES: Final = frozenset("vector deque list".split())
_MAPS: Final = frozenset("map unordered_map".split())
_SETS: Final = frozenset("set unordered_set multiset unordered_multiset".split())
_ADAPTERS: Final = {"stack": "std::stack", "queue": "std::queue"}
_PAIRS: Final = frozenset("pair tuple".split())


class TypeContext(NamedTuple):
    """What names mean in the code."""

    variables: Mapping[str, CppType]
    """What stands for each type variable."""
    own: Mapping[str, str]
    """Names that the code gives to types (`ll`), with their texts."""

    def read(self, text: str) -> CppType:
        """The type of a value. Raises NotAdapted."""
        plain = re.sub(r"\s*::\s*", "::", " ".join(_QUALIFIERS.sub(" ", text).split()))
        plain = re.sub(r"\bstd::", "", plain).strip()
        if plain in self.variables:
            return self.variables[plain]
        if plain in self.own:
            others = {name: kind for name, kind in self.own.items() if name != plain}
            return TypeContext(self.variables, others).read(self.own[plain])
        found = re.fullmatch(r"([\w:]+)\s*<(.*)>", plain, re.DOTALL)
        return self._generic(found[1], found[2]) if found else _scalar(plain)

    def _generic(self, name: str, inside: str) -> CppType:
        parts = split_top(inside)
        if name == "array" and parts:
            item = self.read(parts[0])
            return CppType(f"list[{item.shared}]", f"std::array<{inside}>", into=_refused(f"array<{inside}>"))
        inner = [self.read(part) for part in parts]
        if any(one.into is not same or one.out is not same for one in inner):
            raise NotAdapted(f"the type {name}<{inside}> has no shared meaning")
        return _composed(name, inside, inner)


def _composed(name: str, inside: str, inner: Sequence[CppType]) -> CppType:
    shared, written = [one.shared for one in inner], ", ".join(one.written for one in inner)
    domain = inner[0].domain if inner else "any"
    if name in _SEQUENCES and len(inner) == 1:
        return CppType(f"list[{shared[0]}]", f"std::{name}<{written}>", domain=domain)
    if (name in _MAPS and len(inner) == 2) or (name in _PAIRS and inner):
        kind = "map" if name in _MAPS else "tuple"
        domains = tuple(one.domain for one in inner)
        return CppType(f"{kind}[{', '.join(shared)}]", f"std::{name}<{written}>", domain=_joined(domains))
    if name == "optional" and len(inner) == 1:
        return CppType(
            shared[0], f"std::optional<{written}>", into=_refused(f"optional<{inside}>"), domain=domain
        )
    if (name in _SETS or name == "valarray" or name in _ADAPTERS) and len(inner) == 1:
        return _of_vector(name, inner[0])
    raise NotAdapted(f"the type {name}<{inside}> has no shared meaning")


def _scalar(plain: str) -> CppType:
    words = plain.split()
    if plain == "bool":
        return CppType("bool", "bool")
    if plain in ("float", "double", "long double"):
        return CppType("float", plain)
    if plain == "char":
        return CppType("str", "char", domain="letter")
    if plain in _TEXTS:
        return CppType("str", "std::string")
    if plain in _SIGNED or plain in _UNSIGNED or (words and set(words) <= _WORDS):
        natural = plain in _UNSIGNED or "unsigned" in words
        return CppType("int", plain, domain="natural" if natural else "any")
    raise NotAdapted(f"the type {plain[:80] or 'of a parameter'} has no shared meaning")


def _joined(several: tuple[Domain, ...]) -> Domain:
    return several[0] if len(set(several)) == 1 else several


def _refused(written: str) -> Callable[[str], str]:
    """Of a type that only a result can have."""

    def into(expression: str) -> str:
        raise NotAdapted(f"a parameter of the type {written} has no shared meaning")

    return into


def _of_vector(name: str, inner: CppType) -> CppType:
    kind = f"std::{name}<{inner.written}>"
    if name in _ADAPTERS:
        made = f"{kind}(std::deque<{inner.written}>({{0}}.begin(), {{0}}.end()))"
        out = _refused(kind)
    elif name == "valarray":
        made = f"{kind}({{0}}.data(), {{0}}.size())"
        out = _vector_of(inner.written, is_sorted=False)
    else:
        made = f"{kind}({{0}}.begin(), {{0}}.end())"
        out = _vector_of(inner.written, is_sorted=name.startswith("unordered"))
    return CppType(
        f"list[{inner.shared}]", f"std::vector<{inner.written}>", made.format, out, domain=inner.domain
    )


def _vector_of(written: str, is_sorted: bool) -> Callable[[str], str]:
    """In an order that means something: a hash table has none."""
    made = f"std::vector<{written}>(std::begin(x), std::end(x))"
    sorting = " std::sort(y.begin(), y.end());" if is_sorted else ""
    return lambda x: f"[](auto x) {{ auto y = {made};{sorting} return y; }}({x})"
