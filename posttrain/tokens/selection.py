"""The rows of one training: its data sets' stores, seen as one list of rows with their lengths.

Place in the flow: a job -> here -> `fit`, whose trainer reads rows by index. The one rule: every row is
selected, is recorded in `rejected_rows.jsonl`, or stops the job with an error that names it.

What reads rows (a packer, a sampler) needs two things of `TokenRows`: `lengths[i]`, a numpy array, and
`dataset[i]`, memory-mapped. Neither is to be copied into Python lists: there may be more than memory holds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posttrain.core.jobs import TrainingJob
from posttrain.core.tokens import make_encoder
from posttrain.tokens.build import OnPart, Tokenizing, Wanted, token_store
from posttrain.tokens.encodings import ENCODINGS
from posttrain.tokens.shards import RejectedRow
from posttrain.tokens.store import TokenStore
from synth.errors import DatasetError, Problem
from synth.ids import content_hash
from synth.store.atomic import atomic_file

if TYPE_CHECKING:
    import numpy
    from transformers import PreTrainedTokenizerBase

SHOWN = 5
"""Maximum number of bad rows listed in an error."""
SEE = "docs/architecture/training.md"


@dataclass(frozen=True, slots=True)
class TokenRows:
    """Rows of one training, `len(rows)` of them an epoch."""

    stores: tuple[TokenStore, ...]

    def __len__(self) -> int:
        return sum(map(len, self.stores))

    @property
    def lengths(self) -> "numpy.ndarray":
        """Tokens of each row, int32: in preference data prompt and both answers together."""
        import numpy

        return numpy.concatenate([store.lengths for store in self.stores])

    @property
    def dataset(self) -> Any:  # noqa: ANN401 - a Dataset of `datasets`
        """The rows as a memory-mapped `datasets.Dataset`."""
        from datasets import Dataset, concatenate_datasets

        whole = concatenate_datasets([store.dataset for store in self.stores if len(store)])
        name = content_hash(*(store.manifest.name for store in self.stores))
        return Dataset(whole.data, info=whole.info, fingerprint=name)

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
    limit = row_limit(job)
    encoder = make_encoder(tokenizer)
    tokenizing = Tokenizing(encoder, tokenizer_identity(tokenizer))
    rows = TokenRows(
        tuple(
            token_store(job.token_folder, Wanted(path, job.kind, limit), tokenizing, on_part)
            for path in job.data_paths
        )
    )
    check_rows(rows, job.kind, job.data_paths, job.config.skipped)
    return rows


def check_rows(rows: TokenRows, kind: str, paths: Sequence[Path], skipped: Sequence[str]) -> None:
    """Raises DatasetError for rows left out with a reason that is not in `skipped`, and if no row is left."""
    what = ", ".join(map(str, paths))
    total = len(rows) + rows.rejected_rows
    if not total:
        raise DatasetError(Problem(what, "has no rows", "check the stage that makes this data set"))
    refused: list[RejectedRow] = []
    count = 0
    for row in rows.rejected():
        if row.reason not in skipped or not len(rows):
            count += 1
            refused += [row] * (len(refused) < SHOWN)
    if refused:
        named = f"has {count} unusable row{'' if count == 1 else 's'} of {total}; see below"
        fix = "correct the rows, or skip and count them: `overlong: reject`, `unusable: reject`"
        raise DatasetError(Problem(what, named, fix), *(_problem(row, kind) for row in refused))


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
