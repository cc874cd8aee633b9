"""Turns one file into seeds: read, screen, cut, filter, and where possible close each function over the names
that it needs.

A pure function of the file, picklable in and out, so files can be cut in a pool of processes. The one rule:
every function of an accepted file is returned once, as a seed or as a rejection.
"""

from collections.abc import Callable, Iterator
from functools import cache

from synth.config import SourceTreeSeedsConfig
from synth.filters.protocol import Reject
from synth.grammar.parser_process import UnparsedError
from synth.languages.registry import get_language
from synth.records import Origin, Seed, Unclosed
from synth.seeds.closing import FileClosing
from synth.seeds.files import read_file
from synth.seeds.functions import Function, find_functions
from synth.seeds.neighbours import TreeNeighbours
from synth.seeds.programs import cut_program
from synth.seeds.protocol import FileCut, FileRef, SeedOrRejection, SourceFile, make_seed, reject_seed
from synth.seeds.python.python_tree import PythonTree
from synth.seeds.quality import check_quality
from synth.seeds.screen import screen_text
from synth.token_estimate import estimate_tokens


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
    close = _closer(file, config)
    if (program := cut_program(file, max_tokens=config.max_tokens)) is not None:
        yield program
    for function in find_functions(file.text, language):
        origin = _origin(file.ref, function)
        reject = check_quality(
            function, file.ref.relative, min_lines=config.min_lines, max_tokens=config.max_tokens
        )
        if reject:
            yield reject_seed(function.code, language, origin, reject)
        else:
            yield close(function, origin)


def _origin(ref: FileRef, function: Function) -> Origin:
    start, end = function.start_line, function.end_line
    return Origin(source=ref.source, path=ref.relative, start_line=start, end_line=end, licence=ref.licence)


def _closer(file: SourceFile, config: SourceTreeSeedsConfig) -> Callable[[Function, Origin], Seed]:
    """What makes a seed of a function of this file. The file is read for it once, and only if one is asked
    for."""
    language = get_language(file.ref.language)
    neighbours = TreeNeighbours(file.ref, config.screen)
    if language.name == "python":
        package = cache(lambda: PythonTree(neighbours, file.ref.relative, file.text))
        return lambda function, origin: _close_python(function, origin, package(), config.max_tokens)
    if language.closing is None:
        return lambda function, origin: make_seed(function.code, language.name, origin)
    index = cache(lambda: FileClosing(file.text, file.ref.relative, language, neighbours))
    return lambda function, origin: _close(function, origin, language.name, index())


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
