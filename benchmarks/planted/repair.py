"""What the planted endpoint answers about a program that it is shown: fixes that fix, and all that is none.

The one rule: the truth of an answer is drawn, and told by its text.
"""

import re
from random import Random
from typing import Final

from benchmarks.planted.answers import PlantedSeed, read_tag
from benchmarks.planted.world import World

_SHOWN: Final = re.compile(r"```\w+\n(.*?)\n```", re.DOTALL)
_HELPER: Final = "def helper_{0}(first, second):\n    return [first, second, {0}]\n\n\n"


def fix(world: World, prompt: str, random: Random) -> str:
    """Two in five fix the program; the others are another mutant, the program itself, a right one with much
    more around it, prose, nothing, another language, or an endless repetition."""
    seed = world.seeds.get(read_tag(prompt))
    shown = _SHOWN.findall(prompt)
    if seed is None or not shown:
        return ""
    known = [mutant for (tag, _), found in world._mutants.items() if tag == seed.tag for mutant in found]
    chance = random.random()
    if chance < 0.4:
        return _fenced(seed, seed.code)
    if chance < 0.6 and known:
        return _fenced(seed, random.choice(known))
    if chance < 0.7:
        return _fenced(seed, shown[-1])
    if chance < 0.8:
        return _fenced(seed, "".join(_HELPER.format(at) for at in range(60)) + seed.code)
    return random.choice(
        ("", "The loop is wrong.", "```ruby\nputs 1\n```", f"```{seed.language}\n" + "x = 1\n" * 300)
    )


def review(world: World, prompt: str, random: Random) -> str:
    """Half of them call the program right, whatever it is; the others lie about a call, with a right fix."""
    seed = world.seeds.get(read_tag(prompt))
    if seed is None or random.random() < 0.5:
        return "Verdict: right\nIt does what is asked."
    lie = "Verdict: wrong\nInput: [{0}]\nExpected: {1}\nActual: {2}\nFault: It is off.\n\n"
    value = random.choice(("1", "[1, 2]", '"ab"', "2, 3"))
    return lie.format(value, random.randrange(99), random.randrange(99)) + _fenced(seed, seed.code)


def _fenced(seed: PlantedSeed, code: str) -> str:
    return f"```{seed.language}\n{code.rstrip()}\n```"
