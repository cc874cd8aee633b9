"""Training: the curves of each job, what its policy was trained on, and the evaluations over the rounds.

Place in the flow: `checkpoints/*/metrics.jsonl`, `policy.json` and `eval/*.json` of a run folder -> the page
of its trainings. The one rule: files that trainers write are read as they are; a line or file that cannot be
read is left out and named.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from synth.errors import CodemillError
from synth.inspector.library import Library
from synth.inspector.opened_run import OpenedRun
from synth.store.checkpoints import MANIFEST, PolicyManifest, read_checkpoint, training_files
from synth.store.seals import read_json
from synth.store.selections import Selection, read_selections
from synth.training_metrics import CHARTS
from synth.wire_record import Record

MOST_POINTS: Final = 400
"""Of one curve; longer ones are thinned out evenly, and keep their last point."""
METRICS: Final = "metrics.jsonl"
_READERS: Final = {".parquet": "read_parquet", ".jsonl": "read_json_auto"}


class MetricCurve(Record):
    """One metric over the steps of a job."""

    name: str
    points: tuple[tuple[float, float], ...]
    """Step and value."""


class MetricChart(Record):
    """Metrics that share an axis."""

    title: str
    curves: tuple[MetricCurve, ...]
    first: float
    last: float
    """Of the first curve."""


class TrainedFile(Record):
    """A file of rows that a policy was trained on, and how many of each language it has."""

    name: str
    rows: int
    languages: tuple[tuple[str, int], ...]
    found: bool


class TrainedPolicy(Record):
    """One training job and its policy. Without a `policy.json` it is not complete."""

    name: str
    is_complete: bool
    kind: str = ""
    fingerprint: str = ""
    parent: str = ""
    """The checkpoint that it started from; empty for the base model."""
    rows: int = 0
    rejected_rows: int = 0
    steps: int = 0
    seconds: float = 0.0
    stopped: str = ""
    """Why it ended early, in words."""
    settings: tuple[tuple[str, str], ...] = ()
    files: tuple[TrainedFile, ...] = ()
    charts: tuple[MetricChart, ...] = ()


class Estimate(Record):
    """A share with its 95% interval."""

    value: float
    low: float
    high: float


class EvaluatedPolicy(Record):
    """pass@1 of one policy, in all languages together and in each."""

    policy: str
    file: str
    """The name of its file, without the ending."""
    checkpoint: str
    """Empty for the base model."""
    suite: str
    questions: int
    total: Estimate | None
    languages: tuple[tuple[str, Estimate], ...]
    wrong: int
    """Questions of which a wrong answer is stored."""


class TrainingView(Record):
    """All trainings and evaluations of a run."""

    policies: tuple[TrainedPolicy, ...]
    evaluations: tuple[EvaluatedPolicy, ...]
    selections: tuple[Selection, ...]
    """Which policy each round ended with."""
    left_out: tuple[str, ...]
    """Files that could not be read, with the reason."""


def show_training(library: Library, run: OpenedRun) -> TrainingView:
    """The jobs in the order in which their policies follow from each other."""
    left_out: list[str] = []
    manifests = dict(_manifests(run.path, left_out))
    names = {one.fingerprint: name for name, one in manifests.items()}
    policies = [
        _policy(library, run.path, folder, manifests.get(folder.name), names, left_out)
        for folder in sorted(path for path in run.path.glob("checkpoints/*") if path.is_dir())
    ]
    evaluations = [_evaluated(path, found, names) for path, found in read_evaluations(run.path, left_out)]
    order = {one.name: at for at, one in enumerate(_by_descent(policies))}
    return TrainingView(
        policies=tuple(sorted(policies, key=lambda one: order[one.name])),
        evaluations=tuple(
            sorted(evaluations, key=lambda one: (one.suite, order.get(one.checkpoint, -1), one.policy))
        ),
        selections=tuple(_selections(run.path, left_out)),
        left_out=tuple(left_out),
    )


def read_evaluations(run: Path, left_out: list[str]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The evaluations of a run by file. What cannot be read is added to `left_out`."""
    for path in sorted((run / "eval").glob("*.json")):
        try:
            found = json.loads(read_json(path))
        except (CodemillError, OSError, ValueError) as error:
            left_out.append(f"eval/{path.name}: {_words(error)}")
            continue
        if isinstance(found, dict) and "policy" in found and "answered" in found:
            yield path, found


def _selections(run: Path, left_out: list[str]) -> list[Selection]:
    try:
        return list(read_selections(run))
    except (CodemillError, OSError, ValueError) as error:
        left_out.append(f"eval/selection-*.json: {_words(error)}")
        return []


def _manifests(run: Path, left_out: list[str]) -> Iterator[tuple[str, PolicyManifest]]:
    for path in sorted(run.glob(f"checkpoints/*/{MANIFEST}")):
        try:
            if (checkpoint := read_checkpoint(path.parent)) is not None:
                yield path.parent.name, checkpoint.manifest
        except CodemillError as error:
            left_out.append(f"checkpoints/{path.parent.name}/{MANIFEST}: {_words(error)}")


def _words(error: Exception) -> str:
    return error.problems[0].message if isinstance(error, CodemillError) else str(error)[:200]


def _by_descent(policies: Sequence[TrainedPolicy]) -> list[TrainedPolicy]:
    """Parents before their children; others by name."""
    ordered: list[TrainedPolicy] = []
    waiting = list(policies)
    while waiting:
        placed = {one.name for one in ordered}
        ready = [one for one in waiting if not one.parent or one.parent in placed] or waiting
        ordered += ready
        waiting = [one for one in waiting if one not in ready]
    return ordered


def _policy(
    library: Library,
    run: Path,
    folder: Path,
    manifest: PolicyManifest | None,
    names: Mapping[str, str],
    left_out: list[str],
) -> TrainedPolicy:
    charts = tuple(_charts(folder / METRICS, left_out))
    if manifest is None:
        return TrainedPolicy(name=folder.name, is_complete=False, charts=charts)
    config = manifest.config
    settings = (
        ("learning rate", f"{config.learning_rate:g}"),
        ("schedule", str(config.schedule)),
        ("epochs", f"{config.epochs:g}"),
        ("batch", f"{config.step_rows}"),
        *((("beta", f"{config.beta:g}"),) if hasattr(config, "beta") else ()),
        ("seed", str(manifest.seed)),
    )
    return TrainedPolicy(
        name=folder.name,
        is_complete=True,
        kind=manifest.kind,
        fingerprint=manifest.fingerprint,
        parent=names.get(manifest.parent_fingerprint, ""),
        rows=manifest.rows,
        rejected_rows=manifest.rejected_rows,
        steps=manifest.steps,
        seconds=manifest.seconds,
        stopped=manifest.stopped,
        settings=settings,
        files=tuple(one for name in manifest.data for one in _trained_files(library, run, Path(name))),
        charts=charts,
    )


def _trained_files(library: Library, run: Path, data: Path) -> Iterator[TrainedFile]:
    shown = "/".join(data.parts[-2:])
    files = training_files(run, data)
    if not files:
        yield TrainedFile(name=shown, rows=0, languages=(), found=False)
    for file in files:
        sql = f"SELECT * FROM (DESCRIBE SELECT * FROM {_READERS[file.suffix]}(?))"
        columns = {row["column_name"] for row in library.query(sql, [str(file)])}
        language = "language" if "language" in columns else "''"
        sql = f"SELECT {language} AS language, count(*) AS n FROM {_READERS[file.suffix]}(?) GROUP BY 1"
        counts = {str(row["language"]): int(row["n"]) for row in library.query(sql, [str(file)])}
        yield TrainedFile(
            name="/".join(file.parts[-2:]),
            rows=sum(counts.values()),
            languages=tuple(sorted(counts.items(), key=lambda one: (-one[1], one[0]))),
            found=True,
        )


def _charts(path: Path, left_out: list[str]) -> Iterator[MetricChart]:
    steps: list[tuple[float, dict[str, Any]]] = []
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    except OSError as error:
        left_out.append(f"checkpoints/{path.parent.name}/{path.name}: {error}")
        return
    bad = 0
    for line in lines:
        try:
            found = json.loads(line)
            steps.append((float(found["step"]), dict(found["metrics"])))
        except (ValueError, KeyError, TypeError):
            bad += 1
    if bad:
        words = "1 line is" if bad == 1 else f"{bad} lines are"
        left_out.append(f"checkpoints/{path.parent.name}/{path.name}: {words} no metrics")
    for title, metrics in CHARTS.items():
        curves = [MetricCurve(name=name, points=_points(steps, name)) for name in metrics]
        curves = [curve for curve in curves if curve.points]
        if curves:
            points = curves[0].points
            yield MetricChart(title=title, curves=tuple(curves), first=points[0][1], last=points[-1][1])


def _points(steps: Sequence[tuple[float, dict[str, Any]]], name: str) -> tuple[tuple[float, float], ...]:
    found = [
        (step, float(value))
        for step, metrics in steps
        if isinstance(value := metrics.get(name), int | float) and math.isfinite(value)
    ]
    stride = max(1, -(-len(found) // MOST_POINTS))
    return tuple(found[:-1:stride] + found[-1:])


def _evaluated(path: Path, found: Mapping[str, Any], names: Mapping[str, str]) -> EvaluatedPolicy:
    answered = [one for one in found.get("answered", ()) if isinstance(one, dict)]
    languages = found.get("languages", {})
    return EvaluatedPolicy(
        policy=str(found["policy"]),
        file=path.stem,
        checkpoint=names.get(str(found.get("fingerprint", "")), ""),
        suite=str(found.get("suite", "")),
        questions=len(answered),
        total=_estimate(found.get("total")),
        languages=tuple(
            (str(name), estimate)
            for name, scores in (languages.items() if isinstance(languages, dict) else ())
            if (estimate := _estimate(scores)) is not None
        ),
        wrong=sum(bool(one.get("wrong")) for one in answered),
    )


def _estimate(scores: object) -> Estimate | None:
    """pass@1 of figures as an evaluation writes them."""
    try:
        return Estimate.model_validate(scores["pass_at"]["1"]) if isinstance(scores, dict) else None
    except (KeyError, TypeError, ValidationError):
        return None
