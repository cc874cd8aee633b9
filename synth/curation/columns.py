"""Which columns of a data set hold its prompts, answers and tests, and a row as filters see it.

The one rule: columns that the user names are the ones that count; otherwise those of a published layout, or
the usual names. A row in which none of them has text is no row of the data set.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from synth.filters.benchmark_layouts import row_language
from synth.filters.benchmarks import BenchmarkEntry, entry_of, texts_of
from synth.filters.protocol import FilterInput
from synth.prompts.fences import read_fences


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns that the user named; empty: by their usual names. `spoken` is the language of rows that do not
    state one."""

    prompts: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    language: str = ""
    id: str = ""
    spoken: str = ""

    @property
    def named(self) -> tuple[str, ...]:
        """All that the user named."""
        return tuple(filter(None, (*self.prompts, *self.answers, *self.tests, self.language, self.id)))


def read_unit(row: Mapping[str, object], columns: Columns, place: str) -> FilterInput | None:
    """The row as filters see it, under its place in the files; None if it has no text."""
    if columns.prompts or columns.answers or columns.tests:
        prompts, answers, tests = (
            tuple(texts_of(row, names)) for names in (columns.prompts, columns.answers, columns.tests)
        )
        entry = BenchmarkEntry("", prompts, answers, tests, row_language(row, ""))
    else:
        entry = entry_of(row)
    if not (entry.prompts or entry.answers or entry.tests):
        return None
    language = str(row.get(columns.language) or "") if columns.language else entry.language
    return FilterInput(
        place,
        language or columns.spoken,
        "\n".join(entry.prompts),
        "\n".join(_programs(entry.answers)),
        "\n".join(entry.tests),
    )


def row_name(row: Mapping[str, object], columns: Columns) -> str:
    """The id that the row itself states; empty if it states none."""
    if columns.id:
        return str(row.get(columns.id) or "")
    return next((str(row[name]) for name in ("id", "task_id", "question_id", "name") if row.get(name)), "")


def _programs(answers: tuple[str, ...]) -> Iterator[str]:
    """The programs of answers: what stands in fences, or the whole answer."""
    for answer in answers:
        blocks = read_fences(answer)
        yield from (block.text for block in blocks) if blocks else (answer,)
