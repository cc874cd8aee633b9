"""Whether a run that is resumed reads the seeds that it was begun with.

Place in the flow: the scheduler asks at each shard that an earlier start committed. The one rule: shards
of old and of new seeds never mix; a change is an error that names what changed.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from synth.errors import Problem, RunFolderError
from synth.store.shards import StageCommit

_SHOWN: Final = 3


def check_unchanged(
    commits: StageCommit, source: str, round_: int, shard: str, read: Mapping[str, str]
) -> None:
    """Raises RunFolderError if this shard was made from other files or rows than those that are read now."""
    before = commits.read_of(source, round_, shard)
    if before is None or before == read:
        return
    changed = [name for name in before if name in read and before[name] != read[name]]
    gone, new = [name for name in before if name not in read], [name for name in read if name not in before]
    found = [
        f"{words}: {', '.join(names[:_SHOWN])}{', …' if len(names) > _SHOWN else ''}"
        for words, names in (("changed", changed), ("no longer there", gone), ("new there", new))
        if names
    ]
    raise _changed(commits, f"round {round_}, shard {shard}", "; ".join(found))


def check_ended(commits: StageCommit, source: str, round_: int, names: Sequence[str]) -> None:
    """Raises RunFolderError if an earlier start read more shards than this one."""
    left = [name for name in commits.shards_of(source, round_) if name not in set(names)]
    if left:
        words = f"the source now ends before shard {left[0]}, which an earlier start read"
        raise _changed(commits, f"round {round_}", words)


def _changed(commits: StageCommit, where: str, found: str) -> RunFolderError:
    name = commits.folder.name
    return RunFolderError(
        Problem(
            f"{commits.folder}: seeds of {where}",
            f"are not those that it was begun with ({found}); old and new seeds do not mix",
            f"put the seeds back as they were, or use --fork NAME to run on the new ones with the answers "
            f"that {name} has, or --fresh to start {name} again",
            "docs/architecture/seeds.md",
        )
    )
