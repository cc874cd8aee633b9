"""Whole programs as seeds: a file that reads stdin and runs by itself.

Place in the flow: `cut.py` asks here once for each file, besides its functions. The one rule: what shows that
a file is such a program is stated by its language (`Language.program`); whether it runs alone, the sandbox
says.
"""

import re
from typing import Final

from synth.filters.protocol import Reject
from synth.languages.registry import get_language
from synth.records import Origin, StdioContract
from synth.seeds.protocol import SeedOrRejection, SourceFile, make_seed, reject_seed
from synth.seeds.quality import is_test_path
from synth.token_estimate import estimate_tokens

_LONGER: Final = 2
"""A program may have so many times the tokens of a function: it holds several, and its input and output."""


def cut_program(file: SourceFile, *, max_tokens: int) -> SeedOrRejection | None:
    """The whole file as a seed, why it is none, or None for a file that is no program over stdin."""
    language = get_language(file.ref.language)
    signs = language.program
    if signs is None or not re.search(signs.main, file.text) or not re.search(signs.reads, file.text):
        return None
    origin = Origin(
        source=file.ref.source,
        path=file.ref.relative,
        start_line=1,
        end_line=file.text.count("\n") + 1,
        licence=file.ref.licence,
    )
    code = signs.tidy(file.text) if signs.tidy is not None else file.text
    if is_test_path(file.ref.relative):
        return reject_seed(code, language.name, origin, Reject("test_code", {"path": file.ref.relative}))
    tokens = estimate_tokens(code)
    if tokens > _LONGER * max_tokens:
        reason = Reject("too_long", {"tokens": tokens, "limit": _LONGER * max_tokens})
        return reject_seed(code, language.name, origin, reason)
    return make_seed(code, language.name, origin, contract=StdioContract())
