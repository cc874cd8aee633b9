"""The parser process: reads questions about texts on descriptor 0, and answers on the same socket.

Place in the flow: the parsers' pool starts it and talks to it. The one rule: everything is imported before
`lock_down`, and no text is looked at before it.

A question is a line of JSON (`ask`, `by`, `depth`, `bytes`) and that many bytes of text; an answer is a line
of JSON (`bytes` among its keys) and that many bytes of numbers.
"""

import json
import os
import signal
import sys
import time
from array import array
from typing import TYPE_CHECKING, Any

from synth.grammar.loader import GRAMMARS, load_grammar
from synth.grammar.lockdown import lock_down
from synth.grammar.native_checks import NATIVE

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Tree

PARSE_CPU_S = 0.5
"""A text that takes longer is left unparsed; a page of ordinary code takes a millisecond."""
QUESTION_CPU_S = 1.0
"""After this much, the kernel ends the process: a parser that never looks at its clock, an endless tree."""
MOST_NODES = 1_000_000
"""A tree of more nodes is not handed out."""
_SLICE = 1 << 16


class _TooMuchError(Exception):
    """The text costs more than a text may."""


def main() -> None:
    """Serve until the other end closes the socket."""
    from tree_sitter import Parser

    parsers = {name: Parser(load_grammar(name)) for name in GRAMMARS}
    for check in NATIVE.values():
        check(";")  # what it imports on its first use
    sys.set_int_max_str_digits(0)
    lock_down()
    _send({"ready": True})
    while question := _read_line():
        text = _read(question["bytes"])
        signal.setitimer(signal.ITIMER_PROF, QUESTION_CPU_S)
        try:
            answer, body = _answer(question, text, parsers)
        except (_TooMuchError, MemoryError) as error:
            answer, body = {"unparsed": str(error) or "it takes too much memory"}, b""
        signal.setitimer(signal.ITIMER_PROF, 0)
        _send(answer, body)


def _answer(
    question: dict[str, Any], text: bytes, parsers: "dict[str, Parser]"
) -> tuple[dict[str, Any], bytes]:
    if question["ask"] == "native":
        return {"error": NATIVE[question["by"]](text.decode("utf-8", "surrogatepass"))}, b""
    tree = _parse(text, parsers[question["by"]])
    if question["ask"] == "error":
        error = first_error(tree.root_node)
        return {"error": error and [error.start_point.row + 1, _words(error)]}, b""
    return _flat(tree, question["depth"])


def _parse(text: bytes, parser: "Parser") -> "Tree":
    """The tree. The clock is looked at every hundred steps of the parser."""
    until = time.process_time() + PARSE_CPU_S

    def is_late(*_: object) -> bool:
        return time.process_time() > until

    parser.reset()
    try:
        tree = parser.parse(lambda offset, _: text[offset : offset + _SLICE], progress_callback=is_late)
    except ValueError:  # "Parsing failed"
        tree = None
    if tree is None:
        raise _TooMuchError(f"it takes more than {PARSE_CPU_S} s to parse")
    return tree


def first_error(root: "Node") -> "Node | None":
    """The first ERROR or MISSING node, or None. Follows only branches that hold one; without recursion, since
    hostile code nests deeply."""
    if not root.has_error:
        return None
    node = root
    while inner := next((child for child in node.children if child.has_error or child.is_missing), None):
        node = inner
        if node.is_error or node.is_missing:
            break
    return node


def _words(error: "Node") -> str:
    return f"missing {error.type}" if error.is_missing else "unexpected text"


def _flat(tree: "Tree", depth: int | None) -> tuple[dict[str, Any], bytes]:
    """The nodes in the order of the text, as columns of numbers: type, field, flags, depth, start, end."""
    columns = [array("I") for _ in range(6)]
    kinds, fields, flags, depths, starts, ends = columns
    names: dict[int, str] = {}
    cursor, level = tree.walk(), 0
    while True:
        node = cursor.node
        assert node is not None, "a cursor stands on a node"
        names.setdefault(node.kind_id, node.type)
        kinds.append(node.kind_id)
        fields.append(cursor.field_id or 0)
        flags.append(node.is_named | node.is_error << 1 | node.is_missing << 2 | node.has_error << 3)
        depths.append(level)
        starts.append(node.start_byte)
        ends.append(node.end_byte)
        if len(kinds) > MOST_NODES:
            raise _TooMuchError(f"its tree has more than {MOST_NODES} nodes")
        if (depth is None or level < depth) and cursor.goto_first_child():
            level += 1
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                language = tree.language
                known = {n: name for n in set(fields) if n and (name := language.field_name_for_id(n))}
                return {"kinds": names, "fields": known}, b"".join(map(bytes, columns))
            level -= 1


def _read_line() -> dict[str, Any]:
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return {}
        line += byte
    found: dict[str, Any] = json.loads(line)
    return found


def _read(count: int) -> bytes:
    parts: list[bytes] = []
    while count:
        part = os.read(0, min(count, 1 << 20))
        if not part:
            os._exit(0)
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _send(answer: dict[str, Any], body: bytes = b"") -> None:
    left = memoryview(json.dumps({**answer, "bytes": len(body)}).encode() + b"\n" + body)
    while left:
        left = left[os.write(0, left) :]


if __name__ == "__main__":
    main()
