"""Programs that a model writes about the inputs of a task: a validator, which says whether the task allows an
input, and a generator, which makes inputs.

Place in the flow: the inputs stage asks for them where the recipe wants them. Both are Python, whatever the
task is solved in, and run in the sandbox. The one rule: neither is believed. A validator has to allow every
input that is known to be good, or it is thrown out; what a generator returns is bounded, has to have the
types of the contract, and is an input like any other.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Literal, NamedTuple

from synth.config import InputsConfig
from synth.filters.protocol import Reject
from synth.ids import unit_id
from synth.prompts.answers import read_code
from synth.records import (
    Contract,
    ExecutionRequest,
    FunctionContract,
    Limits,
    Observation,
    StdioContract,
    Task,
)
from synth.rules.canonical import is_whole
from synth.rules.reference_judging import find_fault
from synth.rules.reference_rows import show_row
from synth.rules.stated_examples import Row, fit_row
from synth.stages.asking import Asker
from synth.stages.contract_prompts import input_words, prompt_name
from synth.stages.running import Run, SandboxFault
from synth.values import Signature, Value, ValueSyntaxError, ValueType, decode, encode, parse_signature

Kind = Literal["validator", "generator"]
ENTRY_POINTS: Final[dict[Kind, str]] = {"validator": "is_valid", "generator": "generate"}
CALLS: Final = 24
"""Seeds that a generator is called with: 0, 1, 2 and so on; each call makes one input."""
LONGEST_INPUT: Final = 4_000
"""Characters of a generated input, all its wire texts together."""
_STDIN: Final = (ValueType("str"),)
_TRUE: Final = encode(True)


class Proof(NamedTuple):
    """What became of a task's validator."""

    validator: "Validator | None"
    words: str
    """How it came out, for the evidence; empty if none was asked for."""


class Validator:
    """A program that has allowed all inputs that are known to be good."""

    def __init__(self, code: str, contract: Contract, run: Run, limits: Limits) -> None:
        self._code, self._run, self._limits = code, run, limits
        self._is_text = isinstance(contract, StdioContract)
        signature = Signature(_parameters(contract), ValueType("bool"))
        self._contract = FunctionContract(entry_point=ENTRY_POINTS["validator"], signature=str(signature))

    async def allowed(self, rows: Sequence[Row]) -> set[Row]:
        """The rows that it allows. One on which it raises, is stopped or returns anything but true is
        forbidden. Raises SandboxFault."""
        if not rows:
            return set()
        call = self._contract.call([self._arguments(row) for row in rows])
        request = ExecutionRequest(
            id=unit_id("validate", self._code, call.arguments),
            language="python",
            code=self._code,
            call=call,
            limits=self._limits,
        )
        (seen,) = await self._run([request])
        if fault := find_fault(seen):
            raise SandboxFault(fault)
        return {
            rows[case.index]
            for case in seen.cases
            if case.status == "returned" and case.output == _TRUE and case.index < len(rows)
        }

    def _arguments(self, row: Row) -> Row:
        return (encode("".join(row)),) if self._is_text else row


def _parameters(contract: Contract) -> tuple[ValueType, ...]:
    if isinstance(contract, FunctionContract):
        return parse_signature(contract.signature).parameters
    return _STDIN


class InputPrograms:
    """Asks for the programs of tasks, and runs them. Tasks about classes have none: their inputs are calls in
    turn, laid out in slots that no model is shown."""

    def __init__(self, config: InputsConfig, asker: Asker, run: Run, limits: Limits) -> None:
        self._config, self._asker, self._run, self._limits = config, asker, run, limits

    async def ask(self, task: Task, kind: Kind) -> str | Reject:
        """The program as the model wrote it; empty if there is none. A request that failed is a Reject; one
        that was refused gives none."""
        name = prompt_name(f"inputs_{kind}", task.contract)
        if not getattr(self._config, kind) or not self._asker.has_prompt(name):
            return ""
        messages = self._asker.render(name, task.natural_language, **input_words(task))
        response = await self._asker.ask(task.id, messages, self._config.sampling)
        if isinstance(response, Reject):
            return response if response.is_fault else ""
        answer = read_code(response.completions[0].text, "python", ENTRY_POINTS[kind])
        return "" if answer.cut else answer.code

    async def prove(self, task: Task, code: str, good: Sequence[Row], answered: Sequence[Row]) -> Proof:
        """The validator, if it allows every good row, and as many of those that the reference has answered as
        a suite needs. Raises SandboxFault."""
        if not code:
            return Proof(None, "")
        found = Validator(code, task.contract, self._run, self._limits)
        rows = list(dict.fromkeys([*good, *answered]))
        allowed = await found.allowed(rows)
        if refused := [row for row in good if row not in allowed]:
            return Proof(None, f"thrown out: refuses the known good input {show_row(refused[0])}"[:200])
        if len(allowed) < min(self._config.minimum, len(rows)):
            return Proof(None, f"thrown out: allows {len(allowed)} of {len(rows)} inputs")
        return Proof(found, f"allows {len(allowed)} of {len(rows)} inputs")

    async def generate(self, task: Task, code: str) -> tuple[Row, ...]:
        """The inputs that a generator makes, those of the right types, each once. Raises SandboxFault."""
        if not code:
            return ()
        contract = FunctionContract(entry_point=ENTRY_POINTS["generator"], signature="(int) -> any")
        call = contract.call([(encode(seed),) for seed in range(CALLS)])
        request = ExecutionRequest(
            id=unit_id("generate", task.id, code),
            language="python",
            code=code,
            call=call,
            limits=self._limits,
        )
        (seen,) = await self._run([request])
        if fault := find_fault(seen):
            raise SandboxFault(fault)
        return read_generated(task.contract, seen)


def read_generated(contract: Contract, seen: Observation) -> tuple[Row, ...]:
    """The inputs in what a generator returned, as rows of the contract; what is too long, is no value or has
    other types is left out."""
    rows: dict[Row, None] = {}
    for case in seen.cases:
        text = case.output or ""
        if case.status != "returned" or len(text) > LONGEST_INPUT or not is_whole(text):
            continue
        with suppress(ValueSyntaxError, RecursionError):
            if (row := _row_of(contract, decode(text))) is not None:
                rows.setdefault(row)
    return tuple(rows)


def _row_of(contract: Contract, value: Value) -> Row | None:
    if isinstance(contract, StdioContract):
        return _stdin_of(value)
    if not isinstance(value, list | tuple):
        return None
    return fit_row(tuple(map(encode, value)), _parameters(contract))


def _stdin_of(value: Value) -> Row | None:
    if not isinstance(value, str) or "\0" in value or not value.isascii():
        return None
    return (value if value.endswith("\n") else f"{value}\n",)
