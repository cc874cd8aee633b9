"""The base of every record that moves through the flow.

The one rule: a record states once what it is (its kind, its id, what it was made from), and the store, the
stages and lineage read it there.
"""

from typing import ClassVar

from synth.wire_record import Record


class Unit(Record):
    """A record of the flow. It states once what it is; the store, the stages and lineage read it here."""

    kind: ClassVar[str]
    """Its name in the index, and the folder of its bodies."""
    about: ClassVar[str]
    """A one-line description for people."""
    id_field: ClassVar[str] = "id"
    """The field with its id, or with the id of the unit that it describes."""
    parents: ClassVar[tuple[str, ...]] = ()
    """Fields with the ids of the units it was made from. The first one is the program to run when
    it is replayed."""

    @property
    def unit_id(self) -> str:
        return str(getattr(self, self.id_field))

    @property
    def parent_ids(self) -> tuple[str, ...]:
        """The known ids of the units it was made from."""
        return tuple(str(parent) for name in self.parents if (parent := getattr(self, name)))

    @property
    def prompt_text(self) -> str:
        """The text of its prompt, for filters; empty if it has none."""
        return ""

    @property
    def program(self) -> str:
        """Its code, for filters; empty if it has none."""
        return ""
