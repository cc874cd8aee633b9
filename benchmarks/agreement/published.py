"""What authors published beside their benchmarks: outputs of models with verdicts, and reference solutions.

Place in the flow: `sets.py` says which file is read how; `__main__.py` judges the samples. The one rule:
files are read as they were published, and nothing is downloaded.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from synth.languages.registry import get_language
from synth.unpacking import MB, read_gzip
from synth.verify.formats.spec import BenchmarkSample, Format
from synth.verify.row_error import RowError
from synth.verify.stubs import stub_pairs

_MOST: Final = 1024 * MB


class Sample(NamedTuple):
    """One program and what its author, or its origin, says of it."""

    name: str
    """Its problem, in the benchmark's own words."""
    field: str
    """How the program stands to the prompt: `solution` is whole, `completion` continues it."""
    text: str
    right: bool


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of JSON Lines, also packed, or of one JSON array or object of rows by name."""
    data = read_gzip(path, _MOST) if path.suffix == ".gz" else path.read_bytes()
    try:
        found = json.loads(data)
    except ValueError:
        return [json.loads(line) for line in data.split(b"\n") if line.strip()]
    rows = list(found.values()) if isinstance(found, Mapping) and "task_id" not in found else found
    return rows if isinstance(rows, list) else [rows]


def evalplus_results(path: Path, *statuses: str) -> Iterator[Sample]:
    """`eval_results.json` of EvalPlus: right is what passed in each of these statuses."""
    for name, answers in json.loads(path.read_bytes())["eval"].items():
        for answer in answers:
            right = all(answer[status] == "pass" for status in statuses)
            yield Sample(name, "solution", answer["solution"], right)


def multipl_e_details(details: Path, outputs: Path) -> Iterator[Sample]:
    """Outputs that hold the prompt, beside the verdicts on them."""
    verdicts = json.loads(details.read_bytes())
    for row in read_rows(outputs):
        yield Sample(row["task_id"], "solution", row["generation"], verdicts[row["task_id"]][0][1]["passed"])


def cruxeval_scored(path: Path) -> Iterator[Sample]:
    """Answers of CRUXEval's own runner with its scores. Where that left answers out before it scored, nobody
    can tell which score is whose: such problems are left out."""
    found = json.loads(path.read_bytes())
    for name, answers in found["raw_generations"].items():
        scores = found["raw_scored_generations"][name]
        for answer, right in zip(answers, scores, strict=True) if len(answers) == len(scores) else ():
            yield Sample(name, "completion", answer, right)


def column(
    problems: Path, name: str, text: str, *, field: str = "completion", right: bool
) -> Iterator[Sample]:
    """A column of the problems: their reference solutions, or the broken ones; none of a problem that lacks
    it."""
    for row in read_rows(problems):
        if row.get(text):
            yield Sample(str(row[name]), field, row[text], right)


def answers_of_others(problems: Path, name: str, text: str) -> Iterator[Sample]:
    """To each problem the answer of the next one whose answer is another."""
    rows = read_rows(problems)
    for at, row in enumerate(rows):
        others = (rows[(at + step) % len(rows)] for step in range(1, len(rows)))
        yield Sample(row[name], "completion", next(o[text] for o in others if o[text] != row[text]), False)


def stubs(problems: Path, form: Format, name: str, text: str) -> Iterator[Sample]:
    """The reference solutions with their functions emptied, or nothing where the language states no stub."""
    for row in read_rows(problems):
        if not row.get(text):
            continue
        try:
            judged = form.convert(row, BenchmarkSample(row[text], False, ""))
        except RowError:
            continue
        pairs = stub_pairs(get_language(judged.language), judged.code)
        yield Sample(str(row[name]), "solution", pairs[0].plain if pairs else "", False)
