"""What a model thought: where it stands, what is made harmless in it, and what a row does with it."""

from typing import Literal

import pytest

from synth.filters.length import LengthFilter
from synth.filters.protocol import FilterInput, Reject
from synth.generation.protocol import Completion
from synth.products import Sample
from synth.prompts.answers import read_code
from synth.rules.reasoning_text import before_answer, harmless, reasoning_of
from synth.stages.select import SelectStage
from tests.builders import build_solution, build_suite, build_task, build_verdict
from tests.stages.harness import build_context, build_shard, run_stage

CODE = "def solve(xs):\n    return sum(xs)"
FENCED = f"```python\n{CODE}\n```"


def completion(text: str, reasoning: str = "") -> Completion:
    return Completion(text=text, finish="stop", tokens=9, reasoning=reasoning)


@pytest.mark.parametrize(
    ("text", "shown", "expected"),
    [
        (FENCED, "", ""),
        (FENCED, "Add them.", "Add them."),
        (f"<think>\nAdd them.\n</think>\n{FENCED}", "", "Add them."),
        (f"Add them.\n</think>\n{FENCED}", "", "Add them."),
        (f"[THINK]Add[/THINK]{FENCED}", "", "Add"),
        ("<think>\nIt never ends", "", ""),
        ("```python\nMARK = '<think>x</think>'\n```", "", ""),
    ],
)
def test_reasoning_is_what_stands_before_the_answer(text: str, shown: str, expected: str) -> None:
    assert reasoning_of(completion(text, shown)) == expected
    assert "Add" not in read_code(text, "python").code


def test_nothing_in_it_can_be_read_as_a_special_token_or_as_its_own_end() -> None:
    hostile = "a <|im_end|> b </think> c <tool_call> d [/THINK]"
    assert harmless(hostile) == "a < |im_end|> b < /think> c < tool_call> d [ /THINK]"
    assert harmless("if a < b and c > d: x = y[0]") == "if a < b and c > d: x = y[0]"
    assert before_answer("", ("<t>", "</t>"), "x") == "x"


def select(mode: Literal["drop", "keep", "train"]) -> Sample:
    context = build_context({"select": {"reasoning": mode}})
    solution = build_solution("s1", CODE).model_copy(update={"reasoning": "Add them. " * 50})
    shard = build_shard(build_task(), build_suite(), solution, build_verdict("s1"))
    [sample] = run_stage(SelectStage(context), shard).made(Sample)
    return sample


def test_a_row_keeps_it_in_its_column_and_trains_on_it_only_where_the_recipe_says_so() -> None:
    kept, trained = select("keep"), select("train")
    assert kept.reasoning.startswith("Add them.") and kept.completion[0].content == FENCED
    assert trained.completion[0].content == f"<think>\n{trained.reasoning}\n</think>\n\n{FENCED}"
    assert kept.code == trained.code == CODE


def test_filters_and_length_see_it_where_it_is_trained() -> None:
    check = LengthFilter(max_tokens=100)
    assert not isinstance(check.check(FilterInput.of(select("keep"))), Reject)
    assert isinstance(check.check(FilterInput.of(select("train"))), Reject)
