"""E2B sandboxes behind the protocol: the worker inside each receives batches of requests and returns
observations line by line.

Place in the flow: behind the `Sandbox` protocol, made by `factory.py` from `execution: {kind: e2b}`. The one
rule: never more live sandboxes than `concurrency`, and none left after `close`.
"""

import asyncio
import os
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final

from synth.config import E2bSandboxConfig as E2bConfig
from synth.errors import Problem, SandboxError
from synth.execution.observations import is_doubtful, is_fault
from synth.execution.remote.bundle import install, probe
from synth.execution.remote.dispatch import Dispatcher
from synth.execution.remote.e2b_host import E2bProvider, is_debug
from synth.execution.remote.fleet import Backoff, Fleet
from synth.execution.remote.hosts import HostFault, Remedy
from synth.execution.remote.items import DispatchedRequest, RemoteToolchains, observe_answer, probe_task
from synth.records import ExecutionRequest, Observation

_SEE: Final = "docs/architecture/execution.md"


class E2bSandbox:
    """Runs programs in E2B sandboxes. A sandbox without a sign of life for `silence_s` seconds
    is given up."""

    def __init__(self, config: E2bConfig, *, silence_s: float = 45.0) -> None:
        self._config, self._silence_s = config, silence_s
        self._fleet: Fleet | None = None
        self._dispatcher: Dispatcher | None = None
        self._inside: RemoteToolchains | None = None
        self._starting = asyncio.Lock()
        self.at_once = config.batch_size
        """Requests that a caller with many of them puts into one call: a batch."""

    @property
    def level(self) -> str:
        """`e2b`, or `e2b-unseparated` if programs in one sandbox cannot be isolated from each other; empty
        before the start."""
        return self._inside.level if self._inside else ""

    async def start(self) -> None:
        """Make the first sandbox and probe it. Raises SandboxError if the package or key is missing, or the
        key or template is rejected."""
        async with self._starting:
            if self._dispatcher is not None:
                return
            config, backoff = self._config, Backoff(self._config.backoff_s, self._config.max_retries)
            provider = E2bProvider(config.template, config.timeout_s, self._key())
            self._fleet = Fleet(provider, config.concurrency, backoff, install)
            try:
                self._inside = await self._look_inside(self._fleet, backoff)
            except BaseException:
                await self._fleet.close()
                raise
            self._dispatcher = Dispatcher(
                self._fleet,
                config.concurrency,
                config.batch_size,
                backoff,
                self._inside.shared_of,
                silence_s=self._silence_s,
            )

    async def toolchain(self, language: str) -> str:
        """The first sandbox's toolchain for a language; all others use the same template."""
        return self._inside.toolchain(language) if self._inside else ""

    async def execute(self, requests: Sequence[ExecutionRequest], priority: int = 0) -> list[Observation]:
        """Observations in the order of the requests. Raises SandboxError only if the start does."""
        await self.start()
        inside, dispatcher = self._inside, self._dispatcher
        assert inside is not None, "start looks inside"
        assert dispatcher is not None, "start makes it"
        asked = await asyncio.to_thread(
            lambda: [inside.ask(at, request) for at, request in enumerate(requests)]
        )
        observations = await run_asked(dispatcher, asked, alone=False, priority=priority)
        doubtful = [
            at
            for at, one in enumerate(observations)
            if not is_fault(one) and is_doubtful(one, requests[at].limits)
        ]
        again = await run_asked(dispatcher, [asked[at] for at in doubtful], alone=True, priority=priority)
        for at, observation in zip(doubtful, again, strict=True):
            if not is_fault(observation):
                observations[at] = observation
        return observations

    async def close(self) -> None:
        """Kill every sandbox. May be called twice."""
        fleet, self._fleet, self._dispatcher = self._fleet, None, None
        if fleet is not None:
            await fleet.close()

    def _key(self) -> str | None:
        if find_spec("e2b_code_interpreter") is None:
            raise _problem(
                "needs the package e2b-code-interpreter, which is not installed",
                "pip install 'codemill[e2b]'",
            )
        key = os.environ.get(self._config.api_key_env)
        if not key and not is_debug():
            name = self._config.api_key_env
            raise _problem(f"needs an E2B key, but the variable {name} is not set", f"export {name}=…")
        return key

    async def _look_inside(self, fleet: Fleet, backoff: Backoff) -> RemoteToolchains:
        """Probe the first sandbox; all others use the same template."""
        for attempt in range(backoff.tries + 1):
            try:
                async with fleet.lend() as host:
                    found = await probe(host, probe_task())
                if found.root and not found.separated:
                    raise _problem(
                        "needs a template whose worker, if it is root, can create namespaces",
                        "use another template",
                    )
                return RemoteToolchains(found, "e2b" if found.separated else "e2b-unseparated")
            except HostFault as fault:
                if attempt == backoff.tries or fault.remedy in (Remedy.STOP, Remedy.NOTHING):
                    raise _refused(fault, self._config) from fault
                await backoff.pause(attempt)
        raise AssertionError("the last attempt returns or raises")


async def run_asked(
    dispatcher: Dispatcher, asked: Sequence[DispatchedRequest | Observation], *, alone: bool, priority: int
) -> list[Observation]:
    """Run the requests that have items; existing observations stay unchanged."""
    answers = await dispatcher.run(
        [one.item for one in asked if isinstance(one, DispatchedRequest)], alone=alone, priority=priority
    )
    return await asyncio.to_thread(
        lambda: [
            observe_answer(one, answers[one.item.index]) if isinstance(one, DispatchedRequest) else one
            for one in asked
        ]
    )


def _refused(fault: HostFault, config: E2bConfig) -> SandboxError:
    """The error for a failed start, with a fix."""
    if fault.remedy is Remedy.STOP:
        return _problem(
            f"was refused because of the key; E2B answered: {fault}",
            f"put a valid key into {config.api_key_env}",
        )
    if fault.remedy is Remedy.NOTHING:
        template = config.template or "code-interpreter-v1"
        return _problem(
            f"cannot start the template {template!r}; E2B answered: {fault}", "correct execution.template"
        )
    return _problem(
        f"could not start a sandbox in {config.max_retries + 1} attempts: {fault}",
        "try again later, or use `execution: {kind: local}`",
    )


def _problem(expected: str, fix: str) -> SandboxError:
    return SandboxError(Problem("execution: kind e2b", expected, fix, _SEE))
