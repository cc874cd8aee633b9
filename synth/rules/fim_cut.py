"""Fill-in-the-middle samples: a node of the syntax tree is cut out of a program (Qwen2.5-Coder report, 4.2),
in file or repository format.

The one rule: prefix + middle + suffix is the text, byte for byte, and nothing in it can be read as a special
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

if TYPE_CHECKING:
    from synth.grammar.nodes import Node

NodeKind = Literal["expression", "statement", "block", "function"]
SPECIAL_TOKEN = re.compile(r"<\|[A-Za-z][A-Za-z0-9_]*\|>|</?tool_call>")
"""Texts that the policy's tokenizer may read as one token: every `<|name|>`, and
Qwen2.5's tool-call marks."""

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
    """Bounds on the middle; a text whose tree has errors is rejected unless `allow_errors`."""

    max_middle_share: float = 0.6
    max_middle_bytes: int = 2000
    allow_errors: bool = False


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
    files = "".join(
        f"<|file_sep|>{file.path}\n{file.text}{'' if file.text.endswith(chr(10)) else chr(10)}"
        for file in clean
    )
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
    prefix, middle, suffix = (
        part.decode("utf-8", "surrogatepass")
        for part in (data[: span.start], data[span.start : span.end], data[span.end :])
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
        kind = node_kind(node, node_types)
        if kind and data[node.start_byte : node.end_byte].strip():
            found.setdefault((node.start_byte, node.end_byte), Span(node.start_byte, node.end_byte, kind))
    return list(found.values())


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
