"""Files of a run that rot: one of a kind is cut short, or one of its bits is flipped, after a kill.

Place in the flow: `laboratory` plays these beside the faults of the catalogue. The one rule: the file and the
bit are drawn from a printed seed.
"""

from pathlib import Path
from random import Random
from typing import Final, Literal, NamedTuple

How = Literal["truncated", "flipped"]


class FileKind(NamedTuple):
    """A kind of file of a run."""

    pattern: str
    """Below the run folder."""
    moment: str
    """The run is killed there: some such files exist, and later work reads them."""


FILE_KINDS: Final[dict[str, FileKind]] = {
    "index shard": FileKind("index/*/*.parquet", "select"),
    "bodies": FileKind("bodies/*/*.parquet", "select"),
    "entered units": FileKind("entered/*/*.parquet", "select"),
    "journal": FileKind("journal/**/*.jsonl", "select"),
    "run.json": FileKind("run.json", "select"),
    "measurement": FileKind("eval/base.json", "select"),
    "data of a training": FileKind("sft/*.parquet", "sft"),
    "state of a training": FileKind("checkpoints/*/trainer/checkpoint-*/*", "dpo"),
    "trained weights": FileKind("checkpoints/round-1-coarse/merged/*", "dpo"),
    "policy.json": FileKind("checkpoints/round-1-coarse/policy.json", "dpo"),
}


def damage(run: Path, kind: str, how: How, random: Random) -> Path | None:
    """Damage one file of a kind, and return it; None if the run has none of that kind yet."""
    files = sorted(
        path for path in run.glob(FILE_KINDS[kind].pattern) if path.is_file() and path.stat().st_size > 0
    )
    if not files:
        return None
    path = random.choice(files)
    content = bytearray(path.read_bytes())
    if how == "truncated":
        del content[random.randrange(len(content)) :]
    else:
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    path.write_bytes(content)
    return path
