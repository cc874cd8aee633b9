"""The choice of a round's policy, for people: a line, and the table of all rounds. Pure."""

from collections.abc import Iterator, Sequence

from posttrain.evaluate.table import ResultTable
from synth.store.selections import Candidate, Selection


def in_words(selection: Selection) -> str:
    """One line: what the round ends with, and by how much it is better."""
    chosen = next(one for one in selection.candidates if one.policy == selection.chosen)
    about = f"round {selection.round} ends with {selection.chosen}"
    if chosen.gain is None:
        sure = f"{selection.confidence:.0%} sure"
        return f"{about}, which it began with: no policy that it trained is better there ({sure})"
    return f"{about}, {_gain(chosen)} points over {selection.start} on {selection.tasks} tasks"


def selection_table(selections: Sequence[Selection]) -> ResultTable:
    """A row for each candidate of each round. Needs at least one selection."""
    return ResultTable(
        f"The policy of each round, chosen by pass@1 on {selections[0].suite}, percent and points",
        ["round", "candidate", "pass@1", "minus the start", "chosen"],
        [row for one in selections for row in _rows(one)],
    )


def _rows(selection: Selection) -> Iterator[list[object]]:
    for one in selection.candidates:
        share = "-" if one.pass_at_1 is None else f"{100 * one.pass_at_1:.1f}"
        gain = "start" if one.policy == selection.start else _gain(one)
        yield [selection.round, one.policy, share, gain, "yes" if one.policy == selection.chosen else ""]


def _gain(one: Candidate) -> str:
    if one.gain is None:
        return "-"
    return f"{100 * one.gain:+.1f} [{100 * one.gain_low:+.1f}, {100 * one.gain_high:+.1f}]"
