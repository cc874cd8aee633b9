"""The data set card: what the data is, how it came about, and what is known against it. Generated from the
run, never written by hand.

The one rule: every sentence follows from a row or a file of the run. What was not measured is said to
be not measured.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from synth.products import BY_NAME
from synth.store.card_checks import decontamination_section, evidence_section, flips_section, verifier_section
from synth.store.card_counts import count_rows_by, counts_section, schema_section
from synth.store.card_making import (
    again_section,
    cost_section,
    making_section,
    part_of,
    seed_sources,
    sources_table,
)
from synth.store.markdown import markdown_table
from synth.store.open_shards import OpenShards
from synth.store.run_folder import RunInfo, read_info
from synth.store.views import conservation_problems, failed_units, funnel, screened

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


def data_card(
    run: Path, counts: Mapping[str, int], files: Mapping[str, str], format_: str = "datasets"
) -> str:
    """README.md for an export: `counts` rows and the file of each product that it holds, by name."""
    info = read_info(run)
    sources = seed_sources(run)
    sections = [
        _header(run, info, counts, files, sources),
        f"# {info.name}",
        _summary(info),
        _data_sets(counts),
        counts_section(run, counts),
        schema_section(counts),
        making_section(info),
        sources_table(sources),
        _screening(run, info),
        evidence_section(run, counts),
        verifier_section(run),
        flips_section(run, counts),
        decontamination_section(run, info),
        _funnel_table(run),
        cost_section(run),
        again_section(info, format_),
    ]
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


def _data_sets(counts: Mapping[str, int]) -> str:
    rows = [[name, count, BY_NAME[name].sentence] for name, count in counts.items()]
    return "## Data sets\n\n" + markdown_table(["data set", "rows", "a row is"], rows)


def _screening(run: Path, info: RunInfo) -> str:
    """What was found in the sources, by kind; each unit once, however many rounds read it."""
    seeds = part_of(info, "data").get("seeds") or {}
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


def _natural_languages(run: Path, counts: Mapping[str, int]) -> list[str]:
    """Those that any product states."""
    stating = [name for name in counts if "natural_language" in BY_NAME[name].model.model_fields]
    return sorted(
        {name for one in stating for name, _ in count_rows_by(run, one, "natural_language") if name}
    ) or ["en"]
