"""The rule of decontamination: its numbers, and the words in which a data card states it.

Place in the flow: `filters/decontaminate.py` decides by these numbers, `store/card_checks.py` states them.
The one rule: both read them here, so that a card cannot state another rule than the one that was used.
"""

from dataclasses import dataclass
from typing import Literal

Mode = Literal["containment", "report"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Settings of the filter. The defaults were chosen by the recall and false alarms that
    `python -m benchmarks.decontamination` measures."""

    prose_n: int = 6
    ideograph_n: int = 6
    prose_share: float = 0.2
    short_words: int = 60
    """A prompt with fewer words than this (ideographs: twice as many characters) is also compared
    by short n-grams."""
    short_n: int = 3
    short_ideograph_n: int = 4
    short_share: float = 0.3
    short_reach: float = 3.0
    """Short n-grams are searched only in units with at most this many times the entry's words."""
    confirm_share: float = 0.6
    """Share of the entry's words, weighted by their rarity in the benchmark, that the unit
    must also contain."""
    confirm_ideographs: float = 0.7
    code_n: int = 8
    code_share: float = 0.5
    edited_n: int = 5
    edited_share: float = 0.45
    edited_words: float = 0.2
    """An edited copy: a share of shorter runs, and of the words."""
    ported_n: int = 4
    ported_share: float = 0.12
    ported_words: float = 0.26
    """A copy in another language: a share of the runs of its names and signs as they stand, and
    of its words."""
    same_words: float = 0.4
    """A copy by its words alone."""
    name_weight: float = 4.0
    name_words: float = 0.15
    """A copy by the name of its function, which has to weigh this much, and by some words."""
    least_words: int = 4
    least_weight: float = 8.0
    """What the shared words must weigh together; a word that no other entry has weighs 2 to 7."""
    report_n: int = 10
    common_entries: int = 8
    """An n-gram found in more entries than this identifies none of them."""
    min_prose_grams: int = 4
    """With fewer distinctive n-grams than this, only the entry's whole text counts."""
    min_code_grams: int = 12


def rule_words(mode: str, report_n: int) -> str:
    """The rule in one or two sentences."""
    if mode == "report":
        return f"A unit leaves when it shares {report_n} words in a row with an entry."
    rule = Thresholds()
    return (
        f"A unit leaves when it holds enough of an entry. Prose: {rule.prose_share:.0%} of its "
        f"{rule.prose_n}-grams of words ({rule.ideograph_n}-grams of characters in Chinese, Japanese and "
        f"Korean), or {rule.short_share:.0%} of the {rule.short_n}-grams of a short text, and its rare "
        f"words. Code: "
        f"{rule.code_share:.0%} of its {rule.code_n}-grams of tokens with names abstracted; or "
        f"{rule.same_words:.0%} of its words both ways, weighted by rarity; or fewer of them beside shorter "
        f"runs ({rule.edited_share:.0%}), runs of names and signs ({rule.ported_share:.0%}) or the name of "
        f"its function, which finds edited copies and those in another language."
    )
