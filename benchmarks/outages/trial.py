"""One outage of an endpoint under a run: the same command until it is finished, and what came out.

Place in the flow: the tests of the loop and the benchmark of outages share it. The one rule: after an outage
the products are those of a run without one, no kept answer was asked for again, and only a run without failed
units ends with exit code 0.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.resume.command import Ended, hash_products, run_to_end
from synth.generation.responses import ResponseFiles
from synth.store.open_shards import OpenShards
from synth.store.run_folder import RunState, read_info
from synth.store.views import conservation_problems, funnel
from tests.loop.faulty_endpoint import Fault, FaultyEndpoint
from tests.loop.recorded_endpoint import MODEL, serving

QUICK = ("outage.first_pause_s=0.05", "outage.longest_pause_s=0.2")
TIMEOUT_S = 300.0
CONCURRENCY = 6


class Trial(NamedTuple):
    """How each command ended, and what is wrong with what came out."""

    commands: tuple[Ended, ...]
    failed_requests: int
    wrong: tuple[str, ...]

    @property
    def words(self) -> str:
        """For the message of a failed check."""
        said = "\n".join(f"--- exit {ended.code}\n{ended.output[-1500:]}" for ended in self.commands)
        return f"{', '.join(self.wrong)}\n{said}"


def run_trial(
    endpoint: FaultyEndpoint,
    arguments: Callable[[str, Sequence[str]], list[str]],
    folder: Path,
    run: Path,
    products: dict[str, str],
    patience_s: float,
) -> Trial:
    """Run through the outage, and once more after it if the run did not sit it out. `arguments` takes the
    engine and settings; `products` are those of a run without an outage."""
    timeout_s = 1 if endpoint.fault is Fault.HUNG else 60
    command = arguments(endpoint_engine(endpoint.url, timeout_s), (*QUICK, f"outage.patience_s={patience_s}"))
    with serving(endpoint):
        commands = [run_to_end(command, folder / "log-1", TIMEOUT_S)]
        wrong = after(commands[0], run)
        if commands[0].code:
            endpoint.over.wait(TIMEOUT_S)
            commands.append(run_to_end(command, folder / "log-2", TIMEOUT_S))
            wrong += after(commands[1], run)
    if commands[-1].code:
        wrong.append("the command after the outage does not end with 0")
    elif hash_products(run) != products:
        wrong.append("the products differ")
    if twice := stored_lines(run) - len(ResponseFiles(run / "journal")):
        wrong.append(f"{twice} kept answers were asked for again")
    return Trial(tuple(commands), endpoint.failed, tuple(wrong))


def endpoint_engine(url: str, timeout_s: float = 60) -> str:
    """The setting of an engine without retries of its own."""
    return (
        f"{{kind: openai_api, base_url: '{url}', model: {MODEL}, api_key_env: '', "
        f"concurrency: {CONCURRENCY}, max_retries: 0, request_timeout_s: {timeout_s}}}"
    )


def stored_lines(run: Path) -> int:
    """Whole lines of the run's journal."""
    return sum(path.read_bytes().count(b"\n") for path in (run / "journal").glob("responses-*.jsonl"))


def after(ended: Ended, run: Path) -> list[str]:
    """What is wrong after a command. An engine's log that it quotes may hold tracebacks."""
    wrong: list[str] = []
    state = read_info(run).state
    if (ended.code, state) not in ((0, RunState.FINISHED), (1, RunState.INTERRUPTED)):
        wrong.append(f"exit code {ended.code} with the state {state}")
    if "Traceback" in ended.output.split("The end of its log:")[0] or ended.survivors:
        wrong.append(f"a traceback or survivors: {ended.survivors}")
    if conservation_problems(run):
        wrong.append("the books do not balance")
    rows = funnel(run)
    if any(row.failed for row in rows):
        wrong.append("a failure was committed")
    if not ended.code and (any(row.waiting for row in rows) or list(OpenShards(run))):
        wrong.append("exit code 0 with waiting units")
    if ended.code and any(run.glob("sft/*.parquet")) and any(row.waiting for row in rows):
        wrong.append("products were written over open shards")
    return wrong
