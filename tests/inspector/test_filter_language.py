"""The filter language: what is understood, how it is shown back, what is said of an unknown word."""

import pytest

from synth.inspector.filter_language import FIELDS, FilterError, Term, UnitFilter, check_values, parse_filter

ALL = (
    "lang:rust reason:timeout stage:execute score<0.4 tests:<5/9 ms>2000 mark:bad -model:qwen* "
    'text:"binary search"'
)


def test_each_word_is_a_term() -> None:
    assert parse_filter(ALL).terms == (
        Term(field="language", op=":", values=("rust",)),
        Term(field="reason", op=":", values=("timeout",)),
        Term(field="stage", op=":", values=("execute",)),
        Term(field="score", op="<", values=("0.4",)),
        Term(field="tests", op="<", values=("5/9",)),
        Term(field="ms", op=">", values=("2000",)),
        Term(field="mark", op=":", values=("bad",)),
        Term(field="model", op=":", values=("qwen*",), negated=True),
        Term(field="text", op=":", values=("binary search",)),
    )


def test_the_sentence_says_what_it_means() -> None:
    assert parse_filter(ALL).sentence == (
        "units in rust, with the reason timeout, at the stage execute, with a score under 0.4, "
        "that passed under 5/9 of their tests, that took over 2000 ms, marked bad, not written by qwen*, "
        "that hold “binary search”"
    )
    assert parse_filter(" ").sentence == "all units"


@pytest.mark.parametrize(
    "text",
    [
        ALL,
        "",
        'plain "two words" a,b -"-x" text:"say \\"yes\\" \\\\"',
        "ms:10..20 reason:timeout,wrong_answer evidence.similarity>=0.8 evidence.why:x* round:2,3 tests:5/9",
        "text:" + '"' + "\N{RIGHT-TO-LEFT OVERRIDE}x" + '"',
        *(field.example for field in FIELDS.values()),
    ],
)
def test_what_is_written_again_is_the_same_filter(text: str) -> None:
    found = parse_filter(text)
    assert parse_filter(found.text) == found


@pytest.mark.parametrize(
    ("text", "where", "suggested"),
    [
        ("lnag:rust ms>2", "word 'lnag:rust'", "lang:rust ms>2"),
        ("reason:timeot", "reason 'timeot'", "reason:timeout"),
        ("decision:kpet -lang:c", "decision 'kpet'", "decision:kept -language:c"),
        ("ms>abc", "word 'ms>abc'", ""),
        ("ms>1,2", "word 'ms>1,2'", ""),
        ("ms:1..x", "word 'ms:1..x'", ""),
        ("tests:1/0", "word 'tests:1/0'", ""),
        ("lang>rust", "word 'lang>rust'", ""),
        ("id:", "word 'id:'", ""),
        ("zzzzzz:1", "word 'zzzzzz:1'", ""),
        ('lang:go text:"open', "filter at 'text:\"open'", ""),
        ("x" * 2001, "the filter", ""),
    ],
)
def test_an_unknown_word_is_named_and_the_nearest_offered(text: str, where: str, suggested: str) -> None:
    with pytest.raises(FilterError) as error:
        parse_filter(text)
    assert [problem.where for problem in error.value.problems] == [where]
    assert error.value.suggested == suggested


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(FilterError) as error:
        parse_filter("lnag:rust reason:timeot ms>x")
    assert len(error.value.problems) == 3


def test_a_value_that_the_run_does_not_have_is_told_with_the_nearest() -> None:
    known = {"language": ["rust", "python"]}
    check_values(parse_filter("lang:rust lang:py* stage:anything"), known)
    with pytest.raises(FilterError) as error:
        check_values(parse_filter("lang:pyhton ms>3"), known)
    assert error.value.suggested == "language:python ms>3"


def test_a_facet_narrows_and_widens() -> None:
    found = parse_filter("lang:go -lang:c ms>3")
    assert found.without("language") == UnitFilter(terms=found.terms[2:])
    assert found.joined(parse_filter("ms>3 x")).text == "language:go -language:c ms>3 text:x"


def test_or_asks_for_one_of_the_words_beside_it() -> None:
    found = parse_filter("stage:execute lang:go OR -reason:timeout or ms>3 mark:bad")
    assert [term.text for term in found.terms] == [
        "stage:execute",
        "language:go or -reason:timeout or ms>3",
        "mark:bad",
    ]
    assert parse_filter(found.text) == found
    assert found.sentence == (
        "units at the stage execute, in go or not with the reason timeout or that took over 3 ms, marked bad"
    )
    assert found.fields == {"stage", "language", "reason", "ms", "mark"}
    assert found.without("language") == found
    assert parse_filter('"or" x').terms[0] == Term(field="text", op=":", values=("or",))


@pytest.mark.parametrize("text", ["or lang:go", "lang:go or", "lang:go or or ms>3", "or"])
def test_or_alone_is_told(text: str) -> None:
    with pytest.raises(FilterError, match="must stand between two words"):
        parse_filter(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [('""', "empty value"), ("lang:,", "empty value"), ("ms:5..1", "ends before it begins")],
)
def test_what_cannot_be_meant_is_told(text: str, said: str) -> None:
    with pytest.raises(FilterError, match=said):
        parse_filter(text)


def test_a_suggestion_keeps_the_or() -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter("stage:x reason:timeuot or langg:go")
    assert caught.value.suggested == "stage:x reason:timeout or lang:go"
    with pytest.raises(FilterError) as caught:
        check_values(parse_filter("lang:pythn or lang:go ms>3"), {"language": ["python", "go"]})
    assert caught.value.suggested == "language:python or language:go ms>3"
