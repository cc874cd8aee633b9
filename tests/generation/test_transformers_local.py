"""The worker of `transformers_local`: reached by its pipes alone, and missed at once."""

import asyncio
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from synth.config import TransformersEngineConfig
from synth.errors import EngineEndedError
from synth.generation.transformers_local import TransformersLocal
from synth.policy import Policy
from tests.builders import Run, build_question


def test_the_worker_listens_nowhere_gets_no_keys_and_its_death_ends_every_request(
    tiny_policies: tuple[Policy, Policy], tmp_path: Path, run: Run[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoy = "sk-decoy-0123456789"
    monkeypatch.setenv("OPENAI_API_KEY", decoy)
    engine = TransformersLocal(
        TransformersEngineConfig(batch_size=2), policy=tiny_policies[0], log_folder=tmp_path
    )

    async def work() -> None:
        await engine.start()
        family = [
            process
            for process in psutil.Process().children(recursive=True)
            if any(argument.endswith("transformers_worker.py") for argument in process.cmdline())
        ]
        assert len(family) == 2  # its guard and itself
        assert not [link for process in family for link in process.net_connections("all")]
        assert all(decoy not in process.environ().values() for process in family)
        family[1].suspend()  # so that no answer can arrive before its death, however slow this process is
        question = build_question("Write f(a, b).", max_tokens=400, n=4, temperature=1.0)
        asked = [asyncio.create_task(engine.generate(question)) for _ in range(4)]
        await asyncio.sleep(0.3)
        family[1].kill()
        started = time.monotonic()
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert time.monotonic() - started < 60  # they would wait for ever
        assert all(isinstance(error, EngineEndedError) for error in found)
        assert all("exit code 137" in str(error) for error in found)
        with pytest.raises(EngineEndedError, match="exit code 137"):
            await engine.load_policy(tiny_policies[1])
        await engine.close()

    run(work())
