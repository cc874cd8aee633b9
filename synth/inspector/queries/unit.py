"""One unit with everything that the run knows of it: decisions, code, tests, output, prompt, answer, family.

Place in the flow: the page of a unit and `codemill show` speak of the same records. The one rule: a part that
cannot be read, or was never written, is left out with the reason, and the rest is shown.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from pydantic import ValidationError

from synth.errors import CodemillError, Problem, UserError
from synth.inspector.library import Library
from synth.inspector.marks import Mark, Marks, MarksError
from synth.inspector.opened_run import OpenedRun, RunKind, index_row
from synth.inspector.queries.asked import (
    Exchange,
    ShownAnswer,
    ShownPrompt,
    answer_of,
    inputs_of_task,
    prompt_of_solution,
    prompt_of_task,
    recorded_prompt,
)
from synth.inspector.queries.family import Family, family_of
from synth.inspector.queries.results import ShownCase, answered_cases, cases_of
from synth.inspector.shown import Cut, cut
from synth.products import PRODUCT_KINDS, SIDE_STAGES, FimSample, Pair, Sample
from synth.program_log import ProgramLog
from synth.reasons import REASONS
from synth.records import (
    CodingProblem,
    Decision,
    EvidenceRank,
    IndexRow,
    InputSet,
    Record,
    Reference,
    Seed,
    Solution,
    SourceText,
    Task,
    TestSuite,
    Unit,
    Verdict,
)
from synth.store.products import without_lone_surrogates
from synth.store.units import Body

U = TypeVar("U", bound=Unit)

_MODELS: Final[Mapping[str, type[Unit]]] = {
    model.kind: model
    for model in (
        Seed, SourceText, CodingProblem, Reference, Task, Solution, Sample, Pair, FimSample
    )
}  # fmt: skip
_DESCRIBING: Final[tuple[type[Unit], ...]] = (TestSuite, InputSet, Verdict, ProgramLog)
_IDS_OF: Final = {
    model.kind: model.kind if model.id_field == "id" else model.id_field.removesuffix("_id")
    for model in (*_MODELS.values(), *_DESCRIBING)
}
"""Whose ids the records of a kind are stored under: those of `suite` under the ids of tasks."""
_ANSWER: Final = "answer"
"""The kind of an answer of `codemill verify`."""
_MOST_EVIDENCE: Final = 4000


class Figure(Record):
    """One figure or text of a decision's evidence."""

    name: str
    value: Cut


class ShownDecision(Record):
    """What one stage decided, with the sentence of its reason."""

    round: int
    stage: str
    shard: str
    decision: Decision
    reason: str
    sentence: str
    reason_class: str
    evidence: tuple[Figure, ...]
    ms: float
    tokens: int


class ShownOutput(Record):
    """A stream of a program or its compiler. `length` counts all its bytes; the middle of a long one was not
    kept."""

    name: str
    head: Cut
    tail: Cut
    length: int


class ShownRun(Record):
    """How a program that failed ended."""

    phase: str
    stop: str
    exit_code: int | None
    signal: int | None
    toolchain: str
    outputs: tuple[ShownOutput, ...]


class ShownBody(Record):
    """A stored record as JSON."""

    kind: str
    stage: str
    json_text: Cut


class UnitView(Record):
    """One unit."""

    run: str
    run_name: str
    id: str
    kind: str
    language: str
    decisions: tuple[ShownDecision, ...]
    """In the order of the flow."""
    verdict: Verdict | None = None
    instruction: Cut | None = None
    code: Cut | None = None
    cases: tuple[ShownCase, ...] = ()
    rank: EvidenceRank | None = None
    """What the expected values of the tests stand on."""
    compare: str = ""
    log: ShownRun | None = None
    prompt: ShownPrompt | None = None
    answer: ShownAnswer | None = None
    about_inputs: tuple[Exchange, ...] = ()
    """What was asked about the inputs of a task, beside its instruction."""
    points: tuple[Figure, ...] = ()
    """What a judge gave, where there was one."""
    family: Family
    bodies: tuple[ShownBody, ...] = ()
    command: str = ""
    """The exact command that runs it again, or that shows it."""
    mark: Mark | None = None
    marks_problem: str = ""
    problems: tuple[str, ...] = ()
    """What could not be read."""

    @property
    def final(self) -> ShownDecision | None:
        """The decision that tells what became of it: the first that did not keep it, else the last. Stages
        beside the flow count where no other decided."""
        flow = [one for one in self.decisions if one.stage not in SIDE_STAGES] or self.decisions
        lost = next((one for one in flow if one.decision is not Decision.KEPT), None)
        return lost or (flow[-1] if flow else None)

    @property
    def asides(self) -> tuple[ShownDecision, ...]:
        """What stages beside the flow did not make of a unit."""
        lost = (one for one in self.decisions if one.stage in SIDE_STAGES and one.reason)
        return tuple(one for one in lost if one is not self.final)

    @property
    def row_key(self) -> str:
        """The key of that decision in the list of units; empty if there is none."""
        one = self.final
        return f"{one.round}/{one.stage}/{one.shard}/{self.id}" if one else ""

    @property
    def first_failure(self) -> int | None:
        """The test that the page opens at."""
        return next((case.index for case in self.cases if case.state == "wrong"), None)


class StoredParts:
    """The bodies of one unit, read once each; what cannot be read is noted."""

    def __init__(self, run: OpenedRun) -> None:
        self.run = run
        self.problems: list[str] = []

    def bodies(self, unit_id: str) -> list[Body]:
        """Everything stored under that id. An id begins with the kind of unit that it is of, so only kinds
        with such ids are looked at; another id may be of any kind."""
        own = unit_id.partition("-")[0]
        keyed = {kind for kind, of in _IDS_OF.items() if of == own}
        kinds = [kind for kind in self.run.body_kinds if kind in keyed or own not in _IDS_OF]
        return [body for kind in kinds for body in self._read(kind, unit_id)]

    def one(self, model: type[U], unit_id: str) -> U | None:
        """The record of one kind, or None."""
        found = self._read(model.kind, unit_id) if unit_id and model.kind in self.run.body_kinds else []
        return self.record(model, found[0]) if found else None

    def record(self, model: type[U], body: Body) -> U | None:
        """A body as its record; None for one of another version."""
        try:
            return model.model_validate(body.fields)
        except ValidationError as error:
            self._note(
                f"the {body.kind} is of another version of codemill: {error.error_count()} differences"
            )
            return None

    def _read(self, kind: str, unit_id: str) -> list[Body]:
        try:
            return list(self.run.read_bodies(kind, [unit_id]).values())
        except CodemillError as error:
            self._note(f"the {kind}: {error.problems[0].message}" if error.problems else f"the {kind}")
            return []

    def _note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


def read_unit(library: Library, run: OpenedRun, unit_id: str) -> UnitView:
    """Everything about one unit. Raises UserError if the run does not know it."""
    parts = StoredParts(run)
    rows = decisions_of(library, run, [unit_id])
    bodies = parts.bodies(unit_id)
    if not rows and not bodies:
        message = (
            f"is not in {run.name}" if run.reading.is_whole else f"is not in {run.name}, as far as it is read"
        )
        raise UserError(Problem(f"unit {unit_id[:80]!r}", message, "look for it in the list of units"))
    kinds = {body.kind: body for body in bodies}
    kind = next((one for one in _MODELS if one in kinds), rows[0].kind if rows else bodies[0].kind)
    unit = parts.record(_MODELS[kind], kinds[kind]) if kind in kinds and kind in _MODELS else None
    mark, marks_problem = mark_of(run, unit_id)
    program = _program_id(unit, unit_id)
    suite, verdict, log = _judged(parts, unit, program)
    prompt, answer = _asked(parts, unit, program)
    decisions = tuple(shown_decision(row) for row in rows)
    return UnitView(
        run=run.key,
        run_name=run.name,
        id=unit_id,
        kind=kind,
        language=(rows[0].language if rows else "") or str(getattr(unit, "language", "")),
        decisions=decisions,
        verdict=_clean(verdict),
        instruction=_instruction(parts, unit),
        code=_code(unit, kinds),
        cases=cases_of(suite, verdict, log) if suite else _answered(kinds),
        rank=suite.rank if suite else None,
        compare=suite.compare.model_dump_json() if suite and suite.compare else "",
        log=_shown_run(log) if log else None,
        prompt=prompt,
        answer=answer,
        about_inputs=inputs_of_task(run.path, unit) if isinstance(unit, Task) else (),
        points=tuple(one for row in decisions for one in row.evidence if "point" in one.name),
        family=family_of(library, run, unit_id, kind, unit),
        bodies=tuple(_shown_body(body) for body in bodies),
        command=command_of(run, unit_id, kind),
        mark=mark,
        marks_problem=marks_problem,
        problems=tuple(parts.problems),
    )


def decisions_of(library: Library, run: OpenedRun, unit_ids: Sequence[str]) -> list[IndexRow]:
    """The rows of units, in the order of the flow."""
    sql = f"SELECT * FROM {run.table} WHERE list_contains(?, unit_id)"
    order = {stage: at for at, stage in enumerate(run.stages)}
    rows = [index_row(row) for row in library.query(sql, [list(unit_ids)])]
    return sorted(rows, key=lambda row: (row.round, order.get(row.stage, len(order)), row.shard))


def shown_decision(row: IndexRow) -> ShownDecision:
    """A row with its reason in words and its evidence in parts."""
    reason = REASONS.get(row.reason)
    return ShownDecision(
        round=row.round,
        stage=row.stage,
        shard=row.shard,
        decision=row.decision,
        reason=row.reason,
        sentence=reason.sentence if reason else "",
        reason_class=reason.reason_class.value if reason else "",
        evidence=_figures(row.evidence),
        ms=row.ms,
        tokens=row.tokens,
    )


def mark_of(run: OpenedRun, unit_id: str) -> tuple[Mark | None, str]:
    """The mark of a unit, and what is wrong with the marks."""
    try:
        return Marks(run.path).of([unit_id]).get(unit_id), ""
    except MarksError as error:
        return None, f"{error.problems[0].where} {error.problems[0].message}"


def _figures(evidence: str) -> tuple[Figure, ...]:
    try:
        found = json.loads(evidence)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return (Figure(name="evidence", value=cut(evidence, _MOST_EVIDENCE)),) if evidence else ()
    return tuple(
        Figure(
            name=name,
            value=cut(
                value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), _MOST_EVIDENCE
            ),
        )
        for name, value in found.items()
    )


def _program_id(unit: Unit | None, unit_id: str) -> str:
    """The solution that stands behind a product; the unit itself, if it is a program."""
    return unit.solution_id if isinstance(unit, Sample) else unit_id


def _judged(
    parts: StoredParts, unit: Unit | None, program: str
) -> tuple[TestSuite | None, Verdict | None, ProgramLog | None]:
    if isinstance(unit, Reference):
        if not unit.cases:
            return None, None, None
        own = TestSuite(task_id=unit.seed_id, contract=unit.contract, cases=unit.cases, rank=unit.rank)
        return own, None, None
    task_id = unit.id if isinstance(unit, Task) else str(getattr(unit, "task_id", ""))
    suite = parts.one(TestSuite, task_id)
    if suite is not None and isinstance(unit, Solution) and not suite.judges(unit):
        suite = None  # it failed tests that were drawn again
    if not isinstance(unit, Solution | Sample):
        return suite, None, None
    return suite, parts.one(Verdict, program), parts.one(ProgramLog, program)


def _answered(kinds: Mapping[str, Body]) -> tuple[ShownCase, ...]:
    return answered_cases(kinds[_ANSWER].fields) if _ANSWER in kinds else ()


def _asked(
    parts: StoredParts, unit: Unit | None, program: str
) -> tuple[ShownPrompt | None, ShownAnswer | None]:
    run = parts.run.path
    if isinstance(unit, Sample):
        solution = parts.one(Solution, program)
        answer = answer_of(run, solution.request_id, solution.index) if solution else None
        return recorded_prompt(unit.prompt), answer
    if isinstance(unit, Pair):
        return recorded_prompt(unit.prompt), None
    if parts.run.kind is not RunKind.RUN:
        return None, None
    if isinstance(unit, Solution):
        prompt = prompt_of_solution(run, unit, parts.one(Task, unit.task_id))
        return prompt, answer_of(run, unit.request_id, unit.index)
    if isinstance(unit, Task):
        return prompt_of_task(run, unit, parts.one(Reference, unit.seed_id)), answer_of(run, unit.request_id)
    return None, None


def _instruction(parts: StoredParts, unit: Unit | None) -> Cut | None:
    if isinstance(unit, Solution):
        unit = parts.one(Task, unit.task_id)
    return cut(unit.instruction) if isinstance(unit, Task | CodingProblem) else None


def _code(unit: Unit | None, kinds: Mapping[str, Body]) -> Cut | None:
    if isinstance(unit, Reference | Seed):
        return cut(unit.program)
    if unit is not None and not isinstance(unit, Pair):
        return cut(unit.program) if unit.program else None
    found = next((body.fields.get("code") for body in kinds.values() if body.fields.get("code")), None)
    return cut(found) if isinstance(found, str) else None


def _shown_run(log: ProgramLog) -> ShownRun:
    streams = (("stdout", log.stdout), ("stderr" if log.phase == "run" else "compiler", log.stderr))
    return ShownRun(
        phase=log.phase,
        stop=log.stop,
        exit_code=log.exit_code,
        signal=log.signal,
        toolchain=log.toolchain,
        outputs=tuple(
            ShownOutput(name=name, head=cut(one.head), tail=cut(one.tail), length=one.length)
            for name, one in streams
            if one.length or one.head
        ),
    )


def _shown_body(body: Body) -> ShownBody:
    text = json.dumps(without_lone_surrogates(body.fields), ensure_ascii=False, indent=2)
    return ShownBody(kind=body.kind, stage=body.stage, json_text=cut(text))


def command_of(run: OpenedRun, unit_id: str, kind: str) -> str:
    """The command that runs a program again, or that shows another unit."""
    if run.kind is not RunKind.RUN:
        return ""
    verb = "replay" if kind in (Solution.kind, Reference.kind, *PRODUCT_KINDS - {FimSample.kind}) else "show"
    folder = run.path.resolve()
    words = ["codemill", verb, unit_id, "--run", folder.name, "--runs-dir", str(folder.parent)]
    return shlex.join(words)


def _clean(verdict: Verdict | None) -> Verdict | None:
    """Without what JSON cannot hold, and cut."""
    if verdict is None:
        return None
    return verdict.model_copy(update={"first_failure": cut(verdict.first_failure, _MOST_EVIDENCE).text})
