"""`codemill decontaminate` and `codemill dedup`: a data set in, what is kept and what leaves out.

The one rule: the data set is not changed. A folder with a `report.json` is complete.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from synth.cli.app import AsJson
from synth.cli.rows_done import RowsDone
from synth.errors import Problem, UserError

if TYPE_CHECKING:
    from synth.curation.columns import Columns
    from synth.curation.sieve import CurationReport
    from synth.filters.protocol import Filter


Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILES", help="Files or folders of rows: .jsonl, .json (both also .gz), .parquet, .arrow."
    ),
]
Output = Annotated[Path, typer.Option("--output", "-o", help="A new folder for what is kept and removed.")]
Prompt = Annotated[
    list[str] | None,
    typer.Option("--prompt", metavar="COLUMN", help="A column of prompts. Default: by the usual names."),
]
Answer = Annotated[
    list[str] | None, typer.Option("--answer", metavar="COLUMN", help="A column of answers or programs.")
]
Tests = Annotated[list[str] | None, typer.Option("--tests", metavar="COLUMN", help="A column of tests.")]
LanguageColumn = Annotated[
    str, typer.Option("--language", metavar="COLUMN", help="The column of the programming language.")
]
Id = Annotated[str, typer.Option("--id", metavar="COLUMN", help="The column of ids, for the report.")]
Lang = Annotated[str, typer.Option("--lang", help="Language of rows that do not name one.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Replace what an earlier command left in the folder.")]


def decontaminate(
    files: Files,
    output: Output,
    against: Annotated[
        list[str],
        typer.Option(
            "--against",
            metavar="BENCHMARK",
            help="A benchmark as published: a file, a folder, or hub:OWNER/NAME; again for each more.",
        ),
    ],
    mode: Annotated[
        Literal["containment", "report"], typer.Option("--mode", help="What counts as contaminated.")
    ] = "containment",
    ngram: Annotated[
        int, typer.Option("--ngram", min=2, help="Words in a row that count in mode report.")
    ] = 10,
    prompt: Prompt = None,
    answer: Answer = None,
    tests: Tests = None,
    language: LanguageColumn = "",
    id_: Id = "",
    lang: Lang = "",
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> None:
    """Take out of a data set what overlaps with benchmarks, each row with its evidence."""
    from synth.filters.decontaminate import filter_against

    check = filter_against(against, Path(), mode, ngram)
    columns = _columns(prompt, answer, tests, language, id_, lang)
    settings = {"against": ", ".join(against), "mode": mode, "ngram": str(ngram)}
    _sift(files, output, [check], columns, "decontaminate", settings, fresh=fresh, as_json=as_json)


def dedup(
    files: Files,
    output: Output,
    threshold: Annotated[
        float,
        typer.Option("--threshold", min=0.01, max=1, help="Similarity from which two rows are duplicates."),
    ] = 0.8,
    exact: Annotated[
        bool, typer.Option("--exact", help="Only exact duplicates, after normalization.")
    ] = False,
    prompt: Prompt = None,
    answer: Answer = None,
    tests: Tests = None,
    language: LanguageColumn = "",
    id_: Id = "",
    lang: Lang = "",
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> None:
    """Take exact and near duplicates out of a data set; the first row of each cluster stays."""
    from synth.filters.exact_dedup import ExactDedup
    from synth.filters.near_dedup import NearDedup

    checks: list[Filter] = [ExactDedup()] if exact else [ExactDedup(), NearDedup(threshold)]
    columns = _columns(prompt, answer, tests, language, id_, lang)
    settings = {"threshold": "1 (exact)" if exact else f"{threshold:g}"}
    _sift(files, output, checks, columns, "dedup", settings, fresh=fresh, as_json=as_json)


def _columns(
    prompt: list[str] | None,
    answer: list[str] | None,
    tests: list[str] | None,
    language: str,
    id_: str,
    lang: str,
) -> "Columns":
    from synth.curation.columns import Columns
    from synth.languages.registry import get_language

    spoken = get_language(lang).name if lang else ""
    return Columns(tuple(prompt or ()), tuple(answer or ()), tuple(tests or ()), language, id_, spoken)


def _sift(
    files: list[Path],
    output: Path,
    checks: "Sequence[Filter]",
    columns: "Columns",
    command: str,
    settings: dict[str, str],
    *,
    fresh: bool,
    as_json: bool,
) -> None:
    from synth.curation.row_files import PAGE, list_files
    from synth.curation.sieve import REPORT, sift

    where, fix = f"-o {output}", "give another folder"
    if (output / REPORT).exists() and not fresh:
        what = "holds the result of an earlier command"
        raise UserError(Problem(where, what, f"{fix}, or --fresh", PAGE))
    listed = list_files(files)
    for file in listed:
        if output.resolve() in file.path.resolve().parents:
            raise UserError(Problem(where, f"holds {file.path}, which is to be read", fix, PAGE))
    report = sift(listed, checks, columns, output, command, settings, RowsDone())
    print(report.model_dump_json(indent=1)) if as_json else _show(report, output)


def _show(report: "CurationReport", output: Path) -> None:
    print(f"{report.entered} rows: {report.kept} kept, {report.entered - report.kept} removed")
    for reason, count in report.reasons.items():
        print(f"  {reason}: {count}")
    for largest in report.largest[:1]:
        print(f"  {report.clusters} clusters; the largest: {largest.kept} with {largest.duplicates}")
    for entry, count in list(report.entries.items())[:5]:
        print(f"  {entry}: {count}")
    print(output)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(decontaminate)
    app.command()(dedup)
