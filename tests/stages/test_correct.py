"""Repair turns, repair tasks and reviews over a whole round of scripted parts: a row needs a fix that passes
and a shown program that fails; all else ends with its reason, and changes nothing else of the round."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from synth.errors import OutageError
from synth.execution.scripted import ObserveRequest, ScriptedSandbox
from synth.filters.protocol import Reject
from synth.generation.protocol import GenerationRequest
from synth.generation.scripted import ScriptedEngine
from synth.pipeline.round import run_round
from synth.products import BY_NAME
from synth.prompts.library import PromptLibrary
from synth.records import Decision, ExecutionRequest, FunctionContract, IndexRow, Observation
from synth.rules.corrections import Review, read_review, share_changed
from synth.store.parquet import read_rows
from synth.store.products import iter_product
from synth.store.run_folder import RunFolder, RunIdentity
from synth.store.shards import StageCommit
from synth.store.views import conservation_problems
from tests.pipeline.test_round import RIGHT, WRONG, answer, context, file_hashes
from tests.stages.harness import run_python

FENCED = "```python\ndef solve(xs):\n    {}\n```"
ASKED = {"repair": 637, "repair_tasks": 638, "review": 639}
CONTRACT = FunctionContract(entry_point="solve", signature="(list[int]) -> int", parameter_names=("xs",))
Answers = Callable[[str, GenerationRequest], str]


def fixed(name: str, _: GenerationRequest) -> str:
    return FENCED.format(f"return {RIGHT[name]}")


def review(name: str, _: GenerationRequest, **other: str) -> str:
    expected, actual = ("12", "2") if name == "total" else ("7", "5")
    fields = {"Verdict": "wrong", "Input": "[[5, 7]]", "Expected": expected, "Actual": actual}
    fields |= {"Fault": "It returns another figure of the list.", **other}
    return "\n".join(f"{key}: {value}" for key, value in fields.items()) + "\n\n" + fixed(name, _)


class Made(NamedTuple):
    """A finished round."""

    rows: list[dict[str, Any]]
    decisions: dict[str, list[IndexRow]]
    questions: list[GenerationRequest]

    def reasons(self, stage: str) -> list[str]:
        return sorted({row.reason for row in self.decisions.get(stage, ())})


def make(
    folder: Path, answers: Answers, observe: ObserveRequest = run_python, **data: dict[str, object]
) -> Made:
    """A round over the two seeds, each with one wrong candidate; `answers` to what is asked of it."""
    folder.mkdir(parents=True, exist_ok=True)
    questions: list[GenerationRequest] = []

    def respond(request: GenerationRequest) -> str | list[str]:
        if request.sampling.max_tokens not in ASKED.values():
            return answer(request)
        questions.append(request)
        name = "total" if any("total" in message.content for message in request.messages) else "largest"
        return answers(name, request)

    sections = {
        name: {**given, "sampling": {"max_tokens": ASKED[name]}} if name in ASKED else given
        for name, given in data.items()
    }
    made = replace(
        context(folder, ScriptedEngine(respond), **sections),
        prompts=PromptLibrary.load("default"),
        sandbox=ScriptedSandbox(observe),
    )
    with RunFolder.create_or_resume(folder, "run", RunIdentity(recipe={"name": "r"})) as run:
        written = asyncio.run(run_round(made, run, 1))
    assert conservation_problems(folder / "run") == []
    rows = [row for one in written.sets if one.product.name == "repairs" for row in read_rows(one.path)]
    commits, index = StageCommit(folder / "run"), folder / "run" / "index"
    decisions = {
        stage.name: [
            row for one in commits.shards_of(stage.name, 1) for row in commits.read_index(stage.name, 1, one)
        ]
        for stage in index.iterdir()
    }
    return Made(rows, decisions, questions)


def test_a_mended_answer_becomes_a_dialogue_whose_last_turn_is_trained(tmp_path: Path) -> None:
    made = make(tmp_path, fixed, repair={})
    assert len(made.rows) == 2
    for row in made.rows:
        assert [message["role"] for message in row["prompt"]][-3:] == ["user", "assistant", "user"]
        assert [message["role"] for message in row["completion"]] == ["assistant"]
        assert (row["asks"], row["turns"], row["shown_outcome"]) == ("turn", 2, "wrong_answer")
        name = "total" if "sum(xs)" in row["completion"][0]["content"] else "largest"
        assert WRONG[name] in row["prompt"][-2]["content"]
        assert "The first failing test: solve(" in row["prompt"][-1]["content"]
    assert len(list(iter_product(tmp_path / "run", BY_NAME["repairs"]))) == 2


def test_what_saw_a_result_changes_nothing_else_of_the_round(tmp_path: Path) -> None:
    make(tmp_path / "plain", fixed)
    make(tmp_path / "more", fixed, repair={}, repair_tasks={}, review={"right_share": 0.0})
    plain, more = file_hashes(tmp_path / "plain"), file_hashes(tmp_path / "more")
    assert {name: one for name, one in more.items() if "repairs/" not in name} == plain
    assert any("repairs/" in name for name in more)


def test_a_third_turn_follows_a_second_one_that_failed(tmp_path: Path) -> None:
    def second_time(name: str, request: GenerationRequest) -> str:
        turns = sum(message.role == "assistant" for message in request.messages)
        return fixed(name, request) if turns == 2 else FENCED.format("return 41")

    made = make(tmp_path, second_time, repair={"turns": 3})
    assert made.reasons("repair02_run") == ["wrong_answer"]
    assert {row["turns"] for row in made.rows} == {3}
    assert len(made.rows) == 2


@pytest.mark.parametrize(
    ("feedback", "words"),
    [
        ("analysis", "Suggestion: "),
        ("failure", "The first failing test: "),
        ("none", "it does not do what the task asks for"),
    ],
)
def test_the_recipe_says_what_the_model_is_told(tmp_path: Path, feedback: str, words: str) -> None:
    made = make(tmp_path, fixed, repair={"feedback": feedback})
    assert all(words in one.messages[-1].content for one in made.questions)
    assert ("expected" in made.questions[0].messages[-1].content) == (feedback != "none")


@pytest.mark.parametrize(
    ("text", "stage", "reason"),
    [
        ("", "ask", "no_code"),
        ("I would look at the loop once more.", "ask", "no_code"),
        ("```ruby\ndef solve(xs) = xs.sum\n```", "ask", "no_code"),
        (FENCED.format("return ("), "ask", "parse_error"),
        ("```python\ndef other(xs):\n    return 1\n```", "ask", "wrong_name"),
        (FENCED.format("return 41"), "run", "wrong_answer"),
        (FENCED.format("return xs[99]"), "run", "runtime_error"),
    ],
)
def test_a_bad_answer_is_a_row_with_its_reason(tmp_path: Path, text: str, stage: str, reason: str) -> None:
    made = make(tmp_path, lambda *_: text, repair={}, repair_tasks={})
    assert made.reasons(f"repair02_{stage}") == [reason]
    assert made.rows == []


def test_the_bug_itself_is_no_fix(tmp_path: Path) -> None:
    made = make(tmp_path, lambda name, _: FENCED.format(f"return  {WRONG[name]}"), repair={}, repair_tasks={})
    assert made.reasons("repair02_ask") == made.reasons("repair_ask") == ["same_program"]


def test_a_repair_task_shows_the_program_and_takes_a_small_change_only(tmp_path: Path) -> None:
    made = make(tmp_path / "small", fixed, repair_tasks={"most_changed": 1.0})
    assert {(row["asks"], row["origin"]) for row in made.rows} == {("repair", "candidate")}
    assert all(len(row["prompt"]) == 1 for row in made.rows)
    assert all(0 < row["changed"] < 1 for row in made.rows)
    made = make(tmp_path / "large", fixed, repair_tasks={"most_changed": 0.01})
    assert made.reasons("repair_ask") == ["rewritten"]


def test_mutants_fill_up_where_candidates_are_few(tmp_path: Path) -> None:
    made = make(tmp_path, fixed, repair_tasks={"per_task": 4, "mutants": True, "most_changed": 1.0})
    assert {row["origin"] for row in made.rows} == {"candidate", "mutant"}
    assert {row["shown_outcome"] for row in made.rows} <= {"wrong_answer", "runtime_error"}
    runs = [row for row in made.decisions["repair_run"] if row.decision is Decision.REJECTED]
    assert {row.reason for row in runs} <= {"no_fault"}


def test_a_review_names_an_input_that_execution_confirms(tmp_path: Path) -> None:
    made = make(tmp_path, review, review={"right_share": 0.0})
    assert {row["asks"] for row in made.rows} == {"review"}
    assert len(made.rows) == 2
    assert "Fault: It returns" in made.rows[0]["completion"][0]["content"]


@pytest.mark.parametrize(
    ("lie", "stage", "reason"),
    [
        ({"Expected": "99"}, "run", "unconfirmed_example"),
        ({"Actual": "99"}, "run", "unconfirmed_example"),
        ({"Expected": "error"}, "run", "unconfirmed_example"),
        ({"Input": "7"}, "ask", "malformed_review"),
        ({"Fault": ""}, "ask", "malformed_review"),
        ({"Verdict": "maybe"}, "ask", "malformed_review"),
        ({"Verdict": "right"}, "ask", "missed_fault"),
    ],
)
def test_a_review_that_lies_is_turned_away(
    tmp_path: Path, lie: dict[str, str], stage: str, reason: str
) -> None:
    made = make(tmp_path, lambda name, asked: review(name, asked, **lie), review={"right_share": 0.0})
    assert made.reasons(f"review_{stage}") == [reason]
    assert made.rows == []


def test_the_review_of_a_right_program_says_so(tmp_path: Path) -> None:
    made = make(tmp_path / "so", lambda *_: "Verdict: right\nIt adds all items.", review={"right_share": 1.0})
    assert {row["shown_outcome"] for row in made.rows} == {"pass"}
    made = make(tmp_path / "not", review, review={"right_share": 1.0})
    assert made.reasons("review_ask") == ["false_alarm"]


@pytest.mark.parametrize(
    ("program", "code", "reason"),
    [("shown", "return {right}", "no_fault"), ("again", "return 41", "unstable_program")],
)
def test_what_does_not_show_again_is_no_label(tmp_path: Path, program: str, code: str, reason: str) -> None:
    def observe(request: ExecutionRequest) -> Observation:
        if request.id.endswith(f".{program}"):
            assert request.other_hashing
            name = "total" if RIGHT["total"] in request.code or WRONG["total"] in request.code else "largest"
            other = "def solve(xs):\n    " + code.format(right=RIGHT[name])
            return run_python(request.model_copy(update={"code": other}))
        return run_python(request)

    made = make(tmp_path, fixed, observe, repair={}, repair_tasks={"most_changed": 1.0})
    assert made.reasons("repair02_run") == made.reasons("repair_run") == [reason]
    assert made.rows == []


@pytest.mark.parametrize("program", ["shown", "fix", "again", "example.truth"])
def test_a_fault_of_the_sandbox_leaves_the_unit_open(tmp_path: Path, program: str) -> None:
    def observe(request: ExecutionRequest) -> Observation:
        found = run_python(request)
        lost = request.id.endswith(f".{program}")
        return found.model_copy(update={"infrastructure": "the slot was lost"}) if lost else found

    with pytest.raises(OutageError):
        make(tmp_path, review, observe, review={"right_share": 0.0})


def test_a_review_is_read_by_the_types_of_the_task() -> None:
    text = "**Verdict:** Wrong.\nInput: [[]]\nExpected: 0\nActual: error\nFault: It fails on nothing.\n"
    code = "def solve(xs):\n    return sum(xs)"
    found = read_review(f"{text}```python\n{code}\n```", "python", CONTRACT)
    assert found == Review(False, ("l0",), "i0", "", "It fails on nothing.", code)
    assert read_review(text, "python", CONTRACT) == Reject("no_code")
    typed = read_review(text.replace(": 0", ': "zero"'), "python", CONTRACT)
    assert isinstance(typed, Reject) and typed.evidence == {"lacks": "expected"}


def test_the_change_is_counted_in_tokens() -> None:
    assert share_changed("x = 1 + 2", "x  =  1 + 2", "python") == 0
    assert 0 < share_changed("x = 1 + 2", "x = 1 - 2", "python") < 0.5
    assert share_changed("x = 1", "for y in z: pass", "python") > 0.5
