"""The synergy of languages: what was planted is found again within its interval, and noise is not help."""

from random import Random

from posttrain.evaluate.evaluation import QuestionResult
from posttrain.evaluate.paired import PairedDifference
from posttrain.evaluate.synergy import synergy_graph, synergy_table

LANGUAGES = ("python", "javascript", "java", "cpp", "go", "rust")
SAMPLES = 4


def planted(shown: str, asked: str) -> float:
    """What a program in one language adds to the chance of another."""
    if shown == asked:
        return 0.4
    return {("java", "cpp"): 0.2, ("cpp", "java"): 0.15, ("python", "go"): -0.15}.get((shown, asked), 0.0)


def answers(tasks: int, seed: int, shown: str = "") -> list[QuestionResult]:
    """Answers to tasks of different difficulty, the same ones whatever is shown."""
    random = Random(f"{seed} {shown}")
    found = []
    for number in range(tasks):
        ease = 0.2 + 0.35 * Random(number).random()
        for asked in LANGUAGES:
            chance = ease + (planted(shown, asked) if shown else 0)
            passed = sum(random.random() < chance for _ in range(SAMPLES))
            found.append(
                QuestionResult(
                    task_id=f"task-{number}",
                    language=asked,
                    n=SAMPLES,
                    passed=passed,
                    greedy=None,
                    outcomes={},
                )
            )
    return found


def test_planted_synergies_of_six_languages_are_found_again_within_their_intervals() -> None:
    graph = synergy_graph(answers(300, 1), {shown: answers(300, 1, shown) for shown in LANGUAGES})
    assert graph.number_of_edges() == 36
    held = 0
    for shown, asked, edge in graph.edges(data="difference"):
        assert isinstance(edge, PairedDifference)
        held += edge.low <= planted(shown, asked) <= edge.high
        if abs(planted(shown, asked)) >= 0.15:
            assert edge.is_clear
            assert (edge.value > 0) == (planted(shown, asked) > 0)
    assert held >= 32  # of 36 intervals of 95%


def test_without_help_few_intervals_leave_out_zero() -> None:
    same = {shown: answers(200, seed) for seed, shown in enumerate(LANGUAGES, 2)}
    edges = synergy_graph(answers(200, 1), same).edges(data="difference")
    assert sum(edge.is_clear for _, _, edge in edges) <= 4


def test_the_table_has_a_row_for_each_language_shown_and_a_star_where_it_is_sure() -> None:
    graph = synergy_graph(answers(300, 1), {"java": answers(300, 1, "java")})
    table = synergy_table(graph)
    assert table.heads == ["shown", *sorted(LANGUAGES, key=[str(one) for one in table.heads].index)]
    [row] = table.rows
    assert row[0] == "java"
    assert str(row[table.heads.index("cpp")]).endswith("*")


def test_a_language_that_was_not_asked_plainly_has_no_edge() -> None:
    plain = [one for one in answers(20, 1) if one.language != "rust"]
    assert "rust" not in synergy_graph(plain, {"java": answers(20, 1, "java")})
