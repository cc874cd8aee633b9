"""The rows of one training: its data sets' stores, seen as one list of rows with their lengths.

Place in the flow: a job -> here -> `fit`, whose trainer reads rows by index. The one rule: every row is
selected, is recorded in `rejected_rows.jsonl`, or stops the job with an error that names it.

What reads rows (a packer, a sampler) needs two things of `TokenRows`: `lengths[i]`, a numpy array, and
`dataset[i]`, memory-mapped. Neither is to be copied into Python lists: there may be more than memory holds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from posttrain.core.jobs import TrainingJob, TrainingSet
from posttrain.core.tokens import make_encoder
from posttrain.tokens.build import OnPart, Tokenizing, Wanted, token_store
from posttrain.tokens.encodings import ENCODINGS
from posttrain.tokens.mixture import Stopping, mix, rows_of_each
from posttrain.tokens.shards import RejectedRow
from posttrain.tokens.store import TokenStore
from synth.errors import DatasetError, Problem
from synth.ids import content_hash
from synth.store.atomic import atomic_file
from synth.store.checkpoints import SetRows

if TYPE_CHECKING:
    import numpy
    from transformers import PreTrainedTokenizerBase

SHOWN = 5
"""Maximum number of bad rows listed in an error."""
SEE = "docs/architecture/training.md"


class StoredSet(NamedTuple):
    """One data set of a job, and the stores of its files."""

    data: TrainingSet
    stores: tuple[TokenStore, ...]

    @property
    def rows(self) -> int:
        return sum(map(len, self.stores))


@dataclass(frozen=True, slots=True)
class TokenRows:
    """Rows of one training, `len(rows)` of them an epoch."""

    sets: tuple[StoredSet, ...]
    stopping: Stopping = "first_exhausted"
    """What ends an epoch of sets with weights."""
    seed: int = 0

    def __len__(self) -> int:
        return sum(one.selected for one in self.shares())

    @property
    def stores(self) -> tuple[TokenStore, ...]:
        return tuple(store for one in self.sets for store in one.stores)

    @property
    def lengths(self) -> "numpy.ndarray":
        """Tokens of each row, int32: in preference data prompt and both answers together."""
        import numpy

        lengths = numpy.concatenate([store.lengths for store in self.stores])
        chosen = self._chosen()
        found: numpy.ndarray = lengths if chosen is None else lengths[chosen]
        return found

    @property
    def dataset(self) -> Any:  # noqa: ANN401 - a Dataset of `datasets`
        """The rows as a memory-mapped `datasets.Dataset`; of sets with weights, those that were drawn."""
        from datasets import Dataset, concatenate_datasets

        whole = concatenate_datasets([store.dataset for store in self.stores if len(store)])
        names = [store.manifest.name for store in self.stores]
        weights = [one.data.weight for one in self.sets]
        name = content_hash(names, weights, self.stopping, self.seed)
        whole = Dataset(whole.data, info=whole.info, fingerprint=name)
        chosen = self._chosen()
        return whole if chosen is None else whole.select(chosen, new_fingerprint=f"{name}-chosen")

    def shares(self) -> tuple[SetRows, ...]:
        """How many rows of each data set are trained on."""
        sizes, weights = self._sizes_and_weights()
        selected = rows_of_each(sizes, weights, self.stopping) if weights and all(sizes) else sizes
        return tuple(
            SetRows(paths=one.data.paths, rows=size, selected=count)
            for one, size, count in zip(self.sets, sizes, selected, strict=True)
        )

    def _chosen(self) -> "numpy.ndarray | None":
        """Numbers of the rows that are trained on; None: all."""
        sizes, weights = self._sizes_and_weights()
        return mix(sizes, weights, self.stopping, self.seed) if weights and all(sizes) else None

    def _sizes_and_weights(self) -> tuple[list[int], list[float]]:
        """Rows of each set, and their weights; none where the sets have none."""
        weights = [one.data.weight for one in self.sets if one.data.weight is not None]
        return [one.rows for one in self.sets], weights if len(weights) == len(self.sets) else []

    @property
    def rejected_rows(self) -> int:
        return sum(sum(store.manifest.rejected.values()) for store in self.stores)

    def rejected(self) -> Iterator[RejectedRow]:
        """The rows left out, with their reasons."""
        for store in self.stores:
            yield from store.rejected()

    def write_rejected(self, file: Path) -> None:
        """One line for each row left out."""
        with atomic_file(file) as lines:
            for row in self.rejected():
                lines.write(row.model_dump_json().encode() + b"\n")


def job_rows(
    job: TrainingJob, tokenizer: "PreTrainedTokenizerBase", on_part: OnPart = lambda _done, _all: None
) -> TokenRows:
    """The job's rows, tokenized now or before. Raises DatasetError for rows that the job does not skip, and
    where no row is left."""
    rows = read_rows(job, tokenizer, on_part)
    check_rows(rows, job.kind, job.config.skipped)
    return rows


def read_rows(
    job: TrainingJob, tokenizer: "PreTrainedTokenizerBase", on_part: OnPart = lambda _done, _all: None
) -> TokenRows:
    """The same, whatever rows were left out. Raises DatasetError for files that cannot be read."""
    limit = row_limit(job)
    encoder = make_encoder(tokenizer)
    tokenizing = Tokenizing(encoder, tokenizer_identity(tokenizer))

    def stored(data: TrainingSet) -> StoredSet:
        wanted = (
            Wanted(Path(path), job.kind, limit, tuple(sorted(data.columns.items()))) for path in data.paths
        )
        return StoredSet(
            data, tuple(token_store(job.token_folder, one, tokenizing, on_part) for one in wanted)
        )

    return TokenRows(tuple(map(stored, job.data_sets)), job.config.stopping, job.seed)


def check_rows(rows: TokenRows, kind: str, skipped: Sequence[str]) -> None:
    """Raises DatasetError for rows left out with a reason that is not in `skipped`, and for a data set of
    which no row is left, where its weight asks for some or no other has any."""
    weighted = all(one.data.weight is not None for one in rows.sets)
    for one in rows.sets:
        empty = not one.rows and (weighted or not any(other.rows for other in rows.sets))
        _check_set(one, kind, () if empty else skipped, empty=empty)


def _check_set(one: StoredSet, kind: str, skipped: Sequence[str], *, empty: bool) -> None:
    what = ", ".join(one.data.paths)
    refused: list[RejectedRow] = []
    count = 0
    for row in (row for store in one.stores for row in store.rejected()):
        if row.reason not in skipped:
            count += 1
            refused += [row] * (len(refused) < SHOWN)
    if refused:
        total = one.rows + sum(sum(store.manifest.rejected.values()) for store in one.stores)
        named = f"has {count} unusable row{'' if count == 1 else 's'} of {total}; see below"
        fix = "correct the rows, or skip and count them: `overlong: reject`, `unusable: reject`"
        raise DatasetError(Problem(what, named, fix), *(_problem(row, kind) for row in refused))
    if empty:
        raise DatasetError(Problem(what, "has no rows", "check the stage that makes this data set"))


def _problem(row: RejectedRow, kind: str) -> Problem:
    if row.reason == "unusable":
        return Problem(row.where, row.detail, f"give each row {ENCODINGS[kind].expects}", SEE)
    fix = "shorten the row, raise max_length, or set `overlong: reject` to skip and count such rows"
    return Problem(row.where, f"is rejected: {row.reason}: {row.detail}", fix, SEE)


def tokenizer_identity(tokenizer: "PreTrainedTokenizerBase") -> str:
    """Hash of everything about a tokenizer that changes ids: vocabulary, merges, special tokens, template."""
    special = {name: str(token) for name, token in tokenizer.special_tokens_map.items()}
    return content_hash(tokenizer.backend_tokenizer.to_str(), tokenizer.chat_template, special)


def row_limit(job: TrainingJob) -> int:
    """Maximum row length in tokens: the recipe's `max_length`, or the model's context size if smaller."""
    from transformers import AutoConfig

    positions = getattr(AutoConfig.from_pretrained(job.policy), "max_position_embeddings", None)
    return min(job.config.max_length, positions or job.config.max_length)
