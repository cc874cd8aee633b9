"""A small finished run, made of literal records through the store's own public functions: one seed, one task,
three solutions."""

from collections.abc import Sequence
from pathlib import Path

from synth.products import BY_NAME, FimSample, Pair, Sample
from synth.records import (
    Case,
    Decision,
    EvidenceRank,
    FunctionContract,
    IndexRow,
    Message,
    Origin,
    Outcome,
    Reference,
    Seed,
    Solution,
    Task,
    TestSuite,
    Unit,
    Verdict,
)
from synth.store.atomic import write_bytes
from synth.store.checkpoints import MANIFEST, PolicyManifest
from synth.store.products import write_product
from synth.store.run_folder import RunFolder, RunIdentity
from synth.training_config import SftConfig

CONTRACT = FunctionContract(entry_point="double", signature="(int) -> int", parameter_names=("x",))
SEED = Seed(
    id="seed-1a",
    language="python",
    code="def double(x):\n    return x + x\n",
    origin=Origin(source="pocket", licence="Apache-2.0"),
    contract=CONTRACT,
)
CASES = (Case(arguments=("i2",), expected="i4"), Case(arguments=("i3",), expected="i6"))
REFERENCE = Reference(seed_id="seed-1a", language="python", code=SEED.code, contract=CONTRACT, cases=CASES)
TASK = Task(
    id="task-2b",
    round=1,
    instruction="Double a number. 加倍",
    natural_language="en",
    contract=CONTRACT,
    seed_id="seed-1a",
    seed_language="python",
)
GOOD = Solution(
    id="solution-3c",
    task_id="task-2b",
    language="python",
    code="def double(x):\n    return 2 * x\n",
    index=0,
    policy="base",
)
BAD = Solution(
    id="solution-4d",
    task_id="task-2b",
    language="python",
    code="def double(x):\n    return x * x\n",
    index=1,
    policy="base",
)
LATE = Solution(
    id="solution-5e", task_id="task-2b", language="javascript", code="while (true) {}", index=0, policy="base"
)
SUITE = TestSuite(
    task_id="task-2b",
    contract=CONTRACT,
    cases=CASES,
    rank=EvidenceRank.REFERENCE,
)
PROMPT = (Message(role="user", content=TASK.instruction),)
SAMPLE = Sample(
    id="sample-6f",
    task_id="task-2b",
    solution_id="solution-3c",
    language="python",
    natural_language="en",
    code=GOOD.code,
    prompt=PROMPT,
    completion=(Message(role="assistant", content=GOOD.code),),
    pass_rate=1.0,
    rank=EvidenceRank.REFERENCE,
)
PAIR = Pair(
    id="pair-7a",
    task_id="task-2b",
    language="python",
    prompt=PROMPT,
    chosen=(Message(role="assistant", content=GOOD.code),),
    rejected=(Message(role="assistant", content=BAD.code),),
    chosen_id="solution-3c",
    rejected_id="solution-4d",
    chosen_pass=1.0,
    rejected_pass=0.5,
    rejected_outcome=Outcome.WRONG_ANSWER,
    rank=EvidenceRank.REFERENCE,
)
FIM = FimSample(
    id="fim-8b",
    source_id="solution-3c",
    language="python",
    node="expression",
    prefix="def double(x):\n    return ",
    middle="2 * x",
    suffix="\n",
    text="<|fim_prefix|>def double(x):\n    return <|fim_suffix|>\n<|fim_middle|>2 * x",
)


def verdict(solution: Solution, outcome: Outcome, passed: int) -> Verdict:
    return Verdict(
        solution_id=solution.id,
        task_id=solution.task_id,
        outcome=outcome,
        passed=passed,
        total=2,
        rank=EvidenceRank.REFERENCE,
        level="B",
    )


def row(
    stage: str,
    unit: str,
    decision: Decision = Decision.KEPT,
    reason: str = "",
    parents: tuple[str, ...] = (),
    language: str = "python",
    shard: str = "0000",
    evidence: str = "{}",
) -> IndexRow:
    kind = unit.split("-")[0]
    return IndexRow(
        round=1,
        stage=stage,
        shard=shard,
        unit_id=unit,
        kind=kind,
        parents=parents,
        language=language,
        decision=decision,
        reason=reason,
        evidence=evidence,
        ms=1.5,
        tokens=10,
    )


def commit(run: RunFolder, rows: Sequence[IndexRow], made: Sequence[Unit] = ()) -> None:
    """Enter and decide the rows of one stage and shard."""
    stage, round, shard = rows[0].stage, rows[0].round, rows[0].shard
    run.commits.record_entered(stage, round, shard, [one.unit_id for one in rows])
    run.commits.commit(stage, round, shard, rows, made)


def identity(**changes: object) -> RunIdentity:
    recipe = {
        "name": "small",
        "policy": {"model": "pocket"},
        "engine": {"kind": "vllm_server", "model": None},
        "data": {"solve": {"n": 8}, "filters": {"decontaminate": ["@heldout"], "ngram": 10}},
    }
    return RunIdentity.model_validate(
        {"recipe": recipe, "prompt_hashes": {"default/solve.md": "ab12"}, "seed": 7, **changes}
    )


def build_small_run(runs_dir: Path, name: str = "small") -> Path:
    """The finished run's folder."""
    with RunFolder.create_or_resume(runs_dir, name, identity()) as run:
        run.declare_stages(
            ("snippet", "reference", "instruct", "solve", "verdict", "pair", "fim", "exact_dedup")
        )
        commit(
            run,
            [row("snippet", "seed-1a"), row("snippet", "seed-9z", Decision.REJECTED, "too_short")],
            [SEED],
        )
        commit(run, [row("reference", "seed-1a")], [REFERENCE])
        commit(run, [row("instruct", "task-2b", parents=("seed-1a",))], [TASK, SUITE])
        solved = [
            row("solve", one.id, parents=("task-2b",), language=one.language) for one in (GOOD, BAD, LATE)
        ]
        commit(run, solved, [GOOD, BAD, LATE])
        judged = [
            row("verdict", GOOD.id),
            row("verdict", BAD.id, Decision.REJECTED, "wrong_answer", evidence='{"passed": 1, "total": 2}'),
            row("verdict", LATE.id, Decision.FAILED, "toolchain_missing", language="javascript"),
        ]
        verdicts = [
            verdict(GOOD, Outcome.PASS, 2),
            verdict(BAD, Outcome.WRONG_ANSWER, 1),
            verdict(LATE, Outcome.TOOLCHAIN_MISSING, 0),
        ]
        commit(run, judged, verdicts)
        commit(run, [row("pair", "task-2b.python", parents=("task-2b",))], [PAIR])
        commit(run, [row("fim", "fim-8b", parents=("solution-3c",))], [FIM])
        commit(run, [row("exact_dedup", "sample-6f", parents=("task-2b", "solution-3c"))], [SAMPLE])
        write_product(run.path, BY_NAME["sft"], "r1-coarse", [SAMPLE])
        write_product(run.path, BY_NAME["pairs"], "r1", [PAIR])
        write_product(run.path, BY_NAME["fim"], "r1", [FIM])
        _note_checkpoint(run.path, "r1-sft", "sft/r1-coarse.parquet", "/elsewhere/fim/r1.parquet")
        _note_checkpoint(run.path, "r1-dpo", "pairs/r1.parquet")
    return run.path


def _note_checkpoint(run: Path, name: str, *data: str) -> None:
    manifest = PolicyManifest(
        name=name,
        kind="sft",
        fingerprint="f1",
        parent="pocket",
        parent_fingerprint="f0",
        data=data,
        data_hash="d",
        rows=2,
        rejected_rows=0,
        config=SftConfig(),
        seed=0,
        job_hash="j",
        has_adapter=True,
        steps=1,
        metrics={"loss": 1.0},
        seconds=1.0,
        versions={},
    )
    write_bytes(run / "checkpoints" / name / MANIFEST, manifest.model_dump_json().encode())
