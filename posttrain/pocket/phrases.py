"""Renders chains as instructions and comments in English and Chinese, and parses them back for audits."""

import random
import re
from collections.abc import Iterator
from functools import cache

from posttrain.pocket.chains import OPERATIONS, Chain, ChainStep, operations_from
from posttrain.pocket.operation import Constant, Type


def _phrase(step: ChainStep, chinese: bool, rng: random.Random) -> str:
    options = step.operation.chinese if chinese else step.operation.english
    return rng.choice(options).format(**dict(zip(("k", "j"), step.constants, strict=False)))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def instruction(chain: Chain, natural_language: str, rng: random.Random) -> str:
    """One or a few sentences that say what the function does, in `en` or `zh`."""
    if natural_language == "zh":
        parts = [_phrase(step, True, rng) for step in chain.steps]
        shape = rng.randrange(3)
        if shape == 0 and len(parts) > 1:
            return f"先{',再'.join(parts)}。"
        return (",然后" if shape == 1 else ",").join(parts) + "。"
    parts = [_phrase(step, False, rng) for step in chain.steps]
    shape = rng.randrange(3)
    if shape == 0:
        return ". ".join(map(_capital, parts)) + "."
    if shape == 1 and len(parts) > 1:
        return "First " + ", then ".join(parts) + "."
    return _capital(", then ".join(parts)) + "."


_CONNECTORS = {False: (", then ", ". "), True: (",然后", ",再", ",")}


def read_instruction(text: str, source: Type, target: Type) -> list[Chain]:
    """Every chain from `source` to `target` that the sentence can mean; empty if it is not a sentence
    of this world.

    For audits only: it parses the sentences of `instruction`, so that a model's own sentence can be compared
    with the program that it describes.
    """
    chinese = text.endswith("。")
    body = text[:-1] if text[-1:] in ".。" else text
    body = body.removeprefix("先") if chinese else body.removeprefix("First ")
    found = [Chain(tuple(steps)) for steps in _read_steps(body, source, chinese)]
    return [chain for chain in found if chain.steps and chain.target == target]


def _read_steps(text: str, at: Type, chinese: bool) -> Iterator[list[ChainStep]]:
    for operation in operations_from(at):
        for pattern in _patterns(operation.name, chinese):
            if (match := pattern.match(text)) is None:
                continue
            constants = zip(operation.constants, match.groups(), strict=True)
            step = ChainStep(operation.name, tuple(_constant(domain, value) for domain, value in constants))
            rest = text[match.end() :]
            if not rest:
                yield [step]
            for connector in _CONNECTORS[chinese]:
                if rest.startswith(connector):
                    yield from (
                        [step, *steps]
                        for steps in _read_steps(rest[len(connector) :], operation.target, chinese)
                    )


@cache
def _patterns(name: str, chinese: bool) -> tuple[re.Pattern[str], ...]:
    """Each wording as a pattern, with its first letter in either case and a group for each constant."""
    groups = {
        "k": r"(\d+)",
        "d": r"(\d+)",
        "n": r"(\d+)",
        "c": r"([a-z])",
        "w": r"([a-z]+)",
        "p": r"([-,+_/]|; )",
    }
    patterns = []
    operation = OPERATIONS[name]
    for phrase in operation.chinese if chinese else operation.english:
        text = re.escape(phrase)
        for constant, domain in zip(("k", "j"), operation.constants, strict=False):
            text = text.replace(re.escape("{" + constant + "}"), groups[domain])
        patterns.append(
            re.compile(
                f"[{text[0]}{text[0].upper()}]{text[1:]}" if text[0].isalpha() and not chinese else text
            )
        )
    return tuple(patterns)


def _constant(domain: str, text: str) -> Constant:
    return int(text) if domain in "kdn" else text
