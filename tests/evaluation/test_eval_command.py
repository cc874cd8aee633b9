"""`codemill eval --suite`: as a command that a person gives, interrupts and gives again."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.resume.command import Command, Ended, run_to_end
from posttrain.benchmark_options import BenchmarkOptions, check_ways, recipe_of
from posttrain.core.policy import POCKET_WEIGHTS
from posttrain.evaluate.benchmark_run import BenchmarkContext, write_requests
from posttrain.evaluate.benchmark_table import benchmark_table
from posttrain.evaluate.own_template import load_own_template
from posttrain.evaluate.prepared_benchmarks import prepare_benchmarks
from posttrain.loop.benchmarks import find_evaluations
from synth.errors import UserError
from synth.execution.scripted import ScriptedSandbox
from synth.generation.journal import JournalledEngine
from synth.generation.responses import ResponseFiles
from synth.generation.scripted import ScriptedEngine
from synth.packages.store import built_of
from synth.policy import fingerprint_policy
from synth.protocols.registry import find_protocol
from synth.recipe import load_recipe
from synth.records import Limits, Verdict
from synth.store.fsck import check_run
from synth.store.run_folder import RunState, read_info
from synth.store.units import find_unit
from synth.store.views import conservation_problems, funnel, rejected
from tests.builders import Run
from tests.evaluation.problems import BODIES, answer, asked_function, problems, write_problems
from tests.generation.mock_endpoint import MockEndpoint, Played, mock_endpoint
from tests.stages.harness import run_python

COUNT = 9
WRONG = "times"
"""The function that the endpoint's model gets wrong."""


def write(prompt: str, number: int) -> str:
    """What the model behind the endpoint answers."""
    name = asked_function(json.loads(prompt)[-1]["content"])
    return answer(name, "return None" if name == WRONG else "")


@pytest.fixture
def endpoint() -> Iterator[MockEndpoint]:
    with mock_endpoint() as found:
        found.write = write
        yield found


def arguments(endpoint: MockEndpoint, folder: Path, *more: str, count: int = COUNT) -> list[str]:
    path = folder / "p.jsonl"
    if not path.exists():
        write_problems(path, problems(count))
    engine = f"{{kind: openai_api, base_url: '{endpoint.url}', api_key_env: '', concurrency: 1}}"
    options = ["--suite", "humaneval+", "--problems", str(path), "--model", "tiny", "--engine", engine]
    return ["eval", *options, "--runs-dir", str(folder / "runs"), *more]


def end(words: Sequence[str], folder: Path) -> Ended:
    return run_to_end(words, folder / "log")


def only_run(folder: Path) -> Path:
    (run,) = (folder / "runs").iterdir()
    return run


def test_the_command_measures_a_model_and_keeps_every_program(endpoint: MockEndpoint, tmp_path: Path) -> None:
    ended = end(arguments(endpoint, tmp_path), tmp_path)
    assert ended.code == 0, ended.output
    run = only_run(tmp_path)
    assert run.name.startswith("tiny-humaneval-plus-")
    (found,) = find_evaluations(tmp_path / "runs")
    evaluation = found.evaluation
    assert (evaluation.model, evaluation.style, evaluation.prefilled) == ("tiny", "chat", False)
    assert evaluation.total.pass_at[1].value == pytest.approx(2 / 3)
    assert [one.passed for one in evaluation.answered] == [1, 0, 1] * 3
    asked = find_protocol("humaneval+").chat
    assert asked is not None
    messages = [[one.model_dump() for one in asked(row).messages] for row in problems(COUNT)]
    assert sorted(json.dumps(one["messages"]) for one in endpoint.requests) == sorted(
        map(json.dumps, messages)
    )
    assert "HumanEval+" in ended.output
    assert "66.7 [" in ended.output

    (row,) = funnel(run)
    assert (row.stage, row.entered, row.kept, row.rejected, row.waiting) == ("benchmark", COUNT, 6, 3, 0)
    assert conservation_problems(run) == []
    page = rejected(run, reason="wrong_answer").rows
    assert [json.loads(one.evidence)["problem"] for one in sorted(page, key=lambda one: one.evidence)] == [
        f"HumanEval/{at}" for at in (1, 4, 7)
    ]
    unit = find_unit(run, page[0].unit_id)
    kinds = {body.kind: body.fields for body in unit.bodies}
    assert "return None" in str(kinds["solution"]["code"])
    assert Verdict.model_validate(kinds["verdict"]).first_failure
    assert check_run(run).damaged == []

    paid = len(endpoint.requests)
    again = end(arguments(endpoint, tmp_path), tmp_path)
    assert again.code == 0
    assert "already finished" in again.output
    assert "66.7 [" in again.output
    other = end(arguments(endpoint, tmp_path, "--tasks", "3"), tmp_path)
    assert other.code == 0, other.output
    assert len(endpoint.requests) == paid + 3
    table, notes = benchmark_table(find_evaluations(tmp_path / "runs"))
    assert [row[:2] for row in table.rows] == [["tiny", "chat"], ["tiny", "chat, tasks=3"]]
    assert "must not be compared" in notes[0]


def test_whatever_stops_it_the_same_command_goes_on_and_no_answer_is_paid_for_twice(
    endpoint: MockEndpoint, tmp_path: Path
) -> None:
    endpoint.behaviour = lambda one, body: Played(body=one.answer(body), delay_s=0.15)
    words, kept = arguments(endpoint, tmp_path), 0
    for number, stop in enumerate(("interrupt", "kill")):
        before = len(endpoint.requests)
        command = Command(words, tmp_path / f"log-{number}")
        command.wait_for("ready", 60)
        while len(endpoint.requests) < before + 3:
            assert command.is_running, command.output
        if stop == "interrupt":
            command.interrupt()
            assert command.wait(60).code == 130
        else:
            command.kill()
        journalled = len(ResponseFiles(only_run(tmp_path) / "journal"))
        assert kept < journalled < COUNT
        kept = journalled
        assert read_info(only_run(tmp_path)).state is RunState.INTERRUPTED
    before = len(endpoint.requests)
    ended = end(words, tmp_path)
    assert ended.code == 0, ended.output
    assert len(endpoint.requests) - before == COUNT - kept
    (found,) = find_evaluations(tmp_path / "runs")
    assert [one.passed for one in found.evaluation.answered] == [1, 0, 1] * 3
    (row,) = funnel(only_run(tmp_path))
    assert (row.entered, row.kept, row.rejected) == (COUNT, 6, 3)


def test_an_engine_that_fails_for_one_question_leaves_the_run_open(
    endpoint: MockEndpoint, tmp_path: Path
) -> None:
    def fail(one: MockEndpoint, body: dict[str, Any]) -> Played | None:
        name = asked_function(body["messages"][-1]["content"])
        return Played(500, {"error": {"message": "no luck"}}) if name == "larger" else None

    endpoint.behaviour = fail
    quick = ("--set", "engine.max_retries=0", "--set", "outage={first_pause_s: 0.05, longest_pause_s: 0.1}")
    words = arguments(endpoint, tmp_path, *quick, count=3)
    ended = end(words, tmp_path)
    assert ended.code == 1, ended.output
    assert "engine_failed 1" in ended.output
    assert read_info(only_run(tmp_path)).state is RunState.INTERRUPTED
    assert find_evaluations(tmp_path / "runs") == []
    endpoint.behaviour = lambda one, body: None
    before = len(endpoint.requests)
    ended = end(words, tmp_path)
    assert ended.code == 0, ended.output
    assert len(endpoint.requests) == before + 1


def test_the_pocket_model_is_asked_in_its_own_template_from_end_to_end(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    path = write_problems(tmp_path / "p.jsonl", problems(2))
    options = ["--suite", "humaneval+", "--problems", str(path), "--model", "pocket", "--max-tokens", "48"]
    words = ["eval", *options, "--engine", "transformers_local", "--runs-dir", str(tmp_path / "runs")]
    ended = end(words, tmp_path)
    assert ended.code == 0, ended.output
    (found,) = find_evaluations(tmp_path / "runs")
    assert (found.evaluation.model, found.evaluation.style) == ("pocket", "chat")
    assert [sum(one.outcomes.values()) for one in found.evaluation.answered] == [1, 1]
    (file,) = only_run(tmp_path).glob("benchmarks/*/requests.json")
    asked, own = find_protocol("humaneval+").chat, load_own_template(str(POCKET_WEIGHTS))
    assert asked is not None
    for row, request in zip(problems(2), json.loads(file.read_bytes())["requests"], strict=True):
        assert request["prompt"] == own.render(asked(row).messages, asked(row).prefill)
        assert request["is_rendered"]
    answered = ResponseFiles(only_run(tmp_path) / "journal")
    assert len(answered) == 2
    assert answered.usage.completion_tokens > 2


def test_recorded_answers_are_given_again_without_the_model(tmp_path: Path, run: Run[Any]) -> None:
    """The style of base models needs no tokenizer."""
    path, journal = write_problems(tmp_path / "p.jsonl", problems()), tmp_path / "journal"
    journal.mkdir()
    engine = f"{{kind: recorded, path: '{journal}'}}"
    recipe = recipe_of(options_of(path, engine=engine, style="complete")).recipe
    prepared = prepare_benchmarks(recipe, tmp_path)
    assert prepared.template is None
    assert prepared.package_sets == ("humaneval+",)

    async def record() -> None:
        policy = fingerprint_policy(POCKET_WEIGHTS)
        model = ScriptedEngine(
            lambda request: f"    {BODIES[asked_function(request.prompt)]}\n", fingerprint=policy
        )
        recorder = JournalledEngine(model, journal)
        context = BenchmarkContext(
            recorder, ScriptedSandbox(run_python), Limits(), recipe.seed, None, tmp_path / "recorded"
        )
        for request in write_requests(context, prepared.benchmarks[0]):
            await recorder.generate(request)
        await recorder.close()

    run(record())
    words = ["--suite", "humaneval+", "--problems", str(path), "--model", "pocket", "--style", "complete"]
    ended = end(["eval", *words, "--engine", engine, "--runs-dir", str(tmp_path / "runs")], tmp_path)
    assert ended.code == 0, ended.output
    assert ("codemill packages build --packages humaneval+" in ended.output) != bool(built_of("humaneval+"))
    (found,) = find_evaluations(tmp_path / "runs")
    assert (found.evaluation.style, found.evaluation.total.pass_at[1].value) == ("complete", 1.0)


# --- mistakes -----------------------------------------------------------------------------------------------


def options_of(path: Path, **changes: Any) -> BenchmarkOptions:  # noqa: ANN401
    usual = {"suites": ["humaneval+"], "problems": [path], "model": "pocket", "engine": "transformers_local"}
    unset = dict.fromkeys(("n", "temperature", "top_p", "max_tokens", "tasks"))
    return BenchmarkOptions(**{**usual, **unset, "style": "auto", **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"suites": ["humanevil"]}, r"--suite humanevil(.|\n)*humaneval\+"),
        ({"problems": [Path("nowhere.jsonl")]}, r"--problems nowhere.jsonl(.|\n)*does not exist"),
        ({"suites": ["humaneval+", "humaneval+"]}, "--problems .1 given(.|\n)*as often as --suite"),
        ({"model": None}, "--model(.|\n)*is missing"),
        ({"model": "./nowhere"}, "nowhere(.|\n)*existing folder"),
        ({"engine": "vllm"}, "--engine vllm(.|\n)*vllm_server"),
        ({"engine": "{kind: [}"}, "--engine(.|\n)*must be one of"),
        ({"engine": "{kind: transformers_local, batch_sise: 2}"}, "--engine(.|\n)*batch_size"),
        ({"engine": "{kind: openai_api}"}, "--engine(.|\n)*base_url"),
        ({"style": "instruct"}, "--style instruct(.|\n)*must be one of"),
        ({"temperature": 9.0}, "temperature = 9(.|\n)*at most 5"),
        ({"top_p": 0.0}, "top_p = 0(.|\n)*greater than 0"),
        ({"overrides": ["execution.limits.cpu_s=0"]}, "--set execution.limits.cpu_s=0"),
    ],
)
def test_a_mistake_names_the_option_and_the_fix(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    path = write_problems(tmp_path / "p.jsonl", problems())
    with pytest.raises(UserError, match=words):
        recipe_of(options_of(path, **changes))


@pytest.mark.parametrize(
    "ways", [(None, [], False), ("r.yaml", ["humaneval+"], False), (None, ["humaneval+"], True)]
)
def test_a_command_has_one_thing_to_do(ways: tuple[str | None, list[str], bool]) -> None:
    recipe, suites, table = ways
    with pytest.raises(UserError, match="needs a recipe, or --suite, or --table, and only one"):
        check_ways(recipe, suites, table=table)


def test_a_mistake_of_the_problems_costs_no_request_and_leaves_no_run(
    endpoint: MockEndpoint, tmp_path: Path
) -> None:
    (tmp_path / "p.jsonl").write_text('{"task_id": "HumanEval/0"}\n')
    ended = end(arguments(endpoint, tmp_path), tmp_path)
    assert ended.code == 2, ended.output
    assert "problem HumanEval/0" in ended.output
    assert "Traceback" not in ended.output
    assert endpoint.requests == []
    assert not (tmp_path / "runs").exists()


def test_the_name_of_the_run_is_made_of_what_decides_its_figures(tmp_path: Path) -> None:
    path = write_problems(tmp_path / "p.jsonl", problems())
    usual = options_of(path)
    others = [
        usual._replace(n=2),
        usual._replace(style="complete"),
        usual._replace(suites=["humaneval+"] * 2, problems=[path, write_problems(tmp_path / "q.jsonl", [])]),
        usual._replace(overrides=["seed=3"]),
    ]
    names = [recipe_of(one).recipe.name for one in (usual, *others)]
    assert recipe_of(usual).recipe.name == names[0]
    assert len(set(names)) == len(names)


# --- recipes ------------------------------------------------------------------------------------------------


def test_a_recipe_names_benchmarks_and_then_asks_no_other_suite_unless_it_says_so(tmp_path: Path) -> None:
    write_problems(tmp_path / "p.jsonl", problems())
    text = (
        "name: a\nengine: {kind: transformers_local}\nevaluation:\n"
        "  benchmarks: [{suite: humaneval+, problems: p.jsonl, n: 2}]\n"
    )
    (tmp_path / "recipe.yaml").write_text(text)
    evaluation = load_recipe(tmp_path / "recipe.yaml", machine=False).recipe.evaluation
    assert evaluation is not None
    assert evaluation.suite is None
    assert evaluation.benchmarks[0].problems == str(tmp_path / "p.jsonl")
    both = load_recipe(tmp_path / "recipe.yaml", ["evaluation.suite=pocket-heldout"], machine=False)
    assert both.recipe.evaluation is not None
    assert both.recipe.evaluation.suite == "pocket-heldout"


@pytest.mark.parametrize(
    ("benchmark", "words"),
    [
        ("{suite: humaneval+}", r"benchmarks\[0\](.|\n)*lacks the required key `problems`"),
        ("{suite: humaneval+, problems: no.jsonl}", r"benchmarks\[0\].problems = no.jsonl(.|\n)*not exist"),
        ("{suite: humaneval+, problems: p.jsonl, stile: chat}", r"stile(.|\n)*write `style`"),
        ("{suite: humaneval+, problems: p.jsonl, n: 0}", r"benchmarks\[0\].n = 0(.|\n)*at least 1"),
        ("{suite: humaneval+, problems: p.jsonl}, {suite: humaneval+, problems: p.jsonl}", "asked twice"),
    ],
)
def test_a_mistake_in_a_recipe_is_found_when_it_is_loaded(tmp_path: Path, benchmark: str, words: str) -> None:
    write_problems(tmp_path / "p.jsonl", problems())
    text = f"name: a\nengine: {{kind: transformers_local}}\nevaluation:\n  benchmarks: [{benchmark}]\n"
    (tmp_path / "recipe.yaml").write_text(text)
    with pytest.raises(UserError, match=words):
        load_recipe(tmp_path / "recipe.yaml", machine=False)


def test_a_recipe_that_trains_is_warned_of_a_benchmark_that_its_data_may_hold(tmp_path: Path) -> None:
    write_problems(tmp_path / "p.jsonl", problems())
    text = (
        "name: a\nengine: {kind: transformers_local}\ndata: {seeds: {kind: pocket}}\nevaluation:\n"
        "  benchmarks: [{suite: humaneval+, problems: p.jsonl}]\n"
    )
    (tmp_path / "recipe.yaml").write_text(text)
    assert "decontaminate" in str(load_recipe(tmp_path / "recipe.yaml", machine=False).warnings)
    kept_out = [f"data.filters.decontaminate=['{tmp_path / 'p.jsonl'}']"]
    text = text.replace("problems: p.jsonl", f"problems: '{tmp_path / 'p.jsonl'}'")
    (tmp_path / "recipe.yaml").write_text(text)
    assert load_recipe(tmp_path / "recipe.yaml", kept_out, machine=False).warnings == ()
