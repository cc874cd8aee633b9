"""Makes a sandbox from a recipe's `execution` section, with its result cache: the only way to get either.

The one rule: nothing is started here, and heavy modules are imported only when they are needed.
"""

from collections.abc import Iterable
from pathlib import Path

from synth.config import E2bSandboxConfig, ExecutionConfig, LocalSandboxConfig, RecordedSandboxConfig
from synth.execution.protocol import Sandbox

_REMEMBERED = 20_000


def create_sandbox(
    config: ExecutionConfig, *, remembered: int = _REMEMBERED, lends: bool = False, usual: Iterable[str] = ()
) -> Sandbox:
    """The sandbox that the config names, behind its result cache if it has one. `remembered` is the number of
    answers that the local sandbox keeps in memory; with `lends`, its programs that run long let others pass.
    `usual` are the ready-made sets of packages that are used, if they were built and the config names none.
    Raises UserError if the cache cannot be used, or packages have not been built."""
    if isinstance(config, RecordedSandboxConfig):
        from synth.execution.recorded import RecordedSandbox

        return RecordedSandbox(Path(config.path))
    return with_cache(_create(config, remembered, lends, usual), config.cache, config.cache_mb)


def with_cache(sandbox: Sandbox, folder: str | Path | None, most_mb: int | None = None) -> Sandbox:
    """The sandbox behind the result cache in `folder`, or the sandbox itself without a folder. Raises
    UserError if the folder cannot be used."""
    if folder is None:
        return sandbox
    from synth.execution.cache.cached_sandbox import CachedSandbox
    from synth.execution.cache.sqlite_store import DEFAULT_MB

    return CachedSandbox(sandbox, Path(folder), most_mb or DEFAULT_MB)


def _create(
    config: LocalSandboxConfig | E2bSandboxConfig, remembered: int, lends: bool, usual: Iterable[str]
) -> Sandbox:
    if isinstance(config, LocalSandboxConfig):
        from synth.execution.local.sandbox import LocalSandbox
        from synth.packages.store import ChosenPackages

        packages = ChosenPackages(config.packages, usual)
        return LocalSandbox(config.workers, config.minimum_level, remembered, lends, packages)
    from synth.execution.remote.e2b_sandbox import E2bSandbox

    return E2bSandbox(config)
