"""The rows of a training, divided into those that are trained on and those on which the loss is measured.

Place in the flow: token rows -> here -> `fit` and the trainers. The one rule: rows with the same prompt stay
together, or the loss on the held-out rows would fall because their task was trained on. As in `selection`,
rows stay memory-mapped.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from posttrain.core.jobs import TrainingJob
from posttrain.tokens.build import OnPart
from posttrain.tokens.selection import TokenRows, job_rows

if TYPE_CHECKING:
    import numpy
    from transformers import PreTrainedTokenizerBase

_SPACE = 1 << 32
_IGNORED = -100
_BATCH = 10_000


def training_rows(
    job: TrainingJob, tokenizer: "PreTrainedTokenizerBase", on_part: OnPart = lambda _done, _all: None
) -> "TrainingRows":
    """The job's rows, divided as its config says. Raises DatasetError."""
    rows = job_rows(job, tokenizer, on_part)
    if job.eval_data:
        measured = job.model_copy(update={"data": job.eval_data})
        return TrainingRows(rows, job_rows(measured, tokenizer, on_part))
    if not job.config.eval_share:
        return TrainingRows(rows)
    places = held_out_places(rows.dataset, job.config.eval_share, job.seed)
    return TrainingRows(rows, None, places if len(places) else None)


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """`len(rows)` rows that are trained on, and `held_out` others."""

    read: TokenRows
    """The rows of the data sets."""
    measured: TokenRows | None = None
    """A data set of its own to measure on."""
    places: "numpy.ndarray | None" = field(default=None)
    """Those of `read` that are held out, rising."""

    def __len__(self) -> int:
        return len(self.read) - (len(self.places) if self.places is not None else 0)

    @property
    def lengths(self) -> "numpy.ndarray":
        """Tokens of each row that is trained on, int32."""
        lengths: numpy.ndarray = self.read.lengths
        return lengths if self.places is None else lengths[self._rest()]

    @property
    def dataset(self) -> Any:  # noqa: ANN401 - a Dataset of `datasets`
        """The rows that are trained on."""
        return self.read.dataset.select(self._rest()) if self.places is not None else self.read.dataset

    @property
    def held_out(self) -> Any:  # noqa: ANN401 - a Dataset of `datasets`, or None
        """The rows to measure on, if there are any."""
        if self.measured is not None:
            return self.measured.dataset
        return self.read.dataset.select(self.places) if self.places is not None else None

    @property
    def rejected_rows(self) -> int:
        return self.read.rejected_rows

    def _rest(self) -> "numpy.ndarray":
        import numpy

        all_places = numpy.arange(len(self.read))
        return all_places if self.places is None else numpy.delete(all_places, self.places)


def held_out_places(dataset: Any, share: float, seed: int) -> "numpy.ndarray":  # noqa: ANN401
    """Places of about this share of the rows, by the hash of their prompt with the seed. Of two prompts or
    more at least one is held out, and one is not; a single prompt is trained on."""
    import numpy

    draws = numpy.fromiter((_draw(prompt, seed) for prompt in _prompts(dataset)), dtype=numpy.float64)
    limit = min(max(share, draws.min()), draws.max() - 0.5 / _SPACE)
    places: numpy.ndarray = numpy.flatnonzero(draws <= limit)
    return places


def _draw(prompt: bytes, seed: int) -> float:
    """From 0 to 1, the same for the same prompt."""
    return int.from_bytes(hashlib.blake2b(b"%d:%b" % (seed, prompt), digest_size=4).digest()) / _SPACE


def _prompts(dataset: Any) -> Iterator[bytes]:  # noqa: ANN401
    """The tokens before the first trained one of each row. Of a row that is trained from its beginning, such
    as a plain text, the first half stands for its prompt."""
    for batch in dataset.with_format("arrow").iter(_BATCH):
        if "prompt_ids" in batch.column_names:
            yield from (ids.tobytes() for ids in _lists(batch["prompt_ids"]))
            continue
        for ids, labels in zip(_lists(batch["input_ids"]), _lists(batch["labels"]), strict=True):
            trained = labels != _IGNORED
            length = int(trained.argmax()) if trained.any() else len(ids)
            yield ids[: length if length > 1 else len(ids) // 2].tobytes()


def _lists(column: Any) -> "list[numpy.ndarray]":  # noqa: ANN401 - a pyarrow ChunkedArray
    """The lists of a column, as views."""
    import numpy
    import pyarrow.compute as compute

    ends = numpy.cumsum(compute.list_value_length(column).to_numpy())
    values = compute.list_flatten(column).to_numpy()
    return numpy.split(values, ends[:-1]) if len(ends) else []
