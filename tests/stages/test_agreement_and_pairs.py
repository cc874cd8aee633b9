"""Agreement that abstains, and pairs that say something about behaviour only."""

from random import Random

import pytest

from synth.config import PairsConfig
from synth.filters.protocol import Reject
from synth.records import EvidenceRank, FunctionContract, Outcome, Solution, Task, Verdict
from synth.rules.agreement import Ballot, Consensus, find_consensus, means_the_same
from synth.rules.canonical import canonical_output
from synth.rules.pairing import JudgedSolution, LengthBalance, make_pairs
from synth.rules.result_type import infer_type
from synth.values import Value, encode


def ballots(*rows: tuple[int, tuple[str | None, ...]], language: str = "python") -> list[Ballot]:
    return [
        Ballot(f"{at}-{copy}", language, row) for at, (count, row) in enumerate(rows) for copy in range(count)
    ]


def test_a_clear_majority_is_the_consensus() -> None:
    found = find_consensus(ballots((7, ("i1", "i2")), (2, ("i1", "i3")), (1, (None, None))), threshold=0.6)
    assert isinstance(found, Consensus)
    assert found.outputs == ("i1", "i2")
    assert found.share == 0.7
    assert 0 < found.score <= 1


def test_below_the_threshold_there_is_no_answer() -> None:
    found = find_consensus(ballots((5, ("i1",)), (5, ("i2",))), threshold=0.6)
    assert isinstance(found, Reject)
    assert found.reason == "agreement_abstained"
    assert found.evidence["share"] == 0.5


def test_equal_programs_are_one_voter() -> None:
    copies = [Ballot("same", "python", ("i1",)) for _ in range(20)]
    found = find_consensus([*copies, *ballots((3, ("i2",)))], threshold=0.6)
    assert isinstance(found, Consensus)
    assert found.outputs == ("i2",)


def test_programs_that_all_fail_agree_on_nothing() -> None:
    assert isinstance(find_consensus(ballots((9, (None, None))), threshold=0.1), Reject)
    assert isinstance(find_consensus([], threshold=0.1), Reject)


def test_voters_that_nearly_agree_decide_between_equal_behaviours() -> None:
    """Two behaviours have three voters each; four more agree with the first on all but one input."""
    rows = [
        (3, ("a", "b", "c", "d")),
        (3, ("w", "x", "y", "z")),
        (2, ("a", "b", "c", "q")),
        (2, ("a", "b", "r", "d")),
    ]
    found = find_consensus(ballots(*rows), threshold=0.3)
    assert isinstance(found, Consensus)
    assert found.outputs == ("a", "b", "c", "d")


def test_a_third_of_wrong_voters_that_disagree_with_each_other_flips_nothing() -> None:
    random, flipped = Random(3), 0
    for _ in range(100):
        right = tuple(f"i{random.randint(0, 9)}" for _ in range(6))
        wrong = [(1, tuple(f"i{random.randint(0, 9)}" for _ in range(6))) for _ in range(3)]
        found = find_consensus(ballots((7, right), *wrong), threshold=0.6)
        flipped += not (isinstance(found, Consensus) and found.outputs == right)
    assert flipped <= 5


def test_values_that_depend_on_the_language_are_dropped_across_languages_only() -> None:
    row = ("i5", f"i{2**53 + 1}")
    both = ballots((3, row)) + ballots((3, row), language="java")
    alone, across = (
        find_consensus(both, threshold=0.5),
        find_consensus(both, threshold=0.5, across_languages=True),
    )
    assert isinstance(alone, Consensus)
    assert isinstance(across, Consensus)
    assert alone.outputs == row
    assert across.outputs == ("i5", None)
    assert across.languages == ("java", "python")
    assert across.evidence["dropped_inputs"] == 1


@pytest.mark.parametrize(
    ("value", "same"),
    [
        (1, True),
        (2**31, False),
        (-(2**31), True),
        (1.5, True),
        (float("nan"), False),
        (-0.0, False),
        ("ä世", True),
        ("🙂", False),
        ({"a": [2**40]}, False),
        (None, True),
    ],
)
def test_some_values_mean_the_same_in_every_language_and_others_do_not(value: Value, same: bool) -> None:
    assert means_the_same(value) is same


def test_maps_are_equal_whatever_their_order() -> None:
    assert canonical_output(encode({"b": 1, "a": {"d": 1, "c": 2}})) == canonical_output(
        encode({"a": {"c": 2, "d": 1}, "b": 1})
    )


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "int"),
        ([[], [1]], "list[int]"),
        ([[], []], "list[int]"),
        ([{"a": []}, {"b": ["x"]}], "map[str, list[str]]"),
        ([(1, "a"), (2, "b")], "tuple[int, str]"),
        ([(1,), (1, 2)], "any"),
        ([1, None], "optional[int]"),
        ([None, [1], [None]], "optional[list[optional[int]]]"),
        ([None, 1, "a"], "any"),
        ([None, None], "null"),
        ([1, True], "any"),
        ([[1, "a"]], "list[any]"),
    ],
)
def test_the_result_type_is_the_narrowest_that_fits(values: list[Value], kind: str) -> None:
    assert str(infer_type(values)) == kind


TASK = Task(
    id="t",
    round=0,
    instruction="Do.",
    natural_language="en",
    contract=FunctionContract(entry_point="f", signature="(int) -> int"),
)


def judged(
    index: int, code: str, outcome: Outcome, passed: int = 0, language: str = "python"
) -> JudgedSolution:
    solution = Solution(id=f"s{index}", task_id="t", language=language, code=code, index=index, policy="p")
    passed = 10 if outcome is Outcome.PASS else passed
    return JudgedSolution(
        solution,
        Verdict(
            solution_id=f"s{index}",
            task_id="t",
            outcome=outcome,
            passed=passed,
            total=10,
            rank=EvidenceRank.REFERENCE,
        ),
    )


def good(index: int, size: int = 3, language: str = "python") -> JudgedSolution:
    return judged(
        index, f"def f(a):\n    return {index} + {' + '.join('a' * size)}\n", Outcome.PASS, language=language
    )


def bad(
    index: int, size: int = 3, outcome: Outcome = Outcome.WRONG_ANSWER, passed: int = 2
) -> JudgedSolution:
    return judged(index, f"def f(a):\n    return {index} - {' - '.join('a' * size)}\n", outcome, passed)


def test_chosen_passes_and_rejected_fails_in_an_allowed_way() -> None:
    items = [
        good(0),
        bad(1),
        bad(2, outcome=Outcome.INFRASTRUCTURE),
        bad(3, outcome=Outcome.PARSE_ERROR),
        bad(4, outcome=Outcome.TIMEOUT),
    ]
    (result,) = make_pairs(TASK, items, PairsConfig(per_prompt=9), Random(0))
    assert [(pair.chosen.solution.id, pair.rejected.solution.id) for pair in result.pairs] == [("s0", "s1")]


def test_a_task_that_only_passes_or_only_fails_gives_no_pair() -> None:
    for items in ([good(0), good(1)], [bad(0)], [good(0), bad(1, outcome=Outcome.INFRASTRUCTURE)]):
        (result,) = make_pairs(TASK, items, PairsConfig(), Random(0))
        assert result.reject is not None
        assert result.reject.reason == "no_pair"


def test_almost_passing_is_too_close() -> None:
    (result,) = make_pairs(TASK, [good(0), bad(1, passed=10)], PairsConfig(), Random(0))
    assert result.reject is not None


def test_a_program_that_passes_nothing_or_nearly_everything_teaches_little() -> None:
    for passed, paired in ((0, 0), (1, 1), (6, 1), (7, 0)):
        (result,) = make_pairs(TASK, [good(0), bad(1, passed=passed)], PairsConfig(), Random(0))
        assert len(result.pairs) == paired


def test_a_program_stands_in_one_pair_only() -> None:
    items = [good(0), *(bad(at) for at in range(1, 5))]
    (result,) = make_pairs(TASK, items, PairsConfig(per_prompt=4), Random(0))
    assert len(result.pairs) == 1


def test_sides_are_of_one_language() -> None:
    results = make_pairs(TASK, [good(0, language="java"), bad(1)], PairsConfig(), Random(0))
    assert [(result.language, len(result.pairs)) for result in results] == [("java", 0), ("python", 0)]


def test_texts_that_differ_in_layout_only_are_no_pair() -> None:
    same = judged(1, "def f(a):  # other\n    return (0 + a + a + a)\n", Outcome.WRONG_ANSWER)
    (result,) = make_pairs(TASK, [good(0), same], PairsConfig(), Random(0))
    assert result.pairs == ()


def test_texts_of_very_different_length_are_no_pair() -> None:
    (result,) = make_pairs(TASK, [good(0, 3), bad(1, 60)], PairsConfig(max_length_ratio=1.5), Random(0))
    assert result.reject is not None
    assert result.reject.reason == "pair_margin"


def test_pairs_are_capped_varied_and_repeatable() -> None:
    items = [good(at) for at in range(4)] + [bad(at) for at in range(4, 8)]
    config = PairsConfig(per_prompt=3)
    (first,), (again,) = (
        make_pairs(TASK, items, config, Random(5)),
        make_pairs(TASK, items, config, Random(5)),
    )
    assert first == again
    assert len(first.pairs) == 3
    assert (
        len({pair.chosen.solution.id for pair in first.pairs})
        == len({pair.rejected.solution.id for pair in first.pairs})
        == 3
    )


def test_length_alone_does_not_tell_chosen_from_rejected() -> None:
    """Wrong answers are shorter on the whole; after pairing, a classifier that sees only lengths stays under
    an AUC of 0.55."""
    random, balance, lengths = Random(9), LengthBalance(), []
    for _ in range(300):
        items = [good(at, random.randint(6, 24)) for at in range(6)] + [
            bad(at, random.randint(3, 18)) for at in range(6, 12)
        ]
        for result in make_pairs(TASK, items, PairsConfig(per_prompt=2), random, balance):
            lengths += [
                (len(pair.chosen.solution.code), len(pair.rejected.solution.code)) for pair in result.pairs
            ]
    chosen, rejected = zip(*lengths, strict=True)
    wins = sum((a > b) + 0.5 * (a == b) for a in chosen for b in rejected)
    auc = wins / (len(chosen) * len(rejected))
    assert len(lengths) >= 500
    assert abs(auc - 0.5) < 0.05
