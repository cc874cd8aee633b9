"""The examples that a tree's own tests state, read before its files are cut.

The one rule: a bounded number of test files is read, screened like all others, and of each only the calls are
kept; what a file says about its own functions is read with the file itself.
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from synth.config import ScreenConfig
from synth.filters.protocol import Reject
from synth.seeds.examples.index import ExampleIndex
from synth.seeds.examples.reader import StatedCall, is_test, read_calls
from synth.seeds.files import read_file
from synth.seeds.parallel import map_in_order
from synth.seeds.protocol import FileRef
from synth.seeds.screen import screen_text

MOST_BYTES: Final = 8 << 20
"""Of test files in all: some ten seconds of two cores, in which nothing else happens."""
TESTS_A_FILE: Final = 4
"""Test files read for each file that a recipe asks for, where it limits these (`max_files`)."""


def index_tests(
    refs: Iterator[FileRef], screen: ScreenConfig, workers: int, max_files: int | None = None
) -> ExampleIndex:
    """The calls that the test files among these state; of a sample of files, few tests are worth the time."""
    index = ExampleIndex()
    tests: Iterator[FileRef] = (ref for ref in refs if ref.language and is_test(ref.relative))
    if max_files is not None:
        tests = islice(tests, TESTS_A_FILE * max_files)
    tests = _bounded(tests)
    for language, calls in map_in_order(partial(_read, screen=screen), tests, workers):
        index.add(language, calls)
    return index


def _bounded(tests: Iterator[FileRef]) -> Iterator[FileRef]:
    """The first tests, up to `MOST_BYTES` in all."""
    total = 0
    for ref in tests:
        with suppress(OSError):
            total += Path(ref.path).lstat().st_size
        if total > MOST_BYTES:
            return
        yield ref


def _read(ref: FileRef, screen: ScreenConfig) -> tuple[str, list[StatedCall]]:
    file = read_file(ref)
    text = file if isinstance(file, Reject) else screen_text(file.text, ref.language, screen)
    if isinstance(text, Reject):
        return ref.language, []
    return ref.language, read_calls(text.text, ref.language, ref.relative)
