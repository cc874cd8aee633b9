"""Stubs made from a right program: each of its functions returns at once, with a value of our choice.

Place in the flow: `negative_controls.py` runs them against script suites. The one rule: only heads of
functions are changed, so what else the tests need (imports, types, a brace that the tests close) stays as it
was. Pure.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from synth.languages.conformance import Stub
from synth.languages.spec import Language

_LONGEST: Final = 100_000
"""Characters of a program: longer ones are not searched for functions."""
_MODIFIERS: Final = re.compile(
    r"\b(?:public|private|protected|internal|static|final|inline|const|constexpr|virtual|override|extern|"
    r"abstract|synchronized|async|sealed)\b|^\s*<[^<>]*>"
)


class StubPair(NamedTuple):
    """Two programs whose functions return different values of one type. A suite that accepts both looks at
    neither; one alone may be right by chance."""

    plain: str
    other: str


def stub_pairs(language: Language, code: str) -> list[StubPair]:
    """The stubs of a program; none where the language states no way or the program has no function."""
    if not language.stubs or len(code) > _LONGEST:
        return []
    made = [
        _pair(language.stubs, code, at) for at in range(max(len(stub.untyped) for stub in language.stubs))
    ]
    return [pair for pair in dict.fromkeys(made) if code not in pair]


def _pair(stubs: tuple[Stub, ...], code: str, family: int) -> StubPair:
    return StubPair(_emptied(stubs, code, family, 0), _emptied(stubs, code, family, 1))


def _emptied(stubs: tuple[Stub, ...], code: str, family: int, which: int) -> str:
    for stub in stubs:
        made = [(found, _value(stub, found, family)[which]) for found in _functions(stub, code)]
        again = "".join(f"\n{_filled(stub.again, found, value)}" for found, value in made if stub.again)
        for found, value in reversed(made):
            if stub.early:
                code = code[: found.end()] + _early(stub, found, value) + code[found.end() :]
        code += again
    return code


@lru_cache(maxsize=256)
def _pattern(head: str) -> re.Pattern[str]:
    return re.compile(head, re.MULTILINE)


def _functions(stub: Stub, code: str) -> Iterator[re.Match[str]]:
    for found in _pattern(stub.head).finditer(code):
        if found["name"] not in ("main", "init") and _type(found) != "":
            yield found


def _type(found: re.Match[str]) -> str | None:
    """The declared type without modifiers; None where the head has no place for one or leaves it out."""
    declared = found.groupdict().get("type")
    return None if declared is None else _MODIFIERS.sub("", declared).strip()


def _value(stub: Stub, found: re.Match[str], family: int) -> tuple[str, str]:
    declared = _type(found)
    if declared is not None or stub.silent:
        for kind, plain, other in stub.typed:
            if re.fullmatch(kind, declared or ""):
                return plain, other
    return stub.untyped[min(family, len(stub.untyped) - 1)]


def _early(stub: Stub, found: re.Match[str], value: str) -> str:
    """On a line of its own if the body begins on one."""
    indent = found.groupdict().get("indent")
    return _filled(stub.early, found, value) + (" " if indent is None else f"\n{indent}")


def _filled(text: str, found: re.Match[str], value: str) -> str:
    return text.replace("VALUE", value).replace("NAME", found["name"]).replace("TYPE", _type(found) or "")
