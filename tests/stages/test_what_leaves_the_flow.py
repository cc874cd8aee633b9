"""What the filters turned away reaches no other product: contaminated prompts no pair, nearly equal files no
fill-in-the-middle sample."""

import asyncio
from pathlib import Path

from synth.config import Recipe
from synth.execution.local.sandbox import LocalSandbox
from synth.filters.protocol import Keep, Reject
from synth.ids import unit_id
from synth.products import FimSample, Sample
from synth.records import EvidenceRank, Origin, Seed, Solution, SourceText
from synth.stages.context import Context
from synth.stages.fim import FimStage
from synth.stages.pair import contaminated_tasks
from synth.stages.select import choose_best
from synth.stages.shard_state import ShardState, StageResult
from synth.stages.snippet import SnippetSource
from synth.stages.unit_stage import index_row

FILE = """\
def total(values):
    result = 0
    for value in values:
        if value > 0:
            result = result + value
    return result


def largest(values):
    best = values[0]
    for value in values:
        if value > best:
            best = value
    return best


def smallest(values):
    best = values[0]
    for value in values:
        if value < best:
            best = value
    return best
"""


def _sample(name: str, task: str) -> Sample:
    return Sample(
        id=name,
        task_id=task,
        solution_id=f"s-{name}",
        language="python",
        natural_language="en",
        code="",
        prompt=(),
        completion=(),
        pass_rate=1.0,
        rank=EvidenceRank.REFERENCE,
    )


def test_a_task_with_a_contaminated_sample_gives_no_pair() -> None:
    state = ShardState(1, "00000")
    samples = [_sample("a", "one"), _sample("b", "two"), _sample("c", "two")]
    state.add("select", StageResult((), tuple(samples)))
    assert contaminated_tasks(state) == set()
    rows = tuple(
        index_row("decontaminate", state, s, Reject("contaminated") if s.id == "b" else Keep())
        for s in samples
    )
    state.add("decontaminate", StageResult(rows))
    assert contaminated_tasks(state) == {"two"}


def _cut(*texts: str) -> tuple[list[str], list[FimSample]]:
    recipe = Recipe.model_validate({"name": "test", "data": {"seeds": {"kind": "pocket"}, "fim": {}}})
    assert recipe.data is not None
    stage = FimStage(Context(recipe, recipe.data, Path(), LocalSandbox()), SnippetSource)
    state = ShardState(1, "00000")
    files = [
        SourceText(
            id=unit_id("file", "r", f"{n}.py"), repository="r", path=f"{n}.py", language="python", text=text
        )
        for n, text in enumerate(texts)
    ]
    seeds = [
        Seed(
            id=f"s{n}",
            language="python",
            code=text,
            origin=Origin(source="r", path=f"{n}.py", start_line=1, end_line=text.count("\n")),
        )
        for n, text in enumerate(texts)
    ]
    state.add("snippet", StageResult((), (*files, *seeds)))
    result = asyncio.run(stage.run(state))
    return [item.reason for item in result.rows], [
        item for item in result.made if isinstance(item, FimSample)
    ]


def test_a_near_duplicate_of_an_earlier_file_gives_no_sample() -> None:
    reasons, samples = _cut(
        FILE,
        FILE + "\n# the end\n",
        FILE.replace("result + value", "result + 1 * value"),
        "def other(a):\n    return [a, a, a, len(a)]\n",
    )
    assert reasons == ["", "exact_duplicate", "near_duplicate", ""]
    assert {sample.source_id for sample in samples} == {
        unit_id("file", "r", name) for name in ("0.py", "3.py")
    }


def _solution(index: int, code: str) -> Solution:
    return Solution(
        id=f"s{index}", task_id="t", language="python", code=code, index=index, policy="p", request_id="r"
    )


def test_the_most_frequent_program_is_selected_in_its_usual_layout() -> None:
    narrow, wide = "def f(x):\n  return x + 1\n", "def f(x):\n    return x + 1\n"
    texts = [narrow, wide, "def f(x):\n    return 1 + x\n", wide]
    group = [_solution(index, code) for index, code in enumerate(texts)]
    assert list(choose_best(group, 2)) == ["s1", "s2"]
    assert list(choose_best(group[:2], 2)) == ["s0"]  # each once: the first
