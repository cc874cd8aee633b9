"""The table of public benchmarks: which row, which column, and what must not be compared."""

from collections.abc import Sequence

from posttrain.evaluate.benchmark_run import BenchmarkEvaluation
from posttrain.evaluate.benchmark_table import RunEvaluation, benchmark_table
from posttrain.evaluate.evaluation import Measure, QuestionResult, Scores


def scores(share: float, *more: tuple[int, float]) -> Scores:
    found = {k: Measure(value=value, low=0.0, high=1.0) for k, value in ((1, share), *more)}
    return Scores(questions=4, pass_at=found, greedy=None)


def evaluation(column: str, share: float, **fields: object) -> BenchmarkEvaluation:
    usual = {
        "policy": "base",
        "model": "mine",
        "fingerprint": "f",
        "suite": column.lower(),
        "title": column,
        "column": column,
        "style": "chat",
        "n": 1,
        "temperature": 0.0,
        "top_p": 1.0,
        "max_tokens": 9,
        "protocol": f"protocol of {column}",
        "problems": f"problems of {column}",
        "source": "",
        "total": scores(share),
        "languages": {"python": scores(share)},
        "answered": (),
    }
    return BenchmarkEvaluation.model_validate({**usual, **fields})


def shown(*found: BenchmarkEvaluation) -> tuple[list[str], dict[tuple[str, str], list[str]], Sequence[str]]:
    table, notes = benchmark_table([RunEvaluation("my-run", one) for one in found])
    return table.heads[2:], {(str(row[0]), str(row[1])): list(map(str, row[2:])) for row in table.rows}, notes


def test_a_row_is_a_model_and_a_column_a_benchmark_in_the_order_of_the_report() -> None:
    heads, rows, notes = shown(
        evaluation("LiveCodeBench", 0.25),
        evaluation("Own", 0.5),
        evaluation("HumanEval+", 0.75),
        evaluation("HumanEval+", 0.5, model="other"),
    )
    assert heads == ["HumanEval+", "LiveCodeBench", "Own"]
    assert rows["mine", "chat"] == ["75.0 [0.0, 100.0]", "25.0 [0.0, 100.0]", "50.0 [0.0, 100.0]"]
    assert rows["other", "chat"] == ["50.0 [0.0, 100.0]", "-", "-"]
    assert notes == []


def test_a_suite_of_several_languages_has_a_column_for_each() -> None:
    languages = {"cpp": scores(0.5), "bash": scores(0.0), "future": scores(1.0)}
    heads, rows, _ = shown(evaluation("MultiPL-E", 0.5, languages=languages))
    assert heads == ["MultiPL-E", "MultiPL-E Bash", "MultiPL-E C++", "MultiPL-E future"]
    assert rows["mine", "chat"][2].startswith("50.0")
    heads, _, _ = shown(evaluation("MultiPL-E", 0.5, languages={"cpp": scores(0.5)}))
    assert heads == ["MultiPL-E C++"]


def test_policies_of_a_run_and_changed_settings_have_rows_of_their_own() -> None:
    total = scores(0.5, (10, 0.9))
    _, rows, _ = shown(
        evaluation("HumanEval", 0.5),
        evaluation("HumanEval", 0.5, policy="round 1 dpo"),
        evaluation("HumanEval", 0.5, style="complete"),
        evaluation("HumanEval", 0.5, n=10, changed=("n=10",), total=total),
    )
    assert set(rows) == {
        ("mine", "chat"),
        ("my-run: round 1 dpo", "chat"),
        ("mine", "complete"),
        ("mine", "chat, n=10"),
    }
    assert rows["mine", "chat, n=10"] == ["50.0 [0.0, 100.0] @10 90.0"]


def test_figures_under_other_conditions_carry_letters_and_the_letters_are_explained() -> None:
    _, rows, notes = shown(
        evaluation("MBPP", 0.5),
        evaluation("MBPP", 0.6, model="other", protocol="elsewhere"),
        evaluation("MBPP", 0.7, model="third", problems="newer"),
        evaluation("MBPP", 0.8, model="fourth"),
        evaluation("HumanEval", 0.5),
    )
    ends = {model: row[1][-3:] for (model, _), row in rows.items()}
    assert ends == {"mine": "(a)", "other": "(b)", "third": "(c)", "fourth": "(a)"}
    assert rows["mine", "chat"][0] == "50.0 [0.0, 100.0]"
    assert "must not be compared" in notes[0]
    assert len(notes) == 4
    assert "elsewhere" in notes[2]


def test_samples_that_are_missing_and_passes_that_say_nothing_are_noted() -> None:
    answered = (
        QuestionResult(
            task_id="1", language="python", n=1, passed=1, greedy=None, outcomes={"vacuous": 1}, refused=2
        ),
    )
    _, rows, notes = shown(evaluation("MBPP", 1.0, answered=answered))
    assert rows["mine", "chat"][0].endswith("!")
    assert "2 were refused" in notes[0]
    assert "1 passes" in notes[1]
