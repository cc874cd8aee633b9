"""What EvalPlus and BigCodeBench keep of a model's text before they judge it: the longest run of lines that
is Python, and of it the imports and the definitions that the entry point needs.

Place in the flow: `evalplus.py` and `bigcodebench.py` make samples with it. The one rule: it keeps what the
harnesses' own step keeps (`sanitize`, in both), what they lose included: decorated definitions, statements,
and in EvalPlus functions without a return.

The harnesses try every run of lines. Here most are left out because of where Python found its error, and a
text that costs too much keeps the longest run found so far.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final

from synth.grammar.nodes import Node
from synth.grammar.parser_process import UnparsedError
from synth.grammar.trees import native_error, node_text, parse, walk

_MOST_PARSES: Final = 2000
_MOST_BYTES: Final = 1 << 20
"""Of all that is parsed for one text; a run that no parser finishes counts as a quarter."""
_ANSI: Final = re.compile(r"\x1B(?:[@-Z\\-_]|\[[0-?]*[ -/]*[@-~])")
_FINAL_ERROR: Final = re.compile(r"invalid syntax\Z|unterminated string literal \(")
"""Errors that no later line can mend."""
_IMPORTS: Final = ("import_statement", "import_from_statement")
_PYTHON_BLANKS: Final = " \t\f\r"


def sanitise_evalplus(text: str, entry_point: str) -> str:
    """The program that EvalPlus judges."""
    code = longest_code(_ANSI.sub("", text))
    kept = "\n".join(_kept(code, entry_point, needs_return=True)).strip()
    return kept or code


def sanitise_bigcodebench(text: str, entry_point: str) -> str:
    """The program that BigCodeBench judges: as EvalPlus, with functions without a return, and without the
    lines at the end that use the entry point outside of any block."""
    kept = "\n".join(_kept(longest_code(text.strip()), entry_point, needs_return=False))
    return _without_uses(kept, entry_point).strip() or longest_code(text)


def longest_code(text: str) -> str:
    """The run of at least two lines with the most lines that are not blank which parses as Python, the first
    of several; the first line where there is none."""
    lines = text.split("\n")
    full = [0, *accumulate(bool(line.strip()) for line in lines)]
    best, found = 0, (0, 1)
    left = _Budget()
    for start in _starts(lines):
        end = _end_of_code(lines, start)
        if full[end] - full[start] <= best or _is_hopeless(lines, start, left):
            continue
        while end > start + 1 and full[end] - full[start] > best:
            shorter = end - 1
            if shorter > start + 1 and not lines[end - 1].strip(_PYTHON_BLANKS):
                end = shorter
                continue
            failed_at = left.error_line("\n".join(lines[start:end]))
            if failed_at is None:
                best, found = full[end] - full[start], (start, end)
                break
            end = min(shorter, start + failed_at - 1) if failed_at else shorter
    return "\n".join(lines[found[0] : found[1]])


class _Budget:
    """Parses a text's runs as long as they may cost."""

    def __init__(self) -> None:
        self._parses, self._bytes = _MOST_PARSES, _MOST_BYTES

    def error_line(self, code: str) -> int | None:
        """The line of an error, from 1, with which every run fails that begins here and reaches that line; 0
        for an error that a shorter or longer run may lack; None where the code parses."""
        if self._parses <= 0 or self._bytes <= 0:
            return 1
        self._parses, self._bytes = self._parses - 1, self._bytes - len(code)
        try:
            error = native_error(code, "cpython")
        except UnparsedError:
            self._bytes -= _MOST_BYTES // 4
            return 0
        if error is None:
            return None
        return error.line if _FINAL_ERROR.match(error.message) else 0


def _starts(lines: Sequence[str]) -> Iterator[int]:
    """Lines where a run may begin: a run that begins after a blank line is no longer than with it."""
    for at in range(len(lines)):
        if at == 0 or lines[at - 1].strip(_PYTHON_BLANKS):
            yield at


def _is_hopeless(lines: Sequence[str], start: int, left: _Budget) -> bool:
    """Whether the line there is no Python, whatever follows: a cheap question before the dear ones. It is
    asked with the next line of code, so that the error is not for want of more."""
    for after in range(start + 1, len(lines)):
        if _is_code(lines[after]):
            return left.error_line("\n".join(lines[start : after + 1])) == 1
    return False


def _is_code(line: str) -> bool:
    bare = line.strip(_PYTHON_BLANKS)
    return bool(bare) and not bare.startswith("#")


def _end_of_code(lines: Sequence[str], start: int) -> int:
    """Where a run from here has to end at the latest: before code that is indented without a block."""
    for at in range(start, len(lines)):
        if _is_code(lines[at]):
            return at if lines[at][0] in " \t" else len(lines)
    return len(lines)


def _kept(code: str, entry_point: str, *, needs_return: bool) -> list[str]:
    """The imports, then the first definition of each name that the entry point needs."""
    data = code.encode("utf-8", "replace")
    try:
        root = parse(data, "python").root_node
    except UnparsedError:
        return []
    imports = [node_text(node, data) for node in root.children if node.type in _IMPORTS]
    defined = dict[str, Node]()
    for node in root.children:
        name, kept = _definition(node, data)
        if kept is not None and (node.type != "function_definition" or not needs_return or _returns(node)):
            defined.setdefault(name, kept)
    needed = _needed(entry_point, {name: _names(node, data) for name, node in defined.items()})
    return [*imports, *(node_text(node, data) for name, node in defined.items() if name in needed)]


def _definition(node: Node, data: bytes) -> tuple[str, Node | None]:
    """The name that a statement defines, and what of it is kept; None where it is no definition."""
    if node.type == "expression_statement":
        node = node.children[0] if node.children else node
        if node.type != "assignment":
            return "", None
    elif node.type not in ("class_definition", "function_definition"):
        return "", None
    name = next((child for child in node.children if child.type == "identifier"), None)
    return ("", None) if name is None else (node_text(name, data), node)


def _returns(node: Node) -> bool:
    return any(inner.type == "return_statement" for inner in walk(node))


def _names(node: Node, data: bytes) -> set[str]:
    return {node_text(inner, data) for inner in walk(node) if inner.type == "identifier"}


def _needed(entry_point: str, names: Mapping[str, set[str]]) -> set[str]:
    needed, left = {entry_point}, [entry_point]
    while left:
        more = names.get(left.pop(), set()) - needed
        needed |= more
        left += more
    return needed


def _without_uses(code: str, entry_point: str) -> str:
    lines = code.splitlines()
    cut = len(lines)
    for at in range(len(lines) - 1, -1, -1):
        if lines[at].startswith(" "):
            break
        if entry_point in lines[at]:
            cut = at
    return "\n".join(lines[:cut])
