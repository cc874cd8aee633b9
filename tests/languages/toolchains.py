"""Which languages the tests run: those whose toolchain is here; of these only the core set where
CODEMILL_TEST_LANGUAGES=core says so.

`.ci/run` says so, because compiling all languages takes longer than everything else together; `make test`
runs whatever is installed.
"""

import os
from typing import Final

import pytest

from synth.languages.registry import get_language
from synth.languages.toolchain import find_toolchain

CORE: Final = frozenset(
    # .ci/apt-packages.txt installs them
    "awk bash c commonlisp cpp go java javascript lua perl php python ruby rust sql tcl".split()
)


def need(language: str) -> None:
    """Skip the test, with the reason, unless the language can be run and is wanted."""
    spoken = get_language(language)
    if find_toolchain(spoken.name) is None:
        pytest.skip(f"{spoken.name}: toolchain missing; {spoken.install}")
    if os.environ.get("CODEMILL_TEST_LANGUAGES") == "core" and spoken.name not in CORE:
        pytest.skip(f"{spoken.name}: not in the core set; `make test` runs it")
