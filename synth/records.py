"""The wire types: everything that reaches disk or crosses a module boundary is one of these frozen pydantic
models.

Units flow `Seed -> Reference -> Task -> Solution -> Verdict`, and end as a product (`synth.products`) or as a
rejection (an `IndexRow` whose decision is `rejected`). No dict travels between modules. A change of shape
raises SCHEMA_VERSION.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

SCHEMA_VERSION = 2


class Record(BaseModel):
    """Base of all wire types: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# --- contracts ----------------------------------------------------------------------------------------------


class FunctionContract(Record):
    """A function that is called with typed values. `signature` is the text form of a
    `Signature`."""

    kind: Literal["function"] = "function"
    entry_point: str
    signature: str
    parameter_names: tuple[str, ...] = ()

    def call(self, rows: Sequence[tuple[str, ...]]) -> "FunctionCall":
        """The call on these rows of arguments (wire texts)."""
        return FunctionCall(entry_point=self.entry_point, signature=self.signature, arguments=tuple(rows))


class StdioContract(Record):
    """A program that reads stdin and writes stdout."""

    kind: Literal["stdio"] = "stdio"

    def call(self, rows: Sequence[tuple[str, ...]]) -> "StdioCall":
        """The runs on these rows: the texts of a row, joined, are one stdin."""
        return StdioCall(stdins=tuple("".join(row) for row in rows))


class ScriptContract(Record):
    """A program that is followed by a script of its own language, which ends early when a test fails. A
    suite's one case is the end of the script: it has no arguments and returns true."""

    kind: Literal["script"] = "script"
    script: str

    def call(self, rows: Sequence[tuple[str, ...]]) -> "ScriptCall":
        """The run with the script; there are no rows of arguments."""
        return ScriptCall(script=self.script)


Contract = Annotated[FunctionContract | StdioContract, Field(discriminator="kind")]
"""What a task asks for."""
SuiteContract = Annotated[FunctionContract | StdioContract | ScriptContract, Field(discriminator="kind")]
"""What a suite tests."""


# --- the units of the flow ----------------------------------------------------------------------------------


class Unit(Record):
    """A record of the flow. It says once what it is; the store, the stages and lineage read it from here."""

    kind: ClassVar[str]
    """Its name in the index, and the folder of its bodies."""
    about: ClassVar[str]
    """What it is, in one line for people."""
    id_field: ClassVar[str] = "id"
    """The field that holds its id, or the id of the unit that it is about."""
    parents: ClassVar[tuple[str, ...]] = ()
    """Fields that hold the ids of the units it was made from. The first is the program that tests it."""

    @property
    def unit_id(self) -> str:
        return str(getattr(self, self.id_field))

    @property
    def parent_ids(self) -> tuple[str, ...]:
        """The ids of the units it was made from, without those that are not known."""
        return tuple(str(parent) for name in self.parents if (parent := getattr(self, name)))

    @property
    def prompt_text(self) -> str:
        """Its words for the model, for filters; empty where it has none."""
        return ""

    @property
    def program(self) -> str:
        """Its code, for filters; empty where it has none."""
        return ""


class Origin(Record):
    """Where a seed came from: enough to find it again and to honour its licence."""

    source: str
    """Name of the source: a folder's name, a data set's name, `pocket`."""
    path: str = ""
    start_line: int = 0
    end_line: int = 0
    licence: str = ""


class Seed(Unit):
    """A real snippet. Where `contract` is present the seed is a program that can be run, and its behaviour
    can be the reference."""

    kind: ClassVar[str] = "seed"
    about: ClassVar[str] = "a snippet of real code"

    id: str
    language: str
    code: str
    origin: Origin
    contract: FunctionContract | None = None

    @property
    def program(self) -> str:
        return self.code


class SourceText(Unit):
    """A whole source file that was accepted: fill-in-the-middle samples are cut from it."""

    kind: ClassVar[str] = "file"
    about: ClassVar[str] = "a source file that was accepted whole"

    id: str
    repository: str
    path: str
    language: str
    text: str
    licence: str = ""

    @property
    def program(self) -> str:
        return self.text


class Case(Record):
    """One test: the arguments and the expected result, both as wire text. In stdio mode both
    are plain text."""

    arguments: tuple[str, ...]
    expected: str


class Reference(Unit):
    """A seed that can judge programs: its program as it was run, the contract that it keeps, and its
    behaviour.

    `cases` is empty for a seed that could not be run here: then agreement among candidates has to say what
    is right.
    """

    kind: ClassVar[str] = "reference"
    about: ClassVar[str] = "a seed with its contract and what it does"
    id_field: ClassVar[str] = "seed_id"
    parents: ClassVar[tuple[str, ...]] = ("seed_id",)

    seed_id: str
    language: str
    code: str
    """Self-contained: what the seed needs of its file stands in it."""
    contract: FunctionContract
    cases: tuple[Case, ...] = ()

    @property
    def program(self) -> str:
        return self.code


class Task(Unit):
    """An instruction with a contract and its lineage. `seed_id` is empty for a task that was not made from a
    seed."""

    kind: ClassVar[str] = "task"
    about: ClassVar[str] = "an instruction with a contract"
    parents: ClassVar[tuple[str, ...]] = ("seed_id",)

    id: str
    round: int
    instruction: str
    natural_language: str
    contract: Contract
    seed_id: str = ""
    seed_language: str = ""
    request_id: str = ""

    @property
    def language(self) -> str:
        """The language of its seed: the task itself can be solved in any."""
        return self.seed_language

    @property
    def prompt_text(self) -> str:
        return self.instruction


class Solution(Unit):
    """A candidate program for one task in one language."""

    kind: ClassVar[str] = "solution"
    about: ClassVar[str] = "a candidate program"
    parents: ClassVar[tuple[str, ...]] = ("task_id",)

    id: str
    task_id: str
    language: str
    code: str
    index: int
    """Which of the n samples it is, from 0."""
    policy: str
    request_id: str = ""
    cut: bool = False
    """The answer ran into its token limit."""

    @property
    def program(self) -> str:
        return self.code


class EvidenceRank(StrEnum):
    """What a test suite's expected outputs stand on, the strongest first."""

    REFERENCE = "reference"
    EXAMPLES = "examples"
    AGREEMENT = "agreement"
    JUDGEMENT = "judgement"


class TestSuite(Unit):
    """Inputs with expected outputs, and the rank of evidence that they stand on."""

    kind: ClassVar[str] = "suite"
    about: ClassVar[str] = "the tests of a task"
    id_field: ClassVar[str] = "task_id"
    parents: ClassVar[tuple[str, ...]] = ("task_id",)

    __test__ = False  # pytest would otherwise collect the class

    task_id: str
    contract: SuiteContract
    cases: tuple[Case, ...]
    rank: EvidenceRank

    def call(self) -> "Call":
        """The call that the tests ask for, without their expected values."""
        return self.contract.call([case.arguments for case in self.cases])


class InputSet(Unit):
    """Inputs of a task whose seed could not be run: what should come out is not known, and only agreement can
    say."""

    kind: ClassVar[str] = "input_set"
    about: ClassVar[str] = "test inputs of a task that has no reference"
    id_field: ClassVar[str] = "task_id"
    parents: ClassVar[tuple[str, ...]] = ("task_id",)

    task_id: str
    contract: FunctionContract
    rows: tuple[tuple[str, ...], ...]
    """Arguments as wire text, one row for each call."""


# --- what the sandbox saw -----------------------------------------------------------------------------------


IsolationLevel = Literal["A", "B", "C"]
"""How programs are kept apart on this machine, the strongest first: see docs/architecture/sandbox.md."""


class Limits(Record):
    """Limits of one program. Wall time is a backstop only: it never decides a verdict, so it grows with a
    longer `cpu_s`."""

    cpu_s: float = Field(
        default=5.0,
        gt=0,
        le=3600,
        allow_inf_nan=False,
        description="CPU seconds; beyond them the verdict is `timeout`.",
    )
    wall_s: float = Field(
        default=50.0,
        gt=0,
        le=36000,
        allow_inf_nan=False,
        description="Wall seconds, a backstop; ten times `cpu_s` where that is more and nothing is said.",
    )
    memory_mb: int = Field(
        default=512, ge=64, le=1 << 20, description="Memory in MiB; few interpreters start with less than 64."
    )
    processes: int = Field(default=64, ge=1, le=4096, description="Processes and threads at once.")
    output_bytes: int = Field(
        default=8 << 20, ge=1024, le=1 << 30, description="Bytes on stdout and stderr together."
    )
    file_bytes: int = Field(
        default=16 << 20, ge=0, le=1 << 34, description="Bytes in files that the program writes."
    )

    @model_validator(mode="before")
    @classmethod
    def _leave_time_to_wait(cls, given: object) -> object:
        if not isinstance(given, dict) or "wall_s" in given:
            return given
        cpu_s = given.get("cpu_s")
        if not isinstance(cpu_s, int | float) or not 5 < cpu_s <= 3600:
            return given
        return {**given, "wall_s": 10.0 * cpu_s}


class Captured(Record):
    """Output of a program: its head and tail, and its true length in bytes."""

    head: str = ""
    tail: str = ""
    length: int = 0


class CaseObservation(Record):
    """What happened on one input. `output` is wire text (function mode) or the whole stdout (stdio mode)."""

    index: int
    status: Literal["returned", "raised", "missing"]
    output: str | None = None
    error: str | None = None


class FunctionCall(Record):
    """Call `entry_point` once for each row of arguments (wire texts), all in one process."""

    kind: Literal["function"] = "function"
    entry_point: str
    signature: str
    arguments: tuple[tuple[str, ...], ...]


class StdioCall(Record):
    """Run the program once for each stdin, each time in a fresh process."""

    kind: Literal["stdio"] = "stdio"
    stdins: tuple[str, ...]


class ScriptCall(Record):
    """Run the program with a test script of its own appended; a private nonce shows that its end was reached.
    Lower trust."""

    kind: Literal["script"] = "script"
    script: str


Call = Annotated[FunctionCall | StdioCall | ScriptCall, Field(discriminator="kind")]


class ExecutionRequest(Record):
    """One program to run. It holds no expected values: those never leave the parent."""

    id: str
    language: str
    code: str
    call: Call
    limits: Limits = Limits()


class Phase(StrEnum):
    PARSE = "parse"
    COMPILE = "compile"
    RUN = "run"


class Stop(StrEnum):
    """Why the sandbox ended the program, when it was not the program itself that ended."""

    NONE = "none"
    CPU = "cpu"
    WALL = "wall"
    MEMORY = "memory"
    OUTPUT = "output"
    VIOLATION = "violation"


class Observation(Unit):
    """Everything the sandbox saw of one program. What follows from it is decided by
    `synth.execution.verdict`, which is pure."""

    kind: ClassVar[str] = "observation"
    about: ClassVar[str] = "everything that the sandbox saw of one program"
    id_field: ClassVar[str] = "request_id"

    request_id: str
    language: str
    phase: Phase
    """The phase that was reached; `run` unless an earlier one failed."""
    exit_code: int | None = None
    signal: int | None = None
    stop: Stop = Stop.NONE
    finished: bool = False
    """Function and script mode: the driver reached its end and said so on the private channel. Stdio mode:
    exit code 0."""
    cases: tuple[CaseObservation, ...] = ()
    stdout: Captured = Captured()
    stderr: Captured = Captured()
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_memory_mb: float = 0.0
    infrastructure: str | None = None
    """Set when the sandbox itself failed: then nothing here says anything about the program."""
    toolchain_missing: str | None = None
    """Set to the install command when the language cannot be run on this machine."""
    level: str = ""
    """Isolation level: A, B or C, or the name of a remote sandbox."""
    toolchain: str = ""


class Outcome(StrEnum):
    """What follows from an observation. `synth.execution.verdict` says in which order it is decided."""

    PASS = "pass"
    WRONG_ANSWER = "wrong_answer"
    RUNTIME_ERROR = "runtime_error"
    COMPILE_ERROR = "compile_error"
    PARSE_ERROR = "parse_error"
    TIMEOUT = "timeout"
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    VIOLATION = "violation"
    INFRASTRUCTURE = "infrastructure"
    TOOLCHAIN_MISSING = "toolchain_missing"

    @property
    def is_fault(self) -> bool:
        """Whether it says nothing of the program, so it is no label: the sandbox failed, or the language is
        not here."""
        return self in (Outcome.INFRASTRUCTURE, Outcome.TOOLCHAIN_MISSING)


class Verdict(Unit):
    """The outcome of one solution against one test suite, and what it stands on."""

    kind: ClassVar[str] = "verdict"
    about: ClassVar[str] = "the outcome of a solution against its tests"
    id_field: ClassVar[str] = "solution_id"
    parents: ClassVar[tuple[str, ...]] = ("task_id",)

    solution_id: str
    task_id: str
    outcome: Outcome
    passed: int
    total: int
    rank: EvidenceRank
    first_failure: str = ""
    """Input, expected and found of the first failing case, in words, for people."""
    cpu_s: float = 0.0
    peak_memory_mb: float = 0.0
    level: str = ""


# --- messages -------------------------------------------------------------------------------------------


class Message(Record):
    role: Literal["system", "user", "assistant"]
    content: str


# --- the index ----------------------------------------------------------------------------------------------


class Decision(StrEnum):
    KEPT = "kept"
    REJECTED = "rejected"
    FAILED = "failed"


class IndexRow(Record):
    """One row for each unit at each stage that it entered. The funnel, the rejected store and the data sets
    are views of these rows.

    Conservation: at every stage, entered = kept + rejected + failed + waiting, where waiting is what has
    entered and has no row yet.
    """

    round: int
    stage: str
    shard: str
    unit_id: str
    kind: str
    parents: tuple[str, ...] = ()
    language: str = ""
    natural_language: str = ""
    decision: Decision
    reason: str = ""
    evidence: str = "{}"
    """JSON object of numbers and short texts: why the decision was taken."""
    ms: float = 0.0
    tokens: int = 0
