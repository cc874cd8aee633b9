"""What tests of single languages share: one program after the other, and so by one resident compiler."""

from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

import pytest

from synth.config import InputsConfig
from synth.execution.local.sandbox import LocalSandbox
from synth.filters.protocol import Reject
from synth.records import ExecutionRequest, Limits, Observation, Reference, Seed, StdioCall
from synth.rules.reference_judging import FoundReference
from synth.rules.reference_rules import Trial, begin_trial, continue_trial
from tests.languages.toolchains import need

Observe = Callable[[str], Observation]
OneProgram = Callable[[str], Observe]
ReferSeed = Callable[[Seed], Reference | Reject]


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


@pytest.fixture
def refer_seed(local_sandbox: LocalSandbox, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> ReferSeed:
    """What becomes of a seed."""
    config = InputsConfig(drawn=12, minimum=4, maximum=12)

    def of(seed: Seed) -> Reference | Reject:
        need(seed.language)
        state: Trial | FoundReference | Reject = begin_trial(seed, Random(1), Random(2), Limits(), config)
        while isinstance(state, Trial):
            state = continue_trial(state, run(local_sandbox.execute(state.to_run)), Random(2), config)
        return state if isinstance(state, Reject) else state.reference

    return of
