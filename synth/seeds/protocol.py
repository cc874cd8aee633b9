"""What seed sources yield: seeds, and rejections with a reason.

The one rule: everything that was entered comes out once, as a seed or as a rejection; what was never entered
(a `.git` folder, a file of another language) is not counted. All values here can be pickled, so that cutting
can run in a pool of processes.
"""

from dataclasses import dataclass
from typing import Literal

from synth.filters.protocol import Reject
from synth.ids import unit_id
from synth.records import Origin, Seed

UnitKind = Literal["file", "seed"]


@dataclass(frozen=True, slots=True)
class SeedRejection:
    """A file, row or snippet that does not become a seed."""

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
    """A file to read: `path` is where it is, `relative` is how it is named in records, with `/` on every
    system."""

    source: str
    path: str
    relative: str
    language: str
    licence: str = ""

    @property
    def id(self) -> str:
        return unit_id("file", self.source, self.relative)

    @property
    def repository(self) -> str:
        """What the file belongs to, for the repository format: the source, and in `site-packages` the
        package."""
        first = self.relative.split("/")[0]
        return first.removesuffix(".py") if self.source == "site-packages" else self.source


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The text of a file that was accepted, byte for byte (line ends too)."""

    ref: FileRef
    text: str


@dataclass(frozen=True, slots=True)
class FileCut:
    """What came out of one file: its text or why it was refused (one of the two is None), and its
    functions."""

    ref: FileRef
    file: SourceFile | None
    reject: Reject | None
    units: tuple[SeedOrRejection, ...]


def make_seed(code: str, language: str, origin: Origin) -> Seed:
    """A seed with the id that its text and its place give it."""
    place = (origin.source, origin.path, origin.start_line)
    return Seed(id=unit_id("seed", language, code, *place), language=language, code=code, origin=origin)


def reject_seed(code: str, language: str, origin: Origin, reject: Reject) -> SeedRejection:
    """A rejection with the id that the seed would have had."""
    return SeedRejection(make_seed(code, language, origin).id, "seed", language, origin, reject)
