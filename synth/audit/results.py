"""What was seen of one row of a data set.

Place in the flow: `trial.py` makes it, `findings.py` counts it, and the unfinished audit keeps one a line.
The one rule: what could not be tried is empty and says why; it is never taken for sound.
"""

from synth.records import Record


class Passed(Record):
    """A program that solves nothing and passes."""

    aim: str
    name: str


class RowResult(Record):
    """One row."""

    number: int
    id: str
    language: str = ""
    untried: str = ""
    """Why nothing of it was run."""
    runs: tuple[str, ...] = ()
    """The verdicts on its reference, run after run."""
    reason: str = ""
    """Of the first run that did not pass."""
    reference_untried: str = ""
    """Why its reference was not judged: it has none, or the machine lacks something."""
    tried: tuple[str, ...] = ()
    """The aims of the programs that were run."""
    passed: tuple[Passed, ...] = ()
    mutants: int = 0
    """Mutants that could be run."""
    survivors: tuple[str, ...] = ()
    """Those that pass, each with its line and its edit."""
    duplicate: str = ""
    """`exact` or `near`, and the row that it repeats."""
    contaminated: str = ""
    """The entry that it overlaps with, and the share."""
