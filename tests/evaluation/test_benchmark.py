"""Reading a benchmark: its questions, the hashes of its conditions, and mistakes before anything is spent."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from posttrain.evaluate import benchmark as module
from posttrain.evaluate.benchmark import Benchmark, choose_style, load_benchmark
from synth import table_files
from synth.config import BenchmarkConfig, SamplingConfig
from synth.errors import UserError
from synth.generation.dialect import Dialect
from synth.generation.protocol import GenerationRequest
from synth.protocols.protocol import BenchmarkPrompt
from synth.protocols.registry import find_protocol
from synth.records import Limits, Message
from synth.verify.formats.registry import get_format
from synth.verify.formats.spec import Fields
from synth.verify.formats.tables import Problems
from synth.verify.rows import RowError
from tests.evaluation.problems import problem, problems, write_problems


def load(path: Path, style: str = "chat", prefills: bool = True, **settings: object) -> Benchmark:
    given = {"suite": "humaneval+", "problems": str(path), "style": style, **settings}
    config = BenchmarkConfig.model_validate(given)
    chosen = choose_style(config, has_template=True)
    return load_benchmark(config, path.parent, chosen, Limits(), prefills=prefills)


def test_each_problem_is_one_question_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = write_problems(tmp_path / "p.jsonl", problems(4))
    found = load(path)
    assert [one.name for one in found.questions] == [f"HumanEval/{at}" for at in range(4)]
    for one, row in zip(found.questions, problems(4), strict=True):
        asked = find_protocol("humaneval+").chat
        assert asked is not None
        assert one.as_prompt() == asked(row)
        assert row["prompt"].strip() in one.messages[-1].content
    assert [one.name for one in load(path, tasks=2).questions] == ["HumanEval/0", "HumanEval/1"]
    assert all(one.prompt and not one.messages for one in load(path, style="complete").questions)


def test_what_is_unset_is_the_protocols_and_what_is_set_is_noted(tmp_path: Path) -> None:
    path, protocol = write_problems(tmp_path / "p.jsonl", problems()), find_protocol("humaneval+")
    usual = load(path)
    assert (usual.n, usual.sampling.temperature, usual.sampling.max_tokens, usual.changed) == (
        protocol.n,
        protocol.temperature,
        protocol.max_tokens,
        (),
    )
    other = load(path, n=10, temperature=0.2, top_p=protocol.top_p, tasks=2)
    assert other.changed == ("n=10", "temperature=0.2", "tasks=2")


def test_where_an_answer_cannot_be_begun_its_stop_words_go_too(tmp_path: Path) -> None:
    path = write_problems(tmp_path / "p.jsonl", problems())
    begun, plain = load(path).questions[0], load(path, prefills=False).questions[0]
    assert plain.prefill == ""
    assert plain.messages == begun.messages
    assert plain.stop == (() if begun.prefill else begun.stop)


def test_the_style_is_chat_where_the_model_has_a_template() -> None:
    config = BenchmarkConfig(suite="HumanEval+", problems="p.jsonl")
    assert choose_style(config, has_template=True) == "chat"
    assert choose_style(config, has_template=False) == "complete"


def test_a_style_that_the_benchmark_does_not_have_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    only = replace(find_protocol("humaneval+"), complete=None)
    monkeypatch.setattr(module, "find_protocol", lambda _: only)
    config = BenchmarkConfig(suite="humaneval+", problems="p.jsonl", style="complete")
    with pytest.raises(UserError, match="it knows chat"):
        choose_style(config, has_template=True)
    auto = config.model_copy(update={"style": "auto"})
    assert choose_style(auto, has_template=False) == "chat"


# --- the hashes ---------------------------------------------------------------------------------------------


def test_the_hashes_stay_where_nothing_that_counts_has_changed(tmp_path: Path) -> None:
    first = load(write_problems(tmp_path / "p.jsonl", problems()))
    moved = load(write_problems(tmp_path / "other.jsonl", problems()))
    assert (first.protocol_hash, first.problems_hash) == (moved.protocol_hash, moved.problems_hash)


def test_another_test_is_another_set_of_problems(tmp_path: Path) -> None:
    first = load(write_problems(tmp_path / "p.jsonl", problems()))
    rows = problems()
    rows[2] = problem(2, "larger", "    assert candidate(1, 1) == 1\n")
    other = load(write_problems(tmp_path / "p.jsonl", rows))
    assert first.problems_hash != other.problems_hash
    assert load(write_problems(tmp_path / "p.jsonl", problems()), tasks=2).problems_hash not in (
        first.problems_hash,
        other.problems_hash,
    )


def test_prompts_sampling_and_the_reading_of_answers_are_in_the_protocols_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, protocol = write_problems(tmp_path / "p.jsonl", problems()), find_protocol("humaneval+")
    found = [
        load(path).protocol_hash,
        load(path, style="complete").protocol_hash,
        load(path, n=2).protocol_hash,
        load(path, temperature=0.7).protocol_hash,
        load(path, top_p=0.5).protocol_hash,
        load(path, max_tokens=99).protocol_hash,
    ]

    def stopping(row: Fields) -> BenchmarkPrompt:
        assert protocol.chat is not None
        return protocol.chat(row)._replace(stop=("#",))

    others = [
        replace(protocol, sample=lambda problem, prompt, text: {"task_id": "HumanEval/0", "solution": text}),
        replace(protocol, chat=stopping),
    ]
    for other in others:
        monkeypatch.setattr(module, "find_protocol", lambda _, other=other: other)
        found.append(load(path).protocol_hash)
    rule = get_format("evalplus")
    slower = replace(rule, convert=lambda p, s: rule.convert(p, s)._replace(limits={"cpu_s": 1.0}))
    monkeypatch.setattr(module, "find_protocol", lambda _: protocol)
    monkeypatch.setattr(module, "get_format", lambda _: slower)
    found.append(load(path).protocol_hash)
    assert len(set(found)) == len(found)


# --- mistakes -----------------------------------------------------------------------------------------------


def test_a_suite_that_nobody_knows_is_answered_with_the_list(tmp_path: Path) -> None:
    path = write_problems(tmp_path / "p.jsonl", problems())
    with pytest.raises(UserError, match=r"humanevil(.|\n)*must be one of .*humaneval\+"):
        load(path, suite="humanevil")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no problems"),
        ("{", "p.jsonl:1(.|\n)*is not JSON"),
        ("[1]", "p.jsonl:1(.|\n)*must be a JSON object"),
        ('{"prompt": "def f():"}', "task_id"),
        (json.dumps({**problem(0, "add"), "prompt": None}), "problem HumanEval/0(.|\n)*prompt"),
        (json.dumps({**problem(0, "add"), "prompt": ["x"]}), "problem HumanEval/0(.|\n)*prompt"),
        (json.dumps({**problem(0, "add"), "entry_point": 7}), "HumanEval/0(.|\n)*entry_point"),
        (
            "".join(json.dumps(problem(0, name)) + "\n" for name in ("add", "times")),
            "HumanEval/0'(.|\n)*is the name of 2 problems",
        ),
    ],
)
def test_a_file_of_problems_that_is_wrong_says_where(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=words):
        load(path)


def test_all_bad_problems_are_reported_at_once(tmp_path: Path) -> None:
    rows = problems(4)
    for bad in (1, 3):
        del rows[bad]["entry_point"]
        rows[bad]["test"] = None
        rows[bad]["prompt"] = None
    with pytest.raises(RowError) as raised:
        load(write_problems(tmp_path / "p.jsonl", rows))
    assert [f"HumanEval/{at}" in str(raised.value) for at in range(4)] == [False, True, False, True]


@pytest.mark.parametrize("name", ["missing.jsonl", "folder", "p.csv"])
def test_a_file_that_is_not_there_or_of_no_known_kind_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "p.csv").write_text("a,b\n")
    with pytest.raises(UserError, match=name):
        load(tmp_path / name)


def test_a_copy_of_a_problem_is_asked_once(tmp_path: Path) -> None:
    assert len(load(write_problems(tmp_path / "p.jsonl", [*problems(), *problems()])).questions) == 3


def test_a_line_of_gigabytes_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "p.jsonl"
    write_problems(path, problems(1))
    with path.open("ab") as file:
        file.truncate(2 << 30)  # a sparse file of one endless line
    monkeypatch.setattr(table_files, "MOST_HELD", 1 << 20)
    with pytest.raises(UserError, match=r"p.jsonl:2(.|\n)*one problem to a line"):
        load(path)


def test_limits_above_those_of_the_command_are_refused_with_the_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = get_format("evalplus")
    greedy = replace(rule, convert=lambda p, s: rule.convert(p, s)._replace(limits={"memory_mb": 4096}))
    monkeypatch.setattr(module, "get_format", lambda _: greedy)
    words = r"problem HumanEval/0: limits.memory_mb = 4096(.|\n)*--set execution.limits.memory_mb=4096"
    with pytest.raises(RowError, match=words):
        load(write_problems(tmp_path / "p.jsonl", problems()))


def test_problems_of_one_name_in_several_languages_are_told_apart(tmp_path: Path) -> None:
    for language in ("js", "php"):
        row = {"name": "HumanEval_0_add", "language": language, "prompt": "p", "tests": "t"}
        write_problems(tmp_path / f"{language}.jsonl", [row])
    table = Problems(tmp_path, get_format("multipl-e"))
    assert [(name, one["language"]) for name, one in table] == [
        ("HumanEval_0_add", "js"),
        ("HumanEval_0_add", "php"),
    ]
    assert table.find("HumanEval_0_add", "here", {"language": "php"})["language"] == "php"
    with pytest.raises(UserError, match="is the name of 2 problems"):
        table.find("HumanEval_0_add", "here")


# --- what reaches the engine --------------------------------------------------------------------------------


def test_a_rendered_prompt_is_marked_and_other_requests_keep_their_ids() -> None:
    raw = GenerationRequest(prompt="def add(", sampling=SamplingConfig(max_tokens=8), seed=3)
    chat = GenerationRequest(messages=(Message(role="user", content="Hi"),), sampling=SamplingConfig())
    rendered = raw.model_copy(update={"is_rendered": True})
    assert raw.request_id("policy") == "request-05af110926d9e62f"
    assert rendered.request_id("policy") != raw.request_id("policy")
    bodies = [Dialect({}).call(one, "model", 1, 1).body for one in (raw, chat, rendered)]
    assert ["add_special_tokens" in body for body in bodies] == [False, False, True]
    assert bodies[2]["add_special_tokens"] is False
