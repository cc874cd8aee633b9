"""Fill-in-the-middle samples: a node of the syntax tree is cut out of a program (Qwen2.5-Coder report, 4.2),
in file or repository format.

A text that is too long for a row is shown as far as it fits, in whole lines around the middle. The one rule:
prefix + middle + suffix is a piece of the text, byte for byte, and nothing in it can be read as a special
token: a text that contains one (`<|fim_prefix|>`, or anything of that form) is rejected, never rewritten,
since a rewritten program is no longer the one that was verified.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from synth.filters.protocol import Reject
from synth.grammar.node_types import NodeTypes
from synth.grammar.parser_process import UnparsedError
from synth.grammar.trees import parse, walk
from synth.ids import unit_id
from synth.languages.registry import find_language, normalize_language
from synth.products import FimSample
from synth.token_estimate import estimate_tokens

if TYPE_CHECKING:
    from synth.grammar.nodes import Node

NodeKind = Literal["expression", "statement", "block", "function"]
SPECIAL_TOKEN = re.compile(r"<\|[A-Za-z][A-Za-z0-9_]*\|>|</?tool_call>")
"""Texts that the policy's tokenizer may read as one token: every `<|name|>`, and
Qwen2.5's tool-call marks."""

FIM_TOKENS = 4
"""Special tokens of a row in file format."""
MIN_MIDDLE = 4
"""Bytes: a shorter middle, such as `x`, teaches nothing."""


class Span(NamedTuple):
    """A middle: byte offsets and the kind of node."""

    start: int
    end: int
    kind: NodeKind


@dataclass(frozen=True, slots=True)
class ContextFile:
    """A file of the repository that comes before the hole."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class FimLimits:
    """Bounds on the middle and on the row; a text whose tree has errors is rejected unless `allow_errors`."""

    max_middle_share: float = 0.6
    max_middle_bytes: int = 2000
    allow_errors: bool = False
    max_tokens: int | None = None
    """Of the whole row, as they are estimated: of a longer text a window around the middle is taken."""
    lines: tuple[tuple[int, int], ...] | None = None
    """Where the middle may lie: first and last line of each piece, from 1. None: anywhere."""


def make_fim(
    code: str, language: str, random: Random, *, source_id: str = "", limits: FimLimits = FimLimits()
) -> FimSample | Reject:
    """A sample in file format. Rejects: special_tokens, parse_error, no_fim_span."""
    return _make(code, language, random, source_id, limits, "")


def make_repository_fim(
    repository: str,
    context: Sequence[ContextFile],
    path: str,
    code: str,
    language: str,
    random: Random,
    *,
    source_id: str = "",
    limits: FimLimits = FimLimits(),
) -> FimSample | Reject:
    """A sample in repository format: whole context files, then the file with the hole. Context files that
    contain special tokens are left out."""
    clean = [file for file in context if not SPECIAL_TOKEN.search(file.path + file.text)]
    shown = [
        f"<|file_sep|>{file.path}\n{file.text}{'' if file.text.endswith(chr(10)) else chr(10)}"
        for file in clean
    ]
    if limits.max_tokens is not None:
        while shown and sum(map(estimate_tokens, shown)) > limits.max_tokens // 2:
            del shown[0]
    files = "".join(shown)
    if found := SPECIAL_TOKEN.search(repository + path):
        return Reject("special_tokens", {"found": found.group()})
    return _make(
        code, language, random, source_id, limits, f"<|repo_name|>{repository}\n{files}<|file_sep|>{path}\n"
    )


def _make(
    code: str, language: str, random: Random, source_id: str, limits: FimLimits, head: str
) -> FimSample | Reject:
    language, spoken = normalize_language(language), find_language(language)
    if found := SPECIAL_TOKEN.search(code):
        return Reject("special_tokens", {"found": found.group()})
    if spoken is None or spoken.node_types is None:
        return Reject("no_fim_span", {"why": "no grammar", "language": language})
    data = code.encode("utf-8", "surrogatepass")
    try:
        root = parse(data, spoken.grammar).root_node
    except UnparsedError as why:
        return Reject("no_fim_span", {"why": f"not parsed: {why}", "bytes": len(data)})
    if root.has_error and not limits.allow_errors:
        return Reject("parse_error", {"language": language})
    span = _choose(find_spans(root, data, spoken.node_types, limits), random)
    if span is None:
        return Reject("no_fim_span", {"bytes": len(data)})
    begin, end = 0, len(data)
    if limits.max_tokens is not None:
        left = limits.max_tokens - estimate_tokens(head) - FIM_TOKENS
        window = fit_window(data, span, left)
        if window is None:
            return Reject("too_long", {"limit": limits.max_tokens})
        begin, end = window
    prefix, middle, suffix = (
        part.decode("utf-8", "surrogatepass")
        for part in (data[begin : span.start], data[span.start : span.end], data[span.end : end])
    )
    text = f"{head}<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>{middle}<|endoftext|>"
    identity = unit_id("fim", source_id, language, text)
    return FimSample(
        id=identity,
        source_id=source_id,
        language=language,
        node=span.kind,
        prefix=prefix,
        middle=middle,
        suffix=suffix,
        text=text,
    )


def fit_window(data: bytes, span: Span, most: int) -> tuple[int, int] | None:
    """Where the piece of the text begins and ends that is shown: all of it if it has no more than `most`
    estimated tokens; otherwise the lines of the middle and as many before and after as fit, in turn. None if
    the lines of the middle do not fit."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    costs = [estimate_tokens(line.decode("utf-8", "replace")) for line in lines]
    if sum(costs) <= most:
        return 0, len(data)
    first = data.count(b"\n", 0, span.start)
    last = data.count(b"\n", 0, max(span.start, span.end - 1))
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    spent = sum(costs[first : last + 1])
    if spent > most:
        return None
    grows = True
    while grows:
        grows = False
        if first > 0 and spent + costs[first - 1] <= most:
            first, grows = first - 1, True
            spent += costs[first]
        if last + 1 < len(lines) and spent + costs[last + 1] <= most:
            last, grows = last + 1, True
            spent += costs[last]
    return starts[first], starts[last + 1]


def find_spans(
    root: "Node", data: bytes, node_types: NodeTypes, limits: FimLimits = FimLimits()
) -> list[Span]:
    """All nodes that may be the middle, in text order, each span once."""
    most = min(limits.max_middle_bytes, int(limits.max_middle_share * len(data)))
    found: dict[tuple[int, int], Span] = {}
    for node in walk(root):
        size = node.end_byte - node.start_byte
        if node is root or size < MIN_MIDDLE or size > most or not node.is_named:
            continue
        if limits.lines is not None and not _lies_in(node, limits.lines):
            continue
        kind = node_kind(node, node_types)
        if kind and data[node.start_byte : node.end_byte].strip():
            found.setdefault((node.start_byte, node.end_byte), Span(node.start_byte, node.end_byte, kind))
    return list(found.values())


def _lies_in(node: "Node", pieces: tuple[tuple[int, int], ...]) -> bool:
    first, last = node.start_point.row + 1, node.end_point.row + 1
    return any(begin <= first and last <= end for begin, end in pieces)


def node_kind(node: "Node", node_types: NodeTypes) -> NodeKind | None:
    """The node's kind for FIM. A statement is a direct child of a block; docstrings and comments
    have no kind."""
    if node.type in node_types.functions or node.type in node_types.anonymous:
        return "function"
    if node.type in node_types.comments or node.type == "string":
        return None
    if node.type in node_types.blocks:
        return "block"
    if node.parent is not None and node.parent.type in node_types.blocks:
        return None if _is_docstring(node) else "statement"
    return "expression" if node_types.is_expression(node.type) else None


def _is_docstring(node: "Node") -> bool:
    return (
        node.type == "expression_statement"
        and node.named_child_count == 1
        and node.named_children[0].type == "string"
    )


def _choose(spans: list[Span], random: Random) -> Span | None:
    """Choose first the kind, then the node, so that the many expressions do not crowd out
    blocks and functions."""
    by_kind = {kind: [span for span in spans if span.kind == kind] for kind in get_args(NodeKind)}
    kinds = [kind for kind in by_kind if by_kind[kind]]
    return random.choice(by_kind[random.choice(kinds)]) if kinds else None
