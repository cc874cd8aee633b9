"""Duplicates and contamination: what was turned away because of another text, with the shared parts marked.

Place in the flow: rows whose evidence names a twin or an entry of a benchmark -> the two pages. The one rule:
a cluster is the kept unit and those that were rejected for its sake, as they were recorded.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from synth.errors import Problem, UserError
from synth.inspector.library import Library
from synth.inspector.opened_run import OpenedRun
from synth.inspector.texts import MarkedPart, UnitText, mark_passage, mark_shared, read_texts
from synth.wire_record import Record

LISTED: Final = 100
SHOWN: Final = 40
_TWIN: Final = "json_extract_string(evidence, '$.twin')"
_HAS_TWIN: Final = "decision <> 'kept' AND contains(evidence, '\"twin\"') AND json_valid(evidence)"


class ClusterLine(Record):
    """A kept unit, and how many were rejected as its duplicates at one stage."""

    stage: str
    reason: str
    twin: str
    count: int
    greatest: float | None
    """The greatest similarity of them; None of exact ones."""
    least: float | None


class ClusterList(Record):
    """The largest clusters first."""

    clusters: tuple[ClusterLine, ...]
    count: int
    """Of all."""
    units: int
    """Rejected as duplicates of any."""


class ClusterMember(Record):
    """A rejected duplicate. The parts that it shares with the kept unit are marked."""

    text: UnitText | None
    """None where its record cannot be read."""
    unit_id: str
    similarity: float | None
    prompt: tuple[MarkedPart, ...]
    code: tuple[MarkedPart, ...]


class ClusterView(Record):
    """A kept unit with its duplicates, the most similar first."""

    stage: str
    twin: str
    kept: UnitText | None
    count: int
    members: tuple[ClusterMember, ...]


class EntryLine(Record):
    """An entry of a benchmark or of the held-out tasks, and the units that overlap with it."""

    entry: str
    count: int
    greatest: float
    measures: tuple[str, ...]


class ContaminationList(Record):
    """Entries with overlaps, those with the most units first."""

    entries: tuple[EntryLine, ...]
    count: int
    units: int


class ContaminatedUnit(Record):
    """A unit that overlaps with an entry; the passage that both contain is marked."""

    unit_id: str
    stage: str
    side: str
    measure: str
    share: float
    matched: str
    text: UnitText | None
    prompt: tuple[MarkedPart, ...]
    code: tuple[MarkedPart, ...]


class ContaminationView(Record):
    """One entry. Its own text is not in the run folder: benchmarks are read where the recipe says."""

    entry: str
    count: int
    units: tuple[ContaminatedUnit, ...]


def list_clusters(library: Library, run: OpenedRun) -> ClusterList:
    """Clusters of all stages that compare with what was kept before."""
    sql = f"""SELECT stage, reason, {_TWIN} AS twin, count(*) AS n,
        max({_number("similarity")}) AS greatest, min({_number("similarity")}) AS least
        FROM {run.table} WHERE {_HAS_TWIN} GROUP BY ALL ORDER BY n DESC, stage, twin"""
    rows = library.query(sql)
    clusters = tuple(
        ClusterLine(
            stage=row["stage"],
            reason=row["reason"],
            twin=row["twin"] or "",
            count=int(row["n"]),
            greatest=row["greatest"],
            least=row["least"],
        )
        for row in rows[:LISTED]
    )
    return ClusterList(clusters=clusters, count=len(rows), units=sum(int(row["n"]) for row in rows))


def show_cluster(library: Library, run: OpenedRun, stage: str, twin: str) -> ClusterView:
    """One cluster. Raises UserError if nothing was rejected for the sake of this unit there."""
    sql = f"""SELECT unit_id, kind, {_number("similarity")} AS similarity FROM {run.table}
        WHERE stage = ? AND {_HAS_TWIN} AND {_TWIN} = ? ORDER BY similarity DESC NULLS FIRST, unit_id"""
    rows = library.query(sql, [stage, twin])
    if not rows:
        raise UserError(
            Problem(f"unit {twin[:80]}", f"has no duplicates at {stage[:40]}", "choose a cluster of the list")
        )
    shown = rows[:SHOWN]
    kinds = {row["unit_id"]: row["kind"] for row in shown}
    texts = read_texts(run, kinds | {twin: rows[0]["kind"]})
    kept = texts.get(twin)
    members = tuple(_member(row, texts.get(row["unit_id"]), kept) for row in shown)
    return ClusterView(stage=stage, twin=twin, kept=kept, count=len(rows), members=members)


def _member(row: Mapping[str, Any], text: UnitText | None, kept: UnitText | None) -> ClusterMember:
    prompt, code = (text.prompt, text.code) if text else ("", "")
    return ClusterMember(
        text=text,
        unit_id=row["unit_id"],
        similarity=row["similarity"],
        prompt=mark_shared(prompt, kept.prompt if kept else ""),
        code=mark_shared(code, kept.code if kept else ""),
    )


def list_contamination(library: Library, run: OpenedRun) -> ContaminationList:
    """The entries that something overlapped with."""
    sql = f"""SELECT json_extract_string(evidence, '$.entry') AS entry, count(*) AS n,
        max({_number("share")}) AS greatest,
        list_sort(list_distinct(list(json_extract_string(evidence, '$.measure')))) AS measures
        FROM {run.table} WHERE {_OVERLAPS} GROUP BY entry ORDER BY n DESC, entry"""
    rows = library.query(sql)
    entries = tuple(
        EntryLine(
            entry=row["entry"] or "",
            count=int(row["n"]),
            greatest=row["greatest"] or 0.0,
            measures=tuple(one for one in row["measures"] if one),
        )
        for row in rows[:LISTED]
    )
    return ContaminationList(entries=entries, count=len(rows), units=sum(int(row["n"]) for row in rows))


def show_contamination(library: Library, run: OpenedRun, entry: str) -> ContaminationView:
    """The units that overlap with one entry, the greatest share first. Raises UserError for an entry that
    nothing overlapped with."""
    sql = f"""SELECT unit_id, kind, stage, evidence FROM {run.table}
        WHERE {_OVERLAPS} AND json_extract_string(evidence, '$.entry') = ?
        ORDER BY {_number("share")} DESC, unit_id"""
    rows = library.query(sql, [entry])
    if not rows:
        raise UserError(
            Problem(f"entry {entry[:80]}", "overlaps with nothing here", "choose one of the list")
        )
    shown = rows[:SHOWN]
    texts = read_texts(run, {row["unit_id"]: row["kind"] for row in shown})
    units = tuple(_contaminated(row, texts.get(row["unit_id"])) for row in shown)
    return ContaminationView(entry=entry, count=len(rows), units=units)


_OVERLAPS: Final = "reason = 'contaminated' AND contains(evidence, '\"entry\"') AND json_valid(evidence)"


def _contaminated(row: Mapping[str, Any], text: UnitText | None) -> ContaminatedUnit:
    evidence = json.loads(row["evidence"])
    side, measure, matched = (str(evidence.get(name, "")) for name in ("side", "measure", "matched"))
    prompt, code, language = (text.prompt, text.code, text.language) if text else ("", "", "")
    return ContaminatedUnit(
        unit_id=row["unit_id"],
        stage=row["stage"],
        side=side,
        measure=measure,
        share=float(evidence.get("share", 0.0)),
        matched=matched,
        text=text,
        prompt=mark_passage(prompt, matched, measure),
        code=mark_passage(code, matched, measure, language),
    )


def _number(field: str) -> str:
    return f"TRY_CAST(json_extract_string(evidence, '$.{field}') AS DOUBLE)"
