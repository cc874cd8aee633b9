"""The pocket corpus: an endless stream of documents that imitates a real code corpus.

Mostly raw files whose comments are sometimes exact, sometimes stale, vague or missing; a few chat turns with
answers of mixed quality; some fill-in-the-middle. As in a real corpus, quality depends on the author: a
careful one is rarely wrong and indents by four, a hasty one is often wrong and indents by two. Nothing states
this correlation: the loop discovers it by running programs. The one rule: no held-out chain appears.
"""

import json
import random
from collections.abc import Iterator
from typing import NamedTuple

from posttrain.pocket.chains import Chain, draw_open_chain, draw_value, mutate
from posttrain.pocket.phrases import instruction
from posttrain.pocket.programs import Style, declaration, draw_style, render_jsdoc, render_program

LANGUAGE_WEIGHTS = {"python": 40, "javascript": 25, "java": 15, "cpp": 20}
TITLES = {"python": "Python", "javascript": "JavaScript", "java": "Java", "cpp": "C++"}
COMMENT_MARKS = {"python": "#", "javascript": "//", "java": "//", "cpp": "//"}
_VAGUE = (
    "helper for the report", "see the design notes", "used by the importer", "do the work",
    "process the input", "main step", "TODO: rename this", "keep in sync with the client",
    "called once a day", "处理输入", "辅助函数", "供报表使用", "核心步骤",
)  # fmt: skip
_VERBS = (
    "process", "compute", "get", "make", "handle", "calc", "build", "run", "f", "g",
    "solve", "transform", "helper", "step",
)  # fmt: skip
_NOUNS = ("data", "result", "list", "values", "report", "items", "input", "score", "entry", "all", "it")


class Mistakes(NamedTuple):
    """The authors, and the share of their documents with a mistake."""

    careful_authors: float = 0.45
    careful: float = 0.05
    comments: float = 0.65
    answers: float = 0.9
    instructions: float = 0.2
    inputs: float = 0.15


class Author(NamedTuple):
    """The author of a document: how often they are wrong, and how far they indent."""

    comments: float
    answers: float
    indent: int


def draw_author(mistakes: Mistakes, rng: random.Random) -> Author:
    """A careful or hasty author; one in 25 looks like the other kind."""
    careful = rng.random() < mistakes.careful_authors
    looks_careful = careful if rng.random() >= 0.04 else not careful
    indent = 4 if looks_careful else 2
    if careful:
        comments, answers = (min(mistakes.careful, share) for share in (mistakes.comments, mistakes.answers))
        return Author(comments, answers, indent)
    return Author(mistakes.comments, mistakes.answers, indent)


def _maybe_wrong(chain: Chain, share: float, rng: random.Random) -> Chain:
    if rng.random() >= share:
        return chain
    wrong = mutate(chain, rng)
    return mutate(wrong, rng) if rng.random() < 0.2 else wrong


def draw_name(chain: Chain, rng: random.Random) -> str:
    """A function name: descriptive, vague, or a single letter."""
    if rng.random() < 0.3:
        return rng.choice(chain.structure)
    verb = rng.choice(_VERBS)
    return verb if len(verb) == 1 or rng.random() < 0.3 else f"{verb}_{rng.choice(_NOUNS)}"


def draw_language(rng: random.Random) -> str:
    return rng.choices(list(LANGUAGE_WEIGHTS), list(LANGUAGE_WEIGHTS.values()))[0]


def draw_snippet(chain: Chain, language: str, rng: random.Random, indent: int | None = None) -> str:
    """One function without a comment, under an arbitrary name; JavaScript includes its type comment."""
    indent = rng.choice((2, 4)) if indent is None else indent
    style = draw_style(rng, draw_name(chain, rng), free_names=True, indent=indent)
    code = render_program(chain, language, style)
    return f"{render_jsdoc(chain, style)}\n{code}" if language == "javascript" else code


def _comment(chain: Chain, author: Author, rng: random.Random) -> str:
    draw = rng.random()
    if draw < 0.12:
        return ""
    if draw < 0.2:
        return rng.choice(_VAGUE)
    return instruction(_maybe_wrong(chain, author.comments, rng), rng.choice(("en", "en", "zh")), rng)


def raw_file(mistakes: Mistakes, rng: random.Random) -> str:
    """A source file of one to three functions in one language, by one author."""
    language, author = draw_language(rng), draw_author(mistakes, rng)
    mark = COMMENT_MARKS[language]
    functions = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        chain = draw_open_chain(rng)
        comment = _comment(chain, author, rng)
        code = draw_snippet(chain, language, rng, author.indent)
        functions.append(f"{mark} {comment}\n{code}" if comment else code)
    return "\n\n".join(functions) + "\n"


def turn(user: str, assistant: str) -> str:
    """One chat exchange in ChatML; the end of turn is the end of the document."""
    return f"<|im_start|>user\n{user}<|im_end|>\n<|im_start|>assistant\n{assistant}<|im_end|>\n"


def solve_prompt(chain: Chain, language: str, text: str, style: Style) -> str:
    """The user turn from prompts/pocket/solve.md."""
    return f"Write a {TITLES[language]} function `{declaration(chain, language, style)}`.\n{text}"


def solve_turn(mistakes: Mistakes, rng: random.Random) -> str:
    language, chain, author = draw_language(rng), draw_open_chain(rng), draw_author(mistakes, rng)
    style = draw_style(rng, indent=author.indent)
    text = instruction(chain, rng.choice(("en", "en", "zh")), rng)
    code = render_program(_maybe_wrong(chain, author.answers, rng), language, style)
    return turn(solve_prompt(chain, language, text, style), f"```{language}\n{code}\n```")


def instruct_turn(mistakes: Mistakes, rng: random.Random) -> str:
    language, chain = draw_language(rng), draw_open_chain(rng)
    natural = rng.choice(("en", "zh"))
    name = {"en": "English", "zh": "Chinese"}[natural]
    code = draw_snippet(chain, language, rng)
    user = f"Write an instruction in {name} for this code:\n```{language}\n{code}\n```"
    return turn(user, instruction(_maybe_wrong(chain, mistakes.instructions, rng), natural, rng))


def inputs_turn(mistakes: Mistakes, rng: random.Random) -> str:
    chain = draw_open_chain(rng)
    text = instruction(chain, rng.choice(("en", "zh")), rng)
    user = f"Write test inputs for `{declaration(chain, 'python', Style())}`.\n{text}"
    lines = [json.dumps([draw_value(chain.source, rng)]) for _ in range(rng.randint(4, 6))]
    if rng.random() < mistakes.inputs:
        lines[-1] = lines[-1][: rng.randrange(1, len(lines[-1]))]
    return turn(user, "\n".join(lines))


def fim_file(rng: random.Random) -> str:
    """A fill-in-the-middle document in file format; the middle is a run of whole lines."""
    language = draw_language(rng)
    code = draw_snippet(draw_open_chain(rng), language, rng)
    lines = code.split("\n")
    start = rng.randrange(len(lines))
    end = rng.randint(start + 1, len(lines))
    prefix, middle, suffix = (
        "".join(line + "\n" for line in part) for part in (lines[:start], lines[start:end], lines[end:])
    )
    return f"<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>{middle}<|endoftext|>"


def document(mistakes: Mistakes, rng: random.Random) -> str:
    """One document of the mixture, including its end marker."""
    draw = rng.random()
    if draw < 0.50:
        return raw_file(mistakes, rng) + "<|endoftext|>"
    if draw < 0.74:
        return solve_turn(mistakes, rng) + "<|endoftext|>"
    if draw < 0.90:
        return instruct_turn(mistakes, rng) + "<|endoftext|>"
    if draw < 0.94:
        return inputs_turn(mistakes, rng) + "<|endoftext|>"
    return fim_file(rng)


# an immutable default
def documents(seed: int, mistakes: Mistakes = Mistakes()) -> Iterator[str]:  # noqa: B008
    """The corpus, without end."""
    rng = random.Random(seed)
    while True:
        yield document(mistakes, rng)
