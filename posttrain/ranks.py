"""The processes of one training on this machine: starts them, and ends all of them when one fails.

Place in the flow: `launcher` makes its command line, PROCESSES NODES NODE_RANK ADDRESS COMMAND..., and a
guard starts it. It gives each process torch's variables (RANK, LOCAL_RANK, WORLD_SIZE, MASTER_ADDR, ...). On
one node ADDRESS is empty: a socket that is already bound goes to the first process, so that two trainings
never want the same port. The one rule: no process outlives this one, which is of one process group with them,
and none outlives another that failed. It does not import torch.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial

from synth.generation.guard import die_with_parent

_LAST_WORDS_S = 5.0
"""For the others, once one has ended with an error: they may be about to say the same."""
STORE_FD = "CODEMILL_STORE_FD"
"""The variable with the first process's descriptor of the bound socket."""


def run(processes: int, nodes: int, node_rank: int, address: str, command: Sequence[str]) -> int:
    """Run the command so many times at once. Returns 0, or the exit code of the first that failed (128 + the
    signal's number)."""
    store = None if address else socket.create_server(("127.0.0.1", 0))
    host, port = address.rsplit(":", 1) if store is None else ("127.0.0.1", str(store.getsockname()[1]))
    common = {
        "WORLD_SIZE": str(processes * nodes),
        "LOCAL_WORLD_SIZE": str(processes),
        "GROUP_RANK": str(node_rank),
        "MASTER_ADDR": host,
        "MASTER_PORT": port,
        # where the socket is handed on, it is served apart from the process group, of which all are clients
        **({} if address else {"TORCHELASTIC_USE_AGENT_STORE": "True"}),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS") or str(max(1, _cpus() // processes)),
    }
    children: list[subprocess.Popen[bytes]] = []

    def ask(number: int, _frame: object) -> None:
        for child in children:
            child.send_signal(number)

    signal.signal(signal.SIGTERM, ask)
    for local in range(processes):
        own = {"RANK": str(node_rank * processes + local), "LOCAL_RANK": str(local)}
        handed: tuple[int, ...] = ()
        if store is not None and local == 0:
            own[STORE_FD], handed = str(store.fileno()), (store.fileno(),)
        children.append(
            subprocess.Popen(
                command,
                env={**os.environ, **common, **own},
                preexec_fn=partial(die_with_parent, signal.SIGKILL),
                pass_fds=handed,
            )
        )
    if store is not None:
        store.close()  # the first process has it now
    try:
        return _wait(children)
    finally:
        for child in children:
            child.kill()
            child.wait()


def _wait(children: Sequence["subprocess.Popen[bytes]"]) -> int:
    """Until all have ended well, or one has not and the others have had time to say why."""
    deadline, first = float("inf"), 0
    while time.monotonic() < deadline:
        codes = [child.poll() for child in children]
        failed = [code for code in codes if code]
        if failed and not first:
            first = failed[0]
            deadline = time.monotonic() + (_LAST_WORDS_S if first > 0 else 0)
        if None not in codes:
            break
        time.sleep(0.05)
    return first if first >= 0 else 128 - first


def _cpus() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5:]))
