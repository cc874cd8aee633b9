"""A patch to the data sets of a run: JSON Lines that say which rows go and which pairs are turned round.

Place in the flow: `codemill revoke` and people's marks write patches, `codemill export --without` applies
them. The one rule: a patch changes what leaves the house; the run stays as it is. Lines without `remove` or
`swap` are notes for people.
"""

import json
from pathlib import Path
from typing import Any, Final, NamedTuple

from synth.errors import Problem, UserError


class Patch(NamedTuple):
    """Ids of the rows that go, and of the pairs whose sides change places."""

    removed: frozenset[str] = frozenset()
    swapped: frozenset[str] = frozenset()

    def apply(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """The row as it leaves the house; None for one that does not."""
        if row["id"] in self.removed:
            return None
        return swap_sides(row) if row["id"] in self.swapped else row


NO_PATCH: Final = Patch()


def swap_sides(row: dict[str, Any]) -> dict[str, Any]:
    """A pair with chosen and rejected in each other's place; another row as it is."""
    turned = {"chosen": "rejected", "rejected": "chosen"}
    names = {
        f"{side}{end}": f"{other}{end}" for side, other in turned.items() for end in ("", "_id", "_pass")
    }
    return {name: row[names.get(name, name)] for name in row}


def read_patch(path: Path) -> Patch:
    """The patch in a file. Raises UserError for a file that is none."""
    try:
        lines = [dict(json.loads(line)) for line in path.read_text(encoding="utf-8").split("\n") if line]
        removed, swapped = (
            frozenset(str(line[word]) for line in lines if word in line) for word in ("remove", "swap")
        )
    except (OSError, ValueError, TypeError) as error:
        fix = "give a file that `codemill revoke -o` wrote, or the marks that the inspector wrote"
        raise UserError(Problem(f"patch {path}", f"cannot be read: {error}", fix)) from error
    return Patch(removed, swapped)
