"""What a task asks for and what a suite tests: a typed function, a program over stdin and stdout, or one
under a test script.

`synth.records` gives these names to everyone else. Each contract turns rows of inputs into a call.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from synth.calls import ClassCall, FunctionCall, Method, ScriptCall, StdioCall
from synth.wire_record import Record


class FunctionContract(Record):
    """A function that is called with typed values. `signature` is the text form of a `Signature`."""

    kind: Literal["function"] = "function"
    entry_point: str
    signature: str
    parameter_names: tuple[str, ...] = ()

    @property
    def asked_name(self) -> str:
        """What the program has to define; empty if it is free."""
        return self.entry_point

    def call(self, rows: Sequence[tuple[str, ...]]) -> FunctionCall:
        """The call on these rows of arguments (wire texts)."""
        return FunctionCall(entry_point=self.entry_point, signature=self.signature, arguments=tuple(rows))


class StdioContract(Record):
    """A program that reads stdin and writes stdout, or files of its working folder that are named here."""

    kind: Literal["stdio"] = "stdio"
    input_file: str = ""
    output_file: str = ""

    @property
    def asked_name(self) -> str:
        """A program is free in its names."""
        return ""

    def call(self, rows: Sequence[tuple[str, ...]]) -> StdioCall:
        """One run per row. The joined texts of a row are its stdin."""
        stdins = tuple("".join(row) for row in rows)
        return StdioCall(stdins=stdins, input_file=self.input_file, output_file=self.output_file)


class ClassContract(Record):
    """A class of which objects are made and called in turn."""

    kind: Literal["class"] = "class"
    class_name: str
    constructor: Method
    """Its name does not matter, and its result is `null`."""
    methods: tuple[Method, ...]

    @property
    def asked_name(self) -> str:
        """What the program has to define."""
        return self.class_name

    def call(self, rows: Sequence[tuple[str, ...]]) -> ClassCall:
        """One object per row: the arguments of its constructor, and the calls (`ClassCall`)."""
        return ClassCall(
            class_name=self.class_name,
            constructor=self.constructor,
            methods=self.methods,
            arguments=tuple(rows),
        )


class ScriptContract(Record):
    """A program followed by a test script in its own language, which ends early when a test fails. Its suite
    has one case, reaching the end of the script: no arguments, and the result true."""

    kind: Literal["script"] = "script"
    script: str

    def call(self, rows: Sequence[tuple[str, ...]]) -> ScriptCall:
        """The run with the script; there are no rows of arguments."""
        return ScriptCall(script=self.script)


Contract = Annotated[FunctionContract | StdioContract | ClassContract, Field(discriminator="kind")]
"""What a task asks for."""
SuiteContract = Annotated[
    FunctionContract | StdioContract | ClassContract | ScriptContract, Field(discriminator="kind")
]
"""What a suite tests."""
