"""Rules of comparison: what counts as the expected text or value, and which rule fits which tests."""

import pytest
from pydantic import TypeAdapter

from synth.comparison import equal_values, is_right
from synth.comparison_rules import (
    AppsRule,
    Comparison,
    ExactRule,
    LinesRule,
    TextComparison,
    TextRule,
    TokensRule,
    ValuesRule,
)
from synth.records import Case, FunctionContract, Limits, StdioContract
from synth.rules.canonical import canonical_output
from synth.text_comparison import equal_texts
from synth.value_comparison import equal
from synth.values import Value, encode, parse_type
from synth.verify.row_error import RowError
from synth.verify.rows import Prepared, prepare, read_row
from tests.cpu_time import cpu_time

NEAR = TokensRule(rel=1e-6, abs=1e-6)
DECIMALS = LinesRule(decimals=True)


@pytest.mark.parametrize(
    ("rule", "found", "expected", "wanted"),
    [
        (ExactRule(), "a\r\n", "a\n", False),
        (ExactRule(), "a \n", "a\n", False),
        (TextRule(), " a \r\n", " a\n\n", True),
        (TextRule(), "a\n", " a\n", False),
        (TextRule(ignore_case=True), "yes", "YES", True),
        (TextRule(any_order=True), "b\na\n", "a\nb\n", True),
        (TextRule(any_order=True), "b\nb\na\n", "a\na\nb\n", False),
        (LinesRule(), "  a \n b\n", "a\nb", True),
        (LinesRule(), "a\n\nb\n", "a\nb\n", False),
        (LinesRule(), "a\x0bb", "a\nb", False),
        (LinesRule(), "2.0", "2", False),
        (LinesRule(any_order=True), "b\n a", "a\nb", True),
        (LinesRule(any_order=True), "b\na\nb", "a\nb", False),
        (DECIMALS, "2.0 3", "2 3.00", True),
        (DECIMALS, "2.0 3", "2\n3", False),
        (DECIMALS, "100000000000000000000001", "100000000000000000000000", False),
        (DECIMALS, "nan", "NaN", False),
        (DECIMALS, "snan", "1", False),
        (LinesRule(decimals=True, any_order=True), "x\n1.0", "1\nx", True),
        (LinesRule(decimals=True, any_order=True), "snan", "snan 1", False),
        (TokensRule(), "1   2\n3", "1\n2 3", True),
        (TokensRule(), "1.0", "1", False),
        (TokensRule(), "1 2", "1 2 3", False),
        (TokensRule(), "1 2 3", "1 2", False),
        (TokensRule(), "a\xa0b", "a b", False),
        (NEAR, "0.3333333", "0.333333333", True),
        (NEAR, "0.3334", "0.333333333", False),
        (NEAR, "nan", "0.5", False),
        (NEAR, "nan", "nan", True),
        (NEAR, "NaN", "nan", False),
        (NEAR, "1e999999999999999999999", "1", False),
        (NEAR, "1_000", "1000", False),
        (NEAR, "inf", "1e308", False),
        (TokensRule(rel=0), "1.0", "1", True),
        (TokensRule(rel=0), "7" * 400, "7" * 399 + "8", False),
        (TokensRule(abs=0), "123456789012345678", "123456789012345679", False),
        (TokensRule(ignore_case=True), "Yes", "YES", True),
        (TokensRule(any_order=True), "3 1 2", "1 2 3", True),
        (TokensRule(any_order=True), "3 1 1", "1 3 3", False),
        (TokensRule(any_order=True, abs=0.1), "1.05 x 2.01", "2 1 x", True),
        (TokensRule(any_order=True, abs=0.1), "y 1", "x 1", False),
        (AppsRule(), "0.333333", "0.33333333333", True),
        (AppsRule(), "0.34", "0.33", False),
        (AppsRule(), "2 1\n3\n", "1 2\n3\n", True),
        (AppsRule(), "1 2\n4\n", "1 2\n3\n", False),
        (AppsRule(), "1\n\n2", "1\n2", True),
        (AppsRule(), "", "0", False),
        (AppsRule(), "nan", "1", False),
    ],
)
def test_a_text_is_right_by_its_rule(rule: TextComparison, found: str, expected: str, wanted: bool) -> None:
    assert equal_texts(found, expected, rule) is wanted


NOT_A_NUMBER = float("nan")
SHUFFLED: list[Value] = [[at, at + 0.5] for at in range(1_000)]


@pytest.mark.parametrize(
    ("rule", "found", "expected", "wanted"),
    [
        (ValuesRule(), 2, 2.0, True),
        (ValuesRule(), [1, 0.5], [1.0, 0.5], True),
        (ValuesRule(), {2: 1}, {2.0: 1.0}, True),
        (ValuesRule(), 2.0, 2, False),
        (ValuesRule(), True, 1.0, False),
        (ValuesRule(), "2", 2.0, False),
        (ValuesRule(), 10**400, 1.0, False),
        (ValuesRule(), 2**53 + 1, float(2**53), True),
        (ValuesRule(rel=0, abs=0), 2**53 + 1, float(2**53), False),
        (ValuesRule(), -0.0, 0.0, True),
        (ValuesRule(rel=0, abs=0), -0.0, 0.0, False),
        (ValuesRule(), 5e-17, 0.0, True),
        (ValuesRule(rel=1e-6), 5e-17, 0.0, True),
        (ValuesRule(rel=1e-6, abs=0), 5e-17, 0.0, False),
        (ValuesRule(), NOT_A_NUMBER, NOT_A_NUMBER, True),
        (ValuesRule(rel=1, abs=1), NOT_A_NUMBER, 0.0, False),
        (ValuesRule(rel=0.5), 100, 101, False),
        (ValuesRule(ignore_case=True), ["Yes"], ["YES"], True),
        (ValuesRule(any_order=True), [3, 1, 2], [1, 2, 3], True),
        (ValuesRule(any_order=True), [3, 1, 1], [1, 3, 3], False),
        (ValuesRule(any_order=True), [[2, 1]], [[1, 2]], False),
        (ValuesRule(any_order=True, abs=0.1), [1.05, 2.01], [2.0, 1.0], True),
        (ValuesRule(any_order=True), SHUFFLED[::-1], SHUFFLED, True),
        (ValuesRule(any_order=True), (1, 2), [2, 1], False),
    ],
)
def test_a_value_is_right_by_its_rule(rule: ValuesRule, found: Value, expected: Value, wanted: bool) -> None:
    assert equal(found, expected, rule) is wanted
    assert equal_values(encode(found), encode(expected), rule) is wanted


@pytest.mark.parametrize(
    ("rule", "found", "expected", "wanted"),
    [
        (ValuesRule(), 0.0, 0, True),
        (ValuesRule(), False, 0, False),
        (ValuesRule(), (1,), [1], False),
        (ValuesRule(equality="json"), (1,), [1.0], True),
        (ValuesRule(equality="json"), {1: (2,)}, {"1": [2]}, True),
        (ValuesRule(equality="json"), {1: "a", "1": "b"}, {"1": "b"}, False),
        (ValuesRule(equality="json"), {1: "a", "1": "b"}, {"1": "b", 1: "a"}, True),
        (ValuesRule(equality="json"), True, 1, False),
        (ValuesRule(equality="python"), True, 1, True),
        (ValuesRule(equality="python"), 2, True, False),
        (ValuesRule(equality="python"), NOT_A_NUMBER, NOT_A_NUMBER, False),
        (ValuesRule(equality="python", rel=0, abs=0), -0.0, 0, True),
        (ValuesRule(equality="python", rel=0, abs=0), 0.1 + 0.2, 0.3, False),
        (ValuesRule(equality="json", any_order=True), [(2,), (1,)] * 300, [[1], [2]] * 300, True),
    ],
)
def test_a_value_without_a_type(rule: ValuesRule, found: Value, expected: Value, wanted: bool) -> None:
    assert equal_values(encode(found), encode(expected), rule, untyped=True) is wanted


def test_several_outputs_may_be_right() -> None:
    case = Case(arguments=("",), expected="1 3", also=("2 2", "3 1"))
    assert [is_right(text, case, None, StdioContract()) for text in ("3 1", "2 2\n", "4 0")] == [
        True,
        True,
        False,
    ]
    result = FunctionContract(entry_point="f", signature="() -> int")
    assert is_right("i2", Case(arguments=(), expected="i1", also=("i2",)), None, result)


def prepared(tests: dict[str, object]) -> Prepared:
    row = {"id": 1, "language": "python", "code": "", "tests": tests}
    return prepare(read_row(row, "row"), "row", Limits())


def stdio(compare: object) -> dict[str, object]:
    return {"kind": "stdio", "cases": [{"stdin": "", "stdout": "1"}], "compare": compare}


def call(compare: object, signature: str = "() -> int", output: object = 1) -> dict[str, object]:
    cases = [{"input": [], "output": output}]
    return {
        "kind": "function",
        "entry_point": "f",
        "signature": signature,
        "cases": cases,
        "compare": compare,
    }


@pytest.mark.parametrize(
    ("tests", "words"),
    [
        (stdio({"kind": "values"}), "compares results of calls"),
        (call({"kind": "tokens"}), "compares texts"),
        (call({"kind": "checker", "language": "python", "code": "1"}), "compares texts"),
        (call({"kind": "values", "any_order": True}), "needs results that are lists"),
        (call({"kind": "values", "any_order": True}, "() -> any"), "needs results that are lists"),
        (call({"kind": "values", "equality": "python"}), "compares results without types"),
        ({"kind": "script", "script": "1", "compare": {"kind": "lines"}}, "compares by itself"),
        (stdio({"kind": "checker", "language": "klingon", "code": "x"}), "klingon"),
        (stdio({"kind": "checker", "language": "python", "code": " "}), "must be a program"),
        (stdio({"kind": "tokens", "rel": -1}), "greater than or equal to 0"),
        (stdio({"kind": "tokens", "rel": "NaN"}), "finite"),
        (stdio({"kind": "guess"}), "guess"),
        (stdio({"kind": "tokens", "relative": 1}), "tests.compare.relative"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused_with_words(tests: dict[str, object], words: str) -> None:
    with pytest.raises(RowError) as caught:
        prepared(tests)
    assert words in str(caught.value)


def test_results_of_rows_without_a_type_are_compared_as_json() -> None:
    rules = [
        prepared(call(compare, "() -> any")).suite.compare
        for compare in (None, {"kind": "values", "abs": 0.5}, {"kind": "values", "equality": "typed"})
    ]
    assert rules == [ValuesRule(equality="json"), ValuesRule(abs=0.5, equality="json"), ValuesRule()]
    assert prepared(call(None)).suite.compare is None


def test_every_rule_is_data() -> None:
    adapter: TypeAdapter[Comparison] = TypeAdapter(Comparison)
    for rule in (ExactRule(), TextRule(), NEAR, DECIMALS, AppsRule(), ValuesRule()):
        assert adapter.validate_json(adapter.dump_json(rule)) == rule


@pytest.mark.parametrize(
    ("kind", "left", "right"),
    [
        ("float", 0, 0.0),
        ("list[float]", [1, 0.5], [1.0, 0.5]),
        ("map[str, float]", {"a": 1}, {"a": 1.0}),
        ("any", [0, (2.0,)], [0.0, (2,)]),
    ],
)
def test_voters_whose_numbers_are_equal_agree(kind: str, left: Value, right: Value) -> None:
    texts = {canonical_output(encode(value), parse_type(kind)) for value in (left, right)}
    assert len(texts) == 1
    assert canonical_output(encode(False), parse_type(kind)) not in texts
    assert len({canonical_output(encode(value)) for value in (left, right)}) == 2


@pytest.mark.parametrize("rule", [TextRule(any_order=True), LinesRule(decimals=True), NEAR, AppsRule()])
@pytest.mark.parametrize("sign", ["7", "7\n", "7 ", "\n"])
def test_a_flood_costs_little(rule: TextComparison, sign: str) -> None:
    with cpu_time() as used:
        assert not equal_texts(sign * (8_000_000 // len(sign)), "1", rule)
    assert used.seconds < 3
