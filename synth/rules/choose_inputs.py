"""Chooses few, strong tests: a greedy choice of the inputs that tell the most behaviours apart.

It works on outputs alone, so it serves wrong candidates and mutants alike. The one rule: each input is chosen
for its gain over those already chosen, so no two inputs that catch the same programs are chosen before every
program is caught.
"""

from collections.abc import Sequence
from math import comb

KILLS_WANTED = 3
"""Inputs needed to catch each wrong program before inputs are chosen for variety alone."""


def choose_inputs(
    outputs: Sequence[Sequence[str | None]],
    maximum: int,
    *,
    minimum: int = 0,
    reference: Sequence[str | None] | None = None,
    first: Sequence[int] = (),
    enough: int | None = None,
) -> list[int]:
    """Indices of the chosen inputs, in ascending order.

    `outputs[program][input]` is a program's answer (None if it gave none). With a `reference` row, inputs are
    chosen to catch programs that differ from it, each by two inputs where possible; without one, to split the
    programs into as many behaviours as possible. Stops when no input gains anything and `minimum` is reached;
    up to there, inputs with new right answers fill the choice.
    The inputs in `first` are taken in any case. Beyond `enough`, an input has to catch or split what no other
    one does.
    """
    width = len(outputs[0]) if outputs else len(reference or ())
    chosen: list[int] = []
    gain = _Kills(outputs, reference) if reference is not None else _Splits(outputs)
    for at in first[:maximum]:
        gain.take(at)
        chosen.append(at)
    while len(chosen) < min(maximum, width):
        left = [at for at in range(width) if at not in chosen]
        gains = {at: gain.gain(at) for at in left}
        if enough is not None and len(chosen) >= enough:
            gains = {at: 0.0 if gain.is_repeated(at) else found for at, found in gains.items()}
        best = max(left, key=lambda at: (gains[at], gain.is_new(at), -at))
        if gains[best] == 0 and len(chosen) >= minimum:
            break
        gain.take(best)
        chosen.append(best)
    return sorted(chosen)


class _Kills:
    """Gain of an input with a reference: wrong programs that it catches; those not yet caught count most."""

    def __init__(self, outputs: Sequence[Sequence[str | None]], reference: Sequence[str | None]) -> None:
        rows = [row for row in outputs if list(row) != list(reference)]
        self._caught = [[row[at] != reference[at] for row in rows] for at in range(len(reference))]
        self._times = [0] * len(rows)
        self._answers, self._seen = list(reference), set[str | None]()

    def gain(self, at: int) -> float:
        kills = sum(
            (KILLS_WANTED + 1.0) ** -self._times[row]
            for row, hit in enumerate(self._caught[at])
            if hit and self._times[row] < KILLS_WANTED
        )
        return kills + (1e-6 if kills and self._answers[at] not in self._seen else 0.0)

    def is_new(self, at: int) -> bool:
        """Whether its right answer differs from those of all inputs taken."""
        return self._answers[at] not in self._seen

    def is_repeated(self, at: int) -> bool:
        """Whether all that it catches has been caught."""
        return all(times for times, hit in zip(self._times, self._caught[at], strict=True) if hit)

    def take(self, at: int) -> None:
        self._seen.add(self._answers[at])
        self._times = [times + hit for times, hit in zip(self._times, self._caught[at], strict=True)]


class _Splits:
    """Gain of an input without a reference: pairs of programs that it is the first to tell apart."""

    def __init__(self, outputs: Sequence[Sequence[str | None]]) -> None:
        self._outputs = outputs
        self._groups = [list(range(len(outputs)))]

    def gain(self, at: int) -> float:
        return sum(
            comb(len(group), 2) - sum(comb(len(part), 2) for part in self._split(group, at))
            for group in self._groups
        )

    def is_new(self, at: int) -> bool:
        """There are no right answers here."""
        del at
        return False

    def is_repeated(self, at: int) -> bool:
        """Whether it splits nothing."""
        return self.gain(at) == 0

    def take(self, at: int) -> None:
        self._groups = [part for group in self._groups for part in self._split(group, at)]

    def _split(self, group: list[int], at: int) -> list[list[int]]:
        parts: dict[str | None, list[int]] = {}
        for program in group:
            parts.setdefault(self._outputs[program][at], []).append(program)
        return list(parts.values())
