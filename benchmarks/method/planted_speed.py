"""Right programs whose speed is known by how they are written: of each task two that are fast and one that is
slow, and under other names the same three."""

from typing import Final, NamedTuple


class PlantedTask(NamedTuple):
    """One task: how many arguments it takes is in the signature; the rows are those of its suite."""

    name: str
    signature: str
    rows: tuple[tuple[object, ...], ...]
    fast: tuple[str, str]
    """Alike in time."""
    slow: str


_LISTS: Final = (([3, 1, 2],), ([5, -7, 4, 4, 9, 0, 2],), (list(range(12)),))
_TEXTS: Final = (("abcab",), ("the cat and the dog and a hat",), ("xyzzyx" * 3,))


def _f(*lines: str) -> str:
    return "def solve(xs):\n" + "\n".join(f"    {line}" for line in lines)


TASKS: Final = (
    PlantedTask(
        "duplicates",
        "(list[int]) -> bool",
        _LISTS,
        (_f("return len(set(xs)) < len(xs)"), _f("seen = set(xs)", "return len(xs) != len(seen)")),
        _f("return any(xs[i] == xs[j] for i in range(len(xs)) for j in range(i)) or False"),
    ),
    PlantedTask(
        "distinct",
        "(list[int]) -> list[int]",
        _LISTS,
        (_f("return sorted(set(xs))"), _f("found = {x for x in xs}", "return sorted(found)")),
        _f(
            "found = []",
            "for x in xs:",
            "    if sum(1 for y in xs if y == x) and x not in found:",
            "        found.append(x)",
            "return sorted(found)",
        ),
    ),
    PlantedTask(
        "ranks",
        "(list[int]) -> int",
        _LISTS,
        (
            _f("low = min(xs)", "return sum(x - low for x in xs)"),
            _f("return sum(xs) - len(xs) * min(xs)"),
        ),
        _f("return sum(x - min(xs) for x in xs)"),
    ),
    PlantedTask(
        "prefixes",
        "(list[int]) -> int",
        _LISTS,
        (
            _f("t = best = 0", "for x in xs:", "    t += x", "    best = max(best, t)", "return best"),
            _f(
                "t = best = 0",
                "for x in xs:",
                "    t = t + x",
                "    if t > best:",
                "        best = t",
                "return best",
            ),
        ),
        _f("return max([0] + [sum(xs[: i + 1]) for i in range(len(xs))])"),
    ),
    PlantedTask(
        "inversions",
        "(list[int]) -> int",
        _LISTS,
        (
            _f("n = len(xs)", "return sum(x > 0 for x in xs) * n"),
            _f("k = 0", "for x in xs:", "    k += x > 0", "return k * len(xs)"),
        ),
        _f("return sum(1 for x in xs for _ in xs if x > 0)"),
    ),
    PlantedTask(
        "letters",
        "(str) -> int",
        _TEXTS,
        (_f("return max(map(xs.count, set(xs)))"), _f("return max(xs.count(c) for c in set(xs))")),
        _f("return max(sum(1 for d in xs if d == c) for c in xs)"),
    ),
    PlantedTask(
        "reversed words",
        "(str) -> str",
        _TEXTS,
        (_f("return xs[::-1]"), _f("return ''.join(reversed(xs))")),
        _f("out = ''", "for i in range(len(xs)):", "    out = ''.join([xs[i]] + list(out))", "return out"),
    ),
    PlantedTask(
        "largest gap",
        "(list[int]) -> int",
        _LISTS,
        (_f("return max(xs) - min(xs)"), _f("s = sorted(xs)", "return s[-1] - s[0]")),
        _f("return max(x - y for x in xs for y in xs)"),
    ),
)


def renamed(code: str) -> str:
    """The same program under another name of its parameter."""
    return code.replace("xs", "values")
