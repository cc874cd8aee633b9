"""The search for few, strong inputs of a reference: they are chosen for the mutants that they catch.

Place in the flow: the inputs stage hands over a reference with the rows that are known, and gets a suite
back. Rows come from the types, the words of the code and edits of rows that did something new; the sandbox
says what the reference and its mutants answer. Mutants that no row catches are searched again with ten times
the rows, grown from the rows that caught mutants near them. The one rule: many rows share one program, and a
mutant is caught only if the judge of solutions would see it; what nothing catches is undecided.
"""

import asyncio
import math
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

from synth.comparison_rules import Comparison
from synth.config import InputsConfig
from synth.ids import derive_random, derive_seed, unit_id
from synth.languages.registry import find_language
from synth.languages.spec import Language
from synth.mutation.edits import Mutant
from synth.mutation.first_order import make_first_order
from synth.records import (
    Call,
    Case,
    ClassContract,
    Contract,
    EvidenceRank,
    ExecutionRequest,
    FunctionCall,
    FunctionContract,
    Limits,
    Observation,
    Reference,
    Stop,
    TestSuite,
)
from synth.rules.canonical import canonical_outputs, is_whole
from synth.rules.deliberate_errors import deliberate_errors
from synth.rules.input_edits import Row
from synth.rules.input_spaces import find_space, is_text
from synth.rules.observed_cases import observed_cases
from synth.rules.preconditions import NOTHING_DEMANDED, Preconditions
from synth.rules.program_trials import printed
from synth.rules.reference_judging import MAX_OUTPUT, MAX_RAISING, find_fault
from synth.rules.strong_suite import ENOUGH, choose_suite, find_wrong
from synth.stages.input_programs import Validator
from synth.stages.running import Run, SandboxFault
from synth.values import Signature, parse_signature

TENFOLD: Final = 10
"""How many times the rows of the first search the mutants that it leaves are searched with."""
ROUNDS: Final = 4
"""The second search of a language that starts fast comes in so many parts, each grown from the last."""
GENERATIONS: Final = 3
"""Parts of the first search of such a language."""
SLOWER: Final = 1.2
SLOWER_S: Final = 0.02
"""A suite may cost so many times what the known rows cost, and so many CPU seconds more."""
COST_OF_A_PROCESS: Final = 8
"""Of a program that takes one input a process, so many times fewer inputs are tried."""
RESTARTS: Final = 4
"""A reference that was stopped at a row goes on behind it, so often at most."""


class Strengthened(NamedTuple):
    """A suite, and the figures of its search."""

    suite: TestSuite
    mutants: int
    """Those that ran."""
    undecided: tuple[Mutant, ...]
    """Those that no chosen input catches."""
    searched: int
    """Rows that the reference was asked."""
    tried: frozenset[str]
    """The programs of the mutants."""


@dataclass(slots=True)
class _Trial:
    """A mutant, and the rows that catch it."""

    mutant: Mutant
    caught_by: set[Row] = field(default_factory=set)
    ran: bool = False


def _most_telling(rows: Sequence[Row], caught_by: Sequence[Set[Row]], most: int) -> set[Row]:
    """So many of the rows at most, in turn the first of those that catch most of what is left."""
    chosen: dict[Row, None] = {}
    left = list(caught_by)
    while len(chosen) < min(most, len(rows)):
        best = max(
            (row for row in rows if row not in chosen),
            key=lambda row: sum(row in catching for catching in left),
        )
        chosen[best] = None
        left = [catching for catching in left if best not in catching]
    return set(chosen)


def _answer(case: Case) -> str:
    return case.expected or f"! {case.raises}"


class SuiteSearch:
    """Makes suites of references. Deterministic by `seed` and the reference."""

    def __init__(
        self, config: InputsConfig, limits: Limits, seed: int, compare: Comparison | None, run: Run
    ) -> None:
        self._config, self._limits, self._seed = config, limits, seed
        self._compare, self._run = compare, run

    async def strengthen(
        self,
        reference: Reference,
        task_id: str,
        written: Sequence[Row],
        known: Sequence[Row],
        demands: Preconditions = NOTHING_DEMANDED,
        validator: Validator | None = None,
    ) -> Strengthened | None:
        """The suite; `written` are rows by people, kept first, and `known` others that are known to do. What
        the reference returns on rows that `demands` or the validator do not allow says nothing; that it
        raises there may be right. None if nothing can be searched: no such language here, or too few rows
        with an answer. Raises SandboxFault."""
        language = find_language(reference.language)
        if language is None or not _can_run(language, reference.contract):
            return None
        search = _Search(self, reference, language, known, demands, validator)
        return await search.make(task_id, written, known)

    async def find_pool(
        self,
        reference: Reference,
        written: Sequence[Row],
        known: Sequence[Row],
        demands: Preconditions,
        validator: Validator | None,
    ) -> list[Case]:
        """Many cases that mean the same in every language, those that did something new first. Raises
        SandboxFault."""
        language = find_language(reference.language)
        if language is None or not _can_run(language, reference.contract):
            return []
        search = _Search(self, reference, language, known, demands, validator)
        return await search.pool(written, known)

    async def without_unstable(self, reference: Reference, cases: Sequence[Case]) -> list[Case]:
        """The cases that the reference answers as before in another order. Raises SandboxFault."""
        backwards = list(reversed([case.arguments for case in cases]))
        request = ExecutionRequest(
            id=unit_id("again", reference.seed_id, backwards),
            language=reference.language,
            code=reference.code,
            call=reference.contract.call(backwards),
            limits=self._limits,
            other_hashing=True,
        )
        (seen,) = await self._run([request])
        if fault := find_fault(seen):
            raise SandboxFault(fault)
        again = observed_cases(reference.contract, tuple(backwards), seen, reference.code)
        return [case for case in cases if case in again]


def _can_run(language: Language, contract: Contract) -> bool:
    """Whether the sandbox can run programs of the language in that way."""
    if isinstance(contract, ClassContract):
        return language.classes is not None
    return is_text(contract) or language.driver is not None


class _Search:
    """The search for one reference."""

    def __init__(
        self,
        settings: SuiteSearch,
        reference: Reference,
        language: Language,
        known: Sequence[Row],
        demands: Preconditions,
        validator: Validator | None,
    ) -> None:
        self._config, self._compare, self._run = settings._config, settings._compare, settings._run
        self._limits = settings._limits
        self._reference, self._language = reference, language
        self._contract = reference.contract
        self._demands, self._validator = demands, validator
        self._random = derive_random(settings._seed, "strengthen", reference.seed_id)
        self._space = find_space(reference, demands, known, self._random)
        self._mutant_seed = derive_seed(settings._seed, "mutants", reference.seed_id)
        self._searched = self._config.searched // (COST_OF_A_PROCESS if self._space.runs_alone else 1)
        self._mutants = self._config.mutants // (2 if self._space.runs_alone else 1)
        self._is_fast = language.zygote is not None
        self._cases: dict[Row, Case] = {}
        self._new: list[Row] = []
        """Rows that did something new, in the order in which they were found."""
        self._seen_steps: set[object] = set()
        self._tried: set[Row] = set()
        self._known: dict[Row, None] = {}
        self._cpu_s = self._known_cpu_s = 0.0

    async def make(self, task_id: str, written: Sequence[Row], known: Sequence[Row]) -> Strengthened | None:
        self._known = dict.fromkeys([*written, *known])
        await self._explore(list(self._known))
        if len(self._returning(self._config.minimum)) < self._config.minimum:
            return None
        mutants = await asyncio.to_thread(
            make_first_order,
            self._reference.code,
            self._language.grammar,
            "" if is_text(self._contract) else self._contract.asked_name,
            self._mutants,
            self._mutant_seed,
            is_text(self._contract),
        )
        trials = [_Trial(mutant) for mutant in mutants]
        await self._try(trials, self._kept(list(self._known)))
        trials = [trial for trial in trials if trial.ran]
        await self._search_again(trials)
        return await self._suite(task_id, [row for row in written if row in self._cases], trials)

    async def pool(self, written: Sequence[Row], known: Sequence[Row]) -> list[Case]:
        """What the first search finds."""
        await self._explore([*written, *known])
        return [self._cases[row] for row in self._kept([*written, *known]) if self._is_portable(row)]

    # --- the first search: rows that do something new

    async def _explore(self, known: Sequence[Row]) -> None:
        count = self._searched
        first = dict.fromkeys(known)
        first |= dict.fromkeys(self._space.draw(count // 2))
        generations = GENERATIONS if self._is_fast else 1
        await self._learn(list(known))
        self._known_cpu_s = self._cpu_s
        await self._learn(list(first))
        for _ in range(generations):
            parents = self._new or list(self._cases)
            if not parents:
                return
            await self._learn(self._children(parents, count // (2 * generations)))

    def _children(self, parents: Sequence[Row], count: int) -> list[Row]:
        """New rows, each an edit of a parent; the latest parents have the most."""
        made: dict[Row, None] = {}
        for _ in range(3 * count):
            if len(made) >= count:
                break
            at = int(len(parents) * math.sqrt(self._random.random()))
            child = self._space.edit(parents[at], self._random.choice(parents))
            if child is not None and child not in self._tried:
                made.setdefault(child)
        return list(made)

    async def _learn(self, rows: Sequence[Row]) -> list[Row]:
        """Ask the reference about the rows; those with an answer become cases, and the new ones parents."""
        answered = await self._answers([row for row in rows if row not in self._tried])
        steps = await self._steps(answered)
        for row in answered:
            marks = steps.get(row) or {_answer(self._cases[row])}
            if not marks <= self._seen_steps:
                self._new.append(row)
            self._seen_steps |= marks
        return answered

    async def _answers(self, rows: Sequence[Row]) -> list[Row]:
        """The rows on which the reference gives an answer that a case can hold. A row that stops it is left
        out, and it goes on behind that row. Errors of a run that was stopped are asked for once more, since
        they may be answers."""
        left, answered, failed = list(rows), list[Row](), list[Row]()
        self._tried.update(rows)
        for _ in range(RESTARTS):
            if not left:
                break
            seen = await self._ask(left, answered)
            status = {case.index: case.status for case in seen.cases}
            lost = next((at for at in range(len(left)) if status.get(at, "missing") == "missing"), None)
            if lost is None:
                break
            failed += [left[at] for at in range(lost) if status[at] == "raised"]
            left = left[lost + 1 :]
        if failed:
            await self._ask(failed, answered)
        return answered

    async def _ask(self, rows: Sequence[Row], answered: list[Row]) -> Observation:
        """One run of the reference on the rows; those with an answer are added."""
        (seen,) = await self._run([self._request(self._reference.code, rows, self._limits)])
        if seen.stop is Stop.NONE:
            self._cpu_s = max(self._cpu_s, seen.cpu_s)
        if fault := find_fault(seen):
            raise SandboxFault(fault)
        found = await self._without_forbidden(self._cases_of(rows, seen))
        self._cases.update(found)
        answered += found
        return seen

    def _cases_of(self, rows: Sequence[Row], seen: Observation) -> dict[Row, Case]:
        """The cases that one run of the reference gives. What it returns on a row that it forbids is none."""
        found = {
            rows[at]: Case(arguments=rows[at], expected=output)
            for at, output in self._outputs(seen).items()
            if at < len(rows)
            and is_whole(output)
            and len(output) <= MAX_OUTPUT
            and self._demands.allows(rows[at])
        }
        raised = deliberate_errors(seen, self._reference.code)
        return found | {
            rows[at]: Case(arguments=rows[at], raises=kind) for at, kind in raised.items() if at < len(rows)
        }

    def _outputs(self, seen: Observation) -> dict[int, str]:
        return printed(seen) if is_text(self._contract) else canonical_outputs(seen)

    async def _without_forbidden(self, found: dict[Row, Case]) -> dict[Row, Case]:
        """The cases without what the reference returns on inputs that the validator forbids."""
        if self._validator is None:
            return found
        allowed = await self._validator.allowed([row for row, case in found.items() if not case.raises])
        return {row: case for row, case in found.items() if case.raises or row in allowed}

    async def _steps(self, rows: Sequence[Row]) -> dict[Row, set[object]]:
        """The steps that the reference takes on each row, where its language can tell."""
        traced = self._language.traced
        contract = self._contract
        if traced is None or not rows or not isinstance(contract, FunctionContract):
            return {}
        code = traced.program(self._reference.code, contract.entry_point)
        signature = Signature(
            parse_signature(contract.signature).parameters, parse_signature("() -> list[int]").result
        )
        call = FunctionCall(entry_point=traced.entry_point, signature=str(signature), arguments=tuple(rows))
        (seen,) = await self._run([self._program(code, call, self._limits)])
        return {
            rows[at]: set(output.split()[1:])
            for at, output in canonical_outputs(seen).items()
            if at < len(rows)
        }

    def _kept(self, known: Sequence[Row]) -> list[Row]:
        """The rows that mutants are run on: those known, those that did something new, and others with
        different answers."""
        kept = dict.fromkeys(row for row in [*known, *self._new] if row in self._cases)
        fresh = [row for row in self._cases if row not in kept]
        self._random.shuffle(fresh)
        fresh.sort(key=lambda row: -len(self._cases[row].expected))
        return [*kept, *fresh][: self._searched]

    # --- mutants

    async def _try(self, trials: Sequence[_Trial], rows: Sequence[Row]) -> None:
        """Run the mutants on the rows."""
        if not trials or not rows:
            return
        limits = self._mutant_limits()
        rows = [*rows, *self._returning(1)] if all(self._cases[row].raises for row in rows) else rows
        suite = self._suite_of("", rows)
        seen = await self._run([self._request(trial.mutant.code, rows, limits) for trial in trials])
        for trial, observation in zip(trials, seen, strict=True):
            wrong = find_wrong(observation, suite)
            if wrong is not None:
                trial.ran = True
                trial.caught_by.update(row for row, is_wrong in zip(rows, wrong, strict=True) if is_wrong)

    def _mutant_limits(self) -> Limits:
        """A mutant that needs many times what the reference needs hangs."""
        cpu_s = min(self._limits.cpu_s, 0.5 + 5 * self._cpu_s)
        return self._limits.model_copy(
            update={"cpu_s": cpu_s, "wall_s": min(self._limits.wall_s, 10 * cpu_s + 5)}
        )

    async def _search_again(self, trials: Sequence[_Trial]) -> None:
        """Ten times the rows for the mutants that none has caught yet."""
        rounds = ROUNDS if self._is_fast else 1
        for _ in range(rounds):
            left = [trial for trial in trials if not trial.caught_by]
            if not left:
                return
            parents = self._near(left, trials)
            share = TENFOLD * self._searched // rounds
            rows = self._children(parents, share * 3 // 4)
            rows += [row for row in self._space.draw(share // 4) if row not in self._tried]
            await self._try(left, await self._learn(rows))

    def _near(self, left: Sequence[_Trial], trials: Sequence[_Trial]) -> list[Row]:
        """Parents for rows that may catch the mutants that are left: rows that caught others near their
        lines, behind those that did anything new."""
        lines = {trial.mutant.line + off for trial in left for off in (-1, 0, 1)}
        near = [row for trial in trials if trial.mutant.line in lines for row in sorted(trial.caught_by)[:8]]
        self._random.shuffle(near)
        return [*(self._new or list(self._cases)), *near[:200]]

    # --- the suite

    async def _suite(
        self, task_id: str, written: Sequence[Row], trials: Sequence[_Trial]
    ) -> Strengthened | None:
        """Choose, and ask the reference once more about what was chosen, in another order."""
        for trial in trials:
            portable = {row for row in trial.caught_by if self._is_portable(row)}
            trial.caught_by = portable or trial.caught_by
        rows = list(dict.fromkeys([*written, *self._candidates(trials)]))
        for _ in range(2 * RESTARTS):
            chosen = choose_suite(
                [[row in trial.caught_by for row in rows] for trial in trials if trial.caught_by],
                [_answer(self._cases[row]) for row in rows],
                first=len(written),
                maximum=self._config.maximum,
                minimum=self._config.minimum,
                hides=self._config.hidden,
            )
            kept = [rows[at] for at in (*chosen.open, *chosen.hidden)]
            refused = await self._refused(kept)
            if not refused:
                break
            rows = [row for row in rows if row not in refused]
            written = [row for row in written if row not in refused]
        else:
            return None
        if len(kept) < self._config.minimum:
            return None
        suite = self._suite_of(task_id, kept).model_copy(update={"hidden": len(chosen.hidden)})
        undecided = tuple(trial.mutant for trial in trials if trial.caught_by.isdisjoint(kept))
        tried = frozenset(trial.mutant.code for trial in trials)
        return Strengthened(suite, len(trials), undecided, len(self._tried), tried)

    def _candidates(self, trials: Sequence[_Trial]) -> list[Row]:
        """Rows that catch a mutant, those that were known and then the strongest first; then those with
        answers of their own."""
        caught: dict[Row, int] = {}
        for trial in trials:
            for row in sorted(trial.caught_by):
                caught[row] = caught.get(row, 0) + 1
        strongest = sorted(caught, key=lambda row: (-caught[row], sum(map(len, row)), row))
        answers: dict[str, Row] = {}
        for row, case in self._cases.items():
            answers.setdefault(_answer(case), row)
        rare = {row for trial in trials if len(trial.caught_by) < 12 for row in trial.caught_by}
        known = [row for row in self._known if row in caught]
        rows = [*known, *strongest[:150], *sorted(rare), *answers.values()][:600]
        raising = [row for row in dict.fromkeys(rows) if self._cases[row].raises]
        returning = set(rows).difference(raising)
        left = [trial.caught_by for trial in trials if trial.caught_by.isdisjoint(returning)]
        few = _most_telling(raising, left, int(MAX_RAISING * ENOUGH))
        return [row for row in rows if row in returning or row in few]

    def _is_portable(self, row: Row) -> bool:
        """Whether the row and its answer mean the same in every language."""
        expected = self._cases[row].expected
        return self._space.is_portable((*row, expected) if expected else row)

    def _returning(self, count: int) -> list[Row]:
        """So many rows on which the reference returns, if there are."""
        return list(islice((row for row, case in self._cases.items() if not case.raises), count))

    async def _refused(self, rows: Sequence[Row]) -> set[Row]:
        """Rows with another answer in another order, and those that make the suite slower to judge than the
        known rows are."""
        backwards = list(reversed(rows))
        request = self._request(self._reference.code, backwards, self._limits)
        (seen,) = await self._run([request.model_copy(update={"other_hashing": True})])
        if fault := find_fault(seen):
            raise SandboxFault(fault)
        again = self._cases_of(backwards, seen)
        unstable = {row for row in backwards if again.get(row) != self._cases[row]}
        if unstable or seen.cpu_s <= SLOWER * self._known_cpu_s + SLOWER_S:
            return unstable
        alone = await self._run([self._request(self._reference.code, [row], self._limits) for row in rows])
        least = min(one.cpu_s for one in alone)
        usual = (self._known_cpu_s + SLOWER_S) / len(rows)
        slow = {row for row, one in zip(rows, alone, strict=True) if one.cpu_s > least + usual}
        return slow - set(self._known)

    def _suite_of(self, task_id: str, rows: Sequence[Row]) -> TestSuite:
        cases = tuple(self._cases[row] for row in rows)
        return TestSuite(
            task_id=task_id,
            contract=self._contract,
            cases=cases,
            rank=EvidenceRank.REFERENCE,
            compare=self._compare,
        )

    def _request(self, code: str, rows: Sequence[Row], limits: Limits) -> ExecutionRequest:
        return self._program(code, self._contract.call(tuple(rows)), limits)

    def _program(self, code: str, call: Call, limits: Limits) -> ExecutionRequest:
        return ExecutionRequest(
            id=unit_id("strengthen", self._reference.seed_id, code, call.model_dump_json()),
            language=self._reference.language,
            code=code,
            call=call,
            limits=limits,
        )
