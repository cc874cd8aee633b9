"""Rows of data sets, JSON Lines and hub alike: in which order they are read, and one row as a file of code.

The one rule: a row is read like a file, so that all its functions become seeds, by the same filters; what
cannot be read is a rejection that names the row.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from synth.config import RowSeedsConfig
from synth.filters.protocol import Reject
from synth.ids import derive_random
from synth.languages.registry import find_language, normalize_language, source_extensions
from synth.records import FunctionContract
from synth.seeds.cut import Snippet, cut_text
from synth.seeds.files import check_text
from synth.seeds.licences import from_columns
from synth.seeds.order import in_turn, shuffled, take_within
from synth.seeds.parallel import map_in_order
from synth.seeds.protocol import FileCut, FileRef, SourceFile
from synth.seeds.screen import require_scanner
from synth.values import ValueSyntaxError, parse_signature

_PATHS = ("path", "max_stars_repo_path", "file_path", "filepath", "file_name", "file")
_REPOSITORIES = ("repo_name", "max_stars_repo_name", "repository_name", "repository", "repo")
OPEN_PARTS = 4
"""Parts of a data set that are read in turn."""


class DataRow(NamedTuple):
    """A row of a data set, or why it cannot be read. `number` counts the rows of its part from 1."""

    part: str
    number: int
    values: Mapping[str, Any] | Reject

    @property
    def name(self) -> str:
        return f"{self.part}:{self.number}"


class DataPart(NamedTuple):
    """A piece of a data set that can be read by itself, such as one of its files."""

    name: str
    read: Callable[[], Iterator[DataRow]]


class RowReader(NamedTuple):
    """How the rows of one source are read as code."""

    source: str
    config: RowSeedsConfig
    code_column: str
    language_column: str | None
    language: str = ""
    """Of every row, if no column states it."""

    def language_of(self, row: DataRow) -> str:
        """Our name of the row's language, in lower case also where we do not know it; empty if the row states
        none."""
        if isinstance(row.values, Reject):
            return ""
        stated = row.values.get(self.language_column) if self.language_column else self.language
        if isinstance(stated, str) and stated.strip():
            return normalize_language(stated)
        return source_extensions().get(PurePosixPath(_path(row.values)).suffix.lower(), "")

    def cut(self, row: DataRow) -> FileCut:
        """The row as a file, cut. No content makes it raise."""
        language = self.language_of(row)
        if isinstance(row.values, Reject):
            return cut_text(FileRef(self.source, "", "", "", row=row.name), row.values, self.config)
        values = row.values
        ref = FileRef(
            self.source,
            "",
            _path(values),
            language,
            from_columns(values),
            row.name,
            _text(values, _REPOSITORIES),
        )
        read = self._read(ref, values)
        return cut_text(ref, read, self.config, None if isinstance(read, Reject) else _snippet(values))

    def _read(self, ref: FileRef, values: Mapping[str, Any]) -> SourceFile | Reject:
        code = values.get(self.code_column)
        if not isinstance(code, str):
            return Reject("unreadable", {"column": self.code_column, "found": type(code).__name__})
        if not ref.language or find_language(ref.language) is None:
            evidence = {"language": ref.language, "column": self.language_column or ""}
            return Reject("unknown_language", {key: text for key, text in evidence.items() if text})
        return check_text(code) or SourceFile(ref, code)


def _path(values: Mapping[str, Any]) -> str:
    return _text(values, _PATHS)


def _text(values: Mapping[str, Any], columns: Sequence[str]) -> str:
    """The first of these columns that holds text."""
    return next((values[name] for name in columns if isinstance(values.get(name), str)), "")


def _snippet(values: Mapping[str, Any]) -> Snippet | None:
    """What the row says about its code if it is one snippet: the function, and its types if they can be
    read."""
    entry_point, signature = values.get("entry_point"), values.get("signature")
    if not isinstance(entry_point, str) or not entry_point:
        return None
    try:
        types = str(parse_signature(signature)) if isinstance(signature, str) else ""
    except ValueSyntaxError:
        types = ""
    return Snippet(entry_point, FunctionContract(entry_point=entry_point, signature=types) if types else None)


def read_row_cuts(
    reader: RowReader,
    streams: Sequence[Sequence[DataPart]],
    *,
    random_seed: int,
    round_: int,
    workers: int = 1,
) -> Iterator[FileCut]:
    """The rows of a source, cut. Each stream is a row of parts, and streams are read in turn."""
    require_scanner(reader.config.screen)
    rows = take_rows(reader.config, reader.language_of, streams, random_seed, round_)
    return map_in_order(partial(_cut_row, reader), rows, workers)


def take_rows(
    config: RowSeedsConfig,
    language_of: Callable[[DataRow], str],
    streams: Sequence[Sequence[DataPart]],
    random_seed: int,
    round_: int,
) -> Iterator[DataRow]:
    """The rows that the recipe wants, in the order that it wants, up to its limits. A row that states no
    language is among them."""
    names = {normalize_language(language) for language in config.languages or ()}
    limits = {normalize_language(language): count for language, count in config.limits.items()}
    rows = _ordered(streams, config.shuffle, random_seed, round_)
    wanted = (row for row in rows if not names or not (one := language_of(row)) or one in names)
    return take_within(wanted, language_of, limits, limit=config.limit, languages=names)


def _cut_row(reader: RowReader, row: DataRow) -> FileCut:
    return reader.cut(row)


def _ordered(
    streams: Sequence[Sequence[DataPart]], shuffle: bool, random_seed: int, round_: int
) -> Iterator[DataRow]:
    if not shuffle:
        return in_turn((_chained(parts) for parts in streams), len(streams))
    random = derive_random(random_seed, "rows", round_)
    opened = []
    for parts in streams:
        drawn = random.sample(list(parts), len(parts))
        opened.append(in_turn((part.read() for part in drawn), OPEN_PARTS))
    return shuffled(in_turn(opened, len(opened)), random, _size)


def _chained(parts: Iterable[DataPart]) -> Iterator[DataRow]:
    for part in parts:
        yield from part.read()


def _size(row: DataRow) -> int:
    """About how many characters a row holds."""
    if isinstance(row.values, Reject):
        return 1
    return sum(len(value) for value in row.values.values() if isinstance(value, str | bytes | list))
