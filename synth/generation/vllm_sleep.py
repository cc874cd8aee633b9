"""The sleep of a vLLM server: what it is asked, in which order, and the proof that it did it.

Place in the flow: `vllm_server` -> here -> vLLM's development endpoints. The one rule: what a server says of
itself afterwards decides, not that it took the order.

At level 1 it keeps its weights in the host's memory. At level 2 it forgets them, so they are read again
before it has room for a cache; a server that takes adapters cannot do that in several versions of vLLM
(vllm#48337).
"""

from typing import Literal

from pydantic import BaseModel, JsonValue, ValidationError

from synth.generation.vllm_process import VllmProcess

SLEEP_TIMEOUT_S = 600.0

Level = Literal[1, 2]


class _Asleep(BaseModel):
    is_sleeping: bool


async def fall_asleep(process: VllmProcess, level: Level) -> None:
    """Raises OSError unless the server then says that it sleeps. No request may be in flight."""
    await process.call("POST", f"/sleep?level={level}", timeout_s=SLEEP_TIMEOUT_S)
    if not await _is_asleep(process):
        raise OSError("it took the order to sleep, and says that it is awake")


async def wake_up(process: VllmProcess, level: Level, weights: str) -> None:
    """Wake it with these weights, which only level 2 reads again. Raises OSError unless it then says that it
    is awake."""
    if level == 1:
        await process.call("POST", "/wake_up", timeout_s=SLEEP_TIMEOUT_S)
    else:
        await process.call("POST", "/wake_up?tags=weights", timeout_s=SLEEP_TIMEOUT_S)
        await reload_weights(process, weights)
        await process.call("POST", "/wake_up?tags=kv_cache", timeout_s=SLEEP_TIMEOUT_S)
    if await _is_asleep(process):
        raise OSError("it took the order to wake up, and says that it sleeps")
    await process.call("POST", "/reset_prefix_cache")


async def reload_weights(process: VllmProcess, weights: str) -> None:
    """Read the weights in this folder in place of those that are served. Raises OSError."""
    body: JsonValue = {
        "method": "reload_weights",
        "kwargs": {"weights_path": weights},
        "timeout": SLEEP_TIMEOUT_S,
    }
    await process.call("POST", "/collective_rpc", body, timeout_s=SLEEP_TIMEOUT_S)


async def _is_asleep(process: VllmProcess) -> bool:
    try:
        return _Asleep.model_validate_json(await process.call("GET", "/is_sleeping")).is_sleeping
    except ValidationError as error:
        raise OSError(f"what it says of its sleep cannot be read: {error}") from error
