"""Controls: programs that no test suite may accept, tried on a suite before its verdicts are trusted.

Place in the flow: `verify.py` asks `SuiteControls` about each row: about right rows with a script, which are
vacuous if their suite accepts one, and with all controls about every row. The one rule: a control is accepted
if its verdict is a pass, judged in the same way as every program; a suite that accepts one can be passed
without solving the task. The choice of controls depends on the rows and their order, never on which run ends
first.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Coroutine, Mapping
from typing import Any, Final, TypeVar

from synth.execution.protocol import Sandbox
from synth.ids import content_hash
from synth.languages.conformance import Controls
from synth.languages.registry import get_language
from synth.languages.spec import Language, UnsupportedType, render_signature
from synth.mutation.edits import EditKind, apply_edit, find_edits
from synth.records import Call, FunctionCall, Outcome, ScriptCall, StdioCall
from synth.values import Signature, parse_signature
from synth.verify.answers import VerifyResult, make_answer
from synth.verify.checkers import run_checkers
from synth.verify.rows import Prepared
from synth.verify.stubs import stub_pairs

T = TypeVar("T")

MUTANTS: Final = "each mutant of its own program"
STUB: Final = "a stub that returns wrong values"
OF_FIRST: Final = (STUB, MUTANTS)
"""Controls that are made from the first right row of a suite."""
_KEPT: Final = 5_000
"""Number of suites remembered. A suite that returns after this many others is tried again."""
_STDIO: Final = ("a program that prints nothing", "a program that prints PASS")
_SCRIPT: Final = ("an exit with code 0 before the tests", "PASS on stdout before the tests")


def control_programs(language: Language, call: Call) -> dict[str, str]:
    """The controls for a suite, by description. A language that states none has the empty program, and the
    identity if it fits."""
    controls, empty = language.controls, {"an empty program": ""}
    if isinstance(call, FunctionCall):
        return empty | _functions(language, call)
    if controls is None:
        return empty
    silent, loud = _STDIO if isinstance(call, StdioCall) else _SCRIPT
    text = controls.program if isinstance(call, StdioCall) else controls.part
    made = (
        {silent: text.replace("STATEMENT", controls.exit), loud: text.replace("STATEMENT", controls.shout)}
        if text
        else {}
    )
    return empty | {name: controls.before + code for name, code in made.items()}


def _functions(language: Language, call: FunctionCall) -> dict[str, str]:
    signature = parse_signature(call.signature)
    try:
        declaration = render_signature(language, call.entry_point, ("x",), signature)
    except UnsupportedType:
        return {}
    returned = _bodies(language.controls, signature) if language.controls else _identity(language, signature)
    return {name: f"{before}{declaration}{body}" for name, (before, body) in returned.items()}


def _bodies(controls: Controls, signature: Signature) -> dict[str, tuple[str, str]]:
    """The text before and after the declaration, by the description of the function."""
    zero = controls.zero.get(signature.result.kind, controls.zero[""])
    made = {
        "a stub": _body(controls, "", zero),
        "an exit with code 0": _body(controls, controls.exit, zero),
        "PASS on stdout": _body(controls, controls.shout, zero),
    }
    if controls.nothing:
        made["a stub that returns nothing"] = _body(controls, "", controls.nothing)
    if _is_identity(signature):
        made["its own argument"] = _body(controls, "", controls.argument)
    if controls.equal[0]:
        before, body = _body(controls, "", controls.equal[1])
        made["an object equal to everything"] = (before + controls.equal[0], body)
    return made


def _body(controls: Controls, statement: str, value: str) -> tuple[str, str]:
    return controls.before, controls.body.replace("STATEMENT", statement or "").replace("VALUE", value)


def _identity(language: Language, signature: Signature) -> dict[str, tuple[str, str]]:
    samples = language.samples
    if not samples.identity or not _is_identity(signature):
        return {}
    return {"its own argument": ("", samples.identity_of.get(signature.result.kind, samples.identity))}


def _is_identity(signature: Signature) -> bool:
    """Whether the only argument could also be the result."""
    return signature.parameters == (signature.result,)


def mutants(code: str, grammar: str) -> list[str]:
    """The program with one operator changed: the first, the middle and the last one, or fewer if
    it has fewer; none if it costs its parser too much."""
    text = code.encode("utf-8", "surrogatepass")
    found = [edit for edit in find_edits(text, grammar) if edit.kind is EditKind.OPERATOR] if grammar else []
    chosen = {found[at] for at in (0, len(found) // 2, -1)} if found else set()
    return [apply_edit(text, edit).code for edit in sorted(chosen)]


class ControlFault(Exception):
    """A control could not be run; the text says why. The suite remains undecided, and the row has to
    be run again."""


class _Suite:
    """The state of one suite. Its stubs and mutants come from its first right row: they are made once no
    earlier row can still be right."""

    def __init__(self) -> None:
        self.accepted: asyncio.Task[tuple[str, ...]] | None = None
        """The accepted controls that need no right row."""
        self.of_first: asyncio.Future[Awaitable[tuple[str, ...]]] = asyncio.get_running_loop().create_future()
        """The accepted ones of OF_FIRST; set as soon as their row is known."""
        self.under_way = set[int]()
        """Numbers of the rows that are running."""
        self.first: Prepared | None = None
        """The first of the rows found right; kept only until its stubs and mutants are made."""

    def decide(self, row: Prepared, verdict: Outcome) -> Prepared | None:
        """Record the verdict on a row. Returns the first right row once it is known, the first time."""
        self.under_way.discard(row.number)
        if self.of_first.done():
            return None
        if verdict is Outcome.PASS and (self.first is None or row.number < self.first.number):
            self.first = row
        if self.first is None or self.first.number > min(self.under_way, default=self.first.number):
            return None
        first, self.first = self.first, None
        return first


class SuiteControls:
    """Tries the controls once per suite, however many rows use it. Keeps a limited number of suites, and the
    rows in progress, in memory.

    With `proof`, a right row with a script whose suite accepts a control other than mutants is vacuous. With
    `every`, controls are tried on suites of every kind, and mutants too; they change no other verdict.
    """

    def __init__(self, sandbox: Sandbox, *, every: bool = False, proof: bool = True) -> None:
        self._sandbox, self._every, self._proof = sandbox, every, proof
        self._suites: OrderedDict[str, _Suite] = OrderedDict()
        self._expected: dict[int, _Suite] = {}
        self._tasks = set[asyncio.Task[Any]]()

    def expect(self, row: Prepared) -> None:
        """Announce a row that will run. Rows must arrive here, and at `recall`, in their order."""
        if self._concerns(row):
            suite = self._expected[row.number] = self._suite(row)
            suite.under_way.add(row.number)

    def recall(self, row: Prepared, of_first: tuple[str, ...] | None) -> None:
        """Announce a row that an earlier run of the same command has answered, with its finding if the
        row was right."""
        if of_first is None or not self._concerns(row):
            return
        suite = self._suite(row)
        if not suite.of_first.done():
            known = asyncio.get_running_loop().create_future()
            known.set_result(of_first)
            suite.of_first.set_result(known)

    async def judge(self, row: Prepared, answer: VerifyResult) -> VerifyResult:
        """The answer with the accepted controls, vacuous if they say so."""
        if not self._concerns(row):
            return answer
        try:
            accepts = await self.accepted(row, answer.verdict)
        except ControlFault as fault:
            reason = f"the controls of its tests could not be run: {fault}"
            return answer.model_copy(update={"verdict": Outcome.INFRASTRUCTURE, "reason": reason})
        found = answer.model_copy(update={"accepts": accepts})
        proved = [name for name in accepts if name != MUTANTS]
        if not proved or not self._is_proven(row) or answer.verdict is not Outcome.PASS:
            return found
        reason = f"its tests pass as well with {', '.join(proved)}"
        return found.model_copy(update={"verdict": Outcome.VACUOUS, "reason": reason})

    async def accepted(self, row: Prepared, verdict: Outcome) -> tuple[str, ...]:
        """The controls that the row's suite accepts; those of OF_FIRST are named only in right rows.
        Raises ControlFault."""
        suite = self._expected.pop(row.number)
        first = suite.decide(row, verdict)
        if first is not None:
            suite.of_first.set_result(self._start(self._of_first(first)))
        if verdict is not Outcome.PASS and not self._every:
            return ()
        if suite.accepted is None:
            programs = control_programs(get_language(row.request.language), row.request.call)
            suite.accepted = self._start(accepted_of(row, programs, self._sandbox))
        try:
            found = await suite.accepted
        except ControlFault:
            suite.accepted = None
            raise
        return (*found, *await (await suite.of_first)) if verdict is Outcome.PASS else found

    async def close(self) -> None:
        """End all running controls. May be called twice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _concerns(self, row: Prepared) -> bool:
        return self._every or self._is_proven(row)

    def _is_proven(self, row: Prepared) -> bool:
        return self._proof and isinstance(row.request.call, ScriptCall)

    async def _of_first(self, first: Prepared) -> tuple[str, ...]:
        stub = isinstance(first.request.call, ScriptCall) and await _accepts_stubs(first, self._sandbox)
        mutant = self._every and await _accepts_mutants(first, self._sandbox)
        return (STUB,) * stub + (MUTANTS,) * mutant

    def _start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _suite(self, row: Prepared) -> _Suite:
        request, cases = row.request, [case.model_dump() for case in row.suite.cases]
        rule = row.suite.compare and row.suite.compare.model_dump()
        key = content_hash(
            request.language, request.call.model_dump(), request.limits.model_dump(), cases, rule
        )
        if key not in self._suites:
            self._suites[key] = _Suite()
            if len(self._suites) > _KEPT:
                self._suites.popitem(last=False)
        return self._suites[key]


async def _accepts_stubs(row: Prepared, sandbox: Sandbox) -> bool:
    """Whether both programs of a pair of stubs pass. The second runs only where the first does."""
    pairs = {
        str(at): pair
        for at, pair in enumerate(stub_pairs(get_language(row.request.language), row.request.code))
    }
    plain = await accepted_of(row, {name: pair.plain for name, pair in pairs.items()}, sandbox)
    return bool(plain) and bool(await accepted_of(row, {name: pairs[name].other for name in plain}, sandbox))


async def _accepts_mutants(row: Prepared, sandbox: Sandbox) -> bool:
    """Whether the row's program has mutants and all of them pass."""
    changed = mutants(row.request.code, get_language(row.request.language).grammar)
    passed = await accepted_of(row, {str(at): code for at, code in enumerate(changed)}, sandbox)
    return bool(changed) and len(passed) == len(changed)


async def accepted_of(row: Prepared, programs: Mapping[str, str], sandbox: Sandbox) -> tuple[str, ...]:
    """The names of the programs that pass the row's tests. Raises ControlFault."""
    requests = [row.request.model_copy(update={"id": name, "code": code}) for name, code in programs.items()]
    observations = await sandbox.execute(requests)
    rows = [row] * len(requests)
    checked = await run_checkers(sandbox, rows, observations)
    answers = list(map(make_answer, rows, observations, checked))
    for answer in answers:
        if answer.verdict.is_fault:
            raise ControlFault(answer.reason)
    return tuple(
        name for name, answer in zip(programs, answers, strict=True) if answer.verdict is Outcome.PASS
    )
