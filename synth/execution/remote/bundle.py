"""The worker as one file: a zip that Python can run. `install` puts it on a machine, `probe` asks what
the machine offers.

Place in the flow: the first step on a new machine. The one rule: the bundle contains `inside/` and the two
files that it shares with this machine, and all of it uses only the standard library.
"""

import io
import json
import zipfile
from functools import cache
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from synth.execution.isolation import capped_stream
from synth.execution.programs import compile_protocol
from synth.execution.remote.hosts import Host, HostFault, Remedy
from synth.execution.remote.wire import WorkerCapabilities

RUN: Final = "python3 -I -B worker.pyz run"
_PROBE: Final = "python3 -I -B worker.pyz probe probe.json"
_PROBE_S: Final = 180.0


_SHARED_FILES: Final = (capped_stream.__file__, compile_protocol.__file__)


@cache
def worker_bundle() -> bytes:
    """The zip; it starts with `worker.py`."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as bundle:
        for path in sorted([*(Path(__file__).parent / "inside").glob("*.py"), *map(Path, _SHARED_FILES)]):
            bundle.writestr(
                "__main__.py" if path.name == "worker.py" else path.name, path.read_text(encoding="utf-8")
            )
    return made.getvalue()


async def install(host: Host) -> None:
    """Put the worker on a machine. Raises HostFault."""
    await host.put("worker.pyz", worker_bundle())


async def probe(host: Host, task: dict[str, object]) -> WorkerCapabilities:
    """The capabilities of a machine. Raises HostFault."""
    lines: list[str] = []
    await host.put("probe.json", json.dumps(task).encode())
    await host.run(_PROBE, lines.append, limit_s=_PROBE_S, silence_s=_PROBE_S)
    try:
        return WorkerCapabilities.model_validate_json(lines[-1] if lines else "")
    except ValidationError as error:
        raise HostFault(
            Remedy.REPLACE, f"the worker's probe cannot be read: {error.errors()[0]['msg']}"
        ) from error
