"""How a text of a benchmark is changed before it is planted in training data.

The one rule: a change keeps what the text says. Names are changed as a person's tool would: the function and
its variables, never what the language or a library calls its own.
"""

import re
from collections.abc import Callable
from random import Random

from synth.filters.words import is_ideographic, split_words
from synth.grammar.trees import node_text, parse
from synth.languages.registry import get_language

Change = Callable[[str, str, Random], str]
"""(text, language, random) -> changed text. Prose has no language."""

_COMMENT = {"#": "# {}", "//": "// {}"}
_KEPT = frozenset("self this super cls console math Math std fmt os sys re np String Integer System".split())


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
    """Of each eight words (ideographs: characters), one at a random place becomes another word of the text
    or, in a text of few words, a made-up one."""
    ideographic = is_ideographic(split_words(text))
    pieces = list(text) if ideographic else re.split(r"(\s+)", text)
    places = [at for at, piece in enumerate(pieces) if (piece.isalnum() if ideographic else piece.strip())]
    for start in range(0, len(places), 8):
        at = random.choice(places[start : start + 8])
        pieces[at] = chr(0x4E00 + random.randrange(4000)) if ideographic else _made_up(random)
    return "".join(pieces)


def one_token_in_eight(text: str, language: str, random: Random) -> str:
    """Of each eight words and numbers of a program, one at a random place becomes another."""
    words = [match.span() for match in re.finditer(r"\w+", text)]
    chosen = sorted(random.choice(words[start : start + 8]) for start in range(0, len(words), 8))
    for begin, end in reversed(chosen):
        text = (
            text[:begin]
            + (str(random.randrange(10, 99)) if text[begin].isdigit() else _made_up(random))
            + text[end:]
        )
    return text


def _made_up(random: Random) -> str:
    return "".join(
        random.choice("bcdfghklmnprst") + random.choice("aeiou") for _ in range(random.randint(2, 4))
    )


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
    found: set[str] = set()
    while len(found) < count:
        found.add(_made_up(random))
    return sorted(found, key=lambda name: random.random())


def _variables(data: bytes, language: str):
    """Where the names of variables and of the function itself stand."""
    stack, spots = [parse(data, get_language(language).grammar).root_node], []
    functions = get_language(language).node_types.functions
    own: set[str] = set()
    while stack:
        node = stack.pop()
        stack.extend(reversed(node.children))
        if not node.is_leaf or node.type not in (
            "identifier",
            "variable_name",
            "shorthand_property_identifier_pattern",
        ):
            continue
        name = node_text(node, data)
        before = data[: node.start_byte].rstrip()[-2:]
        after = data[node.end_byte :].lstrip()[:1]
        member = before.endswith((b".", b"::", b"->", b"@"))
        declares = node.parent is not None and (
            node.parent.type in functions or node.parent.type == "function_declarator"
        )
        if declares:
            own.add(name)
        if (
            not member
            and name not in _KEPT
            and name[:1].islower()
            and len(name) < 60
            and (after != b"(" or declares)
        ):
            spots.append((node.start_byte, node.end_byte, name))
        elif after == b"(" and not member:
            spots.append((node.start_byte, node.end_byte, "?" + name))
    for begin, end, name in spots:
        if not name.startswith("?"):
            yield begin, end, name
        elif name[1:] in own:
            yield begin, end, name[1:]


def reformatted(text: str, language: str, random: Random) -> str:
    """Other layout: indentation, blank lines, comments, space around operators."""
    sign = (
        _COMMENT[get_language(language).comment_signs[0]] if get_language(language).comment_signs else "# {}"
    )
    lines = []
    for number, line in enumerate(text.split("\n")):
        body = line.lstrip(" \t")
        lines.append(" " * (2 * (len(line) - len(body))) + re.sub(r", ", ",", body))
        if number % 3 == 1 and '"""' not in text and "'''" not in text and "`" not in text:
            lines += ["", " " * (2 * (len(line) - len(body))) + sign.format(_made_up(random))]
    return "\n".join(lines)


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
