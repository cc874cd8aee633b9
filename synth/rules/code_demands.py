"""What the words of a program demand of its arguments: the names of its parameters, what its comments say of
them, its assertions, and how it indexes them. The words are those of all eight languages of seeds.

Place in the flow: `preconditions.py` asks here. The one rule: an assertion is a precondition, since languages
leave it out at will, and so is what a comment says; a guard that raises or returns something is no
precondition but an answer, since the code itself says what comes out.
"""

import math
import re
from collections.abc import Sequence
from itertools import combinations
from typing import Final

from synth.rules.demands import (
    Demand,
    an_index,
    ascending,
    at_least,
    at_most,
    in_bounds,
    not_empty,
    of_letters,
    positive,
    rectangular,
    same_length,
)

_LOWER: Final = re.compile(
    r"(?i)(?:lo|low|left|start|begin|first|from|l|min|lower|beg)(?:_?(?:index|idx|bound|pos))?"
)
_UPPER: Final = re.compile(
    r"(?i)(?:hi|high|right|end|stop|last|to|r|max|upper)(?:_?(?:index|idx|bound|pos))?"
)
_SEARCH: Final = re.compile(
    r"(?i)(?:binary|interpolation|jump|exponential|fibonacci|ternary|doubly?linear)_?search|bisect"
    r"|(?:lower|upper)_?bound|search_?insert|merge_?sorted|two_?pointer"
)
_SORTED: Final = re.compile(
    r"(?i)\b(?:sorted|ascending|ordered)\s+(?:\w+\s+)?"
    r"(?:array|list|collection|sequence|vector|slice|input|arr)"
    r"|\b(?:array|list|collection|sequence|vector|slice|input|items?|elements|numbers|nums|arr)\b[^.\n]{0,30}"
    r"\b(?:must|should|needs? to|has to|is|are|be|in)\b[^.\n]{0,20}\b(?:sorted|ascending)"
)
_UNSORTED: Final = re.compile(
    r"(?i)\bun-?sorted|not (?:be )?sorted|sorts? |sorting|_sort\b|is_?sorted|need not"
)


_INDEX: Final = re.compile(
    r"[ij]|idx|pos|position|(?:\w*_)?index\d?|\w+_(?:idx|pos)|\w*Index\d?|row|r|x?_?row|col|c|column"
)
_COLUMN: Final = re.compile(r"col|c|column")
_QUANTITY: Final = re.compile(
    r"(?i)(?:\w+_)?(?:time|duration|gravity|mass|radius|height|width|length|side|speed|distance|area|volume|"
    r"frequency|wavelength|resistance|capacity|size|count|amount|principal|weight|depth|thickness|density|"
    r"viscosity|perimeter|diameter|years?|periods?|months?|days?)s?"
)
_COUNT: Final = re.compile(r"k|modulus|mod|base|steps?|num_?terms|iterations|precision|accuracy")
_MATRIX: Final = re.compile(
    r"(?i)(?:\w*_)?(?:matrix|mat|grid|board|image|img|maze|kmap|sudoku|pixels)\w*|\w*2_?d\w*"
)
_ALPHABETS: Final = {
    r"(?i)(?:binary|bin|bits?)(?:_?(?:str|string|num|number|text|value))?": "01",
    r"(?i)(?:hex|hexa|hexadecimal)(?:_?(?:str|string|num|number|text|value))?": "0123456789ABCDEF",
    r"(?i)oct(?:al)?(?:_?(?:str|string|num|number|text|value))?": "01234567",
    r"(?i)dna\w*": "ACGT",
    r"(?i)digits?": "0123456789",
}
"""What a text holds whose name says so."""
_COMMENT: Final = re.compile(
    r"/\*.*?\*/|//[^\n]*|(?<!['\"])#(?!include|define|\[)[^\n]*|\"\"\".*?\"\"\"|'\'\'.*?'\'\'", re.DOTALL
)
_ASSERTION: Final = re.compile(
    r"\b(?:console\.)?(?:debug_)?assert!?(?:\.ok)?(?:\s*\(|\s+)(?P<said>[^\n;]{1,200})"
)
_NUMBER: Final = r"-?\d+(?:\.\d+)?(?:e\d+|\s?(?:\^|\*\*)\s?\d+)?"
_CONDITION: Final = re.compile(
    r"(?i)\b(?:if|when|while|until|unless|for|where|case|otherwise|since)\b|>>>|return"
)
_OUTCOME: Final = re.compile(
    r"(?i)[^.]*(?:raise|throw|error|return|invalid|exception|panic|->|=>|then|==|\?)"
)
_MOST: Final = 1e18
_BOTH_SIGNS: Final = re.compile(r"(?i)negative|sign(?:ed)?\b|or zero|any (?:integer|number)")
_MEMORY: Final = re.compile(
    r"(?i)(?:memo(?:i[sz]\w*)?|dp|cached?|max_?rev|look_?up)(?:_?(?:table|dict|map|array))?"
)
_MEASURED: Final = r"(?:time|duration|mass|radius|length|height|width|distance)"
_WHOLE: Final = r"(?:integers?|ints?|numbers?|values?|whole numbers?|floats?)"


def demands_of_code(code: str, entry_point: str, names: Sequence[str]) -> list[Demand]:
    """What the words of the code demand."""
    comments = "\n".join(_COMMENT.findall(code))
    assertions = "\n".join(one["said"] for one in _ASSERTION.finditer(code))
    found: list[Demand] = []
    said = bool(_SORTED.search(code)) and not _UNSORTED.search(code)
    merges = re.match(r"(?i)merge", entry_point) and sum(bool(_bound(name)) for name in names) > 1
    for at, name in enumerate(names):
        if _SEARCH.search(entry_point) or said or merges or re.match(r"(?i)sorted(?!_?by)", name):
            found.append(ascending(at))
        found += _of_name(at, name)
        found += _of_comments(at, name, comments, alone=len(names) == 1)
        found += _bounds(at, name, comments, is_prose=True) + _bounds(at, name, assertions)
        if _is_indexed_twice(name, code):
            found.append(rectangular(at, square=False))
    for low, high in combinations(range(len(names)), 2):
        if _LOWER.fullmatch(names[low]) and _UPPER.fullmatch(names[high]):
            found.append(in_bounds(low, high))
        if _indices(names[low], code) & _indices(names[high], code):
            found.append(same_length(low, high))
    return found


def _bound(name: str) -> bool:
    return bool(_LOWER.fullmatch(name) or _UPPER.fullmatch(name) or re.fullmatch(r"(?i)mid(?:dle)?", name))


def _of_name(at: int, name: str) -> list[Demand]:
    """What the name of a parameter says."""
    if _INDEX.fullmatch(name):
        return [an_index(at, depth=1 if _COLUMN.fullmatch(name) else 0)]
    if _QUANTITY.fullmatch(name):
        return [at_least(at, 0)]
    if _COUNT.fullmatch(name):
        return [at_least(at, 0) if name == "k" else positive(at)]
    if _MATRIX.fullmatch(name):
        return [rectangular(at, square=False)]
    return [
        of_letters(at, letters, empty=False)
        for pattern, letters in _ALPHABETS.items()
        if re.fullmatch(pattern, name)
    ]


def _of_comments(at: int, name: str, comments: str, *, alone: bool) -> list[Demand]:
    """What the comments say of a parameter: that it is positive, not negative, not empty, sorted. What stands
    there of the only parameter need not name it."""
    word = re.escape(name)
    near = rf"\b{word}\b[^.\n]{{0,60}}?"
    found: list[Demand] = []
    for sign, make in (
        (r"(?:positive|natural)", positive(at)),
        (r"(?:non-?\s?negative|unsigned)", at_least(at, 0)),
    ):
        phrase = (
            rf"(?i){near}(?<!non-)\b{sign}\b(?P<rest>[^.\n]{{0,30}})|\b{sign}\s+{_WHOLE}\s+[`'\"(]?{word}\b"
        )
        if alone:
            phrase += rf"|\b(?:an?|the|given|takes)\s+{sign}\s+{_WHOLE}"
        hit = re.search(phrase, comments)
        if hit is not None and not _BOTH_SIGNS.search(hit["rest"] or ""):
            found.append(make)
    if len(name) == 1 and re.search(
        rf"(?i)\b{word}\b[^.\n\w]{{1,6}}(?:\w+ ){{0,3}}{_MEASURED}\b(?! complexity)", comments
    ):
        found.append(at_least(at, 0))
    if re.search(rf"(?i){near}\bnon-?\s?empty\b|\bnon-?\s?empty\s+(?:\w+\s+)?[`'\"(]?{word}\b", comments):
        found.append(not_empty(at))
    return found


def _bounds(at: int, name: str, words: str, *, is_prose: bool = False) -> list[Demand]:
    """The bounds that a text states: `1 <= n <= 10^5`, `n > 0`, `n between 0 and 255`, "at most 20". Of
    prose, none that stand in a condition or before a result."""
    word = rf"`?\b{re.escape(name)}\b`?"
    near = rf"(?i){word}[^.\n\d]{{0,40}}?\b"
    found: list[Demand] = []
    patterns = (
        rf"(?P<least>{_NUMBER})\s*(?P<over><=|<|≤)\s*{word}(?![\w.\[(])",
        rf"(?<![\w.\[(+*/-]){word}\s*(?P<over>>=|>|≥)\s*(?P<least>{_NUMBER})(?![\w.])",
        rf"(?<![\w.\[(+*/-]){word}\s*(?P<under><=|<|≤)\s*(?P<most>{_NUMBER})(?![\w.])",
        rf"{near}(?:between|in (?:the )?range(?: of)?|from)\s*[\[(]?(?P<least>{_NUMBER})"
        rf"\s*(?:and|to|,|-|\.\.)\s*(?P<most>{_NUMBER})",
        rf"{near}(?P<over>at least|greater than|more than)\s+(?P<least>{_NUMBER})",
        rf"{near}(?P<under>at most|less than)\s+(?P<most>{_NUMBER})",
    )
    for pattern in patterns:
        for hit in re.finditer(pattern, words):
            if is_prose and _is_conditional(words, hit):
                continue
            said = hit.groupdict()
            if said.get("least"):
                found.append(_least(at, hit["least"], _is_open(said.get("over"))))
            if said.get("most"):
                found.append(_most(at, hit["most"], _is_open(said.get("under"))))
    return found


def _is_open(words: str | None) -> bool:
    return words is not None and (words in "<>" or "than" in words)


def _is_conditional(words: str, hit: re.Match[str]) -> bool:
    before = words[max(0, hit.start() - 30) : hit.start()].rpartition("\n")[2]
    rest, _, next_line = words[hit.end() : hit.end() + 80].partition("\n")
    is_example = next_line.lstrip().startswith(">>>")
    return is_example or bool(_CONDITION.search(before) or _OUTCOME.match(rest))


def _least(at: int, text: str, is_open: bool) -> Demand:
    number = _number(text)
    if number == 0 and is_open:
        return positive(at)
    return at_least(at, number + 1 if is_open else number)


def _most(at: int, text: str, is_open: bool) -> Demand:
    number = _number(text)
    return at_most(at, number - 1 if is_open else number)


def _number(text: str) -> float:
    """`10^5`, `2**31` and `1e5` too, up to what matters to anyone."""
    head, _, exponent = re.sub(r"\s?(?:\^|\*\*)\s?", "^", text).partition("^")
    try:
        number: float = math.pow(float(head), int(exponent or 1))
    except OverflowError:
        number = math.inf
    return min(max(number, -_MOST), _MOST)


def _is_indexed_twice(name: str, code: str) -> bool:
    return bool(re.search(rf"\b{re.escape(name)}\[[^\[\]\n]+\]\[", code))


def _indices(name: str, code: str) -> set[str]:
    """The variables by which a parameter is indexed."""
    return set(re.findall(rf"\b{re.escape(name)}\[(\w+)\]", code)) - set("0123456789")


def find_memory(names: Sequence[str]) -> str:
    """The parameter that holds what earlier calls have found; empty if there is none. No value of it can be
    drawn: what the function returns is right only for what it would have put there itself."""
    return next((name for name in names if _MEMORY.fullmatch(name)), "")
