"""What can be taken away: a whole filter in several formats, and a unit, a pair or a report as one HTML file
that needs no server."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

from synth.errors import CodemillError
from synth.inspector.exporting import UnitsFormat, count_reasons, file_name, write_units
from synth.inspector.filter_language import UnitFilter, parse_filter
from synth.inspector.opened_run import OpenedRun, RunKind
from synth.inspector.queries.pair import read_pair
from synth.inspector.queries.runs import REFRESH_S
from synth.inspector.queries.unit import ShownDecision, read_unit, shown_decision
from synth.inspector.queries.units import UnitCount, count_units, list_units
from synth.inspector.web.page import Download, Page, Sent, Visit, linked
from synth.products import Pair
from synth.reasons import REASONS
from synth.records import Record
from synth.store.query import check_known
from synth.store.views import FunnelRow, funnel

_STATIC: Final = Path(__file__).parents[1] / "static"
_MEDIA_TYPES: Final = {
    UnitsFormat.JSONL: "application/jsonl",
    UnitsFormat.PARQUET: "application/vnd.apache.parquet",
    UnitsFormat.TRL: "application/zip",
    UnitsFormat.DATASETS: "application/zip",
}
_REPORT_ROWS: Final = 50


class ExportChoice(Record):
    """One format, and where it is fetched."""

    name: str
    about: str
    link: str


class ExportScreen(Record):
    """The formats for one filter."""

    run: str
    run_name: str
    filter: str
    sentence: str
    count: UnitCount
    choices: tuple[ExportChoice, ...]


class ReasonLine(Record):
    """How many units of a filter left for one reason."""

    reason: str
    reason_class: str
    sentence: str
    count: int


class ReportedUnit(Record):
    """A unit in a report."""

    id: str
    kind: str
    language: str
    decision: ShownDecision


class FilterReport(Record):
    """What a filter holds, as a page to share."""

    run_name: str
    filter: str
    sentence: str
    counted: int
    reasons: tuple[ReasonLine, ...]
    funnel: tuple[FunnelRow, ...]
    units: tuple[ReportedUnit, ...]


def load(visit: Visit) -> ExportScreen:
    """The choices for the filter of the address."""
    run, wanted = _asked(visit)
    base, query = f"/runs/{run.key}", (("q", wanted.text),) if wanted.text else ()
    about = {
        UnitsFormat.JSONL: ("JSON Lines", "A unit a line: its decision, evidence, marks and record."),
        UnitsFormat.PARQUET: ("Parquet", "The same in columns."),
        UnitsFormat.TRL: (
            "TRL columns",
            "The training rows among these units or made of them; marks applied.",
        ),
        UnitsFormat.DATASETS: ("datasets folder", "The same rows as a folder that `load_dataset` reads."),
    }
    choices = [
        ExportChoice(name=name, about=words, link=linked(f"{base}/export/{format}", *query))
        for format, (name, words) in about.items()
    ]
    report = linked(f"{base}/report.html", *query)
    choices.append(ExportChoice(name="Report", about="Counts and examples as one HTML file.", link=report))
    patch = "What people marked, for `codemill export --without`."
    choices.append(ExportChoice(name="Marks as a patch", about=patch, link=f"{base}/marks.jsonl"))
    return ExportScreen(
        run=run.key,
        run_name=run.name,
        filter=wanted.text,
        sentence=wanted.sentence,
        count=count_units(visit.library, run, wanted),
        choices=tuple(choices),
    )


def download(visit: Visit) -> Sent:
    """The whole filter in one format."""
    run, wanted = _asked(visit)
    run.refresh()  # an export of what has been read so far would look like a whole one
    check_known("format", visit.parts["format"], list(UnitsFormat), "choose one on the page of exports")
    format = UnitsFormat(visit.parts["format"])
    return _sent(
        file_name(run, format), _MEDIA_TYPES[format], write_units(visit.library, run, wanted, format)
    )


def share(visit: Visit) -> Sent:
    """A unit or a pair as one file."""
    run, unit_id = visit.library.run(visit.parts["run"]), visit.parts["unit"]
    run.refresh(REFRESH_S)
    if unit_id.startswith(f"{Pair.kind}-"):
        page = _rendered("share_pair.html", pair=read_pair(visit.library, run, unit_id))
    else:
        page = _rendered("share_unit.html", unit=read_unit(visit.library, run, unit_id))
    return Sent(f"{unit_id[:80]}.html", "text/html; charset=utf-8", [page])


def report(visit: Visit) -> Sent:
    """What the filter holds, as one file."""
    run, wanted = _asked(visit)
    run.refresh()
    found = make_report(visit, run, wanted)
    return Sent(
        f"{run.key}-report.html", "text/html; charset=utf-8", [_rendered("report.html", report=found)]
    )


def make_report(visit: Visit, run: OpenedRun, wanted: UnitFilter) -> FilterReport:
    """Counts by reason of all units of the filter, the funnel, and the first units."""
    counts = count_reasons(visit.library, run, wanted)
    rows = list_units(visit.library, run, wanted, limit=_REPORT_ROWS).rows
    return FilterReport(
        run_name=run.name,
        filter=wanted.text,
        sentence=wanted.sentence,
        counted=counts.total(),
        reasons=tuple(_reason_line(reason, count) for reason, count in counts.most_common()),
        funnel=_funnel(run),
        units=tuple(
            ReportedUnit(id=row.unit_id, kind=row.kind, language=row.language, decision=shown_decision(row))
            for row in rows
        ),
    )


def _reason_line(code: str, count: int) -> ReasonLine:
    known = REASONS.get(code)
    return ReasonLine(
        reason=code,
        reason_class=known.reason_class.value if known else "kept" if not code else "unknown",
        sentence=known.sentence if known else "",
        count=count,
    )


def _funnel(run: OpenedRun) -> tuple[FunnelRow, ...]:
    try:
        return tuple(funnel(run.path)) if run.kind is RunKind.RUN else ()
    except CodemillError:
        return ()


def _asked(visit: Visit) -> tuple[OpenedRun, UnitFilter]:
    run = visit.library.run(visit.parts["run"])
    run.refresh(REFRESH_S)
    return run, parse_filter(visit.value("q"))


def _sent(name: str, media_type: str, chunks: Iterator[bytes]) -> Sent:
    """The first piece is made at once, so that what is wrong is said on a page and not in the file."""
    first = next(chunks, b"")
    return Sent(name, media_type, chain([first], chunks))


def _rendered(template: str, **shown: Record) -> bytes:
    from markupsafe import Markup

    from synth.inspector.web.rendering import render

    style = "\n".join((_STATIC / name).read_text(encoding="utf-8") for name in ("style.css", "judging.css"))
    return render(template, style=Markup(f"<style>{style}</style>"), **shown).encode(
        "utf-8", "replace"
    )  # our own


PAGES = (
    Page("/runs/{run}/export", "export.html", load),
    Download("/runs/{run}/export/{format}", download),
    Download("/runs/{run}/share/{unit:path}", share),
    Download("/runs/{run}/report.html", report),
)
