"""Turns one file into seeds: read, screen, cut, filter, and where possible close each function over the names
that it needs.

A pure function of the file, picklable in and out, so files can be cut in a pool of processes. The one rule:
every function of an accepted file is returned once, as a seed or as a rejection.
"""

from collections.abc import Iterator
from pathlib import Path

from synth.config import SourceTreeSeedsConfig
from synth.filters.protocol import Reject
from synth.grammar.parser_process import UnparsedError
from synth.records import Origin, Seed
from synth.seeds.files import read_file
from synth.seeds.functions import Function, find_functions
from synth.seeds.protocol import FileCut, FileRef, SeedOrRejection, SourceFile, make_seed, reject_seed
from synth.seeds.python.closure import close, qualified_name
from synth.seeds.python.package import Package
from synth.seeds.quality import check_quality
from synth.seeds.screen import screen_text


def cut_file(ref: FileRef, config: SourceTreeSeedsConfig) -> FileCut:
    """Read one file and cut it. No file content makes it raise."""
    file = read_file(ref)
    screened = file if isinstance(file, Reject) else screen_text(file.text, ref.language, config.screen)
    if isinstance(screened, Reject):
        return FileCut(ref, None, screened, ())
    file = SourceFile(ref, screened.text)
    try:
        return FileCut(ref, file, None, tuple(_cut(file, config)), screened.evidence)
    except UnparsedError as why:
        return FileCut(ref, None, Reject("unreadable", {"error": f"not parsed: {why}"}), ())


def _cut(file: SourceFile, config: SourceTreeSeedsConfig) -> Iterator[SeedOrRejection]:
    language = file.ref.language
    package = _package(file, config) if language == "python" else None
    for function in find_functions(file.text, language):
        origin = _origin(file.ref, function)
        reject = check_quality(
            function, file.ref.relative, min_lines=config.min_lines, max_tokens=config.max_tokens
        )
        if reject:
            yield reject_seed(function.code, language, origin, reject)
        else:
            yield _seed(function, language, origin, package, config.max_tokens)


def _origin(ref: FileRef, function: Function) -> Origin:
    start, end = function.start_line, function.end_line
    return Origin(source=ref.source, path=ref.relative, start_line=start, end_line=end, licence=ref.licence)


def _seed(function: Function, language: str, origin: Origin, package: Package | None, most: int) -> Seed:
    index, entry_point = package.index if package else None, qualified_name(function)
    if package is None or index is None or not entry_point:
        return make_seed(function.code, language, origin)
    closed = close(index, entry_point, package, most)
    if isinstance(closed, Reject):
        return make_seed(function.code, language, origin)
    return make_seed(closed.code, language, origin).model_copy(update={"entry_point": entry_point})


def _package(file: SourceFile, config: SourceTreeSeedsConfig) -> Package:
    return Package(TreeTexts(file.ref, config), file.ref.relative, file.text)


class TreeTexts:
    def __init__(self, ref: FileRef, config: SourceTreeSeedsConfig) -> None:
        self.ref, self.config = ref, config
        self.root = Path(ref.path).parents[len(Path(ref.relative).parts) - 1]

    def text(self, path: str) -> str | None:
        found = read_file(FileRef(self.ref.source, str(self.root / path), path, "python"))
        return None if isinstance(found, Reject) else found.text
