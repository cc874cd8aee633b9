"""Outages of an endpoint, through the whole command line: every unit is recovered, and the products are those
of a run without an outage."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from benchmarks.outages.trial import QUICK, endpoint_engine, run_trial
from benchmarks.resume.command import hash_products, run_to_end
from synth.store.run_folder import RunState, read_info
from synth.store.seals import JSON_KEY
from synth.store.views import conservation_problems, funnel
from tests.loop.conftest import NAME, Uninterrupted, quickstart
from tests.loop.faulty_endpoint import Fault, FaultyEndpoint, RefusingEndpoint
from tests.loop.recorded_endpoint import serving
from tests.recordings.record import FOLDER, Recording


def command(folder: Path) -> Callable[[str, Sequence[str]], list[str]]:
    return lambda engine, more: quickstart(folder, engine, more)


@pytest.mark.parametrize("fault", list(Fault))
def test_after_an_outage_the_products_are_those_of_a_run_without_one(
    recording: Recording, uninterrupted: Uninterrupted, tmp_path: Path, fault: Fault
) -> None:
    """At one random moment; `python -m benchmarks.outages` does this at twenty. With patience one command
    usually sits the outage out; what it could not tell from single failures, the second one asks again."""
    random_seed = random.randrange(1_000_000)
    draw = random.Random(random_seed)
    first, seconds, patience_s = draw.randint(1, 40), draw.uniform(0.5, 2), draw.choice((0, 60))
    endpoint = FaultyEndpoint(recording, FOLDER, fault, first, seconds)
    trial = run_trial(
        endpoint, command(tmp_path), tmp_path, tmp_path / NAME, uninterrupted.products, patience_s
    )
    about = f"random seed {random_seed}: from request {first} for {seconds:.1f} s\n{trial.words}"
    print(about)
    assert trial.wrong == (), about
    assert endpoint.over.is_set(), about


def test_what_fails_at_three_starts_can_be_given_up_and_never_ends_with_0(
    recording: Recording, uninterrupted: Uninterrupted, tmp_path: Path
) -> None:
    endpoint = RefusingEndpoint(recording, FOLDER, delay_s=0)
    with serving(endpoint):
        arguments = quickstart(tmp_path, endpoint_engine(endpoint.url), QUICK)
        accepting = [*arguments, "--accept-failures"]
        ended = [
            run_to_end(given, tmp_path / f"log-{number}")
            for number, given in enumerate((arguments, accepting, accepting, arguments))
        ]
        refused = set(endpoint.refused)
        endpoint.is_well = True
        fork = run_to_end([*arguments, "--fork", "again"], tmp_path / "log-fork")
    history = "\n---\n".join(one.output[-2000:] for one in (*ended, fork))
    assert [one.code for one in ended] == [1, 1, 1, 1], history
    assert all("Traceback" not in one.output for one in ended), history
    assert len(refused) == 1, "the same request failed at each start"
    run = tmp_path / NAME
    for one in ended[:2]:
        assert (
            "waits for 1 failed units in 1 open shards of the stage instruct (engine_failed 1)" in one.output
        )
    for one in ended[2:]:
        assert "is finished with failures, which were accepted: instruct: engine_failed 1" in one.output
        assert "--fork NAME" in one.output
    assert "nothing was done" in ended[3].output
    info = read_info(run)
    assert (info.state, info.message) == (RunState.FINISHED_WITH_FAILURES, "instruct: engine_failed 1")
    rows = {row.stage: row for row in funnel(run)}
    assert (rows["instruct"].failed, rows["instruct"].waiting) == (1, 0)
    assert conservation_problems(run) == []
    assert fork.code == 0, history
    assert hash_products(tmp_path / "again") == uninterrupted.products


def test_an_evaluation_with_failed_requests_is_not_an_evaluation(
    recording: Recording, uninterrupted: Uninterrupted, tmp_path: Path
) -> None:
    endpoint = RefusingEndpoint(recording, FOLDER, delay_s=0, of_all=True)
    with serving(endpoint):
        arguments = quickstart(tmp_path, endpoint_engine(endpoint.url), QUICK)
        ended = run_to_end(arguments, tmp_path / "log")
        assert ended.code == 1, ended.output
        assert "the evaluation of base\n  waits for 1 failed units" in ended.output
        assert not (tmp_path / NAME / "eval" / "base.json").exists()
        assert read_info(tmp_path / NAME).state is RunState.INTERRUPTED
        endpoint.is_well = True
        asked = len(endpoint.arrived)
        again = run_to_end(arguments, tmp_path / "log-again")
        assert again.code == 0, again.output
    whole, found = (
        read_evaluation(one / "eval" / "base.json") for one in (uninterrupted.run, tmp_path / NAME)
    )
    assert found == whole
    assert endpoint.arrived[asked] in endpoint.refused, "only what failed is asked again"


def read_evaluation(path: Path) -> dict[str, object]:
    """Everything but who answered, how long it took, and the seal over both."""
    found: dict[str, object] = json.loads(path.read_bytes())
    return {key: value for key, value in found.items() if key not in ("fingerprint", "seconds", JSON_KEY)}
