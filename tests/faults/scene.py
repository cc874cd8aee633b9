"""One run of the laboratory: the command, what it talks to, and the disks that it writes to.

Place in the flow: `catalogue` names faults and moments over a scene, `laboratory` plays them. The one rule:
a scene's commands differ in nothing but the fault, so their products must be the same bytes.
"""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import psutil

from benchmarks.resume.command import Command, Ended
from tests.faults.clock import JumpingClock
from tests.faults.misbehaving_endpoint import MisbehavingEndpoint, stage_of
from tests.faults.small_disk import SmallDisk, small_disk
from tests.loop.recorded_endpoint import MODEL, serving
from tests.recordings.record import FOLDER, RECIPE, Recording

NAME: Final = "quickstart"
Work = Literal["data", "training"]
Disk = Literal["runs", "journal", "tmp", "checkpoints"]
TIMEOUT_S: Final = 240.0

_DATA: Final = (
    "data.seeds.count=30",  # what follows any moment must not fit into the last page of a full disk
    "data.solve.languages=[python]",
    "evaluation.tasks=3",
    "outage={failures: 2, first_pause_s: 0.1, longest_pause_s: 0.1, patience_s: 0.5}",
)
_TRAINING: Final = (
    "data.seeds.count=12",
    "data.solve.languages=[python]",
    "evaluation=null",
    "data.filters.decontaminate=[]",
    "sft={coarse: {max_steps: 8, save_steps: 2, batch_size: 2, max_length: 512, lora: {rank: 4, alpha: 8}}}",
    "dpo={max_steps: 6, save_steps: 2, batch_size: 2, max_length: 512, lora: {rank: 4, alpha: 8}}",
)
_ENGINE: Final = (
    "engine={{kind: openai_api, base_url: '{url}', model: {model}, api_key_env: '', concurrency: 4, "
    "max_retries: 1, request_timeout_s: 2}}"
)


@dataclass
class Scene:
    """What a fault can reach."""

    folder: Path
    work: Work
    endpoint: MisbehavingEndpoint
    clock: JumpingClock | None = None
    disks: dict[Disk, SmallDisk] = field(default_factory=dict)
    command: Command | None = None
    others: list[Ended] = field(default_factory=list)
    """Commands that were started beside the one of the scene."""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def runs_dir(self) -> Path:
        return self.folder / "runs"

    @property
    def run(self) -> Path:
        return self.runs_dir / NAME

    @property
    def output(self) -> str:
        return self.command.output if self.command is not None else ""

    def place(self, disk: Disk) -> Path:
        """The folder of a disk."""
        if disk == "runs":
            return self.runs_dir
        return self.folder / "tmp" if disk == "tmp" else self.run / disk

    def arguments(self) -> list[str]:
        """The command of this scene, the same ones every time."""
        engine = (
            _ENGINE.format(url=self.endpoint.url, model=MODEL)
            if self.work == "data"
            else f"engine={{kind: recorded, path: '{FOLDER}'}}"
        )
        settings = [*(_DATA if self.work == "data" else _TRAINING), engine]
        return [
            "run",
            str(FOLDER / RECIPE),
            "--runs-dir",
            str(self.runs_dir),
            *(word for setting in settings for word in ("--set", setting)),
        ]

    def start(self, arguments: Sequence[str] | None = None) -> Command:
        """Start the command, or another one in the same surroundings."""
        environment = {"TMPDIR": str(self._temporary())}
        if self.clock is not None:
            environment |= self.clock.environment
        log = self.folder / f"log-{next(self._numbers)}"
        return Command(arguments or self.arguments(), log, environment)

    def children(self, words: str) -> list[psutil.Process]:
        """The command's processes whose command line has these words, the first ones first."""
        assert self.command is not None, "a scene that runs"
        found = []
        for child in self.command.children():
            try:
                if words in " ".join(child.cmdline()):
                    found.append(child)
            except psutil.Error:
                continue
        return found

    def steps(self, job: str) -> int:
        """How many steps a training has logged."""
        log = self.run / "checkpoints" / f"round-1-{job}" / "metrics.jsonl"
        return log.read_bytes().count(b"\n") if log.is_file() else 0

    def committed(self, stage: str) -> int:
        """Shards that a stage has committed."""
        return len(list((self.run / "index" / stage).glob("*.parquet")))

    def has_entered(self, stage: str) -> bool:
        """Whether units have entered a stage."""
        return any((self.run / "entered" / stage).glob("*.parquet"))

    def _temporary(self) -> Path:
        folder = self.folder / "tmp"
        folder.mkdir(exist_ok=True)
        return folder


@contextmanager
def open_scene(
    folder: Path, work: Work, recording: Recording, disks: Sequence[Disk] = (), clock: bool = False
) -> Iterator[Scene]:
    """A scene in an empty folder, with these folders as small disks."""
    with ExitStack() as stack:
        endpoint = stack.enter_context(serving(MisbehavingEndpoint(recording, FOLDER)))
        scene = Scene(folder, work, endpoint, JumpingClock(folder) if clock else None)
        for name in disks:
            scene.disks[name] = stack.enter_context(small_disk(scene.place(name)))
        yield scene


def on_stage(scene: Scene, stage: str, act: Callable[[], None]) -> None:
    """Do something once, when the first request of a stage has arrived and before it is answered."""
    first = threading.Lock()  # taken by the first such request, and kept

    def look(body: dict[str, object]) -> None:
        matches = stage_of(body, measures="making data" not in scene.output) == stage
        if matches and first.acquire(blocking=False):
            act()

    scene.endpoint.on_request = look
