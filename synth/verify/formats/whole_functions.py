"""A whole function where a benchmark's tests expect the rest of its prompt: its closing braces come with the
tests, its imports and its class with the prompt.

Place in the flow: `multipl_e.py` passes the programs of answers through here. The one rule: nothing of the
answer is lost but the braces that the tests bring and a `main` of its own.
"""

import re
from typing import Final, NamedTuple

_LEXEME: Final = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])'|(?P<brace>[{}])", re.DOTALL
)
_COMMENT: Final = re.compile(r"[ \t]*(?://|/\*|\*|\#(?!include|define|if|endif)|--|;|%)")
_IMPORT: Final = re.compile(r"^[ \t]*(?:import|using|package|use|\#include|open)\b[^\n]*\n?", re.MULTILINE)
_GIVEN: Final = re.compile(
    r"(?:(?:import|using|use|open|require)\b|from\s+\S+\s+import\b|library\(|\(require\b|#include|"
    r"const\s+\w+\s*=\s*require\b)[^{]*$"
)
"""A line of a prompt that imports something."""
_FIRST: Final = re.compile(
    r"^\s*(?:package|module|defmodule|-module|<\?php|#lang|program|unit)\b", re.MULTILINE
)
_CALLED: Final = re.compile(r"([A-Za-z_][\w!?]*)[ \t]*(?:<[^<>\n]*>)?[ \t]*\(")
_LISP: Final = re.compile(r"\((?:define|defun|defn)[ \t]+\(?([^\s()]+)")
_MAIN: Final = re.compile(r"^[^\n{}]*\bmain\s*\([^{};]*\)[^{};]*\{", re.MULTILINE | re.IGNORECASE)


class _Function(NamedTuple):
    """Where a function stands in a text: its first character, its closing brace, and the braces around it."""

    start: int
    end: int
    depth: int


def asked_name(prompt: str) -> str:
    """The function that the prompt begins; empty if it cannot be seen."""
    for line in reversed(prompt.rstrip().split("\n")):
        if not line.strip() or _COMMENT.match(line):
            continue
        found = _LISP.search(line) or _CALLED.search(line)
        if found:
            return found[1]
    return ""


def fitted(answer: str, prompt: str, tests: str) -> str:
    """The answer as the tests expect it to end, with what the prompt gives and the answer lacks."""
    name = asked_name(prompt)
    if not tests.lstrip().startswith("}"):
        return _with_head(answer, prompt, name)
    found = _find(answer, name)
    if found is None:
        return _with_head(answer, prompt, name)
    inner, imports = answer, ""
    if _depth(prompt) > 1:
        imports = "".join(one[0].rstrip("\n") + "\n" for one in _IMPORT.finditer(answer))
        inner = _inside(answer, found) if found.depth else _IMPORT.sub("", answer)
        found = _find(inner, name)
        if found is None:
            return answer
    function, after = inner[found.start : found.end], without_main(inner[found.end + 1 :])
    body = (
        f"{inner[: found.start]}{after.strip()}\n{function}"
        if after.strip()
        else inner[: found.start] + function
    )
    head = _head(prompt, name)
    return imports + head + body if _depth(prompt) > 1 else _with_head(body, prompt, name)


def _find(text: str, name: str) -> _Function | None:
    """The definition of that name with its braces."""
    braces = [(found.start(), found["brace"]) for found in _LEXEME.finditer(text) if found["brace"]]
    for named in (
        re.finditer(rf"(?<![\w.]){re.escape(name)}[ \t]*(?:<[^<>\n]*>)?[ \t]*\(", text) if name else ()
    ):
        depth = sum(1 if brace == "{" else -1 for at, brace in braces if at < named.start())
        later = [(at, brace) for at, brace in braces if at > named.start()]
        if not later or later[0][1] != "{" or ";" in text[named.end() : later[0][0]]:
            continue
        level = 0
        for at, brace in later:
            level += 1 if brace == "{" else -1
            if level == 0:
                return _Function(text.rfind("\n", 0, named.start()) + 1, at, depth)
    return None


def _inside(text: str, found: _Function) -> str:
    """The members of the class around a function."""
    before = [one for one in _LEXEME.finditer(text) if one["brace"] and one.start() < found.start]
    opened = list[int]()
    for one in before:
        if one["brace"] == "{":
            opened.append(one.end())
        elif opened:
            opened.pop()
    if not opened:
        return text
    level, end = 1, len(text)
    for one in _LEXEME.finditer(text, opened[-1]):
        if one["brace"]:
            level += 1 if one["brace"] == "{" else -1
            if level == 0:
                end = one.start()
                break
    return text[opened[-1] : end]


def _depth(text: str) -> int:
    return sum(1 if one["brace"] == "{" else -1 for one in _LEXEME.finditer(text) if one["brace"])


def _head(prompt: str, name: str) -> str:
    """The prompt before the line that begins the function."""
    starts = [one.start() for one in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", prompt)] if name else []
    lines = [start for start in starts if not _COMMENT.match(prompt[prompt.rfind("\n", 0, start) + 1 :])]
    return prompt[: prompt.rfind("\n", 0, lines[-1]) + 1] if lines else ""


def _with_head(answer: str, prompt: str, name: str) -> str:
    """The answer behind the lines of the prompt's head that are code and that it lacks."""
    has = {line.strip() for line in answer.split("\n")}
    head = [line for line in _head(prompt, name).split("\n") if line.strip() and not _COMMENT.match(line)]
    missing = [line for line in head if line.strip() not in has]
    if not missing or any(line.startswith("package") for line in has):
        return answer
    return "\n".join([*missing, answer])


def with_imports(answer: str, prompt: str) -> str:
    """The answer behind the imports of the prompt that it lacks; as it is where it names its module, which
    imports have to follow, or begins with a tag."""
    has = {line.strip() for line in answer.split("\n")}
    missing = [line for line in map(str.strip, prompt.split("\n")) if _GIVEN.match(line) and line not in has]
    if not missing or _FIRST.search(answer):
        return answer
    return "\n".join([*missing, answer])


def without_main(text: str) -> str:
    """A program without its own `main`: the tests bring theirs, or need none."""
    found = _MAIN.search(text)
    if found is None:
        return text
    level = 0
    for one in _LEXEME.finditer(text, found.end() - 1):
        if one["brace"]:
            level += 1 if one["brace"] == "{" else -1
            if level == 0:
                return text[: found.start()] + text[one.end() :]
    return text[: found.start()]
