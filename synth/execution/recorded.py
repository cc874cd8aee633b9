"""A sandbox that replays the observations of an earlier run, found by the content of the request.

Place in the flow: behind the same protocol as `local`. The one rule: it invents nothing; an unrecorded
request gets an observation with `infrastructure` set, and a damaged recording is a StoreError.
"""

from collections.abc import Sequence
from pathlib import Path

from synth.errors import Problem, SandboxError
from synth.execution.observations import failed, renamed, request_key
from synth.execution.protocol import Sandbox
from synth.records import ExecutionRequest, Observation
from synth.store.seals import read_json, seal_json


class RecordedSandbox:
    """Answers from a folder with one JSON file per request. `start` raises SandboxError if the
    folder is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def level(self) -> str:
        return "recorded"

    async def start(self) -> None:
        if not self._folder.is_dir():
            raise SandboxError(
                Problem(
                    f"recorded observations in {self._folder}",
                    "must be in a folder that exists",
                    "record a run first, or correct execution.path",
                )
            )

    async def toolchain(self, language: str) -> str:
        return ""

    async def execute(self, requests: Sequence[ExecutionRequest], priority: int = 0) -> list[Observation]:
        return [self._find(request) for request in requests]

    async def close(self) -> None:
        return

    def _find(self, request: ExecutionRequest) -> Observation:
        path = self._folder / f"{request_key(request)}.json"
        if path.is_file():
            return renamed(Observation.model_validate_json(read_json(path)), request)
        return failed(request, f"no recorded observation {path.name}")


class RecordingSandbox:
    """Wraps a sandbox and records its observations, except the sandbox's own faults."""

    def __init__(self, inner: Sandbox, folder: Path) -> None:
        self._inner, self._folder = inner, folder

    @property
    def level(self) -> str:
        return self._inner.level

    async def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        await self._inner.start()

    async def toolchain(self, language: str) -> str:
        return await self._inner.toolchain(language)

    async def execute(self, requests: Sequence[ExecutionRequest], priority: int = 0) -> list[Observation]:
        observations = await self._inner.execute(requests, priority)
        for request, observation in zip(requests, observations, strict=True):
            if observation.infrastructure is None:
                self._write(self._folder / f"{request_key(request)}.json", observation)
        return observations

    async def close(self) -> None:
        await self._inner.close()

    def _write(self, path: Path, observation: Observation) -> None:
        unfinished = path.with_suffix(".tmp")
        unfinished.write_bytes(seal_json(observation.model_dump_json()))
        unfinished.replace(path)
