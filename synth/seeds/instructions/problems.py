"""One row of an instruction set as a problem: its text, its answer as a program, its tests.

The one rule: a row that no task can be made of is a rejection with words; what a set claims of an answer is
never believed, it is run.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from synth.config import ColumnPart, InstructionSeedsConfig
from synth.filters.protocol import Evidence, Reject
from synth.ids import content_hash, unit_id
from synth.languages.registry import find_language
from synth.prompts.answers import read_code
from synth.prompts.fences import read_fences
from synth.records import CodingProblem, Origin, StdioContract
from synth.seeds.instructions.layouts import SetLayout, find_layout
from synth.seeds.instructions.tests import NO_TESTS, GivenTests, read_tests
from synth.seeds.licences import check_licence, from_columns
from synth.seeds.protocol import ReadProblem, SeedRejection
from synth.seeds.rows import DataRow
from synth.seeds.screen import screen_text
from synth.token_estimate import estimate_tokens

_DEFINED: Final = re.compile(r"^[ \t]*(?:async[ \t]+)?(?:def|fn|func|function)[ \t]+(\w+)", re.MULTILINE)
_CHINESE_SHARE: Final = 0.2
_IDEOGRAPH: Final = re.compile(r"[\u4e00-\u9fff]")
_NOT_TOLD_APART: Final = ("generated_checker", "interaction_format")
"""Columns that say that an output cannot be compared as it is."""


@dataclass(frozen=True, slots=True)
class ProblemReader:
    """How the rows of one set are read."""

    source: str
    config: InstructionSeedsConfig

    def language_of(self, row: DataRow) -> str:
        """The language of the answer as far as a column or the set says it; empty if none does."""
        if isinstance(row.values, Reject):
            return ""
        layout = find_layout(row.values, self.config.columns)
        return _stated_language(row.values, layout) if layout is not None else ""

    def read(self, row: DataRow) -> ReadProblem:
        """The problem, or why it is none. No content makes it raise."""
        values = row.values
        licence = "" if isinstance(values, Reject) else from_columns(values)
        origin = Origin(source=self.source, row=row.name, licence=licence)
        content = content_hash(repr(values))
        found = values if isinstance(values, Reject) else self._read(values, origin)
        if isinstance(found, Reject):
            key = unit_id(CodingProblem.kind, self.source, row.name)
            return ReadProblem(row.name, SeedRejection(key, "problem", "", origin, found), {}, content)
        problem, evidence = found
        return ReadProblem(row.name, problem, evidence, content)

    def _read(self, values: Mapping[str, Any], origin: Origin) -> tuple[CodingProblem, Evidence] | Reject:
        layout = find_layout(values, self.config.columns)
        if layout is None:
            return Reject(
                "unreadable", {"error": "no column of a problem", "columns": ", ".join(values)[:200]}
            )
        text = "\n\n".join(part for name in layout.problem if (part := _problem_text(values.get(name))))
        if not text:
            return Reject("unreadable", {"column": layout.problem[0], "found": "no text"})
        if refused := check_licence(origin.licence, self.config.licences):
            return refused
        tokens = estimate_tokens(text)
        if tokens > self.config.max_problem_tokens:
            return Reject("too_long", {"tokens": tokens, "limit": self.config.max_problem_tokens})
        answer = _answer_text(values.get(layout.answer)) if layout.answer else ""
        tests = _tests(values, layout, _entry_point(values, self.config.columns))
        language, code = _program(answer, _stated_language(values, layout), tests.entry_point)
        too_long = estimate_tokens(code) > self.config.max_tokens
        clean = self._screened(text, "" if too_long else code, language)
        if isinstance(clean, Reject):
            return clean
        text, code, evidence = clean
        starter = _answer_text(values.get(layout.starter)) if layout.starter else ""
        if not code and not tests.runs and not tests.calls and not starter:
            return Reject("no_evidence", _why_none(answer, too_long, values, layout))
        problem = CodingProblem(
            id=unit_id(CodingProblem.kind, text, code, origin.source, origin.row),
            language=language if code else "",
            instruction=text,
            natural_language="zh" if _is_chinese(text) else "en",
            code=code,
            starter=starter,
            entry_point=tests.entry_point or _named_in(text, code),
            contract=StdioContract() if tests.runs else None,
            cases=tests.runs,
            examples=tests.calls,
            origin=origin,
        )
        return problem, evidence

    def _screened(self, text: str, code: str, language: str) -> tuple[str, str, Evidence] | Reject:
        """Problem and answer without what the recipe's screen keeps out, and what was masked."""
        counts: Evidence = {}
        clean: list[str] = []
        for part, spoken in ((text, ""), (code, language)):
            found = screen_text(part, spoken, self.config.screen)
            if isinstance(found, Reject):
                return found
            clean.append(found.text)
            for kind, count in found.evidence.items():
                counts[kind] = float(counts.get(kind, 0)) + float(count)
        return clean[0], clean[1], {kind: int(float(count)) for kind, count in counts.items()}


def _stated_language(values: Mapping[str, Any], layout: SetLayout) -> str:
    stated = values.get(layout.language_column) if layout.language_column else layout.language
    known = find_language(stated) if isinstance(stated, str) and stated.strip() else None
    return known.name if known else ""


def _problem_text(value: object) -> str:
    """The text, or the first turn of a person in a chat."""
    return value.strip() if isinstance(value, str) else _turn(value, ("user", "human"))


def _answer_text(value: object) -> str:
    """The text, the first of several, or the first turn of the assistant in a chat."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = _first_of_text(value)
    if isinstance(value, list) and value and isinstance(value[0], str):
        return value[0]
    return value if isinstance(value, str) else _turn(value, ("assistant", "gpt"))


def _first_of_text(text: str) -> object:
    """Sets write lists of solutions as JSON text."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return found[0] if isinstance(found, list) and found and isinstance(found[0], str) else text


def _turn(value: object, roles: tuple[str, ...]) -> str:
    turns = [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
    for turn in turns:
        text = turn.get("content", turn.get("value"))
        if turn.get("role", turn.get("from")) in roles and isinstance(text, str):
            return text.strip()
    return ""


def _entry_point(values: Mapping[str, Any], columns: Mapping[ColumnPart, str]) -> str:
    """The function that a column names; KodCode keeps it beside its tests."""
    named = values.get(columns.get("entry_point", "entry_point"))
    if isinstance(named, str):
        return named
    info = values.get("test_info")
    first = info[0] if isinstance(info, list) and info else info
    name = first.get("function_name") if isinstance(first, Mapping) else None
    return name if isinstance(name, str) else ""


def _tests(values: Mapping[str, Any], layout: SetLayout, entry_point: str) -> GivenTests:
    if any(values.get(name) for name in _NOT_TOLD_APART):
        return NO_TESTS
    for name in layout.tests:
        found = read_tests(values.get(name), entry_point)
        if found.runs or found.calls:
            return found
    return GivenTests(entry_point=entry_point)


def _program(answer: str, language: str, entry_point: str) -> tuple[str, str]:
    """Language and program of an answer; of one in prose, the block that is the program."""
    blocks = read_fences(answer)
    if not language:
        tags = [known.name for block in blocks if block.tag and (known := find_language(block.tag))]
        language = tags[0] if tags else "python" if _looks_like_python(answer) else ""
    if not language:
        return "", ""
    return language, read_code(answer, language, entry_point).code


def _looks_like_python(text: str) -> bool:
    return bool(re.search(r"^(?:def|class|import|from)\s+\w+", text, re.MULTILINE))


def _named_in(text: str, code: str) -> str:
    """The last function of the program whose name the problem says; empty if it says none."""
    names = [name for name in _DEFINED.findall(code) if re.search(rf"\b{re.escape(name)}\b", text)]
    return names[-1] if names else ""


def _is_chinese(text: str) -> bool:
    return len(_IDEOGRAPH.findall(text)) > _CHINESE_SHARE * len(text)


def _why_none(answer: str, too_long: bool, values: Mapping[str, Any], layout: SetLayout) -> Evidence:
    answered = "too long" if too_long else "no program in it" if answer else "none"
    has_tests = any(values.get(name) for name in layout.tests)
    told_apart = any(values.get(name) for name in _NOT_TOLD_APART)
    tests = "need a checker" if told_apart else "cannot be read" if has_tests else "none"
    return {"answer": answered, "tests": tests, "layout": layout.title}
