"""A run on simulated cards, killed at a step or not, and whether everyone kept to their cards and turns.

Place in the flow: layout -> `command` as a process, again after a kill -> the events of the cards -> what is
wrong with them. The one rule: all events of both starts count.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.placement.layouts import CARD, TRAINER, Layout

ROOT = Path(__file__).resolve().parents[2]
Event = dict[str, Any]


class Trial(NamedTuple):
    """What happened."""

    events: list[Event]
    wrong: list[str]
    output: str


def prepare(folder: Path, layout: Layout) -> dict[str, str]:
    """Make the machine in this folder. Returns the variables under which a command finds it."""
    tools, cards = folder / "tools", folder / "cards"
    package = tools / "vllm" / "entrypoints" / "openai"
    package.mkdir(parents=True)
    cards.mkdir()
    for parent in (package, package.parent, package.parent.parent):
        (parent / "__init__.py").touch()
    (package / "api_server.py").write_text("import benchmarks.placement.stand_ins.stand_in_server\n")
    (tools / "sitecustomize.py").write_text("import benchmarks.placement.stand_ins.trainer_hook\n")
    info = tools / "vllm-0.32.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vllm\nVersion: 0.32.0\n")
    (cards / "sizes.json").write_text(json.dumps({str(number): CARD for number in range(layout.cards)}))
    mebibytes = CARD >> 20
    lines = [f"{number}, GPU-{number}, Simulated, {mebibytes}, {mebibytes}" for number in range(layout.cards)]
    tool = tools / "nvidia-smi"
    tool.write_text("#!/bin/sh\ncat <<'END'\n" + "\n".join(lines) + "\nEND\n")
    tool.chmod(0o755)
    return {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join((str(tools), str(ROOT))),
        "SIMULATED_CARDS": str(cards),
        "TRAINER_BYTES": str(TRAINER),
        "STAND_IN_TRAINER": "1",
    }


def run_trial(folder: Path, layout: Layout, kill_at: str = "", *, trains: bool = False) -> Trial:
    """Run the layout to its end, with a kill -9 at that step of the first start. `trains`: with real
    trainings, on the CPU."""
    environment = prepare(folder, layout)
    if trains:
        environment |= {"STAND_IN_TRAINER": "", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_OFFLINE": "1"}
    codes, output = [], ""
    for number in range(2 if kill_at else 1):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.placement.command", str(folder), layout.name],
            env={**_without_cards(), **environment, **({"KILL_AT": kill_at} if not number else {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        codes.append(done.returncode)
        output += done.stdout + done.stderr
    events = read_events(folder / "cards")
    wrong = [*check(layout, events, bool(kill_at))]
    if codes != ([-9, 0] if kill_at else [0]):
        wrong.append(f"the starts ended with {codes}")
    return Trial(events, wrong, output)


def _without_cards() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}


def read_events(cards: Path) -> list[Event]:
    """In the order in which they happened."""
    return [json.loads(line) for line in (cards / "events.jsonl").read_text().splitlines()]


# --- what must hold -----------------------------------------------------------------------------------------


def check(layout: Layout, events: Sequence[Event], was_killed: bool) -> Iterator[str]:
    """Everything that is wrong."""
    for event in events:
        if event["what"] in ("overcommit", "answered asleep", "refused"):
            yield f"{event['who']}: {event}"
        if (event["who"], event["what"]) == ("engine", "start"):
            yield from _differs("the engine sees", event["cards"], layout.engine_cards)
        if (event["who"], event["what"]) == ("trainer", "begin"):
            yield from _differs("the trainer sees", event["cards"], layout.trainer_cards)
    trained = [event["process"] for event in events if event["what"] == "begin"]
    if len(set(trained)) < 2:
        yield f"coarse and dpo shared a process: {trained}"
    if not was_killed:
        yield from _differs("the order is", _order(events), _expected(layout))


def _differs(what: str, found: Sequence[object], expected: Sequence[object]) -> Iterator[str]:
    if [*found] != [*expected]:
        yield f"{what} {found}, not {expected}"


def _order(events: Sequence[Event]) -> list[str]:
    found = []
    for event in events:
        more = {"sleep": "level", "wake": "tags"}.get(event["what"], "")
        found.append(f"{event['who']} {event['what']}" + (f" {event[more]}" if more else ""))
    return found


def _expected(layout: Layout) -> list[str]:
    training = ["trainer begin", "trainer end"] * 2
    if not layout.engine_cards:
        return training
    before = ["engine start", "engine answer"]
    swaps = ["engine adapter", "engine answer"] * 2
    if layout.level == 0:
        return [*before, *training, *swaps]
    if layout.level == 1:
        woken = "engine wake ['kv_cache', 'weights']"
        return [*before, "engine sleep 1", *training, woken, *swaps]
    woken_twice = ["engine wake ['weights']", "engine reload", "engine wake ['kv_cache']", "engine answer"]
    return [*before, "engine sleep 2", *training, *woken_twice, "engine reload", "engine answer"]
