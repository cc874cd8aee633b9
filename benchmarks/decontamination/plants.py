"""How a text of a benchmark is changed before it is planted in training data.

The one rule: a change keeps what the text says. Names are changed as a person's tool would: the function and
its variables, never what the language or a library calls its own.
"""

import re
from collections.abc import Callable, Iterator
from random import Random
from typing import TYPE_CHECKING

from synth.filters.words import is_ideographic, split_words
from synth.grammar.trees import node_text, parse
from synth.languages.code_tokens import lexemes
from synth.languages.registry import get_language

if TYPE_CHECKING:
    from synth.grammar.nodes import Node

Change = Callable[[str, str, Random], str]
"""(text, language, random) -> changed text. Prose has no language."""

_KEPT = frozenset("self this super cls console math Math std fmt os sys re np String Integer System".split())
_NAMES = frozenset(("identifier", "variable_name", "shorthand_property_identifier_pattern"))
_MEMBER = (b".", b"::", b"->", b"@")


def verbatim(text: str, language: str, random: Random) -> str:
    return text


def upper_case(text: str, language: str, random: Random) -> str:
    return text.upper()


def without_punctuation(text: str, language: str, random: Random) -> str:
    return re.sub(r"[^\w\s]", "", text)


def spaced_punctuation(text: str, language: str, random: Random) -> str:
    return re.sub(r"[^\w\s]", " ", text)


def surrounded(text: str, language: str, random: Random) -> str:
    return f"Please solve the following task. {text}\nAnswer with a program and a short explanation."


def one_word_in_eight(text: str, language: str, random: Random) -> str:
    """Of each eight words (ideographs: characters), one at a random place becomes another."""
    ideographic = is_ideographic(split_words(text))
    pieces = list(text) if ideographic else re.split(r"(\s+)", text)
    places = [at for at, piece in enumerate(pieces) if (piece.isalnum() if ideographic else piece.strip())]
    for start in range(0, len(places), 8):
        at = random.choice(places[start : start + 8])
        pieces[at] = chr(0x4E00 + random.randrange(4000)) if ideographic else _made_up(random)
    return "".join(pieces)


def one_token_in_eight(text: str, language: str, random: Random) -> str:
    """Of each eight words and numbers of a program, keywords included, one becomes another."""
    words = [match.span() for match in re.finditer(r"\w+", text)]
    chosen = sorted(random.choice(words[start : start + 8]) for start in range(0, len(words), 8))
    for begin, end in reversed(chosen):
        other = str(random.randrange(10, 99)) if text[begin].isdigit() else _made_up(random)
        text = text[:begin] + other + text[end:]
    return text


def _made_up(random: Random) -> str:
    syllables = (
        random.choice("bcdfghklmnprst") + random.choice("aeiou") for _ in range(random.randint(2, 4))
    )
    return "".join(syllables)


def renamed(text: str, language: str, random: Random) -> str:
    """The function, its parameters and its variables under other names, each everywhere the same."""
    data = text.encode("utf-8", "surrogatepass")
    spots = list(_variables(data, language))
    names = sorted({name for _, _, name in spots})
    made = dict(zip(names, _fresh(len(names), random), strict=True))
    for begin, end, name in sorted(spots, reverse=True):
        data = data[:begin] + made[name].encode() + data[end:]
    return data.decode("utf-8", "surrogatepass")


def _fresh(count: int, random: Random) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        found[_made_up(random)] = None
    return list(found)


def _variables(data: bytes, language: str) -> Iterator[tuple[int, int, str]]:
    """Where the names of variables and of the function itself stand."""
    language_ = get_language(language)
    assert language_.node_types is not None
    functions = language_.node_types.functions | {"function_declarator"}
    named = list(_leaves(parse(data, language_.grammar).root_node))
    own = {
        node_text(node, data) for node in named if node.parent is not None and node.parent.type in functions
    }
    for node in named:
        name = node_text(node, data)
        member = data[: node.start_byte].rstrip().endswith(_MEMBER)
        called = data[node.end_byte :].lstrip()[:1] == b"("
        variable = name not in _KEPT and name[:1].islower() and not called
        if not member and (variable or name in own):
            yield node.start_byte, node.end_byte, name


def _leaves(root: "Node") -> Iterator["Node"]:
    stack = [root]
    while stack:
        node = stack.pop()
        stack.extend(reversed(node.children))
        if node.is_leaf and node.type in _NAMES:
            yield node


def reformatted(text: str, language: str, random: Random) -> str:
    """Other layout: twice the indentation, other space around signs, comments of one's own."""
    signs = get_language(language).comment_signs
    layout = re.sub(r"(?m)^([ \t]+)", r"\1\1", _respaced(text, language))
    lines = layout.split("\n")
    quiet = not any(mark in text for mark in ('"""', "'''", "`"))
    for number in range(len(lines) - 1, 0, -3):
        if quiet and signs and not lines[number - 1].endswith("\\"):
            indent = lines[number][: len(lines[number]) - len(lines[number].lstrip())]
            lines[number:number] = ["", f"{indent}{signs[0]} {_made_up(random)}"]
    return "\n".join(lines)


def _respaced(text: str, language: str) -> str:
    """No space behind commas, and none around plus signs, outside of strings and comments."""
    at, pieces = 0, list[str]()
    for kind, piece in lexemes(text, language):
        begin = text.index(piece, at)
        between, at = text[at:begin], begin + len(piece)
        tight = kind == "symbol" and pieces and pieces[-1] in (",", "+") and between == " "
        pieces += ["" if tight or (pieces and pieces[-1] == "," and between == " ") else between, piece]
    return "".join(pieces) + text[at:]


def renamed_and_reformatted(text: str, language: str, random: Random) -> str:
    return reformatted(renamed(text, language, random), language, random)


PROSE: dict[str, Change] = {
    "verbatim": verbatim,
    "letter case": upper_case,
    "punctuation removed": without_punctuation,
    "punctuation replaced": spaced_punctuation,
    "words around it": surrounded,
    "one word in eight": one_word_in_eight,
}
CODE: dict[str, Change] = {
    "verbatim": verbatim,
    "renamed": renamed,
    "reformatted": reformatted,
    "renamed and reformatted": renamed_and_reformatted,
    "one word in eight": one_token_in_eight,
}
