"""Engine that answers from the journal of an earlier run, in place of the engine that made it, for tests,
docs and exact replays.

The one rule: it never invents an answer. A request that was not recorded is an error that names it.
"""

from pathlib import Path

from synth.config import RecordedEngineConfig
from synth.errors import EngineError, Problem
from synth.generation.protocol import GenerationRequest, GenerationResponse
from synth.generation.responses import ResponseFiles
from synth.policy import Policy


class RecordedEngine:
    """Gives the recorded answers of the given policy. `load_policy` takes any policy: its answers are found
    by its fingerprint."""

    def __init__(
        self, config: RecordedEngineConfig, *, policy: Policy, log_folder: Path | None = None
    ) -> None:
        del log_folder  # no process runs that could write a log
        self._folder = Path(config.path)
        self._fingerprint = policy.fingerprint
        self._files: ResponseFiles | None = None

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the policy whose recorded answers are given now."""
        return self._fingerprint

    async def start(self) -> None:
        """Read the index of the journal. Raises EngineError if the folder has none."""
        if not any(self._folder.glob("responses-*.jsonl")):
            raise EngineError(
                Problem(
                    f"engine.path = {self._folder}",
                    "must contain responses-*.jsonl",
                    "name the `journal` folder of a run",
                ),
                retryable=False,
            )
        self._files = ResponseFiles(self._folder)

    async def generate(self, request: GenerationRequest) -> GenerationResponse:
        """The recorded answer. Raises a non-retryable EngineError for a request that was not recorded."""
        request_id = request.request_id(self._fingerprint)
        found = self._files.read(request_id) if self._files is not None else None
        if found is None:
            raise EngineError(
                Problem(
                    where=f"recorded answers in {self._folder}",
                    message=(
                        f"have no answer to {request_id} ({_words(request)}) of policy {self._fingerprint}"
                    ),
                    fix="run the recorded recipe unchanged, or record again with a real engine",
                ),
                retryable=False,
            )
        return found

    async def load_policy(self, policy: Policy) -> float:
        """Answer as this policy did; takes no time."""
        self._fingerprint = policy.fingerprint
        return 0.0

    async def close(self) -> None:
        """Drop the index. May be called twice."""
        self._files = None


def _words(request: GenerationRequest) -> str:
    text = request.messages[-1].content if request.messages else request.prompt
    line = " ".join(text.split())
    return f"n={request.n}, {line[:60]!r}{'…' if len(line) > 60 else ''}"
