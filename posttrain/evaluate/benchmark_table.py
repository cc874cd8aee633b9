"""The table of public benchmarks, in the shape of the Qwen2.5-Coder report (arXiv 2409.12186): a row for each
model, a column for each benchmark.

Place in the flow: evaluations of any number of runs -> here -> the terminal. Pure. The one rule: figures that
cannot be compared are never shown as if they could: where a column has several protocols or sets of problems,
each figure carries the letter of its own.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from posttrain.evaluate.benchmark_run import BenchmarkEvaluation
from posttrain.evaluate.evaluation import Scores
from posttrain.evaluate.paired import paired_difference
from posttrain.evaluate.table import ResultTable, show_difference, show_measure
from synth.languages.registry import UnknownLanguage, get_language

COLUMNS: Final = (
    "HumanEval",
    "HumanEval+",
    "MBPP",
    "MBPP+",
    "MultiPL-E",
    "LiveCodeBench",
    "BigCodeBench",
    "BigCodeBench-Hard",
    "McEval",
    "CRUXEval-I",
    "CRUXEval-I-CoT",
    "CRUXEval-O",
    "CRUXEval-O-CoT",
)
"""In the order of the report; others follow by name."""
_OF_LANGUAGES: Final = ("MultiPL-E", "McEval", "MdEval", "HumanEvalPack", "HumanEvalFix")
"""Suites that are always shown by language."""
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


class RunEvaluation(NamedTuple):
    """An evaluation and the name of its run."""

    run: str
    evaluation: BenchmarkEvaluation


class _Cell(NamedTuple):
    """One figure of one evaluation."""

    row: tuple[str, str]
    """The model, and how it was asked."""
    column: str
    rank: tuple[int, str, int, str]
    scores: Scores
    evaluation: BenchmarkEvaluation


def benchmark_table(found: Iterable[RunEvaluation]) -> tuple[ResultTable, list[str]]:
    """The table, and the notes that belong below it. Of several evaluations under the same conditions, the
    last counts. Needs at least one evaluation."""
    evaluations = list(found)
    cells = [cell for one in evaluations for cell in _cells(one)]
    columns = sorted({(cell.rank, cell.column) for cell in cells})
    letters, notes = _conditions(cells, [column for _, column in columns])
    rows: dict[tuple[str, str], dict[str, list[str]]] = {}
    for cell in cells:
        shown = _shown(cell, letters.get((cell.column, *cell.evaluation.conditions), ""))
        there = rows.setdefault(cell.row, {}).setdefault(cell.column, [])
        if shown not in there:
            there.append(shown)
    table = ResultTable(
        "Public benchmarks, pass@1 in percent with 95% intervals over tasks",
        ["model", "asked", *(column for _, column in columns)],
        [
            [*row, *(" / ".join(there.get(column, ["-"])) for _, column in columns)]
            for row, there in sorted(rows.items())
        ],
    )
    return table, [*notes, *_differences(evaluations), *_tokens(evaluations)]


def _cells(found: RunEvaluation) -> list[_Cell]:
    one = found.evaluation
    model = one.model if one.policy == "base" else f"{found.run}: {one.policy}"
    asked = ", ".join((one.style, *(note for note in one.changed)))
    place = COLUMNS.index(one.column) if one.column in COLUMNS else len(COLUMNS)
    row = (model, asked)
    total = _Cell(row, one.column, (place, one.column, 0, ""), one.total, one)
    if len(one.languages) < 2 and one.column not in _OF_LANGUAGES:
        return [total]
    by_language = [
        _Cell(row, f"{one.column} {title}", (place, one.column, 1, title), scores, one)
        for name, scores in one.languages.items()
        if (title := _title(name))
    ]
    return [total, *by_language] if len(by_language) > 1 else by_language


def _title(language: str) -> str:
    try:
        return get_language(language).title
    except UnknownLanguage:
        return language


def _shown(cell: _Cell, letter: str) -> str:
    others = [f"@{k} {100 * one.value:.1f}" for k, one in cell.scores.pass_at.items() if k != 1]
    text = " ".join([show_measure(cell.scores.pass_at.get(1)), *others])
    missing = sum(one.faults + one.refused for one in cell.evaluation.answered)
    return f"{text}{letter and f' ({letter})'}{'!' * bool(missing)}"


def _conditions(
    cells: Sequence[_Cell], columns: Sequence[str]
) -> tuple[dict[tuple[str, str, str], str], list[str]]:
    """The letters of columns with several conditions, and what they stand for."""
    letters: dict[tuple[str, str, str], str] = {}
    notes: list[str] = []
    for column in columns:
        here = {cell.evaluation.conditions: cell.evaluation for cell in cells if cell.column == column}
        if len(here) < 2:
            continue
        for number, (conditions, one) in enumerate(here.items()):
            letter = _LETTERS[number % len(_LETTERS)]
            letters[column, *conditions] = letter
            notes.append(
                f"{column} ({letter}): {one.style}, n={one.n}, temperature={one.temperature:g}, "
                f"{len(one.answered)} questions, protocol {one.protocol}, problems {one.problems}"
            )
    if letters:
        notes.insert(0, "Figures with different letters in one column must not be compared:")
    missing = {
        f"{cell.row[0]} on {cell.evaluation.column}": cell.evaluation
        for cell in cells
        if any(one.faults or one.refused for one in cell.evaluation.answered)
    }
    notes += [
        f"! {name}: {sum(one.faults for one in found.answered)} samples failed and "
        f"{sum(one.refused for one in found.answered)} were refused; no figure includes them"
        for name, found in missing.items()
    ]
    vacuous = {
        f"{cell.row[0]} on {cell.evaluation.column}": count
        for cell in cells
        if (count := sum(one.outcomes.get("vacuous", 0) for one in cell.evaluation.answered))
    }
    notes += [
        f"{name}: {count} passes are of tests that a program which solves nothing passes as well"
        for name, count in vacuous.items()
    ]
    return letters, notes


def _differences(found: Sequence[RunEvaluation]) -> Iterator[str]:
    """Trained policies against the base of their run, on the same problems of the same benchmark."""
    bases = {(run, one.column, one.conditions): one for run, one in found if one.policy == "base"}
    for run, one in found:
        base = bases.get((run, one.column, one.conditions))
        if base is None or one.policy == "base":
            continue
        if (difference := paired_difference(base.answered, one.answered, 1)) is not None:
            points = show_difference(difference)
            yield f"{run}: {one.policy} minus base on {one.column}, points over the same problems: {points}"


def _tokens(found: Sequence[RunEvaluation]) -> Iterator[str]:
    for run, one in found:
        if one.total.tokens:
            yield f"{run}: {one.policy} on {one.column} took {one.total.tokens:,} tokens of answers"
