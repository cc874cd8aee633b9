"""What tests of single languages share: one program after the other, and so by one resident compiler."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from synth.execution.local.sandbox import LocalSandbox
from synth.records import ExecutionRequest, Observation, StdioCall
from tests.languages.toolchains import need

Observe = Callable[[str], Observation]
OneProgram = Callable[[str], Observe]


@pytest.fixture
def one_program(local_sandbox: LocalSandbox, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> OneProgram:
    """Of a language: runs a program with empty stdin."""

    def of_language(language: str) -> Observe:
        need(language)

        def observe(code: str) -> Observation:
            request = ExecutionRequest(id="r", language=language, code=code, call=StdioCall(stdins=("",)))
            seen: Observation = run(local_sandbox.execute([request]))[0]
            return seen

        return observe

    return of_language
