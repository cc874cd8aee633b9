"""Turns one file into seeds: read, screen, cut, filter, and where possible close each function over the names
that it needs.

A pure function of the file, picklable in and out, so files can be cut in a pool of processes. The one rule:
every function of an accepted file is returned once, as a seed or as a rejection.
"""

from collections.abc import Iterator

from synth.config import SourceTreeSeedsConfig
from synth.filters.protocol import Reject
from synth.grammar.parser_process import UnparsedError
from synth.records import Origin
from synth.seeds.examples.index import ExampleIndex
from synth.seeds.examples.reader import read_calls
from synth.seeds.files import read_file
from synth.seeds.functions import Function, find_functions
from synth.seeds.protocol import FileCut, FileRef, SeedOrRejection, SourceFile, make_seed, reject_seed
from synth.seeds.python.module_index import ModuleIndex
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
        units = _own_examples(file).give(_cut(file, config))
        return FileCut(ref, file, None, tuple(units), screened.evidence)
    except UnparsedError as why:
        return FileCut(ref, None, Reject("unreadable", {"error": f"not parsed: {why}"}), ())


def _own_examples(file: SourceFile) -> ExampleIndex:
    """The calls that the file itself states."""
    index = ExampleIndex()
    index.add(file.ref.language, read_calls(file.text, file.ref.language, file.ref.relative))
    return index


def _cut(file: SourceFile, config: SourceTreeSeedsConfig) -> Iterator[SeedOrRejection]:
    language = file.ref.language
    module = ModuleIndex.read(file.text) if language == "python" else None
    for function in find_functions(file.text, language):
        origin = _origin(file.ref, function)
        reject = check_quality(
            function, file.ref.relative, min_lines=config.min_lines, max_tokens=config.max_tokens
        )
        if reject:
            yield reject_seed(function.code, language, origin, reject)
        else:
            seed = make_seed(_close(function, module, config.max_tokens) or function.code, language, origin)
            yield seed.model_copy(update={"entry_point": function.name})


def _origin(ref: FileRef, function: Function) -> Origin:
    start, end = function.start_line, function.end_line
    return Origin(source=ref.source, path=ref.relative, start_line=start, end_line=end, licence=ref.licence)


def _close(function: Function, module: ModuleIndex | None, max_tokens: int) -> str:
    """The function with the imports, constants and helper functions that it needs from its file; empty if
    that is not possible."""
    if module is None or not function.top_level:
        return ""
    closed = module.close(function.name)
    return "" if isinstance(closed, Reject) or estimate_tokens(closed.code) > max_tokens else closed.code
