"""The data set card: what the data is, how it came about, and what is known against it. Generated from the
run, never written by hand.

The one rule: every sentence follows from a row or a file of the run. What was not measured is said to
be not measured.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from synth.products import BY_NAME, Form
from synth.recipe.decontamination_rule import rule_words
from synth.records import CodingProblem, Seed
from synth.store.flips import flip_file
from synth.store.open_shards import OpenShards
from synth.store.products import product_files
from synth.store.query import checked_names, run_query
from synth.store.run_folder import RunInfo, read_info
from synth.store.seals import read_json
from synth.store.shards import StageCommit
from synth.store.views import conservation_problems, contaminated, failed_units, funnel, screened

_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)
HUB_LICENCES = (
    "apache-2.0",
    "mit",
    "bsd-2-clause",
    "bsd-3-clause",
    "isc",
    "cc0-1.0",
    "cc-by-4.0",
    "unlicense",
    "gpl-3.0",
    "mpl-2.0",
)


def data_card(run: Path, counts: Mapping[str, int], files: Mapping[str, str]) -> str:
    """README.md for an export: `counts` rows and the file of each product that it holds, by name."""
    info = read_info(run)
    sources = seed_sources(run)
    sections = [_header(run, info, counts, files, sources), f"# {info.name}", _summary(info)]
    sections += [
        _data_sets(run, counts, files),
        _making(info),
        sources_table(sources),
        _screening(run, info),
        _evidence(run, counts),
    ]
    sections += [_flips(run, counts), _decontamination(run, info), _funnel_table(run)]
    return "\n\n".join(section for section in sections if section) + "\n"


def _header(
    run: Path,
    info: RunInfo,
    counts: Mapping[str, int],
    files: Mapping[str, str],
    sources: Counter[tuple[str, str]],
) -> str:
    licences = {licence.lower() for _, licence in sources}
    only = licences.pop() if len(licences) == 1 else ""
    header: dict[str, Any] = {
        "pretty_name": info.name,
        "license": only if only in HUB_LICENCES else "other",
        "language": _natural_languages(run, counts),
        "task_categories": ["text-generation"],
        "tags": ["code", "synthetic", "codemill", *counts],
        "size_categories": [next((name for bound, name in _SIZES if sum(counts.values()) < bound), "n>10M")],
    }
    if files:
        header["configs"] = [
            {"config_name": kind, "default": number == 0, "data_files": [{"split": "train", "path": file}]}
            for number, (kind, file) in enumerate(files.items())
        ]
    return f"---\n{yaml.safe_dump(header, sort_keys=False, allow_unicode=True)}---"


def _summary(info: RunInfo) -> str:
    description = str(info.recipe.get("description") or "").strip()
    made = f"Made by codemill {info.packages.get('codemill', '')}".strip()
    return (
        f"{description}\n\n{made} with random seed {info.seed}, started {info.started:%Y-%m-%d}; the run "
        f"is {info.state.value}."
    ).strip()


def _data_sets(run: Path, counts: Mapping[str, int], files: Mapping[str, str]) -> str:
    rows = []
    for name, count in counts.items():
        languages = ", ".join(f"{language} {n}" for language, n in _counts(run, name, "language"))
        rows.append([name, count, languages, BY_NAME[name].sentence])
    return "## Data sets\n\n" + markdown_table(["data set", "rows", "by language", "a row is"], rows)


def _making(info: RunInfo) -> str:
    policy, engine, teacher = (_part(info, name) for name in ("policy", "engine", "teacher"))
    rows = [["trained policy", policy.get("model", "")]]
    rows += [["generator", engine.get("model") or policy.get("model", "")]] if engine else []
    rows += (
        [["teacher: instructions and inputs", teacher.get("model") or policy.get("model", "")]]
        if teacher
        else []
    )
    prompts = "".join(f"\n- `{name}` {digest}" for name, digest in sorted(info.prompt_hashes.items()))
    return (
        "## Models and prompts\n\n"
        + markdown_table(["role", "model"], rows)
        + (f"\n\nPrompts, by the hash of their text:\n{prompts}" if prompts else "")
    )


def seed_sources(run: Path) -> Counter[tuple[str, str]]:
    commits = StageCommit(run)
    seeds: Iterator[Seed | CodingProblem] = chain(
        commits.iter_bodies(Seed), commits.iter_bodies(CodingProblem)
    )
    return Counter((seed.origin.source, seed.origin.licence or "unknown") for seed in seeds)


def sources_table(sources: Counter[tuple[str, str]]) -> str:
    if not sources:
        return "## Sources\n\nThe run stored no seeds."
    rows = [[source, licence, count] for (source, licence), count in sorted(sources.items())]
    return (
        "## Sources\n\nLicences are those that the sources state; they bind what is made from them.\n\n"
        + markdown_table(["source", "licence", "seeds"], rows)
    )


def _screening(run: Path, info: RunInfo) -> str:
    """What was found in the sources, by kind; each unit once, however many rounds read it."""
    seeds = _part(info, "data").get("seeds") or {}
    screen = seeds.get("screen")
    if not isinstance(screen, dict):
        return ""
    secrets, masked = screened(run)
    rows = [["secrets", kind, count, "rejected"] for kind, count in sorted(secrets.items())]
    rows += [["personal data", kind, count, "masked"] for kind, count in sorted(masked.items())]
    off = [
        words for key, words in (("secrets", "secrets"), ("personal", "personal data")) if not screen.get(key)
    ]
    words = (
        f"Not searched for: {', '.join(off)}." if off else "Every source text was searched before its use."
    )
    table = markdown_table(["found", "kind", "count", "and"], rows) if rows else "Nothing was found."
    return f"## Secrets and personal data\n\n{words}\n\n{table}"


def _evidence(run: Path, counts: Mapping[str, int]) -> str:
    rows = [
        [name, rank, n]
        for name in counts
        if "rank" in BY_NAME[name].model.model_fields
        for rank, n in _counts(run, name, "rank")
    ]
    words = (
        "`reference`: solutions reproduce the behaviour of a seed that no model wrote. `examples`: "
        "they satisfy stated examples. "
        "`agreement`: candidates agree, which measures confidence, not truth. `judgement`: a model said so."
    )
    return f"## Evidence\n\n{words}\n\n" + markdown_table(["data set", "rank", "rows"], rows) if rows else ""


def _flips(run: Path, counts: Mapping[str, int]) -> str:
    path = flip_file(run)
    if not any(BY_NAME[name].form is Form.PREFERENCE for name in counts):
        return ""
    if not path.exists():
        return "## Flipped pairs\n\nNot measured."
    found = json.loads(read_json(path))
    rate = float(found["flip_rate"])
    words = (
        f"Half of each suite is hidden from selection. Of {found['accepted']} programs that pass the other "
        f"half, {rate:.2%} fail a hidden test and are left out; DPO's `label_smoothing` can take that "
        f"figure. Of {found['pairs']} pairs whose rejected program met hidden tests, {found['confirmed']} "
        f"are confirmed by them: it fails one."
    )
    return f"## Flipped pairs\n\n{words}"


_SHOWN_HITS = 10


def _decontamination(run: Path, info: RunInfo) -> str:
    filters = _part(info, "data").get("filters") or {}
    against = filters.get("decontaminate") or []
    if not against:
        return "## Decontamination\n\nNone: the recipe names no benchmark."
    names = ", ".join(f"`{Path(str(name)).name}`" for name in against)
    rule = rule_words(str(filters.get("decontamination", "containment")), int(filters.get("ngram", 10)))
    head = f"## Decontamination\n\nAgainst {names}. {rule}"
    found = contaminated(run)
    if not found:
        return f"{head} 0 units were removed."
    counts = Counter((str(row["stage"]), str(hit.get("side", ""))) for row, hit in found)
    by_stage = markdown_table(
        ["stage", "found in", "units removed"],
        [[stage, side, count] for (stage, side), count in sorted(counts.items())],
    )
    hits = [
        [
            row["unit_id"],
            hit.get("entry", ""),
            hit.get("measure", ""),
            hit.get("share", ""),
            hit.get("matched", ""),
        ]
        for row, hit in found[:_SHOWN_HITS]
    ]
    shown = markdown_table(["unit", "entry", "measure", "share", "what both hold"], hits)
    return f"{head} {len(found)} units were removed.\n\n{by_stage}\n\nThe first of them:\n\n{shown}"


def _funnel_table(run: Path) -> str:
    rows = []
    for row in funnel(run):
        why = ", ".join(f"{reason.reason} {reason.count}" for reason in row.reasons)
        rows.append([row.round, row.stage, row.entered, row.kept, row.rejected, row.failed, row.waiting, why])
    broken = len(conservation_problems(run))
    note = "At every stage entered = kept + rejected + failed + waiting" + (
        f", but {broken} units break it." if broken else "; no unit breaks it."
    )
    if failed := sum(one.units for one in failed_units(run)):
        note += f" {failed} units failed for reasons that say nothing about them, which was accepted."
    if waiting := sum(len(shard.units) for shard in OpenShards(run)):
        note += f" {waiting} units failed and wait to be asked again."
    heads = ["round", "stage", "entered", "kept", "rejected", "failed", "waiting", "reasons"]
    return f"## Funnel\n\n{note}\n\n" + markdown_table(heads, rows)


def _part(info: RunInfo, name: str) -> dict[str, Any]:
    part = info.recipe.get(name)
    return part if isinstance(part, dict) else {}


def _natural_languages(run: Path, counts: Mapping[str, int]) -> list[str]:
    """Those that any product states."""
    stating = [name for name in counts if "natural_language" in BY_NAME[name].model.model_fields]
    return sorted({name for one in stating for name, _ in _counts(run, one, "natural_language") if name}) or [
        "en"
    ]


def _counts(run: Path, product: str, column: str) -> Iterator[tuple[str, int]]:
    sql = (
        f"SELECT {column} AS name, count(DISTINCT id) AS n FROM read_parquet($1) GROUP BY ALL ORDER BY n "
        f"DESC, name"
    )
    files = checked_names(product_files(run, BY_NAME[product]))
    return ((str(row["name"]), int(row["n"])) for row in (run_query(sql, [files]) if files else []))


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines: list[Sequence[object]] = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(markdown_cell(cell) for cell in line) + " |" for line in lines)


def markdown_cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|").replace("<", "&lt;")
