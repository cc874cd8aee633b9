"""A run folder with many index rows and some bodies, written fast: sealed files as the store writes them.

The one rule: what the inspector reads is a run folder like any other; only the writing of its rows is not the
store's own, which takes a record for each.
"""

import json
import shutil
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from synth.store.parquet import ROW_GROUP_ROWS, WrittenFile
from synth.store.run_folder import RunFolder, RunIdentity
from synth.store.seals import PARQUET_KEY, ZEROS, seal_parquet
from synth.store.shards import BODIES_NOTE

STAGES: Final = ("snippet", "reference", "instruct", "solve", "syntax", "execute", "select", "near_dedup")
_KINDS: Final = ("seed", "seed", "reference", "task", "solution", "solution", "solution", "sample")
LANGUAGES: Final = ("python", "rust", "go", "java", "cpp", "typescript")

_ROWS: Final = """
    SELECT 1::BIGINT AS round, $stage AS stage, $shard AS shard,
        $kind || '-' || substr(md5((n // $twins)::VARCHAR || $kind), 1, 16) AS unit_id, $kind AS kind,
        ['task-' || substr(md5((n // 8)::VARCHAR || 'task'), 1, 16)] AS parents,
        $languages[1 + h % 6] AS language, ['en', 'zh'][1 + h // 7 % 2] AS natural_language,
        CASE WHEN h % 3 = 0 THEN 'rejected' WHEN h % 997 = 1 THEN 'failed' ELSE 'kept' END AS decision,
        CASE WHEN h % 3 = 0 THEN $reasons[1 + h // 3 % len($reasons)]
            WHEN h % 997 = 1 THEN 'infrastructure' ELSE '' END AS reason,
        CASE WHEN $stage = 'execute' THEN '{"cpu_s": ' || round((h % 5000) / 1000, 4) || ', "first_failure": '
                || '"case ' || h % 9 || ', input (' || h % 100 || ', ' || h % 77 || '): expected ' || h % 1000
                || ', found ' || h % 999 || '", "passed": ' || h % 10 || ', "total": 9}'
            WHEN $stage = 'near_dedup' THEN '{"similarity": ' || round((h % 1000) / 1000, 4) || '}'
            ELSE '{"tokens": ' || h % 700 || '}' END AS evidence,
        (h % 100000) / 13.0 AS ms, (h % 900)::BIGINT AS tokens
    FROM (SELECT i AS n, (hash(i, $stage) % 1000000007)::BIGINT AS h FROM range($first, $last) AS t(i))
"""
_BODIES: Final = """
    SELECT unit_id AS key, unit_id AS id, parents[1] AS task_id, language, 0::BIGINT AS index,
        $policies[(1 + hash(unit_id) % 3)::BIGINT] AS policy,
        'request-' || substr(md5(unit_id), 1, 16) AS request_id,
        false AS cut, to_json({id: unit_id, task_id: parents[1], language: language, index: 0,
            code: repeat(chr(10) || '    value = [item * ' || hash(unit_id) % 1000 || ' for item in a]', 30)
                || CASE WHEN hash(unit_id) % 500 = 0 THEN ' # a binary search' ELSE '' END,
            policy: 'p', request_id: '', cut: false})::VARCHAR AS body
    FROM rows
"""
_REASONS: Final = ["wrong_answer", "runtime_error", "timeout", "near_duplicate", "not_best"]


def build_run(folder: Path, rows: int, shard_rows: int, bodies: int) -> Path:
    """The run's folder: `rows` over eight stages, and `bodies` solutions of about 1.5 kB."""
    shutil.rmtree(folder, ignore_errors=True)
    recipe = {"name": folder.name, "policy": {"model": "qwen2.5-coder-0.5b"}, "engine": {"model": None}}
    with RunFolder.create_or_resume(
        folder.parent, folder.name, RunIdentity.model_validate({"recipe": recipe})
    ) as run:
        run.declare_stages(STAGES)
        shards = max(1, rows // (len(STAGES) * shard_rows))
        with duckdb.connect() as base:
            for at, stage in enumerate(STAGES):
                for shard in range(shards):
                    wanted = bodies if stage == "solve" and shard * shard_rows < bodies else 0
                    _write_shard(base, folder, at, shard, shard_rows, bool(wanted))
    return folder


def _write_shard(
    base: duckdb.DuckDBPyConnection, folder: Path, at: int, shard: int, shard_rows: int, with_bodies: bool
) -> None:
    stage, name = STAGES[at], f"{shard:05d}"
    kind = "solution" if with_bodies else _KINDS[at]
    rows = base.execute(
        _ROWS,
        {
            "stage": stage,
            "kind": kind,
            "twins": 1,
            "shard": name,
            "languages": list(LANGUAGES),
            "reasons": _REASONS,
            "first": shard * shard_rows,
            "last": (shard + 1) * shard_rows,
        },
    ).to_arrow_table()
    assert rows is not None
    notes = {}
    if with_bodies:
        base.register("rows", rows)
        table = base.execute(_BODIES, {"policies": ["p-0", "p-1", "p-2"]}).to_arrow_table()
        assert table is not None
        written = _write(folder / "bodies" / "solution" / f"0001-{name}@{stage}.parquet", table, {})
        notes = {BODIES_NOTE: json.dumps({"solution": written})}
    entered = rows.select(["round", "stage", "shard", "unit_id"])
    _write(folder / "entered" / stage / f"0001-{name}.parquet", entered, {})
    _write(folder / "index" / stage / f"0001-{name}.parquet", rows, notes)


def _write(path: Path, table: pa.Table, notes: dict[str, str]) -> WrittenFile:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w+b") as file:
        with pq.ParquetWriter(file, table.schema, compression="zstd", write_page_checksum=True) as writer:
            writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
            writer.add_key_value_metadata({**notes, PARQUET_KEY: ZEROS})
        return WrittenFile(table.num_rows, seal_parquet(file))
