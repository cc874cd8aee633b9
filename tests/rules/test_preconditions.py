"""What stated calls and the words of a program demand of arguments."""

import pytest

from synth.rules.preconditions import find_preconditions
from synth.values import Value, decode, encode

Rows = list[tuple[Value, ...]]


def wires(*rows: tuple[Value, ...]) -> list[tuple[str, ...]]:
    return [tuple(map(encode, row)) for row in rows]


@pytest.mark.parametrize(
    ("stated", "names", "allowed", "forbidden", "mended"),
    [
        # bisect: sorted lists, by what people pass
        (
            [([0, 5, 7, 10, 15], 6), ([1, 2, 3], 3), ([-4, 0, 9], -5)],
            ("items", "wanted"),
            ([2, 2, 4], 1),
            ([3, 1, 2], 1),
            ([1, 2, 3], 1),
        ),
        ([(3,), (10,), (0,)], ("n",), (5,), (-5,), (5,)),
        ([(0.5,), (2.0,), (1.25,)], ("mass",), (0.25,), (-0.25,), None),
        ([("ACGT",), ("GGCATTA",), ("TTAACCGGA",)], ("strand",), ("CAT",), ("cat",), None),
        ([("1011",), ("0110010",), ("0",)], ("bits",), ("10",), ("12",), None),
        (
            [([[1, 2], [3, 4]],), ([[5]],), ([[1, 0, 0], [0, 1, 0], [0, 0, 1]],)],
            ("matrix",),
            ([[9, 9], [8, 8]],),
            ([[1, 2, 3], [4, 5, 6]],),
            ([[1, 2], [4, 5]],),
        ),
        (
            [([1, 2], [3, 4], 1), ([5], [6], 1), ([7, 8, 9], [1, 2, 3], 2)],
            ("weights", "values", "count"),
            ([4, 4], [1, 2], 2),
            ([4, 4, 4], [1, 2], 9),
            ([4, 4], [1, 2], 2),
        ),
        ([([1, 2, 3],), ([9, 8, 7],), ([0, 1, 0],)], ("point",), ([5, 5, 5],), ([5, 6],), ([5, 6, 5],)),
    ],
)
def test_what_all_stated_calls_keep_is_demanded(
    stated: Rows,
    names: tuple[str, ...],
    allowed: tuple[Value, ...],
    forbidden: tuple[Value, ...],
    mended: tuple[Value, ...] | None,
) -> None:
    found = find_preconditions(wires(*stated), "", "solve", names)
    assert all(map(found.allows, wires(*stated)))
    [yes], [no] = wires(allowed), wires(forbidden)
    assert found.allows(yes) and not found.allows(no)
    assert all(map(found.allows, found.keep([yes, no])))
    if mended is not None:
        assert [tuple(map(decode, row)) for row in found.keep([no])] == [mended]


def test_two_calls_or_calls_that_differ_demand_nothing() -> None:
    for stated in ([(3,), (4,)], [(3,), (-4,), (5,)]):
        assert find_preconditions(wires(*stated), "", "f", ("n",)).demands == ()


@pytest.mark.parametrize(
    ("code", "entry_point", "names", "allowed", "forbidden"),
    [
        ("", "interpolation_search", ("data", "x"), ([1, 4, 9], 4), ([4, 1, 9], 4)),
        ("", "binarySearch", ("arr", "key"), ([], 4), ([4, 1], 4)),
        ("/* arr must be sorted */", "count", ("arr", "key"), ([1, 1], 1), ([2, 1], 1)),
        ("", "merge", ("sorted_items",), ([1, 2],), ([2, 1],)),
        ("", "sum_range", ("nums", "low", "high"), ([5, 6, 7], 0, 2), ([5, 6], -1, -4)),
        ("", "sum_range", ("nums", "low", "high"), ([5, 6, 7], 1, 1), ([5, 6], 0, 7)),
        ("", "random_primes", ("start", "stop"), (2, 9), (9, 2)),
    ],
)
def test_words_of_the_code_demand_order_and_bounds(
    code: str,
    entry_point: str,
    names: tuple[str, ...],
    allowed: tuple[Value, ...],
    forbidden: tuple[Value, ...],
) -> None:
    found = find_preconditions([], code, entry_point, names)
    [yes], [no] = wires(allowed), wires(forbidden)
    assert found.allows(yes) and not found.allows(no)
    assert all(map(found.allows, found.keep([no])))
    assert found.words


def test_words_that_calls_contradict_demand_nothing() -> None:
    stated = wires(([3, 1], 1), ([2, 1], 1), ([9, 1, 5], 5))
    assert all(map(find_preconditions(stated, "", "binary_search", ("a", "x")).allows, stated))
    sorts = find_preconditions([], "# sorts a list: the list is sorted in place", "sort", ("items",))
    assert sorts.allows((encode([2, 1]),))
