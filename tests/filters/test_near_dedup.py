"""Near-duplicates: measured recall and false alarms on generated programs."""

from random import Random

from synth.filters.near_dedup import PERMUTATIONS, NearDedup, choose_bands, unit_shingles
from synth.filters.protocol import FilterInput, Keep, Reject

VERBS = "load scan merge count filter split rank fetch score group shift align clamp pack join probe".split()
NOUNS = (
    "row cell node edge frame token shard batch record bucket prefix vector window leaf chunk pixel".split()
)


def program(random: Random, statements: int = 14) -> str:
    """A program of random statements: two of them share few shingles."""
    name = f"{random.choice(VERBS)}_{random.choice(NOUNS)}"
    lines = [f"def {name}(items, limit):"]
    for at in range(statements):
        a, b = random.choice(NOUNS), random.choice(NOUNS)
        kind = random.randrange(4)
        lines.append(
            (
                f"    {a}_{at} = {random.choice(VERBS)}({b}, {random.randint(0, 99)})",
                f"    if {a} > {random.randint(0, 99)}: {b} = {random.choice(VERBS)}(limit)",
                f"    for {a} in items[{random.randint(0, 9)}:]: {b}.append({a} * {random.randint(2, 9)})",
                f"    {b} += [{a} % {random.randint(2, 9)} for {a} in {random.choice(VERBS)}(items)]",
            )[kind]
        )
    return "\n".join([*lines, "    return items"])


def edited(code: str, random: Random, lines: int) -> str:
    """The program with that many of its lines replaced."""
    found = code.split("\n")
    for at in random.sample(range(1, len(found) - 1), lines):
        found[at] = f"    {random.choice(NOUNS)} = {random.choice(VERBS)}({random.randint(100, 999)})"
    return "\n".join(found)


def jaccard(left: str, right: str) -> float:
    a, b = (unit_shingles(FilterInput("", "python", code=code)) for code in (left, right))
    return len(a & b) / len(a | b)


def test_every_pair_above_the_threshold_is_found_and_none_below() -> None:
    """The measured recall must be at least 99%; a pair below the threshold can never be rejected, since
    Jaccard decides."""
    random, dedup = Random(1), NearDedup(threshold=0.7)
    originals = [program(random) for _ in range(300)]
    assert all(
        isinstance(dedup.check(FilterInput(f"o{at}", "python", code=code)), Keep)
        for at, code in enumerate(originals)
    )
    found = expected = 0
    for at, code in enumerate(originals):
        copy = edited(code, random, lines=1 + at % 4)
        similar = jaccard(code, copy) >= 0.7
        answer = NearDedup(threshold=0.7)
        answer.check(FilterInput("o", "python", code=code))
        rejected = isinstance(answer.check(FilterInput("c", "python", code=copy)), Reject)
        assert not rejected or similar
        expected, found = expected + similar, found + rejected
    assert expected >= 100
    assert found / expected >= 0.99


def test_the_rejection_names_the_closest_twin_and_the_similarity() -> None:
    random, dedup = Random(2), NearDedup(threshold=0.6)
    codes = [program(random) for _ in range(20)]
    for at, code in enumerate(codes):
        dedup.check(FilterInput(f"o{at}", "python", code=code))
    answer = dedup.check(FilterInput("copy", "python", code=edited(codes[7], random, 1)))
    assert isinstance(answer, Reject)
    assert answer.evidence["twin"] == "o7"
    assert float(answer.evidence["similarity"]) >= 0.6


def test_layout_and_comments_do_not_count() -> None:
    dedup = NearDedup()
    code = program(Random(3))
    dedup.check(FilterInput("a", "python", code=code))
    answer = dedup.check(
        FilterInput("b", "python", code=code.replace("    ", "\t").replace("\n", "  # note\n"))
    )
    assert isinstance(answer, Reject)
    assert answer.evidence["similarity"] == 1.0


def test_short_and_empty_texts_are_compared_whole() -> None:
    dedup = NearDedup()
    assert [
        type(dedup.check(FilterInput(str(at), code=code))) for at, code in enumerate(["a", "b", "a", "", ""])
    ] == [
        Keep,
        Keep,
        Reject,
        Keep,
        Reject,
    ]


def test_the_same_order_gives_the_same_answers() -> None:
    random = Random(4)
    codes = [program(random) for _ in range(40)]
    units = [
        FilterInput(str(at), "python", code=code)
        for at, code in enumerate(codes + [edited(code, random, 2) for code in codes])
    ]
    first, second = NearDedup(0.7), NearDedup(0.7)
    assert [first.check(unit) for unit in units] == [second.check(unit) for unit in units]


def test_bands_find_a_pair_at_the_threshold() -> None:
    for threshold in (0.5, 0.7, 0.8, 0.9, 1.0):
        bands = choose_bands(threshold)
        assert PERMUTATIONS % bands == 0
        assert 1 - (1 - threshold ** (PERMUTATIONS // bands)) ** bands >= 0.99


def test_only_so_many_units_are_remembered() -> None:
    found = NearDedup(most=4)
    texts = [" ".join(f"word{number * 100 + at}" for at in range(30)) for number in range(5)]
    units = [FilterInput(str(number), prompt=text) for number, text in enumerate(texts)]
    assert all(isinstance(found.check(unit), Keep) for unit in units)
    assert isinstance(found.check(FilterInput("again", prompt=texts[2])), Reject)
    assert isinstance(found.check(FilterInput("forgotten", prompt=texts[0])), Keep)
