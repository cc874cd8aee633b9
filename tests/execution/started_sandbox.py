"""A local sandbox, started and closed again, for the fixtures that need one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from synth.errors import SandboxError
from synth.execution.local.sandbox import LocalSandbox
from tests.builders import Run


@contextmanager
def started_sandbox(run: Run[Any], sandbox: LocalSandbox) -> Iterator[LocalSandbox]:
    """Started while the block runs. Skips where this machine offers no such isolation."""
    try:
        run(sandbox.start())
    except SandboxError as error:
        pytest.skip(f"no isolation here: {error}")
    yield sandbox
    run(sandbox.close())
