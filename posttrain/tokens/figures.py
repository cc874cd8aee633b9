"""What a training's rows are, in figures: lengths, the share of trained tokens, the rows left out.

Place in the flow: `codemill data` asks for them before anything is trained. The one rule: they are counted on
the very rows that the trainer would read, batch by batch.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from posttrain.tokens.selection import TokenRows
from synth.records import Record
from synth.store.checkpoints import SetRows

if TYPE_CHECKING:
    import numpy

IGNORED = -100
_BATCH = 10_000


class LengthBin(Record):
    """Rows of at least `low` and at most `high` tokens."""

    low: int
    high: int
    rows: int


class DataFigures(Record):
    """The rows of one training."""

    job: str
    kind: str
    data_sets: tuple[SetRows, ...]
    rows: int
    """Trained on in one epoch."""
    rejected: dict[str, int] = Field(default_factory=dict)
    """Rows left out, by reason."""
    tokens: int
    trained_tokens: int
    mean: float
    """Tokens of a row."""
    median: float
    longest: int
    histogram: tuple[LengthBin, ...]
    """Each bin twice as wide as the one before."""

    @property
    def trained_share(self) -> float:
        return self.trained_tokens / self.tokens if self.tokens else 0.0


def count(job: str, kind: str, rows: TokenRows) -> DataFigures:
    """The figures of a training's rows, of which there may be none."""
    import numpy

    lengths = rows.lengths
    rejected: dict[str, int] = {}
    for store in rows.stores:
        for reason, number in store.manifest.rejected.items():
            rejected[reason] = rejected.get(reason, 0) + number
    return DataFigures(
        job=job,
        kind=kind,
        data_sets=rows.shares(),
        rows=len(rows),
        rejected=rejected,
        tokens=int(lengths.sum(dtype=numpy.int64)),
        trained_tokens=count_trained(rows.dataset) if len(rows) else 0,
        mean=float(lengths.mean()) if len(rows) else 0.0,
        median=float(numpy.median(lengths)) if len(rows) else 0.0,
        longest=int(lengths.max(initial=0)),
        histogram=histogram(lengths),
    )


def count_trained(dataset: Any) -> int:  # noqa: ANN401 - a Dataset of `datasets`
    """Tokens with a loss: of supervised rows those with a label, of others those of the answers."""
    import numpy
    import pyarrow.compute as compute

    names = dataset.column_names
    supervised = "labels" in names
    counted = (
        ["labels"]
        if supervised
        else [name for name in names if name.endswith("_ids") and name != "prompt_ids"]
    )
    total = 0
    for batch in dataset.select_columns(counted).with_format("arrow").iter(_BATCH):
        for name in counted:
            values = compute.list_flatten(batch[name]).to_numpy()
            total += int(numpy.count_nonzero(values != IGNORED)) if supervised else len(values)
    return total


def histogram(lengths: "numpy.ndarray") -> tuple[LengthBin, ...]:
    """Rows by length, from the shortest to the longest, in bins whose borders are powers of two."""
    import numpy

    if not len(lengths):
        return ()
    places = numpy.frexp(numpy.maximum(lengths, 1))[1]  # 2 ** (place - 1) <= length < 2 ** place
    counts = numpy.bincount(places)
    return tuple(
        LengthBin(low=1 << (place - 1), high=(1 << place) - 1, rows=int(counts[place]))
        for place in range(int(places.min()), len(counts))
    )


@dataclass(frozen=True, slots=True)
class MaskedText:
    """Consecutive tokens of one row that are treated alike, as text."""

    text: str
    column: str
    trained: bool
    special: bool
    """Of tokens that the tokenizer holds to be special, whatever text looks like one."""


def spans(row: dict[str, Any], tokenizer: Any) -> list[MaskedText]:  # noqa: ANN401 - a tokenizer
    """A row of the store as text: which parts are trained, and which are special tokens."""
    special = set(tokenizer.all_special_ids) | set(tokenizer.get_added_vocab().values())
    found: list[MaskedText] = []
    for column, ids in row.items():
        if not column.endswith("_ids"):
            continue
        trained = (
            [label != IGNORED for label in row["labels"]]
            if "labels" in row
            else [column != "prompt_ids"] * len(ids)
        )
        begin = 0
        for end in range(1, len(ids) + 1):
            alike = end < len(ids) and (
                (trained[end], ids[end] in special) == (trained[begin], ids[begin] in special)
            )
            if not alike:
                text = tokenizer.decode(ids[begin:end], skip_special_tokens=False)
                found.append(MaskedText(text, column, trained[begin], ids[begin] in special))
                begin = end
    return found
