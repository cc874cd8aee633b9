"""Faults by name, moments by name, and the pairs of both that are played.

Place in the flow: `laboratory` plays a pair over a scene. The one rule: a fault does something real (a
signal, a full disk, a server that hangs), to processes and folders that the scene made.

A new fault is one entry of FAULTS, a new moment one of MOMENTS.
"""

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, get_args

import psutil

from tests.faults.damage import FILE_KINDS, How
from tests.faults.misbehaving_endpoint import SENDERS
from tests.faults.scene import Disk, Scene, Work
from tests.faults.small_disk import set_readonly

Act = Callable[[Scene], None]


def _nothing(_scene: Scene) -> None:
    """Nothing to mend."""


@dataclass(frozen=True)
class Moment:
    """When a fault strikes: at the first request of a stage, or once something is seen."""

    about: str
    work: Work
    request: str = ""
    seen: Callable[[Scene], bool] | None = None


MOMENTS: Final[dict[str, Moment]] = {
    "start": Moment("the run folder exists", "data", seen=lambda scene: (scene.run / "run.json").exists()),
    "instruct": Moment("the first instruction is asked for", "data", request="instruct"),
    "inputs": Moment("the first inputs are asked for", "data", request="inputs"),
    "solve": Moment("the first solutions are asked for", "data", request="solve"),
    "execute": Moment(
        "the first candidates are run", "data", seen=lambda scene: scene.has_entered("execute")
    ),
    "select": Moment("samples are selected", "data", seen=lambda scene: scene.has_entered("select")),
    "evaluate": Moment("the first answer for a measurement is asked for", "data", request="evaluate"),
    "sft": Moment("two steps of SFT are done", "training", seen=lambda scene: scene.steps("coarse") >= 2),
    "dpo": Moment("two steps of DPO are done", "training", seen=lambda scene: scene.steps("dpo") >= 2),
}
_DATA: Final = tuple(name for name, moment in MOMENTS.items() if moment.work == "data")
_REQUESTS: Final = tuple(name for name, moment in MOMENTS.items() if moment.request)


@dataclass(frozen=True)
class Fault:
    """What happens, at which moments, how the command may end then and what it must say."""

    about: str
    inject: Act
    moments: tuple[str, ...]
    codes: frozenset[int]
    words: str = ""
    """What the command says, where it fails (a regular expression)."""
    mend: Act = _nothing
    """Before the same command is given again."""
    disks: tuple[Disk, ...] = ()
    clock: bool = False


# --- processes ----------------------------------------------------------------------------------------------


def _kill_supervisor(scene: Scene) -> None:
    assert scene.command is not None
    scene.command.kill()


def _terminate_supervisor(scene: Scene) -> None:
    assert scene.command is not None
    scene.command.terminate()


def _kill_children(words: str) -> Act:
    def kill(scene: Scene) -> None:
        for child in scene.children(words):
            try:
                child.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue

    return kill


def _kill_guarded_trainer(scene: Scene) -> None:
    """The trainer itself, not its guard."""
    trainers = [
        child for child in scene.children("posttrain.train_jobs") if "guard.py" not in child.cmdline()[2]
    ]
    trainers[-1].send_signal(signal.SIGKILL)


def _start_another(scene: Scene) -> None:
    """The first command is stopped meanwhile, or it could end before a slow start of the other one."""
    assert scene.command is not None
    with scene.command.stopped():
        scene.others.append(scene.start().wait(60))


# --- the endpoint -------------------------------------------------------------------------------------------


def _gone(scene: Scene) -> None:
    scene.endpoint.stop()


def _back(scene: Scene) -> None:
    scene.endpoint.start()


def _behave(name: str) -> Act:
    def misbehave(scene: Scene) -> None:
        scene.endpoint.fault = name

    return misbehave


def _recover(scene: Scene) -> None:
    scene.endpoint.over.set()
    scene.endpoint.fault = ""


# --- disks and clocks ---------------------------------------------------------------------------------------


def _fill(disk: Disk) -> Act:
    return lambda scene: scene.disks[disk].fill()


def _make_room(disk: Disk) -> Act:
    return lambda scene: scene.disks[disk].make_room()


def _lock(disk: Disk) -> Act:
    return lambda scene: set_readonly(scene.place(disk), True)


def _unlock(disk: Disk) -> Act:
    return lambda scene: set_readonly(scene.place(disk), False)


def _jump(seconds: int) -> Act:
    def jump(scene: Scene) -> None:
        assert scene.clock is not None
        scene.clock.jump(seconds)

    return jump


def _disk_fault(disk: Disk, how: str, moments: tuple[str, ...], codes: Sequence[int] = (1,)) -> Fault:
    full = how == "full"
    return Fault(
        f"the disk of {_WHAT[disk]} is {how}",
        _fill(disk) if full else _lock(disk),
        moments,
        frozenset(codes),
        "disk is full|No space left|cannot be written|cannot write" if full else "[Rr]ead-only|not permitted",
        _make_room(disk) if full else _unlock(disk),
        (disk,) if full else (),
    )


_WHAT: Final[dict[Disk, str]] = {
    "runs": "the run folder",
    "journal": "the journal",
    "tmp": "temporary files and builds",
    "checkpoints": "the checkpoints",
}
_INTERRUPTED: Final = "same command"

FAULTS: Final[dict[str, Fault]] = {
    "kill supervisor": Fault(
        "kill -9 of codemill", _kill_supervisor, tuple(MOMENTS), frozenset({-signal.SIGKILL})
    ),
    "terminate supervisor": Fault(
        "SIGTERM to codemill", _terminate_supervisor, tuple(MOMENTS), frozenset({143}), _INTERRUPTED
    ),
    "kill launcher": Fault(
        "kill -9 of every slot of the sandbox",
        _kill_children("launcher-"),
        ("execute", "solve", "instruct"),
        frozenset({0, 1}),
        _INTERRUPTED,
    ),
    "kill trainer": Fault(
        "kill -9 of the trainer",
        _kill_guarded_trainer,
        ("sft", "dpo"),
        frozenset({1}),
        r"was killed \(SIGKILL\)",
    ),
    "engine gone": Fault(
        "the engine is gone: connections are refused",
        _gone,
        _REQUESTS,
        frozenset({1}),
        _INTERRUPTED,
        _back,
    ),
    **{
        f"engine {name}": Fault(
            f"the engine is {name}" if name in ("hung", "failing") else f"the engine answers: {name}",
            _behave(name),
            _REQUESTS,
            frozenset({1}),
            _INTERRUPTED,
            _recover,
        )
        for name in SENDERS
    },
    "run folder full": _disk_fault("runs", "full", ("instruct", "solve", "execute", "select", "sft", "dpo")),
    "journal full": _disk_fault("journal", "full", _REQUESTS),
    "builds full": _disk_fault("tmp", "full", ("execute", "solve"), (0, 1)),
    "checkpoints full": _disk_fault("checkpoints", "full", ("sft", "dpo")),
    "run folder read-only": _disk_fault("runs", "read-only", ("instruct", "solve", "select")),
    "journal read-only": _disk_fault("journal", "read-only", ("start",)),
    "builds read-only": _disk_fault("tmp", "read-only", ("execute", "solve"), (0, 1)),
    "checkpoints read-only": _disk_fault("checkpoints", "read-only", ("sft",)),
    "clock an hour ahead": Fault(
        "the clock jumps an hour ahead",
        _jump(3600),
        ("instruct", "solve", "execute"),
        frozenset({0}),
        clock=True,
    ),
    "clock an hour back": Fault(
        "the clock jumps an hour back",
        _jump(-3600),
        ("instruct", "solve", "execute"),
        frozenset({0}),
        clock=True,
    ),
    "two commands": Fault(
        "the same command is given a second time",
        _start_another,
        ("instruct", "solve", "sft"),
        frozenset({0}),
    ),
}


class Pair(NamedTuple):
    """A fault and the moment at which it strikes."""

    fault: str
    moment: str

    @property
    def needs_mounts(self) -> bool:
        """Whether a disk is mounted or a folder made immutable, for which one has to be root."""
        fault = FAULTS.get(self.fault)
        return fault is not None and (bool(fault.disks) or "read-only" in self.fault)


PAIRS: Final = tuple(
    [Pair(name, moment) for name, fault in FAULTS.items() for moment in fault.moments]
    + [Pair(f"{how} {kind}", place.moment) for kind, place in FILE_KINDS.items() for how in get_args(How)]
)
