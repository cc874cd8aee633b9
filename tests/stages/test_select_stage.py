"""From passing solutions to samples: which programs of a task are chosen, and what a sample states."""

import pytest

from synth.ids import unit_id
from synth.products import Sample
from synth.records import Decision, EvidenceRank, Message, Solution
from synth.rules.solution_quality import score_solution
from synth.stages.select import SelectStage, answer_messages, choose_best
from tests.builders import build_reference, build_solution, build_suite, build_task
from tests.stages.harness import (
    StagePlace,
    StageRun,
    build_context,
    build_shard,
    describe_stage,
    find_entering,
    run_stage,
)

SHORT, LONG, LONGER = "total = 1", "x = 1 + 0", "x = 1 + 0 + 0"
"""The first has a name that says something."""


def solutions(*codes: str, task: str = "task-1", language: str = "python") -> list[Solution]:
    """Solutions of one task in one language, named by task, language and place."""
    return [
        build_solution(f"{task}-{language}-{at}", code, task_id=task, language=language, index=at)
        for at, code in enumerate(codes)
    ]


def select(*given: Solution, failed: tuple[str, ...] = (), **config: object) -> StageRun:
    names = dict.fromkeys(solution.task_id for solution in given)
    tasks = [build_task(name, natural_language="zh" if name == "task-2" else "en") for name in names]
    suites = [
        build_suite(name, rank=EvidenceRank.AGREEMENT if name == "task-2" else EvidenceRank.REFERENCE)
        for name in names
    ]
    shard = build_shard(*tasks, *suites, *given, rejected={"execute": failed})
    return run_stage(SelectStage(build_context({"select": config})), shard)


def test_it_chooses_among_tasks_that_count_and_makes_samples() -> None:
    place = StagePlace("select", Solution, ("evidence",), (Sample,))
    assert describe_stage(SelectStage(build_context())) == place


def test_the_best_solution_becomes_a_sample_with_the_very_question_that_was_asked() -> None:
    run = select(*solutions(LONG, SHORT, task="task-2"), failed=("task-2-python-0",))
    declaration = "def solve(xs: list[int]) -> int"
    asked = f"用 Python 实现\n{declaration}\nReturn the sum of the list."
    assert run.made(Sample) == [
        Sample(
            id=unit_id("sample", "task-2-python-1"),
            task_id="task-2",
            solution_id="task-2-python-1",
            language="python",
            natural_language="zh",
            code=SHORT,
            prompt=(Message(role="user", content=asked),),
            completion=(Message(role="assistant", content="```python\ntotal = 1\n```"),),
            pass_rate=0.5,
            rank=EvidenceRank.AGREEMENT,
        )
    ]


def test_every_passing_solution_has_a_row_and_those_not_chosen_name_the_best() -> None:
    run = select(*solutions(LONG, SHORT))
    assert run.decision("task-1-python-0") == (Decision.REJECTED, "not_best")
    assert run.evidence("task-1-python-0") == {"best": "task-1-python-1", "place": 2}
    assert run.decision("task-1-python-1") == (Decision.KEPT, "")
    assert run.evidence("task-1-python-1") == {"place": 1}
    assert {(row.kind, row.parents, row.language) for row in run.rows.values()} == {
        ("solution", ("task-1",), "python")
    }


def test_each_language_of_a_task_has_its_own_best_and_its_own_pass_rate() -> None:
    python, ruby = solutions(SHORT, SHORT, LONG), solutions(LONG, SHORT, language="ruby")
    run = select(*python, *ruby, failed=("task-1-python-2",))
    chosen = [(sample.solution_id, sample.language, sample.pass_rate) for sample in run.made(Sample)]
    assert chosen == [("task-1-python-0", "python", 0.6667), ("task-1-ruby-1", "ruby", 1.0)]
    assert run.rows["task-1-ruby-0"].language == "ruby"
    assert run.evidence("task-1-ruby-0") == {"best": "task-1-ruby-1", "place": 2}


def test_tasks_are_apart() -> None:
    run = select(*solutions(LONG), *solutions(SHORT, task="task-2"))
    assert [(sample.task_id, sample.rank.value) for sample in run.made(Sample)] == [
        ("task-1", "reference"),
        ("task-2", "agreement"),
    ]


def test_up_to_per_task_distinct_programs_are_kept() -> None:
    run = select(*solutions(LONGER, SHORT, "total  =  1", LONG), per_task=2)
    assert [sample.solution_id for sample in run.made(Sample)] == ["task-1-python-1", "task-1-python-3"]
    rejected = [unit for unit, row in run.rows.items() if row.reason == "not_best"]
    assert rejected == ["task-1-python-0", "task-1-python-2"]
    assert {run.evidence(unit)["best"] for unit in rejected} == {"task-1-python-1"}


def test_samples_of_a_task_say_their_place_the_best_first() -> None:
    run = select(*solutions(LONGER, LONG, SHORT), *solutions(LONG, language="ruby"), per_task=2)
    assert [(sample.solution_id, sample.choice) for sample in run.made(Sample)] == [
        ("task-1-python-1", 1),
        ("task-1-python-2", 0),
        ("task-1-ruby-0", 0),
    ]


@pytest.mark.parametrize(
    ("stage", "unit"),
    [
        ("evidence", "task-1"),
        ("execute", "task-1-python-0"),
        ("syntax", "task-1-python-0"),
        ("agree", "task-1"),
        ("instruct", "seed-1"),
    ],
)
def test_a_solution_does_not_enter_when_it_its_task_or_its_seed_was_turned_away(
    stage: str, unit: str
) -> None:
    shard = build_shard(
        build_reference("seed-1"),
        build_task("task-1"),
        build_task("task-2", seed_id="seed-2"),
        *solutions(SHORT),
        *solutions(SHORT, task="task-2"),
        rejected={stage: [unit]},
    )
    assert find_entering(SelectStage(build_context()), shard) == ["task-2-python-0"]


@pytest.mark.parametrize(
    ("codes", "count", "best"),
    [
        ((LONG, SHORT, LONG), 1, [1]),  # the better named, though the other was written more often
        (("a = 1", "b = 1", "b = 1"), 1, [1]),  # of equals the one written most often
        (("a = 1", "b = 1", "c = 1"), 3, [0, 1, 2]),  # then the first
        (("x = 1", "total  =  1", "total  =  1"), 1, [1]),  # in its usual layout
        (("total  =  1", "x = 1"), 1, [0]),  # or its first
        ((SHORT, LONG, LONGER), 2, [0, 1]),
    ],
)
def test_the_best_to_learn_from_go_first_then_those_written_often_then_the_first(
    codes: tuple[str, ...], count: int, best: list[int]
) -> None:
    group = solutions(*codes)
    assert list(choose_best(group, count)) == [group[index].id for index in best]


def test_of_equal_programs_the_first_sample_goes_first_whatever_the_order() -> None:
    first, second = solutions("a = 1", "b = 1")
    assert list(choose_best([second, first], 2)) == [first.id, second.id]
    same, other = solutions("x = 1", "x = 1")
    assert list(choose_best([other, same], 1)) == [same.id]


def test_an_answer_is_one_fenced_block_of_its_language() -> None:
    (message,) = answer_messages(build_solution(code="a\nb", language="go"))
    assert message == Message(role="assistant", content="```go\na\nb\n```")


@pytest.mark.parametrize(
    ("better", "worse", "language"),
    [
        ("# Sum of all.\ntotal = sum(numbers)", "total = sum(numbers)", "python"),
        (
            'def f(numbers):\n    """Sum of all."""\n    return sum(numbers)',
            "def f(numbers):\n    return sum(numbers)",
            "python",
        ),
        ("// Sum of all.\nlet total = add(first, second);", "let total = add(first, second);", "javascript"),
        ("total = first + second", "q = w + e", "python"),
        ("total = first\ntotal += second", "total = first; total += second", "python"),
        ("total = first + second", "total = first + second" + 40 * " + 0", "python"),
        ("# Sum.\ntotal = first + second", "# " + 300 * "word " + "\ntotal = first + second", "python"),
    ],
)
def test_quality_is_what_a_reader_learns_from(better: str, worse: str, language: str) -> None:
    usual = float(len(better))
    assert score_solution(better, language, usual) > score_solution(worse, language, usual)


def test_a_rank_that_the_recipe_does_not_take_gives_no_sample() -> None:
    run = select(*solutions(SHORT), *solutions(SHORT, task="task-2"), ranks=["reference"])
    assert [sample.task_id for sample in run.made(Sample)] == ["task-1"]
    assert run.decision("task-2-python-0") == (Decision.REJECTED, "unwanted_rank")
