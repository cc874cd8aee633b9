"""Code as lines of marked-up text, coloured by its syntax tree.

Place in the flow: templates call `code(text, language)`. The one rule: code is hostile, so it is parsed by
the parser process, within its bounds; where that gives no tree, the text is shown plain, and it is inert
either way.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from synth.grammar.parser_process import UnparsedError
from synth.grammar.trees import has_grammar, parse
from synth.plain_text import plain

if TYPE_CHECKING:
    from markupsafe import Markup

    from synth.grammar.nodes import Node

MOST_CHARACTERS: Final = 64_000
"""A longer text is cut, and its true length stated."""
MOST_COLUMNS: Final = 2_000
"""A longer line is cut, and its true length stated."""
_WHOLE: Final = ("comment", "string", "char", "heredoc", "regex")
"""A node whose type has one of these words is one token, whatever it holds, but for interpolations."""


def shown_code(text: str, language: str = "", first_line: int = 1) -> "Markup":
    """The text as a block of numbered lines. Long texts and long lines are cut; the block says so."""
    from markupsafe import Markup, escape

    cut = text[:MOST_CHARACTERS]
    lines = [
        Markup('<span class="line" data-line="{}">{}</span>').format(number, _shown_line(line))
        for number, line in enumerate(code_lines(cut, language), first_line)
    ]
    note = ""
    if len(text) > len(cut):
        note = f"cut after {len(cut):,} of {len(text):,} characters"
    tail = Markup('<p class="cut">{}</p>').format(escape(note)) if note else Markup("")
    label = f"{language} code" if language else "text"
    head = Markup('<pre class="code" tabindex="0" role="region" aria-label="{}"><code>').format(label)
    return head + Markup("\n").join(lines) + Markup("</code></pre>") + tail


@lru_cache(maxsize=256)
def code_lines(text: str, language: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Lines of (class, text). The classes are those of the style sheet; an empty one is plain."""
    lines: list[list[tuple[str, str]]] = [[]]
    for kind, piece in _tokens(text, language):
        first, *more = piece.split("\n")
        lines[-1].append((kind, first))
        lines.extend([(kind, part)] for part in more)
    if len(lines) > 1 and not any(piece for _, piece in lines[-1]):
        lines.pop()
    return tuple(tuple(line) for line in lines)


def _shown_line(line: tuple[tuple[str, str], ...]) -> "Markup":
    from markupsafe import Markup

    length = sum(len(piece) for _, piece in line)
    made, room = [], MOST_COLUMNS
    for kind, piece in line:
        shown = plain(piece[:room])
        room -= len(piece)
        made.append(Markup('<i class="{}">{}</i>').format(kind, shown) if kind else Markup.escape(shown))
        if room <= 0:
            break
    if length > MOST_COLUMNS:
        made.append(Markup('<b class="cut">… {} characters in all</b>').format(f"{length:,}"))
    return Markup("").join(made)


def _tokens(text: str, language: str) -> list[tuple[str, str]]:
    grammar = _grammar_of(language)
    data = text.encode("utf-8", "backslashreplace")
    if not grammar:
        return [("", text)]
    try:
        root = parse(data, grammar).root_node
    except UnparsedError:
        return [("", text)]
    found, at = list[tuple[str, str]](), 0
    for kind, start, end in _marked(root):
        if start < at or end <= start:
            continue
        found.append(("", data[at:start].decode("utf-8", "replace")))
        found.append((kind, data[start:end].decode("utf-8", "replace")))
        at = end
    found.append(("", data[at:].decode("utf-8", "replace")))
    return [one for one in found if one[1]]


def _grammar_of(language: str) -> str:
    from synth.languages.registry import find_language

    known = find_language(language)
    return known.grammar if known is not None and has_grammar(known.grammar) else ""


def _marked(root: "Node") -> Iterator[tuple[str, int, int]]:
    """Class, start and end of the coloured nodes, in the order of the text."""
    stack = [root]
    while stack:
        node = stack.pop()
        kind = _class_of(node)
        if kind:
            yield kind, node.start_byte, node.end_byte
        else:
            stack.extend(reversed(node.children))


def _class_of(node: "Node") -> str:
    """`com`, `str`, `num`, `key`, `fun`, `typ`, or empty. By the conventions that grammars share: comments,
    strings and numbers say so in their names, and a keyword is an unnamed node made of letters."""
    name = node.type
    if not node.is_named:
        return "key" if node.is_leaf and name.replace("_", "").isalpha() else ""
    if "comment" in name:
        return "com"
    if any(word in name for word in _WHOLE) and not any("interpol" in one.type for one in node.children):
        return "str" if node.is_leaf or name.endswith(("literal", "string", "char", "regex")) else ""
    if not node.is_leaf:
        return ""
    if "number" in name or name in ("integer", "float", "integer_literal", "float_literal"):
        return "num"
    if name in ("true", "false", "none", "null", "nil", "null_literal", "boolean", "boolean_literal"):
        return "num"
    if "type" in name:
        return "typ"
    parent = node.parent
    is_defined = parent is not None and "function" in parent.type and "call" not in parent.type
    return "fun" if is_defined and parent is not None and parent.child_by_field_name("name") == node else ""
