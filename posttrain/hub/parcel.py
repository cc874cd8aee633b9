"""What is pushed: the files of a trained policy or of an exported data set, under the names that they get.

Place in the flow: a folder -> here -> `push`. The one rule: only what others can use and nobody minds goes
out: no states, no logs, no manifest with paths of this machine.
"""

from pathlib import Path
from typing import Literal, NamedTuple

from synth.errors import Problem, UserError
from synth.store.checkpoints import Checkpoint, read_checkpoint
from synth.store.model_card import CARD, model_card
from synth.store.seals import HASHES, SUMS


class Parcel(NamedTuple):
    """Files by their path in the repository: a file here, or its content."""

    kind: Literal["model", "dataset"]
    files: dict[str, Path | bytes]

    @property
    def bytes(self) -> int:
        return sum(size_of(one) for one in self.files.values())


def size_of(content: Path | bytes) -> int:
    """Its bytes."""
    return content.stat().st_size if isinstance(content, Path) else len(content)


def pack(folder: Path, adapter_only: bool = False) -> Parcel:
    """The parcel in a folder: a checkpoint, or what `codemill export` wrote. Raises UserError for another
    folder, and StoreError for damaged weights."""
    checkpoint = read_checkpoint(folder)
    if checkpoint is not None:
        return _policy(checkpoint, adapter_only)
    if (folder / SUMS).is_file() and (folder / CARD).is_file():
        return Parcel("dataset", dict(_files(folder)))
    raise UserError(
        Problem(
            f"folder {folder}",
            "is neither a finished policy nor an export of data sets",
            "name runs/<run>/checkpoints/<policy>, or a folder that `codemill export -o` wrote",
            "docs/architecture/watching.md",
        )
    )


def _policy(checkpoint: Checkpoint, adapter_only: bool) -> Parcel:
    checkpoint.check()
    if adapter_only and checkpoint.adapter is None:
        raise UserError(
            Problem(
                f"policy {checkpoint.folder}", "has no adapter: all weights were trained", "omit --adapter"
            )
        )
    weights = checkpoint.adapter if adapter_only and checkpoint.adapter else checkpoint.merged
    files: dict[str, Path | bytes] = {
        name: path for name, path in _files(weights) if name not in (HASHES, CARD)
    }
    return Parcel("model", {CARD: model_card(checkpoint).encode(), **files})


def _files(folder: Path) -> list[tuple[str, Path]]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [(path.relative_to(folder).as_posix(), path) for path in paths]
