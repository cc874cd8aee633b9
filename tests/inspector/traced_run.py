"""A shown run with all that the pages of rules, duplicates, trainings and maps read: thresholds in its
recipe, twins and entries in its evidence, checkpoints with curves, evaluations with wrong answers, maps."""

import json
import math
from pathlib import Path

from synth.inspector.queries.coverage import (
    COVERAGE,
    SYNERGY,
    CoverageCell,
    CoverageMap,
    SynergyCell,
    SynergyMap,
)
from synth.inspector.queries.training import METRICS
from synth.products import Sample
from synth.records import Decision, EvidenceRank, IndexRow, Message
from synth.store.atomic import write_bytes
from synth.store.checkpoints import MANIFEST, PolicyManifest
from synth.store.parquet import count_rows
from synth.store.run_folder import RunFolder, read_info, write_info
from synth.store.seals import seal_json
from synth.store.selections import Candidate, Selection, write_selection
from synth.training_config import DpoConfig, SftConfig
from tests.inspector.shown_run import build_shown_run, shown_identity

TWIN = "sample-90"
ENTRY = "held-out/7"
SIMILARITIES = {"sample-91": 0.96, "sample-92": 0.91, "sample-93": 0.88, "sample-94": 0.42, TWIN: 0.1}
"""What the near-duplicate filter measured; its threshold is 0.9."""
TOKENS = {"sample-91": 410, "sample-92": 395, "sample-93": 120, TWIN: 60}
"""What the length filter measured; its limit is 400."""
CODE = """def total(values):
    result = 0
    for value in values:
        result += value
    return result
"""
INSTRUCTION = "Add up all values of a list and return the sum."


SELECTION = Selection(
    round=1,
    suite="development",
    tasks=90,
    confidence=0.9,
    candidates=(
        Candidate(policy="base", pass_at_1=0.4),
        Candidate(policy="round 1 sft", pass_at_1=0.6, gain=0.2, gain_low=0.1, gain_high=0.3),
        Candidate(policy="round 1 dpo", pass_at_1=0.1, gain=-0.3, gain_low=-0.4, gain_high=-0.2),
    ),
    chosen="round 1 sft",
)


def build_traced_run(runs_dir: Path, name: str = "traced") -> Path:
    """The finished run's folder."""
    run = build_shown_run(runs_dir, name)
    with RunFolder.create_or_resume(runs_dir, name, shown_identity(name)) as folder:
        _add_decisions(folder)
    info = read_info(run)
    data = dict(info.recipe["data"]) | {  # type: ignore[arg-type]
        "filters": {"near_dedup_threshold": 0.9, "max_tokens": 400},
        "evidence": {"min_reproductions": 1, "min_share": 0.1},
    }
    write_info(run, info.model_copy(update={"recipe": dict(info.recipe) | {"data": data}}))
    _add_checkpoint(run, "round-1-fine", "f1", "f0", ["sft/round-1-coarse.parquet"], 24)
    _add_checkpoint(run, "round-1-dpo", "f2", "f1", ["pairs/round-1.parquet", "sft/gone.parquet"], 12)
    for at, (policy, fingerprint, value) in enumerate(
        (("base", "f0", 0.41), ("round 1 sft", "f1", 0.63), ("round 1 dpo", "f2", 0.7))
    ):
        add_evaluation(run, policy, fingerprint, value, with_wrong=at > 0)
    write_selection(run, SELECTION)
    _add_maps(run)
    return run


def _row(stage: str, unit: str, reason: str, evidence: dict[str, object]) -> IndexRow:
    return IndexRow(
        round=3,
        stage=stage,
        shard="00000",
        unit_id=unit,
        kind="sample",
        parents=("solution-3c",),
        language="python",
        decision=Decision.REJECTED if reason else Decision.KEPT,
        reason=reason,
        evidence=json.dumps(evidence, sort_keys=True),
    )


def sample(unit_id: str, code: str) -> Sample:
    return Sample(
        id=unit_id,
        task_id="task-2b",
        solution_id="solution-3c",
        language="python",
        natural_language="en",
        code=code,
        prompt=(Message(role="user", content=INSTRUCTION),),
        completion=(Message(role="assistant", content=f"```python\n{code}```"),),
        pass_rate=1.0,
        rank=EvidenceRank.REFERENCE,
    )


def _add_decisions(run: RunFolder) -> None:
    samples = [sample(TWIN, CODE), sample("sample-91", CODE.replace("result", "result")), *_others()]
    near = []
    for unit, similarity in SIMILARITIES.items():
        is_lost = similarity >= 0.9
        evidence: dict[str, object] = {"similarity": similarity} | ({"twin": TWIN} if is_lost else {})
        near.append(_row("near_dedup", unit, "near_duplicate" if is_lost else "", evidence))
    near.append(_row("near_dedup", "sample-95", "", {}))  # of a version that stored nothing
    long = [
        _row("length", unit, "too_long" if tokens > 400 else "", {"tokens": tokens})
        for unit, tokens in TOKENS.items()
    ]
    prose = {"entry": ENTRY, "side": "prose", "measure": "runs", "share": 0.5, "matched": "return the sum"}
    code = {
        "entry": ENTRY,
        "side": "code",
        "measure": "edited",
        "share": 0.61,
        "matched": "for V0 in V1 :",
    }
    dirty = [
        _row("decontaminate", "sample-92", "contaminated", prose),
        _row("decontaminate", "sample-93", "contaminated", code),
        _row("decontaminate", TWIN, "", {}),
    ]
    for rows, made in ((long, samples), (dirty, []), (near, [])):
        stage = rows[0].stage
        run.commits.record_entered(stage, 3, "00000", [row.unit_id for row in rows])
        run.commits.commit(stage, 3, "00000", rows, made)


def _others() -> list[Sample]:
    return [
        sample("sample-92", CODE.replace("    return result", "    result += 1\n    return result")),
        sample("sample-93", "def total(xs):\n    s = 0\n    for x in xs:\n        s += x\n    return s\n"),
    ]


def _add_checkpoint(run: Path, name: str, fingerprint: str, parent: str, data: list[str], steps: int) -> None:
    is_dpo = name.endswith("dpo")
    manifest = PolicyManifest(
        name=name,
        kind="dpo" if is_dpo else "sft",
        fingerprint=fingerprint,
        parent="small-coder-1.5b",
        parent_fingerprint=parent,
        data=tuple(data),
        data_hash="d",
        rows=sum(count_rows(run / name) for name in data if (run / name).is_file()),
        rejected_rows=1,
        config=DpoConfig() if is_dpo else SftConfig(),
        seed=7,
        job_hash="j",
        has_adapter=True,
        steps=steps,
        metrics={"loss": 0.2},
        seconds=41.5,
        versions={},
    )
    write_bytes(run / "checkpoints" / name / MANIFEST, manifest.model_dump_json().encode())
    lines = []
    for step in range(1, steps + 1):
        metrics = {
            "loss": 1.4 * math.exp(-step / 8) + 0.2,
            "learning_rate": 0.001 * math.cos(step / steps * 1.5),
            "grad_norm": 0.3 + 0.1 * math.sin(step),
        }
        if is_dpo:
            metrics |= {
                "rewards/chosen": 0.01 * step,
                "rewards/rejected": -0.05 * step,
                "rewards/margins": 0.06 * step,
                "rewards/accuracies": min(1.0, 0.4 + step / 20),
            }
        lines.append(json.dumps({"event": "progress", "job": name, "step": step, "metrics": metrics}))
    write_bytes(run / "checkpoints" / name / METRICS, ("\n".join(lines) + "\nno metrics\n").encode())


def add_evaluation(run: Path, policy: str, fingerprint: str, value: float, *, with_wrong: bool) -> None:
    """An evaluation file as the loop writes it; without wrong answers, as an older version did."""
    wrong = {
        "code": CODE.replace("result += value", "result -= value"),
        "outcome": "wrong_answer",
        "first_failure": "case 0, input [1, 2]: expected 3, found -3",
        "greedy": True,
    }
    question = {"task_id": "task-h7", "language": "python", "n": 8, "passed": 5, "greedy": False}
    question |= {"outcomes": {"pass": 5, "wrong_answer": 3}, "instruction": INSTRUCTION}
    measure = {"value": value, "low": value - 0.06, "high": value + 0.05}
    scores = {"questions": 2, "pass_at": {"1": measure}, "greedy": None}
    found = {
        "policy": policy,
        "fingerprint": fingerprint,
        "suite": "held-out",
        "total": scores,
        "languages": {"python": scores, "rust": scores},
        "answered": [
            question | ({"wrong": wrong} if with_wrong else {}),
            question | {"task_id": "task-h8", "passed": 8, "outcomes": {"pass": 8}},
        ],
        "seconds": 3.0,
    }
    path = run / "eval" / f"{policy.replace(' ', '-')}.json"
    write_bytes(path, seal_json(json.dumps(found, indent=1)))


def _add_maps(run: Path) -> None:
    cells = [
        CoverageCell(topic=topic, language=language, units=40 + 7 * at, kept=(at * 13 + place * 5) % 41)
        for at, topic in enumerate(("strings", "sorting", "graphs", "numbers", "recursion"))
        for place, language in enumerate(("go", "javascript", "python", "rust"))
        if (at, place) != (2, 0)
    ]
    coverage = CoverageMap(axis="concept", cells=tuple(cells))
    write_bytes(run / COVERAGE, seal_json(coverage.model_dump_json()))
    pairs = (("python", "go", 0.03), ("python", "python", 0.11), ("go", "python", -0.05), ("go", "go", 0.09))
    synergy = SynergyMap(
        before="base",
        after="round 1 sft",
        cells=tuple(
            SynergyCell(trained_on=one, tested_on=two, gain=gain, low=gain - 0.04, high=gain + 0.04)
            for one, two, gain in pairs
        ),
    )
    write_bytes(run / SYNERGY, seal_json(synergy.model_dump_json()))
