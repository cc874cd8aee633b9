"""Plays one pair of fault and moment: the command, the fault in its middle, what it says and how it ends;
then the same command again, and whether products and books are those of a run without a fault.

The one rule: the second command is the first one, word for word.
"""

import re
import shlex
import threading
import time
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from benchmarks.resume.command import Ended, hash_products
from synth.errors import StoreError
from synth.store.views import conservation_problems
from tests.faults.catalogue import FAULTS, MOMENTS, Fault, Moment, Pair
from tests.faults.damage import damage
from tests.faults.scene import NAME, TIMEOUT_S, Scene, Work, on_stage, open_scene
from tests.recordings.record import Recording

_STRIKE_S: Final = 90.0


class Played(NamedTuple):
    """What one pair came to."""

    pair: Pair
    code: int
    """How the command ended that the fault struck."""
    says: str
    """Its last words, without paths and numbers of processes."""
    again: int
    """How the same command ended afterwards."""
    faults: tuple[str, ...]
    """What is not as it must be, in words; empty if all is."""


class TooLate(Exception):
    """The command was over before its moment came."""


def play_undisturbed(folder: Path, work: Work, recording: Recording) -> dict[str, str]:
    """The products of a run without a fault. Raises AssertionError if it fails."""
    with open_scene(folder, work, recording) as scene:
        ended = scene.start().wait(TIMEOUT_S)
        assert ended.code == 0, ended.output
        return products_of(scene)


def play(pair: Pair, folder: Path, recording: Recording, expected: dict[str, str], seed: int = 0) -> Played:
    """Play a pair in an empty folder; `seed` draws which bit rots. Raises TooLate."""
    if pair.fault not in FAULTS:
        return _play_damage(pair, folder, recording, expected, seed)
    fault, moment = FAULTS[pair.fault], MOMENTS[pair.moment]
    with open_scene(folder, moment.work, recording, fault.disks, fault.clock) as scene:
        first = _strike(scene, fault, moment)
        fault.mend(scene)
        scene.endpoint.on_request = None
        last = scene.start().wait(TIMEOUT_S)
        wrong = [*_wrong_with_first(fault, first), *_wrong_with_others(scene)]
        wrong += _wrong_with_end(scene, last, expected)
        return Played(pair, first.code, last_words(first.output), last.code, tuple(wrong))


def _play_damage(
    pair: Pair, folder: Path, recording: Recording, expected: dict[str, str], seed: int
) -> Played:
    """Kill, damage one file, give the same command again; if it refuses, follow its advice to the letter."""
    how, _, kind = pair.fault.partition(" ")
    moment = MOMENTS[pair.moment]
    with open_scene(folder, moment.work, recording) as scene:
        _strike(scene, FAULTS["kill supervisor"], moment)
        damaged = damage(scene.run, kind, "flipped" if how == "flipped" else "truncated", Random(seed))
        if damaged is None:
            raise TooLate(f"the run had no {kind} yet")
        first = last = scene.start().wait(TIMEOUT_S)
        wrong = [f"shows a traceback: {first.output[-1500:]}"] if "Traceback" in first.output else []
        if first.code:
            advice = re.findall(r"codemill (fsck .*?--repair(?: --runs-dir \S+)?)", first.output)
            if not advice:
                wrong.append(f"does not say how to repair {damaged.name}: {first.output[-1500:]}")
            repaired = scene.start(
                shlex.split(advice[-1]) if advice else ["fsck", str(scene.run), "--repair"]
            )
            wrong += [one.output[-800:] for one in [repaired.wait(TIMEOUT_S)] if one.code]
            last = scene.start().wait(TIMEOUT_S)
        elif is_damaged(scene.run):  # nothing of the run needed it; the views do
            repaired = scene.start(["fsck", NAME, "--runs-dir", str(scene.runs_dir), "--repair"])
            wrong += [one.output[-800:] for one in [repaired.wait(TIMEOUT_S)] if one.code]
            last = scene.start().wait(TIMEOUT_S)
        wrong += _wrong_with_end(scene, last, expected)
        return Played(pair, first.code, last_words(first.output), last.code, tuple(wrong))


def is_damaged(run: Path) -> bool:
    """Whether the views of a run find a file damaged."""
    try:
        conservation_problems(run)
    except StoreError:
        return True
    return False


def products_of(scene: Scene) -> dict[str, str]:
    """Hashes of the data, and the steps of each training."""
    steps = {f"steps of {job}": str(scene.steps(job)) for job in ("coarse", "dpo")}
    return hash_products(scene.run) | (steps if scene.work == "training" else {})


def _strike(scene: Scene, fault: Fault, moment: Moment) -> Ended:
    """Run the command until it ends by itself, with the fault in its middle."""
    struck, done = threading.Event(), threading.Event()

    def strike() -> None:
        struck.set()
        fault.inject(scene)
        done.set()

    if moment.request:
        on_stage(scene, moment.request, strike)
    scene.command = scene.start()
    if moment.seen is not None:
        deadline = time.monotonic() + _STRIKE_S
        while not moment.seen(scene) and scene.command.is_running:
            if time.monotonic() > deadline:
                scene.command.kill()
                raise TooLate(f"the moment did not come within {_STRIKE_S:.0f} s:\n{scene.output[-1500:]}")
            time.sleep(0.002)
        if not scene.command.is_running:
            raise TooLate(scene.output[-1500:])
        strike()
    ended = scene.command.wait(TIMEOUT_S)
    if not struck.is_set():
        raise TooLate(ended.output[-1500:])
    assert done.wait(60), "the fault was not injected to its end"
    return ended


def _wrong_with_first(fault: Fault, first: Ended) -> list[str]:
    wrong = []
    if first.code not in fault.codes:
        wrong.append(f"ended with {first.code}, not {sorted(fault.codes)}: {first.output[-1500:]}")
    if first.code == 1 and not re.search(fault.words, first.output):
        wrong.append(f"does not say {fault.words!r}: {first.output[-1500:]}")
    if "Traceback" in first.output:
        wrong.append(f"shows a traceback: {first.output[-1500:]}")
    if first.survivors:
        wrong.append(f"leaves processes: {first.survivors}")
    return wrong


def _wrong_with_end(scene: Scene, last: Ended, expected: dict[str, str]) -> list[str]:
    wrong = []
    if last.code:
        wrong.append(f"the same command then ended with {last.code}: {last.output[-1500:]}")
    if last.survivors:
        wrong.append(f"processes left behind: {last.survivors}")
    if (found := products_of(scene)) != expected:
        wrong.append(f"other products: {sorted(set(found.items()) ^ set(expected.items()))}")
    return wrong + list(map(str, conservation_problems(scene.run)))


def _wrong_with_others(scene: Scene) -> list[str]:
    return [
        f"a second command ended with {other.code}: {other.output[-500:]}"
        for other in scene.others
        if other.code != 2 or "is in use by process" not in other.output
    ]


def last_words(output: str) -> str:
    """What a command said last about its end, for a table: no time, no path, no process number."""
    problem = re.findall(r"^(?!\[)(\S.*)\n  (.+)\n  fix: ", output, re.M)
    words = f"{problem[-1][0]} {problem[-1][1]}" if problem else (output.strip().splitlines() or [""])[-1]
    words = re.sub(r"(/[\w.@-]+)+/([\w.@-]+)", r"\2", words)
    words = re.sub(r"process \d+|127\.0\.0\.1:\d+", lambda found: re.sub(r"\d{3,}", "N", found[0]), words)
    return words[:160]
