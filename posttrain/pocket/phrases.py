"""Chains as sentences: instructions and comments in English and Chinese."""

import random

from posttrain.pocket.chains import Chain, Step


def _phrase(step: Step, chinese: bool, rng: random.Random) -> str:
    options = step.operation.chinese if chinese else step.operation.english
    return rng.choice(options).format(**dict(zip(("k", "j"), step.constants, strict=False)))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def instruction(chain: Chain, natural_language: str, rng: random.Random) -> str:
    """One sentence or a few that say what the function does, in `en` or `zh`."""
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
