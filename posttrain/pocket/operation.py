"""One operation of the pocket world: types, wording in two languages, meaning, and code in four languages.

Types are one letter: I int, B bool, S str, L list of int, W list of str, M map of str to int. A code template
is an expression in `{x}`, or, if it begins with `!`, one or more statements that put the result in `{y}`
(`{declare}` declares `{y}`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Type = Literal["I", "B", "S", "L", "W", "M"]
Constant = int | str
Data = int | bool | str | list[int] | list[str] | dict[str, int]

LANGUAGES = ("python", "javascript", "java", "cpp")


@dataclass(frozen=True, slots=True)
class Operation:
    """`constants` names the domain of each constant: `k` 1 to 30, `d` 2 to 9, `n` 1 to 5, `c` a letter, `w` a
    word, `p` a separator."""

    name: str
    source: Type
    target: Type
    english: tuple[str, ...]
    chinese: tuple[str, ...]
    run: Callable[..., Data]
    code: dict[str, tuple[str, ...]]
    constants: tuple[str, ...] = ()
    family: str = ""
    """Operations with the same family and types are easily mistaken for one another."""


def define(
    name: str,
    source: Type,
    target: Type,
    run: Callable[..., Data],
    *,
    english: tuple[str, ...],
    chinese: tuple[str, ...],
    python: str,
    javascript: str,
    java: str,
    cpp: str,
    constants: tuple[str, ...] = (),
    family: str = "",
) -> Operation:
    """An operation with a single form in each language: a row of the tables."""
    texts = (python, javascript, java, cpp)
    code: dict[str, tuple[str, ...]] = {
        language: (text,) for language, text in zip(LANGUAGES, texts, strict=True)
    }
    return Operation(name, source, target, english, chinese, run, code, constants, family)
