"""The programs of the load: honest ones, no two alike, and a share that hangs, floods or takes all memory.

Place in the flow: `__main__.py` draws them, `load.py` sends them. The one rule: each states how it must end,
so that an answer that belongs to another one is seen.
"""

import random
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

HOSTILE_SHARE: Final = 0.05


class Program(NamedTuple):
    """A program, its input, and what it prints if it is honest; the kind says how others must end."""

    kind: str
    code: str
    stdin: str
    prints: str = ""

    @property
    def is_honest(self) -> bool:
        return self.kind == "honest"


def honest(number: int) -> Program:
    """A small program of the usual kind: reads, sorts, counts, prints."""
    rng = random.Random(number)
    values = [rng.randrange(10**6) for _ in range(40)]
    code = (
        f"# {number}\nfrom collections import Counter\nxs = list(map(int, input().split()))\n"
        "best = sorted(Counter(x % 7 for x in xs).items(), key=lambda p: (-p[1], p[0]))[0]\n"
        "print(sum(xs), max(xs), *best)\n"
    )
    counts: dict[int, int] = {}
    for value in values:
        counts[value % 7] = counts.get(value % 7, 0) + 1
    best = min(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return Program(
        "honest",
        code,
        " ".join(map(str, values)) + "\n",
        f"{sum(values)} {max(values)} {best[0]} {best[1]}\n",
    )


_HOSTILE: Final[tuple[Callable[[int], Program], ...]] = (
    lambda number: Program("hang", f"# {number}\nwhile True:\n    pass\n", ""),
    lambda number: Program(
        "bomb", f"# {number}\nxs = []\nwhile True:\n    xs.append(bytearray(1 << 20))\n", ""
    ),
    lambda number: Program("flood", f"# {number}\nwhile True:\n    print('x' * 100000)\n", ""),
)


def hostile(number: int) -> Program:
    """A hang, a memory bomb or a flood, in turn."""
    return _HOSTILE[number % len(_HOSTILE)](number)


def mixed(count: int, seed: int, share: float = HOSTILE_SHARE) -> Iterator[Program]:
    """Honest programs with a share of hostile ones, in an order that the seed decides."""
    rng, bad = random.Random(seed), 0
    for number in range(count):
        if rng.random() < share:
            bad += 1
            yield hostile(bad + seed * count)
        else:
            yield honest(number + seed * count)


def is_right(program: Program, answer: object) -> bool:
    """Whether the answer of `/run_code` is what the program must get."""
    if not isinstance(answer, dict):
        return False
    ran = answer.get("run_result") or {}
    if program.is_honest:
        return bool(answer["status"] == "Success" and ran["stdout"] == program.prints)
    if program.kind == "hang":
        return bool(ran.get("status") == "TimeLimitExceeded")
    return bool(answer["status"] == "Failed" and ran.get("status") in ("Finished", "TimeLimitExceeded"))
