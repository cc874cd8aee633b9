"""The report of an audit as a page for people, in Markdown.

Place in the flow: an `AuditReport` in, text out. Pure. The one rule: it says nothing that the JSON does not,
and text from the data stands in code spans, so that it cannot be markup.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from synth.audit.findings import AuditFinding, AuditReport, FoundRow

_MOST_ROWS: Final = 20
_MOST_TEXT: Final = 160


def render_page(report: AuditReport) -> str:
    """The page."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: AuditReport) -> Iterator[str]:
    data = report.data
    yield f"# Audit of {_code(data.name)}"
    yield ""
    yield f"{data.rows:,} rows, read as {data.shape}, {data.bytes:,} bytes, SHA-256 `{data.sha256}`."
    yield f"Isolation {report.level or 'none'}. {_settings(report)}"
    yield ""
    yield "| finding | rows | of | share | 95% interval |"
    yield "|---|---|---|---|---|"
    for finding in report.findings:
        yield _line(finding)
    score = report.mutation
    yield ""
    yield (
        f"Tests notice {score.killed:,} of {score.tried:,} mutants "
        f"({_percent(score.share)}, {_interval(score.interval)})."
    )
    if any(finding.severity == "exposure" and finding.found for finding in report.findings):
        yield ""
        yield (
            "An exposure follows from where tests run: in the program's own process. It is no defect of a "
            "row; values that are compared outside (function or stdio tests) do not have it."
        )
    for finding in report.findings:
        if finding.rows:
            yield from _section(finding)
    yield from _untried(report)


def _settings(report: AuditReport) -> str:
    return " ".join(f"{name} {_code(value)}." for name, value in report.settings.items() if value)


def _line(finding: AuditFinding) -> str:
    title = finding.title + (" (exposure)" if finding.severity == "exposure" else "")
    if not finding.tried:
        return f"| {title} | | 0 | | not tried |"
    share, interval = _percent(finding.share), _interval(finding.interval)
    return f"| {title} | {finding.found:,} | {finding.tried:,} | {share} | {interval} |"


def _section(finding: AuditFinding) -> Iterator[str]:
    yield ""
    yield f"## {finding.title}"
    yield ""
    yield "| row | id | what was seen |"
    yield "|---|---|---|"
    for row in finding.rows[:_MOST_ROWS]:
        yield _row(row)
    if len(finding.rows) > _MOST_ROWS:
        yield ""
        yield f"The other {len(finding.rows) - _MOST_ROWS:,} rows are in the JSON file."


def _row(row: FoundRow) -> str:
    return f"| {row.row} | {_code(row.id)} | {_code(row.detail)} |"


def _untried(report: AuditReport) -> Iterator[str]:
    if not report.untried:
        return
    yield ""
    yield "## What could not be tried"
    yield ""
    yield "| rows | reason | which |"
    yield "|---|---|---|"
    for one in report.untried[:_MOST_ROWS]:
        yield f"| {one.count:,} | {_code(one.reason)} | {_numbers(one.rows)} |"
    if len(report.untried) > _MOST_ROWS:
        yield ""
        yield f"The other {len(report.untried) - _MOST_ROWS:,} reasons are in the JSON file."


def _numbers(rows: Sequence[int]) -> str:
    shown = ", ".join(map(str, rows[:_MOST_ROWS]))
    return f"{shown}, …" if len(rows) > _MOST_ROWS else shown


def _code(value: object) -> str:
    """A code span in a cell: one line, without backticks and bars."""
    text = " ".join(str(value).split()).replace("`", "'").replace("|", "¦")
    return f"`{text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + '…'}`" if text else ""


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _interval(interval: tuple[float, float]) -> str:
    return f"{_percent(interval[0])} to {_percent(interval[1])}"
