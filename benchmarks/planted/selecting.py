"""What the planted endpoint answers for the measurement of selection: tasks that differ in how hard they are,
instructions that say what the seed says of itself, and right programs of two planted qualities.

The one rule: how often a task is answered rightly follows from its tag alone.
"""

import ast
from random import Random
from typing import Final

from benchmarks.planted.answers import PlantedSeed, Truth, called_name, read_seed, read_tag
from benchmarks.planted.world import World, program_key

CHANCES: Final = (0.03, 0.1, 0.3, 0.7)
"""Of a right answer, by the kind of task."""
THOUGHTS: Final = "First I look at what goes in and what comes out. <|im_end|> Then I write it down."


def chance_of(tag: str) -> float:
    """How often the task of this tag is answered rightly."""
    return CHANCES[int(tag[-1], 16) % len(CHANCES)]


def instruct(world: World, prompt: str, random: Random) -> str:
    """The tag, with the name of the seed's function and the first line of its documentation."""
    seed = read_seed(prompt)
    if seed is None:
        return "There is no code to read."
    world.seeds[seed.tag] = seed
    return f"Write the function that stands under {seed.tag} in the catalogue: {_about(seed.code)}."


def _about(code: str) -> str:
    function = _last_function(code)
    if function is None:
        return "as it is"
    said = (ast.get_docstring(function) or "").strip().split("\n")[0].strip(" .")
    plain = said if said and "(" not in said and "=" not in said else ""
    return " ".join([*function.name.split("_"), *([f"({plain})"] if plain else [])])


def solve(world: World, prompt: str, random: Random) -> str:
    """A right program by the chance of its task, in one of its two qualities; else a mutant."""
    seed = world.seeds.get(read_tag(prompt))
    if seed is None:
        return "[]"
    name = called_name(prompt)
    mutants = world.mutants(seed, name)
    if random.random() >= chance_of(seed.tag):
        world.said.answers[Truth.MUTANT if mutants else Truth.NOTHING] += 1
        return _fenced(seed, random.choice(mutants)) if mutants else "I'm sorry, I can't do that."
    world.said.answers[Truth.RIGHT] += 1
    golfed = golf(seed.code)
    if golfed and random.random() < 0.5:
        key = program_key(seed.tag, golfed, seed.language)
        world.said.programs.setdefault(key, Truth.RIGHT)
        return _fenced(seed, golfed)
    thoughts = f"<think>\n{THOUGHTS}\n</think>\n" if random.random() < 0.5 else ""
    return thoughts + _fenced(seed, seed.code)


def _fenced(seed: PlantedSeed, code: str) -> str:
    return f"```{seed.language}\n{code.rstrip()}\n```"


def golf(code: str) -> str:
    """The same program, badly to learn from: without documentation, its locals under names of one letter.
    Empty if that is not safe to do."""
    function = _last_function(code)
    if function is None:
        return ""
    tree = ast.parse(code)
    own = tree.body[-1]
    assert isinstance(own, ast.FunctionDef)
    inner = [node for node in ast.walk(own) if node is not own]
    if any(isinstance(node, ast.FunctionDef | ast.Lambda | ast.Global | ast.Nonlocal) for node in inner):
        return ""
    stored = {node.id for node in inner if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    letters = [letter for letter in "abcdefghijklmnopqrstuvwxyz" if letter not in code.split()]
    names = dict(zip(sorted(stored), (f"{letter}_" for letter in letters), strict=False))
    if len(names) < len(stored):
        return ""
    for node in ast.walk(own):
        if isinstance(node, ast.Name) and node.id in names:
            node.id = names[node.id]
    if ast.get_docstring(own) is not None and len(own.body) > 1:
        del own.body[0]
    return ast.unparse(tree)


def _last_function(code: str) -> ast.FunctionDef | None:
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError):
        return None
    return body[-1] if body and isinstance(body[-1], ast.FunctionDef) else None
