"""The records that seed sources yield: seeds, and rejections with a reason.

The one rule: every item that was read is returned once, as a seed or as a rejection; skipped items (a `.git`
folder, a file of another language) are not counted. All values here can be pickled, so that cutting can run
in a pool of processes.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from synth.filters.protocol import Evidence, Reject
from synth.ids import unit_id
from synth.records import CodingProblem, Contract, Origin, Seed, Unclosed

UnitKind = Literal["file", "seed", "problem"]


@dataclass(frozen=True, slots=True)
class SeedRejection:
    """A file, row or snippet that did not become a seed."""

    unit_id: str
    kind: UnitKind
    language: str
    origin: Origin
    reject: Reject

    @property
    def parent_ids(self) -> tuple[str, ...]:
        return ()


SeedOrRejection = Seed | SeedRejection


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file to read: `path` is its location, `relative` is its name in records, with `/` on every system.
    A row of a data set is such a file without a location."""

    source: str
    path: str
    relative: str
    language: str
    licence: str = ""
    row: str = ""
    """Where the row stands in its data set."""
    stated_repository: str = ""
    """The repository that the row names."""

    @property
    def id(self) -> str:
        return unit_id("file", self.source, self.relative, *filter(None, [self.row]))

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.source}/{self.row or self.relative}"

    @property
    def repository(self) -> str:
        """The file's repository, for the repository format: what the row names, the source, or in
        `site-packages` the package."""
        if self.stated_repository:
            return self.stated_repository
        first = self.relative.split("/")[0]
        return first.removesuffix(".py") if self.source == "site-packages" else self.source


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The text of an accepted file, byte for byte, line endings included."""

    ref: FileRef
    text: str


@dataclass(frozen=True, slots=True)
class FileCut:
    """The result of cutting one file: its text or why it was rejected (one of the two is None),
    and its functions. A row that is one snippet is no file: it has neither, and one unit."""

    ref: FileRef
    file: SourceFile | None
    reject: Reject | None
    units: tuple[SeedOrRejection, ...]
    evidence: Evidence = field(default_factory=dict)
    """What was masked in the text."""
    content: str = ""
    """The hash of what was read, before anything was decided about it."""


class ReadProblem(NamedTuple):
    """What was made of one row of an instruction set."""

    name: str
    unit: CodingProblem | SeedRejection
    evidence: Evidence
    """What was masked in its texts."""
    content: str
    """The hash of what was read."""


def make_seed(
    code: str,
    language: str,
    origin: Origin,
    *,
    entry_point: str = "",
    closed: str = "",
    unclosed: Unclosed | None = None,
    contract: Contract | None = None,
) -> Seed:
    """A seed; its id is derived from its texts and its place."""
    place = (origin.source, origin.path, origin.start_line, *filter(None, [origin.row]))
    texts = (code, closed) if closed else (code,)
    return Seed(
        id=unit_id("seed", language, *texts, *place),
        language=language,
        code=code,
        origin=origin,
        entry_point=entry_point,
        closed=closed,
        unclosed=unclosed,
        contract=contract,
    )


def reject_seed(code: str, language: str, origin: Origin, reject: Reject) -> SeedRejection:
    """A rejection with the id that the seed would have had."""
    return SeedRejection(make_seed(code, language, origin).id, "seed", language, origin, reject)
