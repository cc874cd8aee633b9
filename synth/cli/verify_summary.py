"""The summary of `codemill verify`: the verdicts of this command and of the whole file, and why rows could
not be run.

The one rule: anything that the user must act on is stated in words, with the rows concerned.
"""

import sys
from collections import Counter
from typing import Final, NamedTuple

from synth.cli.printing import one_line, print_json, print_table
from synth.records import Outcome
from synth.verify.answers import VerifyResult

_SHOWN: Final = 10


class Ended(NamedTuple):
    """Counts of the whole command."""

    rows: int
    before: int
    """Rows that already had an answer in the file."""
    left_out: int
    cached: int
    wall_s: float


class Summary:
    """Answers go in one by one."""

    def __init__(self) -> None:
        self.found = Counter[Outcome]()
        self.faults = Counter[str]()
        """Rows that could not be run, by reason."""
        self.accepting = Counter[str]()
        """Rows whose tests accept a control, by control."""
        self._weak = 0
        self._named: list[str] = []

    def add(self, answer: VerifyResult) -> None:
        self.found[answer.verdict] += 1
        if answer.verdict.is_fault:
            self.faults[f"{answer.language}: {answer.verdict}: {one_line(answer.reason, 200)}"] += 1

        self.accepting.update(answer.accepts)
        self._weak += bool(answer.accepts)
        if answer.accepts and len(self._named) < _SHOWN:
            self._named.append(f"row {answer.row} ({one_line(answer.id, 60)}): {', '.join(answer.accepts)}")

    @property
    def needs_a_person(self) -> bool:
        return bool(self.faults or self.accepting)

    def show(self, in_file: Counter[Outcome], ended: Ended) -> None:
        """For people: a table on stdout, things to act on on stderr."""
        rows = [
            (outcome.value, self.found[outcome], in_file[outcome]) for outcome in Outcome if in_file[outcome]
        ]
        if rows:
            print_table(("verdict", "now", "in the file"), rows, numbers=("now", "in the file"))
        run = self.found.total()
        more = [
            (ended.before, "already had an answer"),
            (ended.cached, "came from the cache"),
            (ended.left_out, "rows skipped"),
        ]
        counted = "".join(f"; {count} {what}" for count, what in more if count)
        print(f"{run} programs in {ended.wall_s:.1f} s, {run / max(ended.wall_s, 1e-3):.0f}/s{counted}")
        for reason, count in self.faults.most_common(_SHOWN):
            print(f"{count} could not be run: {reason}", file=sys.stderr)
        if self._weak:
            print(f"rows whose tests accept a program that solves nothing: {self._weak}", file=sys.stderr)
        print("".join(f"  {named}\n" for named in self._named), file=sys.stderr, end="")

    def show_json(self, in_file: Counter[Outcome], ended: Ended) -> None:
        """For programs."""
        counts = {"run": self.found.total(), "verdicts": _by_name(self.found), "in_file": _by_name(in_file)}
        print_json(
            {
                **ended._asdict(),
                **counts,
                "faults": dict(self.faults),
                "weak": self._weak,
                "accepting": dict(self.accepting),
            }
        )


def _by_name(counts: Counter[Outcome]) -> dict[str, int]:
    return {outcome.value: counts[outcome] for outcome in Outcome if counts[outcome]}
