"""The rows of a training as tokens, and the rows that cannot be used.

Place in the flow: `sft` and `dpo` say how one row becomes tokens -> here -> a `datasets.Dataset` for TRL. The
one rule: every row is in the table, is recorded in `rejected_rows.jsonl`, or stops the job with an error that
names it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

from posttrain.core.jobs import DpoJob, SftJob
from posttrain.core.processes import processes
from posttrain.core.tokens import PrefixMismatch
from synth.errors import DatasetError, Problem
from synth.records import Record
from synth.store.atomic import write_bytes

_SHOWN = 10
Row = TypeVar("Row")


class RejectedRow(Record):
    """A line of `rejected_rows.jsonl`."""

    where: str
    reason: str
    detail: str
    tokens: int = 0


class TooLong(ValueError):
    """A row with more tokens than the limit."""

    def __init__(self, tokens: int, limit: int) -> None:
        self.tokens = tokens
        super().__init__(f"{tokens} tokens, at most {limit}")


class TokenTable(NamedTuple):
    """Rows as columns of token lists, and the rejected rows."""

    columns: dict[str, list[list[int]]]
    rejected: list[RejectedRow]
    held_out: dict[str, list[list[int]]] = {}
    """Rows on which the loss is measured, and nothing is trained."""


def encode_rows(
    job: SftJob | DpoJob,
    rows: Iterable[Row],
    where: Callable[[Row], str],
    one: Callable[[Row], dict[str, list[int]]],
) -> TokenTable:
    """Encode every row. Depending on the job's `overlong`, unusable rows raise an error that names them, or
    are rejected and counted."""
    columns: dict[str, list[list[int]]] = {}
    rejected: list[RejectedRow] = []
    for row in rows:
        try:
            for name, ids in one(row).items():
                columns.setdefault(name, []).append(ids)
        except TooLong as error:
            rejected.append(
                RejectedRow(where=where(row), reason="too_long", detail=str(error), tokens=error.tokens)
            )
        except PrefixMismatch as error:
            rejected.append(RejectedRow(where=where(row), reason="prefix_mismatch", detail=str(error)))
    if rejected and (job.config.overlong == "error" or not columns):
        raise DatasetError(*_problems(rejected))
    return TokenTable(columns, rejected)


def _problems(rejected: Sequence[RejectedRow]) -> list[Problem]:
    fix = "shorten the rows, raise max_length, or set `overlong: reject` to skip and count such rows"
    shown = [Problem(row.where, f"is rejected: {row.reason}: {row.detail}", fix) for row in rejected[:_SHOWN]]
    more = (
        [Problem("the data set", f"has {len(rejected) - _SHOWN} more rows like these", fix)]
        if len(rejected) > _SHOWN
        else []
    )
    return shown + more


def row_limit(job: SftJob | DpoJob) -> int:
    """Maximum row length in tokens: the recipe's `max_length`, or the model's context size if smaller."""
    from transformers import AutoConfig

    positions = getattr(AutoConfig.from_pretrained(job.policy), "max_position_embeddings", None)
    return min(job.config.max_length, positions or job.config.max_length)


def store_rejected(job: SftJob | DpoJob, table: TokenTable) -> None:
    rows = "".join(row.model_dump_json() + "\n" for row in table.rejected)
    write_bytes(job.folder / "rejected_rows.jsonl", rows.encode())


def as_dataset(
    job: SftJob | DpoJob,
    columns: dict[str, list[list[int]]],
    name: str = "tokens",
) -> Any:  # noqa: ANN401
    """Columns of token lists as a `datasets.Dataset` over a file, so that all processes share it and the
    files that TRL computes beside it. None without rows."""
    import pyarrow
    from datasets import Dataset

    if not columns:
        return None
    file = job.folder / "trainer" / f"{name}.arrow"
    with processes().main_process_first():
        if processes().is_main_process:
            table = pyarrow.table(
                {
                    name: pyarrow.array(lists, type=pyarrow.list_(pyarrow.int32()))
                    for name, lists in columns.items()
                }
            )
            file.parent.mkdir(parents=True, exist_ok=True)
            with (
                pyarrow.OSFile(str(file), "wb") as sink,
                pyarrow.ipc.new_stream(sink, table.schema) as stream,
            ):
                stream.write_table(table)
        return Dataset.from_file(str(file))
