"""The worker inside a remote sandbox: reads a batch of items from a file, runs them, and writes one JSON line
per item to stdout.

    python3 -I -B worker.pyz probe FILE     what this sandbox offers: toolchains, cores, separation
    python3 -I -B worker.pyz run FILE       a batch; the format is `synth/execution/remote/wire.py`

It is shipped in a zip with the other files of this folder and is self-contained (standard library, Python 3.9
or later, Linux). It is independent of languages and judges nothing. The one rule: a line stands for a
finished item, so a caller that loses the connection keeps all lines written before.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import struct
import subprocess
import sys
import traceback
from typing import NoReturn

import program  # type: ignore[import-not-found]
import scratch_folders  # type: ignore[import-not-found]
import slot as slots  # type: ignore[import-not-found]
import tools  # type: ignore[import-not-found]

BASE = os.path.dirname(os.path.abspath(sys.argv[0]))  # noqa: PTH100, PTH120
BEAT_S = 5.0


def say(line: dict[str, object] | bytes) -> None:
    """Write one line to stdout. Raises BrokenPipeError if the reader is gone: then this process ends, and the
    slots with it."""
    data = memoryview((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n")
    while data:
        data = data[os.write(1, data) :]


def prepare_shared(batch: slots.JsonObject) -> None:
    """Make the drivers' shared files, each once per sandbox. They are our own text, so we build them as
    our own user."""
    shared = os.path.join(BASE, "shared")  # noqa: PTH118
    os.makedirs(shared, exist_ok=True)  # noqa: PTH103
    for key, wanted in batch["shared"].items():
        folder = os.path.join(shared, key)  # noqa: PTH118
        if not os.path.isdir(folder):  # noqa: PTH112
            build_shared(folder, wanted)


def build_shared(folder: str, wanted: slots.JsonObject) -> None:
    """Build under another name first, so that an existing folder is complete. Raises OSError."""
    unfinished = f"{folder}.{os.getpid()}"
    scratch_folders.write_files(unfinished, wanted["files"])
    for command in wanted["commands"]:
        with subprocess.Popen(
            command,
            cwd=unfinished,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        ) as made:
            while True:
                try:
                    output = made.communicate(timeout=BEAT_S)[0]
                    break
                except subprocess.TimeoutExpired:
                    say({"beat": True})
        if made.returncode != 0:
            raise OSError(
                f"preparing a driver failed: {command[0]}: {output[-500:].decode('utf-8', 'replace')}"
            )
    os.rename(unfinished, folder)  # noqa: PTH104


class SlotProcess:
    """The outer side of one slot process, which runs one item at a time."""

    def __init__(self, batch: slots.JsonObject, number: int, others: list[SlotProcess]) -> None:
        orders, self.orders = os.pipe()
        self.answers, answers = os.pipe()
        self.number, self.buffer, self.item = number, bytearray(), -1
        self.pid = os.fork()
        if self.pid == 0:
            for other in others:
                other.forget()
            self.forget()
            become_slot(batch, number, orders, answers)
        os.close(orders)
        os.close(answers)

    def forget(self) -> None:
        """Close our ends."""
        os.close(self.orders)
        os.close(self.answers)

    def give(self, item: int) -> None:
        """Send an order; a slot that has just died is noticed when its answers end."""
        self.item = item
        with contextlib.suppress(BrokenPipeError):
            os.write(self.orders, struct.pack(">I", item))

    def take(self) -> tuple[bool, bytes] | None:
        """Read the available bytes. Returns whether the slot continues, and the line of a finished item or
        nothing yet; None if the slot is gone."""
        piece = os.read(self.answers, program.PIECE)
        if not piece:
            return None
        self.buffer += piece
        if len(self.buffer) < slots.HEAD.size:
            return True, b""
        length, healthy = slots.HEAD.unpack_from(self.buffer)
        if len(self.buffer) < slots.HEAD.size + length:
            return True, b""
        line, self.buffer = bytes(self.buffer[slots.HEAD.size :]), bytearray()
        return healthy, line

    def bury(self) -> int:
        """Reap a slot that has ended. Returns its wait status."""
        self.forget()
        return os.waitpid(self.pid, 0)[1]


def become_slot(batch: slots.JsonObject, number: int, orders: int, answers: int) -> NoReturn:
    """In the fork: serve until the orders end, then leave."""
    status = 1
    try:
        program.prctl(program.DEATH_SIGNAL, signal.SIGKILL)
        null = os.open("/dev/null", os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(null, 1)
        slots.serve(batch, BASE, number, orders, answers)
        status = 0
    except BaseException:  # noqa: BLE001  # a fork must never return; stderr reaches the caller
        traceback.print_exc()
    finally:
        os._exit(status)


class Crew:
    """All slots of a batch."""

    def __init__(self, batch: slots.JsonObject, count: int) -> None:
        self.batch = batch
        self.waiting = list(range(len(batch["items"])))[::-1]
        self.slots: dict[int, SlotProcess] = {}
        self.poller = select.poll()
        for number in range(count):
            self.open(number)

    def open(self, number: int) -> None:
        """Fork a slot and give it its first item."""
        if self.waiting:
            slot = SlotProcess(self.batch, number, list(self.slots.values()))
            self.slots[slot.answers] = slot
            self.poller.register(slot.answers, select.POLLIN)
            slot.give(self.waiting.pop())

    def serve(self) -> None:
        """Run until every item has its line."""
        while self.slots:
            ready = self.poller.poll(BEAT_S * 1000)
            if not ready:
                say({"beat": True})
            for descriptor, _ in ready:
                self.hear(self.slots[descriptor])

    def hear(self, slot: SlotProcess) -> None:
        """Handle an answer, a piece of one, or the end of a slot."""
        taken = slot.take()
        if taken is None:
            self.mourn(slot)
        elif taken[1]:
            say(taken[1])
            if taken[0] and self.waiting:
                slot.give(self.waiting.pop())
            else:
                self.dismiss(slot)
                self.open(slot.number)

    def dismiss(self, slot: SlotProcess) -> int:
        """End a slot and drop it."""
        self.poller.unregister(slot.answers)
        del self.slots[slot.answers]
        return slot.bury()

    def mourn(self, slot: SlotProcess) -> None:
        """A slot that died loses its item: that is our fault, not the program's."""
        status = self.dismiss(slot)
        say(
            {
                "index": self.batch["items"][slot.item]["index"],
                "fault": f"the slot that ran it ended with wait status {status}",
            }
        )
        self.open(slot.number)


def main() -> None:
    """Run one of the two commands."""
    mode, path = sys.argv[1:3]
    with open(path) as text:  # noqa: PTH123
        task = json.load(text)
    os.unlink(path)  # noqa: PTH108
    program.prctl(program.DUMPABLE, 0)
    if mode == "probe":
        say(tools.probe(task))
        return
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:  # noqa: PTH123
        score.write("-500")
    say({"beat": True})
    prepare_shared(task)
    cores = task["parallel"] or len(os.sched_getaffinity(0))
    Crew(task, min(cores, len(task["items"]))).serve()
    say({"done": True})


if __name__ == "__main__":
    main()
