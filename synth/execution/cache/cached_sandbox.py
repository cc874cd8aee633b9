"""Keeps results between runs: a sandbox that wraps another one and runs only programs that no earlier
run has seen.

Place in the flow: between a caller and any sandbox of the protocol (`--cache`, `execution.cache`,
`verify(cache=...)`). The one rule: a stored observation is returned only for the same program, call,
limits, toolchain, system libraries, isolation level and version of our code, and an observation that says
nothing about the program is never stored.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from synth.execution.cache.sqlite_store import DEFAULT_MB, ResultStore
from synth.execution.observations import is_doubtful, is_fault, renamed, request_key
from synth.execution.protocol import Sandbox
from synth.ids import content_hash
from synth.records import ExecutionRequest, Observation

PROTOCOL: Final = 1
"""Increased if observations change their meaning although none of our files in `own_code` has changed."""


class CachedSandbox:
    """Runs programs that are not in `folder` on the inner sandbox, and stores the observations. Raises
    UserError if the folder cannot be used."""

    def __init__(self, inner: Sandbox, folder: Path, most_mb: int = DEFAULT_MB) -> None:
        self._inner, self._store = inner, ResultStore(folder, most_mb)
        self.workers: int = getattr(inner, "workers", 2)
        self.at_once: int = getattr(inner, "at_once", 64)
        self.found = 0
        """Requests answered from the cache."""
        self.run = 0
        """Requests sent to the inner sandbox."""

    @property
    def level(self) -> str:
        return self._inner.level

    async def start(self) -> None:
        await self._inner.start()

    async def toolchain(self, language: str) -> str:
        return await self._inner.toolchain(language)

    async def close(self) -> None:
        await self._inner.close()
        self._store.close()

    async def execute(self, requests: Sequence[ExecutionRequest], priority: int = 0) -> list[Observation]:
        await self._inner.start()
        toolchains = {
            language: await self._inner.toolchain(language)
            for language in {request.language for request in requests}
        }
        libraries = system_libraries()
        asked = [
            CacheLookup(request, toolchains[request.language], self.level, libraries) for request in requests
        ]
        kept = await asyncio.to_thread(self._find, asked)
        missing = [at for at in range(len(requests)) if at not in kept]
        seen = await self._inner.execute([requests[at] for at in missing], priority) if missing else []
        self.found, self.run = self.found + len(kept), self.run + len(missing)
        new = dict(zip(missing, seen, strict=True))
        await asyncio.to_thread(self._keep, asked, new)
        return [new[at] if at in new else kept[at] for at in range(len(requests))]

    def _find(self, asked: Sequence["CacheLookup"]) -> dict[int, Observation]:
        """Stored observations, by position. A request whose toolchain is unknown is not looked up."""
        keys = {at: one.key() for at, one in enumerate(asked) if one.toolchain}
        kept = self._store.read(set(keys.values()))
        return {at: asked[at].answer(kept[key]) for at, key in keys.items() if key in kept}

    def _keep(self, asked: Sequence["CacheLookup"], seen: Mapping[int, Observation]) -> None:
        self._store.write(
            {
                asked[at].key(): observation
                for at, observation in seen.items()
                if asked[at].may_keep(observation)
            }
        )


@dataclass(frozen=True, slots=True)
class CacheLookup:
    """A request, and the toolchain, level and system libraries that would run it."""

    request: ExecutionRequest
    toolchain: str
    level: str
    libraries: str = ""

    def key(self) -> bytes:
        """A 16-byte hash of everything that determines an observation."""
        return bytes.fromhex(
            content_hash(
                PROTOCOL,
                own_code(),
                self.toolchain,
                self.libraries,
                self.level,
                request_key(self.request),
                length=32,
            )
        )

    def answer(self, kept: Observation) -> Observation:
        """The stored observation, as the answer to this request."""
        return renamed(kept, self.request)

    def may_keep(self, observation: Observation) -> bool:
        """False if the toolchain has changed since its name was looked up: the key would be wrong."""
        stated = (observation.toolchain, observation.level) == (self.toolchain, self.level)
        return bool(self.toolchain) and stated and is_final(observation, self.request)


def is_final(observation: Observation, request: ExecutionRequest) -> bool:
    """Whether another run would give the same observation: no fault, and no ending that the machine
    may have caused.

    A sandbox itself repeats a wall-time time-out of a working program, a CPU-time time-out after most cases,
    and a kill of unknown origin, so the next run repeats them too.
    """
    return not is_fault(observation) and not is_doubtful(observation, request.limits)


DECIDING: Final = (
    "calls.py",
    "contracts.py",
    "execution/isolation",
    "execution/programs",
    "execution/observations.py",
    "execution/remote/inside",
    "execution/remote/items.py",
    "execution/remote/wire.py",
    "grammar",
    "languages",
    "records.py",
    "unit.py",
    "values.py",
)
"""The files below `synth` that determine observations. Schedulers decide when a program runs, the cache
decides whether, and `verify` decides what follows; none of them changes an observation."""


SYSTEM_LIBRARIES: Final = (
    "etc/ld.so.cache",
    "lib*/*/libc.so.6",
    "lib*/libc.so.6",
    "lib/ld-musl-*.so.1",
    "usr/bin/ld",
    "usr/bin/as",
)
"""Files that change with the shared libraries of a machine: installing one runs `ldconfig`, which writes the
first anew."""


def system_libraries(root: Path = Path("/")) -> str:
    """The names, sizes and times of these files."""
    found = sorted({path for pattern in SYSTEM_LIBRARIES for path in root.glob(pattern)})
    marks = ((path, path.stat()) for path in found)
    return content_hash(*(f"{path}:{status.st_size}:{status.st_mtime_ns}" for path, status in marks))


@cache
def own_code(root: Path = Path(__file__).parents[2]) -> str:
    """The hash of all our files in DECIDING: a changed flag or driver changes the key."""
    own = sorted(path for name in DECIDING for path in _files(root / name) if "__pycache__" not in path.parts)
    return hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in own)).hexdigest()


def _files(path: Path) -> Iterator[Path]:
    """The file itself, or all files of the folder."""
    if path.is_dir():
        yield from (file for file in path.rglob("*") if file.is_file())
    else:
        yield path
