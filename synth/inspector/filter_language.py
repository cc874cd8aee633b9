"""The filter language: one for the box, the URL and the command line, and the sentence that shows it back.

    lang:rust reason:timeout stage:execute score<0.4 tests:<5/9 ms>2000 mark:bad -model:qwen*
    text:"binary search"

Words stand side by side and must all hold; `or` between two words asks for one of them; `a,b` is either
value; `-` is not; `*` stands for any text; a word without a field is looked for in the texts. The one rule:
pure. What a word means in SQL is said by `filter_conditions.py`, and the help page is made of `FIELDS`.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from synth.errors import Problem, UserError
from synth.inspector.marks import MARK_WORDS
from synth.reasons import REASONS, ReasonClass
from synth.records import Decision, EvidenceRank, Outcome
from synth.wire_record import Record


class FieldKind(StrEnum):
    NAME = "name"
    """Names, with `*` for any text and `,` for either."""
    NUMBER = "number"
    """Compared with <, <=, >, >=, or a range `100..200`."""
    SHARE = "share"
    """Tests that passed: `5/9`, or compared with a share."""
    TEXT = "text"
    """A text that is looked for."""


class FilterField(NamedTuple):
    """A field that a word may name. `before` and `after` stand around the values in the sentence."""

    name: str
    kind: FieldKind
    about: str
    example: str
    before: str
    after: str = ""
    aliases: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    """All values that there can be, where that is a closed list."""


_NAME, _NUMBER = FieldKind.NAME, FieldKind.NUMBER
_REASONS: Final = tuple(dict.fromkeys((*REASONS, *(one.value for one in Outcome if one is not Outcome.PASS))))
_MARKS: Final = (*MARK_WORDS, "any", "none")

FIELDS: Final = {
    field.name: field
    for field in (
        FilterField("language", _NAME, "programming language", "lang:rust,go", "in", aliases=("lang",)),
        FilterField("stage", _NAME, "stage that decided", "stage:execute", "at the stage"),
        FilterField(
            "decision",
            _NAME,
            "what was decided",
            "decision:rejected",
            "that were",
            known=tuple(one.value for one in Decision),
        ),
        FilterField(
            "reason", _NAME, "reason of the decision", "reason:timeout", "with the reason", known=_REASONS
        ),
        FilterField(
            "class",
            _NAME,
            "class of the reason",
            "class:policy",
            "lost for",
            known=tuple(one.value for one in ReasonClass),
        ),
        FilterField(
            "failure",
            _NAME,
            "what failures that look alike say, as the page of the run lists them",
            'failure:"expected #, found #"',
            "that failed alike:",
        ),
        FilterField("kind", _NAME, "kind of unit", "kind:solution", "of the kind"),
        FilterField("id", _NAME, "id of the unit, or its beginning", "id:solution-3f*", "with the id"),
        FilterField("parent", _NAME, "id of a unit that it was made from", "parent:task-0a12", "made from"),
        FilterField("shard", _NAME, "shard", "shard:0003", "in the shard"),
        FilterField("natural", _NAME, "natural language of the task", "natural:zh", "asked for in"),
        FilterField("model", _NAME, "model that wrote it", "-model:qwen*", "written by"),
        FilterField("prompt", _NAME, "prompt that asked for it", "prompt:solve.zh", "asked for by"),
        FilterField(
            "rank",
            _NAME,
            "rank of the evidence",
            "rank:agreement",
            "judged by evidence of the rank",
            known=tuple(one.value for one in EvidenceRank),
        ),
        FilterField(
            "mark", _NAME, "mark of a person", "mark:bad", "marked", known=(*MARK_WORDS, "any", "none")
        ),
        FilterField("round", _NUMBER, "round", "round:2", "of round"),
        FilterField("ms", _NUMBER, "milliseconds that the decision took", "ms>2000", "that took", "ms"),
        FilterField("tokens", _NUMBER, "tokens", "tokens:100..500", "with", "tokens"),
        FilterField(
            "score",
            _NUMBER,
            "the score in the evidence, or the share of tests that passed",
            "score<0.4",
            "with a score",
        ),
        FilterField(
            "tests", FieldKind.SHARE, "tests that passed", "tests:<5/9", "that passed", "of their tests"
        ),
        FilterField(
            "text",
            FieldKind.TEXT,
            "text in prompts, code, outputs and answers",
            'text:"binary search"',
            "that hold",
        ),
    )
}
EVIDENCE: Final = "evidence."
"""`evidence.similarity>0.8`: any figure or text of the evidence."""
_EVIDENCE_FIELD: Final = FilterField(
    EVIDENCE, _NUMBER, "any figure or word of the evidence", "evidence.similarity>0.8", "whose evidence has"
)
_BY_WORD: Final = {word: field for field in FIELDS.values() for word in (field.name, *field.aliases)}

_NAMED: Final = re.compile(rf"(?:{'|'.join(_BY_WORD)})[:=<>]", re.IGNORECASE)
_COMPARISONS: Final = {"<": "under", "<=": "at most", ">": "over", ">=": "at least"}
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_VALUE = rf'(?:{_QUOTED}|[^\s",]+)'
_WORD = re.compile(
    r"(?P<not>-?)(?:(?P<field>[A-Za-z_][\w.]*)(?P<op>:(?:<=|>=|<|>)?|<=|>=|<|>|=)"
    rf'(?P<values>{_VALUE}?(?:,{_VALUE})*)|(?P<bare>{_QUOTED}|[^\s"]+))(?=\s|$)'
)
_OR = re.compile(r"or(?=\s|$)", re.IGNORECASE)
_NUMBER_TEXT = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE)
_SHARE_TEXT = re.compile(r"(\d{1,9})/([1-9]\d{0,8})")
_EVIDENCE_NAME = re.compile(r"evidence\.\w+")
_PLAIN = re.compile(r'[^\s",]+')
_LONGEST: Final = 2000


class FilterError(UserError):
    """A filter that cannot be read. `suggested`: the whole filter with the nearest words in place of the
    unknown ones; empty if nothing is near."""

    def __init__(self, *problems: Problem, suggested: str = "") -> None:
        super().__init__(*problems)
        self.suggested = suggested


class Term(Record):
    """One word: `field` by its full name; `op` is `:` for "is", a comparison, or `..` for a range of two
    values."""

    field: str
    op: str
    values: tuple[str, ...]
    negated: bool = False
    others: "tuple[Term, ...]" = ()
    """Words of which one may hold instead; they have no others."""

    @property
    def alternatives(self) -> "tuple[Term, ...]":
        """The words of which one must hold, each alone."""
        return (self.model_copy(update={"others": ()}), *self.others)

    @property
    def text(self) -> str:
        """The word as it is written, with those that may hold instead."""
        if self.others:
            return " or ".join(term.text for term in self.alternatives)
        sign, name = "-" if self.negated else "", self.field
        if self.op == "..":
            return f"{sign}{name}:{self.values[0]}..{self.values[1]}"
        op = f":{self.op}" if name == "tests" and self.op != ":" else self.op
        return f"{sign}{name}{op}{','.join(map(_quoted, self.values))}"


class UnitFilter(Record):
    """All of these words hold. Without any, every unit fits."""

    terms: tuple[Term, ...] = ()

    @property
    def text(self) -> str:
        """The filter as it is written, in one spelling: parsed again, it is the same filter."""
        return " ".join(term.text for term in self.terms)

    @property
    def sentence(self) -> str:
        """What it means, in words."""
        return f"units {', '.join(map(_in_words, self.terms))}" if self.terms else "all units"

    @property
    def fields(self) -> frozenset[str]:
        """The fields that its words name."""
        return frozenset(one.field for term in self.terms for one in term.alternatives)

    def without(self, field: str) -> "UnitFilter":
        """Whatever the field is. A word that stands for one of several stays."""
        return UnitFilter(terms=tuple(one for one in self.terms if one.field != field or one.others))

    def joined(self, other: "UnitFilter") -> "UnitFilter":
        """Both hold."""
        return UnitFilter(terms=(*self.terms, *(one for one in other.terms if one not in self.terms)))


def parse_filter(text: str) -> UnitFilter:
    """The filter in a text. Raises FilterError with every problem, and suggestions."""
    if len(text) > _LONGEST:
        raise FilterError(Problem("the filter", f"is longer than {_LONGEST} characters", "shorten it"))
    terms: list[Term] = []
    problems: list[Problem] = []
    suggested: list[str] = []
    at, either = 0, False
    while rest := text[at:].lstrip():
        at = len(text) - len(rest)
        if found := _OR.match(rest):
            at += found.end()
            if either or not suggested or not text[at:].strip():
                problems.append(_stray(found.group()))
            either = True
            continue
        word = _WORD.match(rest)
        if word is None:
            problems.append(_unreadable(rest))
            suggested.append("")
            break
        at += word.end()
        try:
            term = _term(word)
            if either and terms:
                terms[-1] = terms[-1].model_copy(update={"others": (*terms[-1].others, term)})
            else:
                terms.append(term)
            words = term.text
        except FilterError as error:
            problems += error.problems
            words = error.suggested
        suggested.append(f"or {words}" if either and words else words)
        either = False
    if problems:
        raise FilterError(*problems, suggested=" ".join(suggested) if all(suggested) else "")
    return UnitFilter(terms=tuple(terms))


def check_values(found: UnitFilter, known: Mapping[str, Iterable[str]]) -> None:
    """Raise FilterError for a name that a field has nowhere in the run: `known` gives those that it has."""
    problems, suggested = list[Problem](), list[str]()
    for whole in found.terms:
        words = []
        for term in whole.alternatives:
            names = sorted(set(known.get(term.field, ())))
            values = []
            for value in term.values:
                is_known = value in names or "*" in value or term.field not in known
                near = value if is_known else _near(value, names)
                if near != value:
                    problems.append(_unknown_value(term.field, value, names))
                values.append(near)
            words.append(term.model_copy(update={"values": tuple(values)}).text if all(values) else "")
        suggested.append(" or ".join(words) if all(words) else "")
    if problems:
        raise FilterError(*problems, suggested=" ".join(suggested) if all(suggested) else "")


def field_of(name: str) -> FilterField:
    """The field of a term."""
    return _EVIDENCE_FIELD if name.startswith(EVIDENCE) else FIELDS[name]


# --- reading one word ---------------------------------------------------------------------------------------


def _term(word: "re.Match[str]") -> Term:
    negated = bool(word["not"])
    if word["bare"] is not None:
        value = _unquoted(word["bare"])
        if not value or (_NAMED.match(value) and value == word["bare"]):
            fix = "write the value, or put the word in quotes"
            raise FilterError(Problem(f"word {word[0]!r}", "has an empty value", fix))
        return Term(field="text", op=":", values=(value,), negated=negated)
    field = _field(word)
    values = tuple(_unquoted(value) for value in re.findall(_VALUE, word["values"]))
    if not values or not all(values):
        raise FilterError(Problem(f"word {word[0]!r}", "has no value", f"write for example {field.example}"))
    op = ":" if word["op"] in (":", "=") else word["op"].lstrip(":")
    name = word["field"].lower() if field is _EVIDENCE_FIELD else field.name
    term = Term(field=name, op=op, values=values, negated=negated)
    match field.kind:
        case FieldKind.NUMBER if field is not _EVIDENCE_FIELD or op != ":" or ".." in values[0]:
            return _number_term(term, word[0], field)
        case FieldKind.SHARE:
            return _share_term(term, word[0], field)
        case FieldKind.NAME | FieldKind.TEXT if op != ":":
            fix = f"write for example {field.example}"
            raise FilterError(Problem(f"word {word[0]!r}", f"cannot be compared by {op}", fix))
    return _check_known(term, field)


def _field(word: "re.Match[str]") -> FilterField:
    name = word["field"].lower()
    if _EVIDENCE_NAME.fullmatch(name):
        return _EVIDENCE_FIELD
    if name in _BY_WORD:
        return _BY_WORD[name]
    near = _near(name, [*_BY_WORD, EVIDENCE])
    fix = f"did you mean {near!r}?" if near else "to look for it as a text, put it in quotes"
    raise FilterError(
        Problem(
            f"word {word[0]!r}", f"names no field; the fields are {', '.join(FIELDS)}, {EVIDENCE}NAME", fix
        ),
        suggested=word[0].replace(word["field"], near, 1) if near and near != EVIDENCE else "",
    )


def _number_term(term: Term, word: str, field: FilterField) -> Term:
    first, dots, last = term.values[0].partition("..")
    numbers = (first, last) if dots else term.values
    if (dots and (term.op != ":" or len(term.values) > 1)) or not all(map(_NUMBER_TEXT.fullmatch, numbers)):
        raise FilterError(Problem(f"word {word!r}", "needs a number", f"write for example {field.example}"))
    if dots and float(first) > float(last):
        fix = f"write the smaller one first: {last}..{first}"
        raise FilterError(Problem(f"word {word!r}", "ends before it begins", fix))
    if term.op != ":" and len(numbers) > 1:
        raise FilterError(Problem(f"word {word!r}", "is compared with one number", f"write {field.example}"))
    return term.model_copy(update={"op": ".." if dots else term.op, "values": tuple(numbers)})


def _share_term(term: Term, word: str, field: FilterField) -> Term:
    value = term.values[0]
    if len(term.values) > 1 or not (_SHARE_TEXT.fullmatch(value) or _NUMBER_TEXT.fullmatch(value)):
        expected = "needs a share of tests, such as 5/9 or 0.5"
        raise FilterError(Problem(f"word {word!r}", expected, f"write for example {field.example}"))
    return term


def _check_known(term: Term, field: FilterField) -> Term:
    if not field.known:
        return term
    term = term.model_copy(update={"values": tuple(value.lower() for value in term.values)})
    check_values(UnitFilter(terms=(term,)), {field.name: field.known})
    return term


def _unknown_value(field: str, value: str, names: list[str]) -> Problem:
    near = difflib.get_close_matches(value, names, n=3, cutoff=0.5)
    listed = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    if near:
        fix = f"did you mean {', '.join(near)}?"
    else:
        fix = f"choose one of: {listed}" if names else "leave it out"
    return Problem(f"{field} {value!r}", "is unknown here", fix)


def _stray(word: str) -> Problem:
    return Problem(f"word {word!r}", "must stand between two words", 'to look for it as a text, write "or"')


def _near(word: str, names: Iterable[str]) -> str:
    found = difflib.get_close_matches(word, list(names), n=1, cutoff=0.5)
    return found[0] if found else ""


def _unreadable(rest: str) -> Problem:
    what = "has a quotation mark that is not closed" if rest.count('"') % 2 else "cannot be read"
    return Problem(f"filter at {rest[:40]!r}", what, 'write field:value, field<number or "a text"')


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value) and not value.startswith("-"):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


# --- the sentence -------------------------------------------------------------------------------------------


def _in_words(term: Term) -> str:
    if term.others:
        return " or ".join(map(_in_words, term.alternatives))
    field = field_of(term.field)
    parts = ["not" if term.negated else "", field.before]
    if field is _EVIDENCE_FIELD:
        parts.append(f"“{term.field.removeprefix(EVIDENCE)}”")
    match term.op:
        case "..":
            parts.append(f"{term.values[0]} to {term.values[1]}")
        case ":" if field.kind is FieldKind.TEXT:
            parts.append(_either(f"“{value}”" for value in term.values))
        case ":":
            parts.append(_either(term.values))
        case _:
            parts.append(f"{_COMPARISONS[term.op]} {term.values[0]}")
    return " ".join(filter(None, (*parts, field.after)))


def _either(values: Iterable[str]) -> str:
    *most, last = values
    return f"{', '.join(most)} or {last}" if most else last
