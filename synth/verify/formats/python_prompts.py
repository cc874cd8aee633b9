"""What a prompt in Python gives to an answer: its imports and helpers, before the function that is asked for.

Place in the flow: the formats whose prompts are Python code. The one rule: only an answer gets them; a sample
that says it is a whole program stands for itself, as in the benchmarks' own harnesses.
"""

import re

from synth.verify.formats.spec import Reading, completed

_DEFINED = re.compile(r"^(?:async[ \t]+)?def[ \t]+(\w+)", re.MULTILINE)
_FUTURE = re.compile(r"^from[ \t]+__future__[ \t]+import[ \t]+(?:\([^)]*\)|[^\n(]+)$", re.MULTILINE)


def answered(prompt: str, name: str, read: Reading) -> str:
    """The program of a sample: a completion behind the prompt, an answer behind the prompt's head."""
    return (
        placed_after(head_of(prompt, name), read.code)
        if read.answer and read.whole
        else completed(prompt, read)
    )


def asked_function(prompt: str) -> str:
    """The last function that a prompt begins outside of any block; empty if it begins none. What its
    documentation calls does not count."""
    found = _DEFINED.findall(prompt)
    return found[-1] if found else ""


def head_of(prompt: str, name: str) -> str:
    """The code before the function of that name; empty if the prompt does not define it."""
    found = list(
        re.finditer(rf"^(?:@[^\n]*\n)*(?:async[ \t]+)?def[ \t]+{re.escape(name)}\b", prompt, re.MULTILINE)
    )
    return prompt[: found[-1].start()] if found else ""


def placed_after(head: str, code: str) -> str:
    """Both, with the future imports of the second before the first, where Python wants them."""
    if not head.strip():
        return code
    future = "".join(f"{found[0]}\n" for found in _FUTURE.finditer(code))
    return f"{future}{head.rstrip()}\n\n\n{_FUTURE.sub('', code) if future else code}"
