"""Classes as seeds: each class of a file that can be closed over its file and package.

Place in the flow: `cut.py` asks here once for each file, besides its functions. The one rule: a class that is
cut is returned once, as a seed or as a rejection; which ones are, their language says (`ClassSeeds.find`).
"""

from collections.abc import Callable, Iterator
from typing import Final

from synth.filters.protocol import Reject
from synth.languages.classes import FoundClass
from synth.languages.registry import get_language
from synth.records import Origin
from synth.seeds.protocol import SeedOrRejection, SourceFile, make_seed, reject_seed
from synth.seeds.quality import is_test_path
from synth.token_estimate import estimate_tokens

LONGER: Final = 2
"""A class may have so many times the tokens of a function."""


def cut_classes(
    file: SourceFile, close: Callable[[FoundClass], str | Reject], *, max_tokens: int
) -> Iterator[SeedOrRejection]:
    """The classes of a file, in order. `close` gives the program of a class with what its methods need."""
    ref, form = file.ref, get_language(file.ref.language).classes
    lines = file.text.splitlines(keepends=True)
    for found in form.seeds.find(file.text) if form is not None and form.seeds is not None else ():
        text = "".join(lines[found.start_line - 1 : found.end_line])
        origin = Origin(
            source=ref.source,
            path=ref.relative,
            row=ref.row,
            start_line=found.start_line,
            end_line=found.end_line,
            licence=ref.licence,
        )
        if is_test_path(ref.relative):
            yield reject_seed(text, ref.language, origin, Reject("test_code", {"path": ref.relative}))
            continue
        closed = close(found)
        if isinstance(closed, Reject):
            yield reject_seed(text, ref.language, origin, closed)
        elif (tokens := estimate_tokens(closed)) > LONGER * max_tokens:
            reject = Reject("too_long", {"tokens": tokens, "limit": LONGER * max_tokens})
            yield reject_seed(text, ref.language, origin, reject)
        else:
            seed = make_seed(closed, ref.language, origin, entry_point=found.name)
            yield seed.model_copy(update={"shape": "class"})
