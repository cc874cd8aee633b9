"""The wire types: everything that reaches disk or crosses a module boundary is one of these
frozen pydantic models.

Units flow `Seed -> Reference -> Task -> Solution -> Verdict`. Each ends as a product (`synth.products`) or as
a rejection (an `IndexRow` whose decision is `rejected`). No dicts are passed between modules. A change of
shape raises SCHEMA_VERSION.
"""

from enum import StrEnum
from typing import ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from synth.calls import Call as Call
from synth.calls import CheckCall as CheckCall
from synth.calls import CheckedCase as CheckedCase
from synth.calls import ClassCall as ClassCall
from synth.calls import FunctionCall as FunctionCall
from synth.calls import Method as Method
from synth.calls import ProgramCall as ProgramCall
from synth.calls import ProgramFile as ProgramFile
from synth.calls import ScriptCall as ScriptCall
from synth.calls import StdioCall as StdioCall
from synth.comparison_rules import Comparison
from synth.contracts import ClassContract as ClassContract
from synth.contracts import Contract as Contract
from synth.contracts import FunctionContract as FunctionContract
from synth.contracts import ScriptContract as ScriptContract
from synth.contracts import StdioContract as StdioContract
from synth.contracts import SuiteContract as SuiteContract
from synth.seed_records import Example as Example
from synth.seed_records import Origin as Origin
from synth.seed_records import Seed as Seed
from synth.seed_records import SourceText as SourceText
from synth.seed_records import Unclosed as Unclosed
from synth.unit import Unit as Unit
from synth.wire_record import Record as Record

SCHEMA_VERSION = 2


# --- the units of the flow ----------------------------------------------------------------------------------


class Case(Record):
    """One test: the arguments and the expected result as wire text, or as plain text in stdio mode."""

    arguments: tuple[str, ...]
    expected: str = ""
    """Empty if the call is to end in an error."""
    also: tuple[str, ...] = ()
    """Other results that are right as well."""
    raises: str = ""
    """The kind of the error in which the call is to end, such as `ValueError`, for people: any error that the
    program raises is right, in whatever way its language does so. Empty if the call is to return."""


class CodingProblem(Unit):
    """A row of an instruction set: a task that a person or a model of others wrote, with what its set knows
    of the solution."""

    kind: ClassVar[str] = "problem"
    about: ClassVar[str] = "a problem of an instruction set"

    id: str
    language: str
    """Of the answer; empty if there is none."""
    instruction: str
    natural_language: str
    code: str = ""
    """The program in the set's answer."""
    starter: str = ""
    """The head of the function that is asked for."""
    entry_point: str = ""
    contract: Contract | None = None
    """As far as the row states it."""
    cases: tuple[Case, ...] = ()
    """Tests of a program over stdin and stdout."""
    examples: tuple[Example, ...] = ()
    """Tests of a function."""
    origin: Origin

    @property
    def prompt_text(self) -> str:
        return self.instruction

    @property
    def program(self) -> str:
        return self.code


class EvidenceRank(StrEnum):
    """What the expected outputs of a test suite are based on, the strongest first."""

    REFERENCE = "reference"
    EXAMPLES = "examples"
    AGREEMENT = "agreement"
    JUDGEMENT = "judgement"


class Reference(Unit):
    """A seed that can judge programs: the code that was run, its contract, and its observed behaviour.

    If the seed could not be run here, `cases` are what people state of it (rank `examples`), or empty:
    agreement among candidates must then decide.
    """

    kind: ClassVar[str] = "reference"
    about: ClassVar[str] = "a seed with its contract and its behaviour"
    id_field: ClassVar[str] = "seed_id"
    parents: ClassVar[tuple[str, ...]] = ("seed_id",)

    seed_id: str
    language: str
    code: str
    """Self-contained: it includes everything that the seed needs from its file."""
    contract: Contract
    cases: tuple[Case, ...] = ()
    domains: str = ""
    """Which values its parameters take, as `rules.domains` writes it; of a program, its stdin's shape."""
    gentle: bool = False
    """Whether the function takes only arguments that fit together."""
    rank: EvidenceRank = EvidenceRank.REFERENCE
    """What the expected values of the cases stand on."""

    @property
    def program(self) -> str:
        return self.code


class Task(Unit):
    """An instruction with a contract and its lineage. `seed_id` is empty if it was not made from a seed."""

    kind: ClassVar[str] = "task"
    about: ClassVar[str] = "an instruction with a contract"
    parents: ClassVar[tuple[str, ...]] = ("seed_id", "from_task_id")

    id: str
    round: int
    instruction: str
    natural_language: str
    contract: Contract
    seed_id: str = ""
    seed_language: str = ""
    request_id: str = ""
    from_task_id: str = ""
    """The task that it was made from, as a harder or a recombined one; empty if it was made from its seed."""
    way: str = ""
    """How its instruction was made, such as `concepts`; empty for the plain way, from the snippet at once."""
    shape: str = ""
    """The form in which it asks; empty for the plain one."""
    concepts: tuple[str, ...] = ()
    """What it is about, as far as its making says."""

    @property
    def language(self) -> str:
        """The language of its seed. The task itself can be solved in any language."""
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
    """Whether the answer hit its token limit."""
    attempt: int = 1
    """The try at its task in which it was asked for."""
    reasoning: str = ""
    """What the model thought before it answered, where it shows it and the recipe keeps it."""

    @property
    def program(self) -> str:
        return self.code


class TestSuite(Unit):
    """Inputs with expected outputs, and the rank of the evidence behind them."""

    kind: ClassVar[str] = "suite"
    about: ClassVar[str] = "the tests of a task"
    id_field: ClassVar[str] = "task_id"
    parents: ClassVar[tuple[str, ...]] = ("task_id",)

    __test__ = False  # pytest would otherwise collect the class

    task_id: str
    contract: SuiteContract
    cases: tuple[Case, ...]
    rank: EvidenceRank
    compare: Comparison | None = None
    """When a result counts as the expected one; the default of the contract's kind if unset."""
    hidden: int = 0
    """So many of the last cases are hidden from selection: nothing is chosen by them, and they tell how often
    what was chosen is wrong all the same."""
    attempt: int = 1
    """The try at the task for which it was drawn. It judges the candidates of this try and of later ones."""

    def judges(self, solution: Solution) -> bool:
        """Whether the solution was judged by these tests, and not by tests that they replace."""
        return solution.attempt >= self.attempt

    @model_validator(mode="after")
    def _asks_for_a_result(self) -> Self:
        if self.cases and all(case.raises for case in self.cases):
            raise ValueError("cases: one at least must ask for a result, or a program that only fails passes")
        return self

    def call(self) -> "Call":
        """The call that the tests make, without the expected values."""
        return self.contract.call([case.arguments for case in self.cases])


class InputSet(Unit):
    """Inputs of a task whose seed could not be run. Agreement must decide which outputs are right."""

    kind: ClassVar[str] = "input_set"
    about: ClassVar[str] = "test inputs of a task without a reference"
    id_field: ClassVar[str] = "task_id"
    parents: ClassVar[tuple[str, ...]] = ("task_id",)

    task_id: str
    contract: FunctionContract
    rows: tuple[tuple[str, ...], ...]
    """Arguments as wire text, one row per call."""

    @property
    def cases(self) -> tuple[Case, ...]:
        """The rows as cases whose expected results are not known yet."""
        return tuple(Case(arguments=row, expected="") for row in self.rows)


class InputValidator(Unit):
    """A program that says which inputs of a task are allowed."""

    kind: ClassVar[str] = "validator"
    about: ClassVar[str] = "a program that says which inputs a task allows"
    id_field: ClassVar[str] = "task_id"
    parents: ClassVar[tuple[str, ...]] = ("task_id",)
    task_id: str
    code: str


# --- what the sandbox saw -----------------------------------------------------------------------------------


IsolationLevel = Literal["A", "B", "C"]
"""How programs are isolated on this machine, the strongest first. See docs/architecture/sandbox.md."""


USUAL_STACK_MB: Final = 8
"""The stack of a main thread on Linux, where nobody asks for another."""


class Limits(Record):
    """Limits for one program. Wall time is only a backstop and never decides a verdict, so it
    grows with `cpu_s`."""

    cpu_s: float = Field(
        default=5.0,
        gt=0,
        le=3600,
        allow_inf_nan=False,
        description="CPU time in seconds. A program that needs more gets the verdict `timeout`.",
    )
    wall_s: float = Field(
        default=50.0,
        gt=0,
        le=36000,
        allow_inf_nan=False,
        description="Wall time in seconds, as a backstop. If unset, 50 or `10 * cpu_s`, whichever is more. "
        "Up to that, a program that is idle for 5 s, or for `cpu_s` if that is more, ends as well.",
    )
    memory_mb: int = Field(
        default=512, ge=64, le=1 << 20, description="Memory in MiB. Few interpreters start with less than 64."
    )
    processes: int = Field(
        default=64, ge=1, le=4096, description="Maximum number of processes and threads at any time."
    )
    output_bytes: int = Field(
        default=8 << 20,
        ge=1024,
        le=1 << 30,
        description="Maximum bytes written to stdout and stderr together.",
    )
    file_bytes: int = Field(
        default=16 << 20, ge=0, le=1 << 34, description="Maximum bytes in files that the program writes."
    )
    stack_mb: int = Field(
        default=USUAL_STACK_MB,
        ge=1,
        le=1 << 20,
        description="Stack of the main thread in MiB, within the memory limit. A runtime with frames of its "
        "own (Java, Kotlin, node, Ruby, SBCL, Mono) gets a stack that is as deep.",
    )

    @property
    def newer_defaults(self) -> set[str]:
        """Fields that keys of earlier runs do not know and that have their usual value: a key leaves them
        out, and stays what it was."""
        return {"stack_mb"} if self.stack_mb == USUAL_STACK_MB else set()

    @property
    def idle_s(self) -> float:
        """How long the program may use no CPU and write nothing before it ends like one that is too slow. A
        wall limit above the usual one says that it is to wait."""
        if self.wall_s > max(50.0, 10.0 * self.cpu_s):
            return self.wall_s
        return max(5.0, self.cpu_s)

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
    """Output of a program: head, tail and full length in bytes."""

    head: str = ""
    tail: str = ""
    length: int = 0


class CaseObservation(Record):
    """The result on one input. `output` is wire text (function mode) or the whole stdout (stdio mode)."""

    index: int
    status: Literal["returned", "raised", "missing"]
    output: str | None = None
    error: str | None = None
    is_text: bool = True
    """False for a stdout with bytes that are no UTF-8. `output` then shows U+FFFD in their place, and
    equals no expected text."""


class ExecutionRequest(Record):
    """One program to run. It contains no expected values, unless it is a checker: those of a suite never
    enter the sandbox of the program that is judged."""

    id: str
    language: str
    code: str
    call: Call
    limits: Limits = Limits()
    other_hashing: bool = False
    """Order hash tables in another way than usual, where the language lets that be chosen: a result that
    hangs on their order then shows."""


class Phase(StrEnum):
    PARSE = "parse"
    COMPILE = "compile"
    RUN = "run"


class Stop(StrEnum):
    """Why the sandbox stopped the program, if it did."""

    NONE = "none"
    CPU = "cpu"
    WALL = "wall"
    MEMORY = "memory"
    OUTPUT = "output"
    VIOLATION = "violation"


class Observation(Unit):
    """Everything the sandbox observed about one program. `synth.execution.verdict` judges it."""

    kind: ClassVar[str] = "observation"
    about: ClassVar[str] = "everything that the sandbox observed about one program"
    id_field: ClassVar[str] = "request_id"

    request_id: str
    language: str
    phase: Phase
    """The last phase reached: `run` unless an earlier one failed."""
    exit_code: int | None = None
    signal: int | None = None
    stop: Stop = Stop.NONE
    finished: bool = False
    """Function and script mode: the driver reported on the private channel that it reached its end. Stdio
    mode: exit code 0."""
    cases: tuple[CaseObservation, ...] = ()
    stdout: Captured = Captured()
    stderr: Captured = Captured()
    files: tuple[ProgramFile, ...] = ()
    """Of a `ProgramCall`: what it was to report."""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_memory_mb: float = 0.0
    infrastructure: str | None = None
    """Set if the sandbox itself failed. The other fields then say nothing about the program."""
    toolchain_missing: str | None = None
    """The install command, set if this machine cannot run the language."""
    level: str = ""
    """Isolation level: A, B or C, or the name of a remote sandbox."""
    toolchain: str = ""


class Outcome(StrEnum):
    """The judgement of an observation. `synth.execution.verdict` defines which outcome takes precedence."""

    PASS = "pass"
    WRONG_ANSWER = "wrong_answer"
    RUNTIME_ERROR = "runtime_error"
    COMPILE_ERROR = "compile_error"
    PARSE_ERROR = "parse_error"
    TIMEOUT = "timeout"
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    VIOLATION = "violation"
    VACUOUS = "vacuous"
    """The program passed, and so does one that solves nothing: the tests say nothing about it."""
    INFRASTRUCTURE = "infrastructure"
    TOOLCHAIN_MISSING = "toolchain_missing"

    @property
    def is_fault(self) -> bool:
        """Whether the sandbox failed or cannot run the language. Not the program's fault, so
        never a label."""
        return self in (Outcome.INFRASTRUCTURE, Outcome.TOOLCHAIN_MISSING)


class Verdict(Unit):
    """The outcome of one solution on one test suite, and the rank of its evidence."""

    kind: ClassVar[str] = "verdict"
    about: ClassVar[str] = "the outcome of a solution on its tests"
    id_field: ClassVar[str] = "solution_id"
    parents: ClassVar[tuple[str, ...]] = ("task_id",)

    solution_id: str
    task_id: str
    outcome: Outcome
    """It counts every case, hidden ones too."""
    passed: int
    total: int
    """Of the open cases: what selection and pairs see."""
    rank: EvidenceRank
    hidden_passed: int = 0
    hidden_total: int = 0
    first_failure: str = ""
    """The first failing case in words: its input, the expected and the actual output."""
    cpu_s: float = 0.0
    peak_memory_mb: float = 0.0
    level: str = ""


class Message(Record):
    role: Literal["system", "user", "assistant"]
    content: str


class Decision(StrEnum):
    KEPT = "kept"
    REJECTED = "rejected"
    FAILED = "failed"


class IndexRow(Record):
    """One row per unit and stage that it entered. The funnel, the rejected units and the data sets are views
    of these rows.

    Conservation: at every stage, entered = kept + rejected + failed + waiting. Waiting units have entered and
    have no row yet.
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
    """JSON object of numbers and short texts that explain the decision."""
    ms: float = 0.0
    tokens: int = 0
