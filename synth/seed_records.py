"""What sources give: snippets of real code with where they came from, and whole files.

Place in the flow: the sources make these records, and every later unit descends from one of them.
"""

from typing import ClassVar, Literal

from synth.contracts import Contract
from synth.unit import Unit
from synth.wire_record import Record


class Origin(Record):
    """Where a seed came from: enough to find it again and to honour its licence."""

    source: str
    """Name of the source: a folder, a data set, or `pocket`."""
    path: str = ""
    row: str = ""
    """Of a data set: the row that holds the code, as `part:number`."""
    start_line: int = 0
    end_line: int = 0
    licence: str = ""


class Example(Record):
    """A call that a person wrote beside the code, with what it is to give: stronger than any drawn input,
    because a person respected what the function asks of its arguments."""

    arguments: tuple[str, ...]
    """Wire texts."""
    expected: str | None = None
    """The stated result as wire text; None if only the call is known."""
    raises: str = ""
    """The name of the exception that the call is to raise."""
    source: Literal["doctest", "test", "caller", "text"] = "doctest"


class Unclosed(Record):
    """Why a function cannot be closed over its file and package."""

    reason: Literal["not_self_contained", "impure"]
    needs: str
    """The name or the module that it needs."""
    why: str
    """The end of a sentence that begins with that name."""


class Seed(Unit):
    """A real snippet. If it has a `contract`, it can be run, and its behaviour can serve as the reference.

    `code` is what a model is shown and what filters read. Where that needs more of its file or package,
    `closed` is the program that runs, and `unclosed` says why there is none.
    """

    kind: ClassVar[str] = "seed"
    about: ClassVar[str] = "a snippet of real code"

    id: str
    language: str
    code: str
    origin: Origin
    contract: Contract | None = None
    entry_point: str = ""
    """The function that the seed is about; empty for the last one of its code."""
    examples: tuple[Example, ...] = ()
    shape: Literal["function", "class"] = "function"
    """What its entry point is, where it states no contract."""
    closed: str = ""
    """The self-contained program around `code`; empty if `code` is one, or if there is none."""
    unclosed: Unclosed | None = None

    @property
    def program(self) -> str:
        return self.code

    @property
    def runnable(self) -> str:
        """The program that runs."""
        return self.closed or self.code


class SourceText(Unit):
    """An accepted source file, from which fill-in-the-middle samples are cut."""

    kind: ClassVar[str] = "file"
    about: ClassVar[str] = "an accepted source file"

    id: str
    repository: str
    path: str
    language: str
    text: str
    licence: str = ""

    @property
    def program(self) -> str:
        return self.text
