"""Turns one file, or one row of a data set, into seeds: read, screen, cut, filter, and where possible close
each function over the names that it needs.

A pure function of the file, picklable in and out, so files can be cut in a pool of processes. The one rule:
every function of an accepted file is returned once, as a seed or as a rejection.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from synth.config import CodeSeedsConfig
from synth.filters.protocol import Reject
from synth.grammar.parser_process import UnparsedError
from synth.ids import content_hash
from synth.languages.classes import FoundClass
from synth.languages.registry import get_language
from synth.records import FunctionContract, Origin, Seed, Unclosed
from synth.seeds.classes import LONGER, cut_classes
from synth.seeds.closing import FileClosing
from synth.seeds.examples.index import ExampleIndex
from synth.seeds.examples.reader import read_calls
from synth.seeds.files import read_file
from synth.seeds.functions import Function, find_functions
from synth.seeds.licences import check_licence, stated_in
from synth.seeds.neighbours import TreeNeighbours
from synth.seeds.programs import cut_program
from synth.seeds.protocol import FileCut, FileRef, SeedOrRejection, SourceFile, make_seed, reject_seed
from synth.seeds.python.python_tree import PythonTree
from synth.seeds.quality import check_quality
from synth.seeds.screen import screen_text
from synth.token_estimate import estimate_tokens


class Snippet(NamedTuple):
    """What a row says about its code if it is one snippet, which is not cut."""

    entry_point: str
    contract: FunctionContract | None = None


def cut_file(ref: FileRef, config: CodeSeedsConfig) -> FileCut:
    """Read one file and cut it. No file content makes it raise."""
    return cut_text(ref, read_file(ref), config)


def cut_text(
    ref: FileRef, read: SourceFile | Reject, config: CodeSeedsConfig, snippet: Snippet | None = None
) -> FileCut:
    """Cut what was read of a file or row. No content makes it raise."""
    if isinstance(read, Reject):
        return FileCut(ref, None, read, (), content=content_hash(ref.language, read.reason, read.evidence))
    ref = replace(ref, licence=stated_in(read.text) or ref.licence)
    content = content_hash(ref.language, ref.licence, read.text)
    refused = check_licence(ref.licence, config.licences)
    screened = refused or screen_text(read.text, ref.language, config.screen)
    if isinstance(screened, Reject):
        return FileCut(ref, None, screened, (), content=content)
    file = SourceFile(ref, screened.text)
    if snippet is not None:
        return FileCut(ref, None, None, (_whole(file, config, snippet),), screened.evidence, content)
    try:
        units = tuple(_own_examples(file).give(_cut(file, config)))
    except UnparsedError as why:
        return FileCut(ref, None, Reject("unreadable", {"error": f"not parsed: {why}"}), (), content=content)
    return FileCut(ref, file, None, units, screened.evidence, content)


def _own_examples(file: SourceFile) -> ExampleIndex:
    """The calls that the file itself states."""
    index = ExampleIndex()
    index.add(file.ref.language, read_calls(file.text, file.ref.language, file.ref.relative))
    return index


def _cut(file: SourceFile, config: CodeSeedsConfig) -> Iterator[SeedOrRejection]:
    language = file.ref.language
    close, close_class = closers(file, config)
    if (program := cut_program(file, max_tokens=config.max_tokens)) is not None:
        yield program
    yield from cut_classes(file, close_class, max_tokens=config.max_tokens)
    for function in find_functions(file.text, language):
        origin = _origin(file.ref, function.start_line, function.end_line)
        reject = check_quality(
            function, file.ref.relative, min_lines=config.min_lines, max_tokens=config.max_tokens
        )
        if reject:
            yield reject_seed(function.code, language, origin, reject)
        else:
            seed = close(function, origin)
            yield seed if seed.entry_point else seed.model_copy(update={"entry_point": function.name})


def _whole(file: SourceFile, config: CodeSeedsConfig, snippet: Snippet) -> SeedOrRejection:
    """The text as one seed, with what its row says about it."""
    language, text = file.ref.language, file.text
    origin = _origin(file.ref, 1, text.rstrip("\n").count("\n") + 1)
    if (tokens := estimate_tokens(text)) > config.max_tokens:
        reject = Reject("too_long", {"tokens": tokens, "limit": config.max_tokens})
        return reject_seed(text, language, origin, reject)
    told = {"entry_point": snippet.entry_point, "contract": snippet.contract}
    return make_seed(text, language, origin).model_copy(update=told)


def _origin(ref: FileRef, start: int, end: int) -> Origin:
    return Origin(
        source=ref.source, path=ref.relative, row=ref.row, start_line=start, end_line=end, licence=ref.licence
    )


def closers(
    file: SourceFile, config: CodeSeedsConfig
) -> tuple[Callable[[Function, Origin], Seed], Callable[[FoundClass], str | Reject]]:
    """What makes a seed of a function of this file, and the program of a class. The file is read for them
    once, and only if one is asked for."""
    language = get_language(file.ref.language)
    neighbours = TreeNeighbours(file.ref, config.screen)
    if language.name == "python":
        package = cache(lambda: PythonTree(neighbours, file.ref.relative, file.text))
        limit = LONGER * config.max_tokens
        return (
            lambda function, origin: _close_python(function, origin, package(), config.max_tokens),
            lambda found: package().close_class(found.name, limit),
        )
    if language.closing is None:
        return (
            lambda function, origin: make_seed(function.code, language.name, origin),
            lambda found: Reject("not_self_contained", {"needs": found.name, "why": "cannot be closed"}),
        )
    index = cache(lambda: FileClosing(file.text, file.ref.relative, language, neighbours))
    return (
        lambda function, origin: _close(function, origin, language.name, index()),
        lambda found: index().close_class(found),
    )


def _close(function: Function, origin: Origin, language: str, index: FileClosing) -> Seed:
    """The seed with the program that runs, or with the reason why there is none."""
    found = index.close(function)
    if isinstance(found, Reject):
        return _unclosed(function, origin, language, found)
    return make_seed(function.code, language, origin, entry_point=found.entry_point, closed=found.code)


def _close_python(function: Function, origin: Origin, package: PythonTree, max_tokens: int) -> Seed:
    """The same for Python. A closed program that is short enough is itself what a model is shown."""
    found = package.close(function, max_tokens)
    if isinstance(found, Reject):
        return _unclosed(function, origin, "python", found)
    if estimate_tokens(found.code) <= max_tokens:
        return make_seed(found.code, "python", origin, entry_point=found.entry_point)
    return make_seed(function.code, "python", origin, entry_point=found.entry_point, closed=found.code)


def _unclosed(function: Function, origin: Origin, language: str, why: Reject) -> Seed:
    unclosed = Unclosed.model_validate({"reason": why.reason, **why.evidence})
    return make_seed(function.code, language, origin, entry_point=function.name, unclosed=unclosed)
