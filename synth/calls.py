"""What a program is asked to do in the sandbox: how it is called, with which inputs.

`synth.records` gives these names to everyone else. The one rule: no call contains an expected value, except
that of a checker.
"""

from typing import Annotated, Literal

from pydantic import Field

from synth.wire_record import Record


class FunctionCall(Record):
    """Call `entry_point` once per row of arguments (wire texts), all in one process."""

    kind: Literal["function"] = "function"
    entry_point: str
    signature: str
    arguments: tuple[tuple[str, ...], ...]


class StdioCall(Record):
    """Run the program once per stdin, each time in a fresh process."""

    kind: Literal["stdio"] = "stdio"
    stdins: tuple[str, ...]
    input_file: str = ""
    """Where the program finds its input instead,"""
    output_file: str = ""
    """and where it leaves its output, in its working folder."""


class Method(Record):
    """A method of a class: the signature of one call of it, without the object. One that gives nothing has
    the result `null`."""

    name: str
    signature: str
    parameter_names: tuple[str, ...] = ()


class ClassCall(Record):
    """For each row, make an object and call its methods in turn, all rows in one process.

    A row holds the arguments of the constructor and then one list: a tuple for each call, with the number of
    the method and a slot for each type of argument. The result is a list of tuples with a slot for each type
    of result. Slots that a call does not use hold the type's zero. The room of languages lays them out.
    """

    kind: Literal["class"] = "class"
    class_name: str
    constructor: Method
    methods: tuple[Method, ...]
    arguments: tuple[tuple[str, ...], ...]


class ScriptCall(Record):
    """Run the program with a test script appended. A private nonce proves that its end was reached. Less
    trustworthy than the other calls."""

    kind: Literal["script"] = "script"
    script: str


class CheckedCase(Record):
    """What a checker is shown of one case."""

    input: str
    output: str
    expected: str


class CheckCall(Record):
    """Run the program, a checker, once per case, each time in a fresh process, with the names of three files:
    input, output and expected output. The program whose output is checked is not there."""

    kind: Literal["check"] = "check"
    cases: tuple[CheckedCase, ...]


class ProgramFile(Record):
    """A file in a program's working folder: its relative path, and its bytes in base64."""

    path: str
    content: str


class ProgramCall(Record):
    """Run the program once and report how it ended, with nothing to judge: whole outputs, and files that it
    reads and leaves in its working folder."""

    kind: Literal["program"] = "program"
    stdin: str = ""
    files: tuple[ProgramFile, ...] = ()
    fetched: tuple[str, ...] = ()
    """Paths of the files to report. One that is not there afterwards is left out."""
    compile_s: float = Field(default=60.0, gt=0, le=60, allow_inf_nan=False)
    """CPU seconds of its compiler."""


Call = Annotated[
    FunctionCall | ClassCall | StdioCall | ScriptCall | CheckCall | ProgramCall, Field(discriminator="kind")
]
