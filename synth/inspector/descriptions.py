"""What bodies say of a unit and index rows do not: the model and the prompt that wrote it, the rank
of its evidence.

Place in the flow: `sources.py` hands over new files of bodies; the columns `model`, `prompt` and `rank` of
the run's table are filled from them. The one rule: only narrow columns are read, each file once.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from synth.inspector.database import Database
from synth.products import FimSample, Pair, Sample
from synth.records import Solution, Task, TestSuite, Verdict
from synth.stages.contract_prompts import PROMPT_SUFFIXES

_NONE: Final = {
    "parent": "''",
    "model": "''",
    "rank": "''",
    "spoken": "''",
    "contract": "''",
    "asked": "FALSE",
    "answer": "''",
}
_ANSWER: Final = "CASE WHEN request_id = '' THEN '' ELSE request_id || '#' || {0} END"

_SAID: Final[Mapping[str, Mapping[str, str]]] = {
    Task.kind: {
        "spoken": "natural_language",
        "contract": "json_extract_string(body, '$.contract.kind')",
        "asked": "request_id <> ''",
        "answer": _ANSWER.format(0),
    },
    TestSuite.kind: {"rank": "rank"},
    Solution.kind: {
        "parent": "task_id",
        "model": "policy",
        "answer": _ANSWER.format("index"),
    },
    Verdict.kind: {"rank": "rank"},
    Sample.kind: {"parent": "solution_id", "rank": "rank"},
    Pair.kind: {"parent": "chosen_id", "rank": "rank"},
    FimSample.kind: {"parent": "source_id"},
}
"""Of each kind of body, what its columns say."""
KINDS: Final = tuple(_SAID)


class Descriptions:
    """The descriptions of one run, in the table `<table>_said`."""

    def __init__(self, database: Database, rows_table: str) -> None:
        self._database, self._rows, self._said = database, rows_table, f"{rows_table}_said"
        self._batch = 0
        types = ", ".join(f"{name} {'BOOLEAN' if name == 'asked' else 'VARCHAR'}" for name in _NONE)
        database.query(f"CREATE TABLE {self._said} (unit_id VARCHAR, {types}, batch BIGINT)")

    def read(self, kind: str, names: Sequence[str]) -> None:
        """Read new and sound files of one kind. Raises StoreError."""
        said = {**_NONE, **_SAID[kind]}
        columns = ", ".join(f"coalesce({column}, {_NONE[name]})" for name, column in said.items())
        sql = f"INSERT INTO {self._said} SELECT key, {columns}, ? FROM read_parquet(?)"
        self._database.query(sql, [self._batch, list(names)])

    def units_of(self, answers: Sequence[str]) -> list[str]:
        """The units that were read from these answers, each named `<request>#<place among the n>`."""
        sql = f"SELECT DISTINCT unit_id FROM {self._said} WHERE answer IN (SELECT unnest(?::VARCHAR[]))"
        return [row["unit_id"] for row in self._database.query(sql, [list(answers)])]

    def fill(self, first_file: int, prompts: Sequence[str], models: Mapping[str, str], base: str) -> int:
        """Fill the columns of rows from file `first_file` on, and of units read since the last call.
        `prompts`: the names in the run's prompt set; `models`: those of trained policies by fingerprint;
        `base`: the model of any other. Returns the rows that changed."""
        found = self._database.query(
            _FILL.format(rows=self._rows, said=self._said),
            [
                *(list(PROMPT_SUFFIXES), list(PROMPT_SUFFIXES.values()), first_file, self._batch),
                *(list(prompts), list(models), list(models.values()), base),
            ],
        )
        self._batch += 1
        return int(found[0]["Count"]) if found else 0


_FILL: Final = """
    WITH suffixes AS (SELECT unnest($1::VARCHAR[]) AS contract, unnest($2::VARCHAR[]) AS suffix),
    models AS (SELECT unnest($6::VARCHAR[]) AS model, unnest($7::VARCHAR[]) AS label),
    wanted AS (
        SELECT unit_id FROM {rows} WHERE file >= $3 UNION SELECT unit_id FROM {said} WHERE batch >= $4
    ),
    units AS (
        SELECT unit_id, max(parent) AS parent, max(model) AS model, max(rank) AS rank,
            max(spoken) AS spoken, max(contract) AS contract, bool_or(asked) AS asked
        FROM {said} WHERE unit_id IN (FROM wanted) GROUP BY unit_id
    ),
    parents AS (
        SELECT unit_id, max(parent) AS parent, max(model) AS model, max(rank) AS rank,
            max(spoken) AS spoken, max(contract) AS contract
        FROM {said} WHERE unit_id IN (SELECT parent FROM units) GROUP BY unit_id
    ),
    grand AS (
        SELECT unit_id, max(spoken) AS spoken, max(contract) AS contract
        FROM {said} WHERE unit_id IN (SELECT parent FROM parents) GROUP BY unit_id
    ),
    told AS (
        SELECT units.unit_id, greatest(units.model, coalesce(parents.model, '')) AS model,
            CASE WHEN units.rank <> '' THEN units.rank ELSE coalesce(parents.rank, '') END AS rank,
            CASE WHEN units.contract <> '' THEN (CASE WHEN units.asked THEN 'instruct' ELSE '' END)
                WHEN parents.model <> '' OR units.model <> '' THEN 'solve' ELSE '' END AS stage,
            coalesce(nullif(units.contract, ''), nullif(parents.contract, ''), grand.contract) AS contract,
            coalesce(nullif(units.spoken, ''), nullif(parents.spoken, ''), grand.spoken) AS spoken
        FROM units LEFT JOIN parents ON parents.unit_id = units.parent
        LEFT JOIN grand ON grand.unit_id = parents.parent
    ),
    named AS (
        SELECT unit_id, rank, spoken,
            CASE WHEN model = '' THEN '' ELSE coalesce(label, nullif($8, ''), model) END AS model,
            CASE WHEN stage = '' OR suffix IS NULL THEN '' ELSE stage || suffix END AS name
        FROM told LEFT JOIN suffixes USING (contract) LEFT JOIN models USING (model)
    ),
    found AS (
        SELECT unit_id, model, rank,
            CASE WHEN list_contains($5::VARCHAR[], name || '.' || spoken) THEN name || '.' || spoken
                ELSE name END AS prompt
        FROM named
    )
    UPDATE {rows} AS one SET model = found.model, prompt = found.prompt, rank = found.rank
    FROM found WHERE one.unit_id = found.unit_id
    AND (one.model <> found.model OR one.prompt <> found.prompt OR one.rank <> found.rank)
"""
