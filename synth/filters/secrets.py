"""The filter for secrets: rejects code that holds a key, a token, a password or a private key.

The kinds are those of kingfisher's catalogue and of `secret_rules.yml`; nothing is asked over the network.
It runs while seeds are read, before any other stage sees a text. The one rule: a secret never leaves this
module, only its kind, its line and the number of all that were found.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from synth.filters.protocol import Keep, Reject

if TYPE_CHECKING:
    from kingfisher_sdk import Scanner

RULES = Path(__file__).with_name("secret_rules.yml")
_WEAK = {"betterleaks.generic-credential-uri": 2.8}
"""Kinds that need this many bits a character: `user:pass@host` is how people write an example."""


_OWN = "codemill."


class Secret(NamedTuple):
    """What was found: its kind, and its line from 1."""

    kind: str
    line: int


def find_secrets(text: str) -> list[Secret]:
    """One for each line that holds any, in the order of the text. Needs the package
    kingfisher-secret-scanner."""
    found = _scanner().scan(text.encode("utf-8", "surrogatepass"))
    told = [one for one in found if one.visible and one.entropy >= _WEAK.get(one.rule_id, 0)]
    told.sort(key=lambda one: one.rule_id.startswith(_OWN))  # a named issuer says more than a name
    lines: dict[int, Secret] = {}
    for one in told:
        line = one.location["line"]
        lines.setdefault(line, Secret(_kind(one.rule_id), line))
    return [lines[line] for line in sorted(lines)]


def check_secrets(text: str) -> Keep | Reject:
    """Whether the text is free of secrets. Evidence: the kind and line of the first one, and how many."""
    found = find_secrets(text)
    if not found:
        return Keep()
    return Reject("secret", {"kind": found[0].kind, "line": found[0].line, "found": len(found)})


def _kind(rule: str) -> str:
    """`github-pat` of `betterleaks.github-pat`, and of rules that end in a number."""
    return rule.split(".", 1)[-1].removesuffix(".1").removesuffix(".2").split("/")[-1]


@cache
def _scanner() -> "Scanner":
    """One for each process. A comment in the text cannot switch it off."""
    from kingfisher_sdk import DetectionPolicy, Rules, Scanner

    return Scanner(Rules([RULES]), policy=DetectionPolicy(inline_ignores=False, markup_context=False))
