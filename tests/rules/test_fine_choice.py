"""The fine set: the best of each task, shares by difficulty, few of each cluster; and the parts behind it."""

import pytest
from pydantic import ValidationError

from synth.filters.protocol import Keep, Reject
from synth.rules.clusters import find_clusters, weigh_terms
from synth.rules.fine_choice import FineCandidate, balanced_counts, bin_name, bin_names, choose_fine
from synth.rules.structure_distance import distance, pick_distinct, structure_of
from synth.select_config import BalanceConfig, SelectConfig
from tests.builders import build_solution


def candidate(name: str, rate: float = 0.5, choice: int = 0, quality: float = 0.5) -> FineCandidate:
    return FineCandidate(f"{name}-{choice}", name, "python", rate, choice, quality)


def kept(answers: dict[str, Keep | Reject]) -> list[str]:
    return [name for name, answer in answers.items() if isinstance(answer, Keep)]


def test_bins_are_named_by_their_edges_and_an_edge_belongs_to_the_easier_one() -> None:
    config = BalanceConfig(edges=(0.3, 0.6))
    assert bin_names(config) == ["0-0.3", "0.3-0.6", "0.6-1"]
    assert [bin_name(rate, config) for rate in (0.0, 0.29, 0.3, 0.6, 1.0)] == [
        "0-0.3",
        "0-0.3",
        "0.3-0.6",
        "0.6-1",
        "0.6-1",
    ]


@pytest.mark.parametrize(
    ("supply", "shares", "keep", "expected"),
    [
        ([10, 10, 10, 10], [1, 1, 1, 1], 0.5, [10, 10, 10, 10]),
        ([10, 10, 10, 90], [1, 1, 1, 1], 0.0, [10, 10, 10, 10]),
        ([0, 10, 10, 90], [1, 1, 1, 1], 0.0, [0, 10, 10, 10]),
        ([5, 40], [3, 1], 0.0, [5, 2]),
        ([10, 90], [1, 1], 0.5, [10, 40]),
        ([0, 0], [1, 1], 0.5, [0, 0]),
        ([0, 7], [1, 0], 0.5, [0, 0]),
        ([10, 10], [0, 1], 1.0, [0, 10]),
    ],
)
def test_a_bin_has_its_share_and_more_only_where_too_little_would_stay(
    supply: list[int], shares: list[float], keep: float, expected: list[int]
) -> None:
    assert balanced_counts(supply, shares, keep) == expected


def test_over_its_share_the_worst_of_a_bin_stay_out_and_their_rows_say_the_bin() -> None:
    easy = [candidate(f"easy{at}", 0.9, quality=at / 10) for at in range(6)]
    hard = [candidate(f"hard{at}", 0.1) for at in range(2)]
    config = SelectConfig.model_validate({"balance": {"edges": [0.5], "keep": 0}})
    answers = choose_fine([*easy, *hard], config, {})
    assert kept(answers) == ["easy4-0", "easy5-0", "hard0-0", "hard1-0"]
    lost = answers["easy0-0"]
    assert isinstance(lost, Reject) and lost.reason == "over_share"
    assert lost.evidence == {"bin": "0.5-1", "quality": 0.0, "most": 2, "had": 6}


def test_other_solutions_of_a_task_are_never_in_the_fine_set() -> None:
    config = SelectConfig.model_validate({"balance": {}})
    answers = choose_fine([candidate("a"), candidate("a", choice=1), candidate("b", choice=2)], config, {})
    assert kept(answers) == ["a-0", "b-2"]
    assert answers["a-1"].reason == "not_best"  # type: ignore[union-attr]


def test_so_many_tasks_of_a_cluster_are_taken_the_best_first() -> None:
    config = SelectConfig.model_validate({"clusters": {"per_cluster": 1}})
    tasks = [candidate("a", quality=0.2), candidate("b", quality=0.9), candidate("c", quality=0.1)]
    answers = choose_fine(tasks, config, {"a": "a", "b": "a", "c": "c"})
    assert kept(answers) == ["b-0", "c-0"]
    assert answers["a-0"].evidence["cluster"] == "a"
    assert isinstance(answers["a-0"], Reject) and answers["a-0"].reason == "cluster_full"


def test_alike_texts_are_one_cluster_and_others_are_not() -> None:
    texts = [
        "Return the sum of all even numbers in the list.",
        "Return the sum of all even numbers of a list.",
        "Reverse the words of a sentence and keep the spaces.",
        "",
    ]
    assert find_clusters(weigh_terms(texts), 0.4) == [0, 0, 2, 3]
    assert find_clusters(weigh_terms(texts), 1.0) == [0, 1, 2, 3]


def test_structure_sees_neither_names_nor_layout() -> None:
    one = "def f(xs):\n    return sum(xs)"
    renamed = "def f(values):\n\n    return sum(values)  # all"
    loop = "def f(xs):\n    t = 0\n    for x in xs:\n        t += x\n    return t"
    codes = dict(zip("abc", (one, renamed, loop), strict=True))
    programs = {name: structure_of(code, "python") for name, code in codes.items()}
    assert distance(programs["a"], programs["b"]) == 0
    assert distance(programs["a"], programs["c"]) > 0.6
    ranked = [build_solution(name, code) for name, code in codes.items()]
    assert pick_distinct(ranked, 3, 0.2) == (["a", "c"], {"b": ("a", 0.0)})
    assert pick_distinct(ranked, 2, 0.0) == (["a", "b"], {})


@pytest.mark.parametrize(
    "balance",
    [
        {"edges": [0.5, 0.2]},
        {"edges": [1.0]},
        {"edges": [0.5], "shares": [1]},
        {"edges": [0.5], "shares": [0, 0]},
    ],
)
def test_bins_that_make_no_sense_are_refused(balance: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SelectConfig.model_validate({"balance": balance})
