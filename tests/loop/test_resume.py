"""Resume, through the whole command line: whatever happens to a run, the same command brings it to the end
that it would have had."""

import random
import time
from pathlib import Path

import pytest

from benchmarks.resume.command import Command, Ended, hash_products, kill_after, run_to_end
from synth.config import OpenaiEngineConfig
from synth.generation.openai_api import OpenaiApiEngine
from synth.generation.responses import ResponseFiles
from synth.store.run_folder import RunState, read_info
from synth.store.views import conservation_problems, funnel
from tests.loop.conftest import NAME, Uninterrupted, quickstart, run_undisturbed
from tests.loop.recorded_endpoint import MODEL, Key, RecordedEndpoint, asked_key, recorded_endpoint
from tests.recordings.record import FOLDER, Recording, read_requests

KILLS = 3
QUICK_END_S = 60.0
"""Without a stop it would go on for minutes, or for ever; how long a stop takes, the load decides."""
"""An engine's guard gives its child five seconds; everything else is quicker."""


def contents(run: Path) -> dict[str, tuple[int, int]]:
    """Time of change and size of every file of a run."""
    files = [path for path in run.rglob("*") if path.is_file()]
    return {str(path.relative_to(run)): (path.stat().st_mtime_ns, path.stat().st_size) for path in files}


def moments(count: int, seconds: float) -> list[float]:
    """Random moments of a run of so many seconds, spread so that a run that goes on from each is still under
    way at the next."""
    return [random.uniform(0.0, 2 * seconds / (count + 1)) for _ in range(count)]


def test_a_run_makes_every_product_and_its_books_balance(uninterrupted: Uninterrupted) -> None:
    assert {Path(name).parent.name for name in uninterrupted.products} == {"sft", "pairs", "fim"}
    rows = {row.stage: row for row in funnel(uninterrupted.run)}
    assert rows["select"].kept > 5
    assert rows["pair"].kept > 0
    assert all(row.waiting == 0 for row in rows.values())
    assert conservation_problems(uninterrupted.run) == []
    assert uninterrupted.ended.survivors == ()


def test_two_runs_of_one_recipe_make_the_same_bytes(uninterrupted: Uninterrupted, tmp_path: Path) -> None:
    assert run_undisturbed(tmp_path).products == uninterrupted.products


def test_a_run_that_is_killed_again_and_again_ends_as_if_nothing_had_happened(
    uninterrupted: Uninterrupted, tmp_path: Path
) -> None:
    arguments = quickstart(tmp_path)
    killed: list[Ended] = []
    for number, moment in enumerate(moments(KILLS, uninterrupted.ended.seconds)):
        ended = kill_after(arguments, tmp_path / f"log-{number}", moment)
        killed += [ended] if ended is not None else []
    last = run_to_end(arguments, tmp_path / "log")
    history = f"killed after {[round(ended.seconds, 2) for ended in killed]} s\n{last.output}"
    assert last.code == 0, history
    assert [ended.survivors for ended in (*killed, last)] == [()] * (len(killed) + 1), history
    assert hash_products(tmp_path / NAME) == uninterrupted.products, history
    assert conservation_problems(tmp_path / NAME) == [], history
    assert killed, (
        f"every run was over before its moment came; an undisturbed one took "
        f"{uninterrupted.ended.seconds:.1f} s"
    )


def test_the_command_after_the_end_does_nothing(uninterrupted: Uninterrupted) -> None:
    before = contents(uninterrupted.run)
    ended = run_to_end(quickstart(uninterrupted.run.parent), uninterrupted.run.parent / "log-again")
    assert ended.code == 0, ended.output
    assert "--fresh" in ended.output
    assert contents(uninterrupted.run) == before


def test_ctrl_c_stops_within_seconds_and_the_same_command_goes_on(
    uninterrupted: Uninterrupted, tmp_path: Path
) -> None:
    arguments = quickstart(tmp_path)
    command = Command(arguments, tmp_path / "log")
    command.wait_for("round 1: making data", timeout_s=120)
    time.sleep(random.uniform(0.0, 1.0))
    pressed = time.monotonic()
    command.interrupt()
    ended = command.wait(120)
    assert ended.code == 130, ended.output
    assert time.monotonic() - pressed < QUICK_END_S
    said = ended.output.splitlines()
    assert [line for line in said if "rerun the same command to resume" in line] == said[-1:]
    assert "Traceback" not in ended.output
    assert ended.survivors == ()
    assert read_info(tmp_path / NAME).state is RunState.INTERRUPTED
    last = run_to_end(arguments, tmp_path / "log-2")
    assert last.code == 0, last.output
    assert hash_products(tmp_path / NAME) == uninterrupted.products
    assert conservation_problems(tmp_path / NAME) == []


def test_no_answered_request_is_sent_again(
    recording: Recording, uninterrupted: Uninterrupted, tmp_path: Path
) -> None:
    """A real endpoint counts what reaches it, while the run that asks is killed and taken up again."""
    with recorded_endpoint(recording, FOLDER, delay_s=0.05) as endpoint:
        engine = (
            f"{{kind: openai_api, base_url: '{endpoint.url}', model: {MODEL}, api_key_env: '', "
            f"concurrency: 4, max_retries: 0}}"
        )
        arguments = quickstart(tmp_path, engine)
        again = 0
        for number in range(KILLS):
            answered = answered_keys(tmp_path / NAME, endpoint)
            seen = len(endpoint.arrived)
            command = Command(arguments, tmp_path / f"log-{number}")
            wait_for_arrivals(command, endpoint, seen + random.randint(5, 25))
            assert command.kill().survivors == ()
            again += sum(key in answered for key in endpoint.arrived[seen:])
        answered = answered_keys(tmp_path / NAME, endpoint)
        seen, was_measured = len(endpoint.arrived), (tmp_path / NAME / "eval" / "base.json").exists()
        last = run_to_end(arguments, tmp_path / "log")
        again += sum(key in answered for key in endpoint.arrived[seen:])
    assert last.code == 0, last.output
    assert endpoint.unknown == []
    assert ("evaluating base" in last.output) != was_measured, "what was measured is read, whoever answered"
    assert len(answered) > 5 * KILLS // 2
    assert again == 0
    assert len(endpoint.arrived) - len(set(endpoint.arrived)) <= 4 * KILLS, (
        "only what was in flight when the run was killed is asked again"
    )
    assert hash_products(tmp_path / NAME) == uninterrupted.products
    assert conservation_problems(tmp_path / NAME) == []


def test_the_teacher_writes_instructions_and_inputs_and_the_policy_the_solutions(
    recording: Recording, uninterrupted: Uninterrupted, tmp_path: Path
) -> None:
    with recorded_endpoint(recording, FOLDER, delay_s=0.0) as endpoint:
        teacher = f"teacher={{kind: openai_api, base_url: '{endpoint.url}', model: {MODEL}, api_key_env: ''}}"
        ended = run_to_end(quickstart(tmp_path, more=(teacher,)), tmp_path / "log")
    assert ended.code == 0, ended.output
    prompts = {prompt for prompt, *_ in endpoint.arrived}
    assert prompts
    assert all("Write an instruction" in prompt or "Write test inputs" in prompt for prompt in prompts)
    assert len(ResponseFiles(tmp_path / NAME / "journal" / "teacher")) == len(endpoint.arrived)
    assert hash_products(tmp_path / NAME) == uninterrupted.products


def answered_keys(run: Path, endpoint: RecordedEndpoint) -> set[Key]:
    """What the run's journal holds, as the endpoint sees it."""
    journal = ResponseFiles(run / "journal")
    fingerprint = OpenaiApiEngine(OpenaiEngineConfig(base_url=endpoint.url, model=MODEL)).fingerprint
    return {
        asked_key(request) for request in read_requests(FOLDER) if request.request_id(fingerprint) in journal
    }


def wait_for_arrivals(command: Command, endpoint: RecordedEndpoint, count: int) -> None:
    deadline = time.monotonic() + 120
    while len(endpoint.arrived) < count and command.is_running:
        assert time.monotonic() < deadline, command.output
        time.sleep(0.005)


@pytest.mark.usefixtures("recording")
def test_ctrl_c_ends_a_training_within_seconds(tmp_path: Path) -> None:
    """The loop waits for the trainer in a thread, which Ctrl-C does not reach."""
    endless = "sft={coarse: {max_steps: 1000000, max_length: 512}}"
    more = ("evaluation=null", "data.filters.decontaminate=[]", endless)
    command = Command(quickstart(tmp_path, more=more), tmp_path / "log")
    command.wait_for("training round-1-coarse", timeout_s=120)
    time.sleep(random.uniform(0.0, 2.0))
    pressed = time.monotonic()
    command.interrupt()
    ended = command.wait(120)
    assert time.monotonic() - pressed < QUICK_END_S
    assert (ended.code, ended.survivors) == (130, ()), ended.output
    assert "Traceback" not in ended.output
