"""From programs to answers about them: repair turns, repair tasks and reviews. One stage asks, one runs the
answers, one makes the rows.

Place in the flow: behind `select`, for tasks that count; the rows come after the filters, as pairs do. The
one rule: an answer that saw a result is no reproduction, so it never counts for the evidence, the difficulty
or the selection of its task, and it stands in no pair.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import ClassVar, Final, Literal, NamedTuple

from synth.config import SamplingConfig
from synth.execution.verdict import judge_cases
from synth.filters.protocol import Evidence, Keep, Reject
from synth.ids import derive_random, unit_id
from synth.languages.registry import get_language
from synth.mutation.first_order import make_first_order
from synth.program_log import ProgramLog, log_program
from synth.prompts.answers import read_code
from synth.prompts.reasoning import without_reasoning
from synth.records import (
    CodingProblem,
    ExecutionRequest,
    FunctionContract,
    Message,
    Observation,
    Outcome,
    Reference,
    Seed,
    Solution,
    Task,
    TestSuite,
    Unit,
    Verdict,
)
from synth.repair_records import Asks, Correction, Repair, ShownProgram
from synth.rules.corrections import (
    NO_LABEL,
    Review,
    failing,
    last_suites,
    read_review,
    same_program,
    say,
    share_changed,
)
from synth.rules.limits import find_limits
from synth.rules.review_check import check_example
from synth.stages.asking import Asker
from synth.stages.context import Context
from synth.stages.evidence import read_judgements
from synth.stages.pair import contaminated_tasks
from synth.stages.running import run_each
from synth.stages.select import SelectStage, answer_messages
from synth.stages.shard_state import ShardState
from synth.stages.solve import solve_prompt
from synth.stages.syntax import CandidateCheck
from synth.stages.unit_stage import Decided, Stage, UnitStage, Upstream
from synth.token_estimate import estimate_tokens

_MOST_MUTANTS: Final = 8


def build_corrections(context: Context) -> list[Stage]:
    """The stages that ask about programs and run the answers, in their order; none without the sections."""
    data, stages = context.data, list[Stage]()
    chain: Upstream = SelectStage
    wanted: list[tuple[Asks, int]] = []
    if data.repair is not None:
        wanted += [("turn", turn) for turn in range(2, data.repair.turns + 1)]
    if data.repair_tasks is not None:
        wanted.append(("repair", 1))
    if data.review is not None:
        wanted.append(("review", 1))
    for asks, turn in wanted:
        asking = CorrectStage(context, asks, turn, chain)
        running = RunCorrectionStage(context, asks, turn, asking)
        stages += [asking, running]
        chain = running
    return stages


def _stage_name(asks: Asks, turn: int, step: str) -> str:
    return f"repair{turn:02}_{step}" if asks == "turn" else f"{asks}_{step}"


class CorrectStage(UnitStage[ShownProgram]):
    """Asks a model about programs."""

    unit = ShownProgram
    makes: ClassVar[tuple[type[Unit], ...]] = (ShownProgram, Correction)
    asks_engine: ClassVar[bool] = True

    def __init__(self, context: Context, asks: Asks, turn: int, before: Upstream) -> None:
        self.name, self.upstream = _stage_name(asks, turn, "ask"), (before,)
        self._context, self._asks, self._turn = context, asks, turn
        self._asker = Asker(context, self.name)

    def entering(self, state: ShardState) -> list[ShownProgram]:
        if self._asks == "turn" and self._turn > 2:
            return self._failed_turns(state)
        judged, suites = read_judgements(state), last_suites(state.get(TestSuite))
        logs = {log.solution_id: log for log in state.get(ProgramLog)}
        found: list[ShownProgram] = []
        for task in state.survivors(Task):
            suite = suites.get(task.id)
            if suite is None:
                continue
            solutions = [one for one in judged.solutions[task.id] if suite.judges(one)]
            for language in dict.fromkeys(one.language for one in solutions):
                own = [one for one in solutions if one.language == language]
                found += self._choose(task, suite, own, judged.verdicts, logs)
        return found

    def _choose(
        self,
        task: Task,
        suite: TestSuite,
        solutions: list[Solution],
        verdicts: dict[str, Verdict],
        logs: dict[str, ProgramLog],
    ) -> list[ShownProgram]:
        """The programs of one task in one language that are shown."""
        data, language = self._context.data, solutions[0].language
        right = [one for one in solutions if one.id in verdicts and verdicts[one.id].outcome is Outcome.PASS]
        how: Literal["analysis", "failure", "none"] = "none"
        if self._asks == "turn":
            assert data.repair is not None
            most, how = data.repair.per_task, data.repair.feedback
        elif self._asks == "repair":
            assert data.repair_tasks is not None
            most, how = data.repair_tasks.per_task, "failure" if data.repair_tasks.show_failure else "none"
        else:
            assert data.review is not None
            if not isinstance(task.contract, FunctionContract):
                return []
            most = data.review.per_task
            random = derive_random(self._context.recipe.seed, self.name, task.id, language)
            if right and random.random() < data.review.right_share:
                return [self._show(task, right[0].code, right[0], "candidate", is_right=True)]
        wrong = failing(solutions, verdicts, most)
        shown = [
            self._show(
                task,
                one.code,
                one,
                "candidate",
                feedback=say(how, suite, logs.get(one.id), verdicts[one.id].outcome, one.code),
            )
            for one in wrong
        ]
        if self._asks == "repair" and data.repair_tasks is not None and data.repair_tasks.mutants and right:
            shown += self._mutants(task, right[0], most - len(shown))
        return shown

    def _mutants(self, task: Task, solution: Solution, most: int) -> list[ShownProgram]:
        if most < 1:
            return []
        seed = derive_random(self._context.recipe.seed, self.name, solution.id).randrange(1 << 30)
        grammar, name = get_language(solution.language).grammar, task.contract.asked_name
        made = make_first_order(solution.code, grammar, name, _MOST_MUTANTS, seed)
        return [self._show(task, one.code, solution, "mutant") for one in made[:most]]

    def _show(
        self,
        task: Task,
        code: str,
        solution: Solution,
        origin: Literal["candidate", "mutant", "turn"],
        *,
        is_right: bool = False,
        feedback: str = "",
    ) -> ShownProgram:
        prompt = solve_prompt(self._asker, task, solution.language) if self._asks == "turn" else ()
        return ShownProgram(
            id=unit_id("shown", self.name, solution.id, code),
            task_id=task.id,
            language=solution.language,
            code=code,
            asks=self._asks,
            turn=self._turn - 1 if self._asks == "turn" else 1,
            origin=origin,
            solution_id=solution.id,
            is_right=is_right,
            feedback=feedback,
            prompt=prompt,
        )

    def _failed_turns(self, state: ShardState) -> list[ShownProgram]:
        """The answers of the turn before that failed."""
        assert self._context.data.repair is not None
        verdicts = {one.solution_id: one for one in state.get(Verdict)}
        logs = {log.solution_id: log for log in state.get(ProgramLog)}
        suites = last_suites(state.get(TestSuite))
        live = {task.id for task in state.survivors(Task)}
        return [
            ShownProgram(
                id=unit_id("shown", self.name, one.id, one.code),
                task_id=one.task_id,
                language=one.language,
                code=one.code,
                asks="turn",
                turn=self._turn - 1,
                origin="turn",
                solution_id=one.id,
                feedback=say(
                    self._context.data.repair.feedback,
                    suites[one.task_id],
                    logs.get(one.id),
                    verdicts[one.id].outcome,
                    one.code,
                ),
                prompt=one.prompt,
            )
            for one in state.get(Correction)
            if one.asks == "turn"
            and one.turn == self._turn - 1
            and one.task_id in live
            and one.id in verdicts
            and verdicts[one.id].outcome not in NO_LABEL
        ]

    async def decide(self, units: Sequence[ShownProgram], state: ShardState) -> list[Decided]:
        tasks = {task.id: task for task in state.get(Task)}
        check = CandidateCheck(state)
        return await asyncio.gather(*(self._ask(one, tasks[one.task_id], check) for one in units))

    async def _ask(self, shown: ShownProgram, task: Task, check: CandidateCheck) -> Decided:
        messages = self._messages(shown, task)
        response = await self._asker.ask(shown.id, messages, self._sampling)
        if isinstance(response, Reject):
            return Decided(response, (shown,))
        [completion] = response.completions
        read = self._read(completion.text, completion.finish == "length", shown, task)
        answer: Keep | Reject
        made: tuple[Unit, ...] = (shown,)
        if isinstance(read, Reject):
            answer = read
        else:
            correction = Correction(
                id=unit_id("correction", shown.id, completion.text),
                task_id=shown.task_id,
                shown_id=shown.id,
                language=shown.language,
                code=read.code,
                asks=self._asks,
                turn=self._turn,
                prompt=messages,
                answer=read.answer,
                policy=response.fingerprint,
                request_id=response.request_id,
            )
            answer = Keep() if shown.is_right else await self._check(correction, shown, check)
            made = (shown, correction) if isinstance(answer, Keep) else made
        return Decided(answer, made, ms=response.ms, tokens=completion.tokens)

    def _read(self, text: str, is_cut: bool, shown: ShownProgram, task: Task) -> "_ReadAnswer | Reject":
        if self._asks != "review":
            found = read_code(text, shown.language, task.contract.asked_name)
            cut = is_cut or (found.cut and not found.code)
            return Reject("answer_cut") if cut else _ReadAnswer(found.code)
        assert isinstance(task.contract, FunctionContract)
        if is_cut:
            return Reject("answer_cut")
        review = read_review(text, shown.language, task.contract)
        if isinstance(review, Reject):
            return review
        if review.is_right != shown.is_right:
            return Reject("missed_fault" if review.is_right else "false_alarm")
        return _ReadAnswer(review.code, without_reasoning(text).text.strip())

    async def _check(self, one: Correction, shown: ShownProgram, check: CandidateCheck) -> Keep | Reject:
        found = await asyncio.to_thread(check.check, one.as_solution())
        if isinstance(found, Reject):
            return found
        if same_program(one.code, shown.code, shown.language):
            return Reject("same_program")
        changed = share_changed(shown.code, one.code, shown.language)
        section = self._context.data.repair_tasks
        if self._asks == "repair" and section is not None and changed > section.most_changed:
            return Reject("rewritten", {"changed": changed})
        return Keep({"changed": changed})

    @property
    def _sampling(self) -> SamplingConfig:
        data = self._context.data
        section = {"turn": data.repair, "repair": data.repair_tasks, "review": data.review}[self._asks]
        assert section is not None
        return section.sampling

    def _messages(self, shown: ShownProgram, task: Task) -> tuple[Message, ...]:
        if self._asks == "turn":
            wrong = Message(role="assistant", content=f"```{shown.language}\n{shown.code}\n```")
            feedback = self._asker.render("repair", task.natural_language, feedback=shown.feedback)
            return (*shown.prompt, wrong, *feedback)
        values = {
            "language_title": get_language(shown.language).title,
            "language": shown.language,
            "instruction": task.instruction,
            "code": shown.code,
        }
        if self._asks == "repair":
            values["feedback"] = shown.feedback or "The program is wrong."
        name = "review" if self._asks == "review" else "repair_tasks"
        return self._asker.render(name, task.natural_language, **values)


class _ReadAnswer(NamedTuple):
    """What an answer holds."""

    code: str
    answer: str = ""


class _RunAnswer(NamedTuple):
    """The programs that are run for one answer."""

    correction: Correction
    shown: ShownProgram
    suite: TestSuite
    review: Review | None


class RunCorrectionStage(UnitStage[Correction]):
    """Runs each answer on the whole suite, hidden cases included, and beside it the program that was shown,
    once more and with hash tables in another order: a failure that does not show again is no fault."""

    unit = Correction
    makes: ClassVar[tuple[type[Unit], ...]] = (Verdict, ProgramLog)

    def __init__(self, context: Context, asks: Asks, turn: int, before: Stage) -> None:
        self.name, self.upstream = _stage_name(asks, turn, "run"), (before,)
        self._asks, self._turn = asks, turn
        self._sandbox, self._limits = context.sandbox, find_limits(context.recipe.execution)

    def entering(self, state: ShardState) -> list[Correction]:
        return [
            one for one in state.survivors(Correction) if (one.asks, one.turn) == (self._asks, self._turn)
        ]

    async def decide(self, units: Sequence[Correction], state: ShardState) -> list[Decided]:
        suites = last_suites(state.get(TestSuite))
        shown = {one.id: one for one in state.get(ShownProgram)}
        tasks = {task.id: task for task in state.get(Task)}
        references = {one.seed_id: one for one in state.get(Reference) if one.cases}
        requests: list[ExecutionRequest] = []
        spans: list[tuple[int, int]] = []
        runs: list[_RunAnswer] = []
        for one in units:
            own = shown[one.shown_id]
            run = _RunAnswer(one, own, suites[one.task_id], _review(one, tasks[one.task_id]))
            made = self._requests(run, references.get(tasks[one.task_id].seed_id))
            spans.append((len(requests), len(requests) + len(made)))
            requests += made
            runs.append(run)
        seen = await run_each(self._sandbox, requests, lambda _, found: found, state.late_priority)
        return [_decide(run, seen[start:end]) for run, (start, end) in zip(runs, spans, strict=True)]

    def _requests(self, run: _RunAnswer, reference: Reference | None) -> list[ExecutionRequest]:
        """The shown program; of a wrong one also the fix, twice; of a review the example on all of them."""
        one, shown, call = run.correction, run.shown, run.suite.call()
        language = one.language

        def ask(name: str, code: str, *, other: bool = False) -> ExecutionRequest:
            return ExecutionRequest(
                id=f"{one.id}.{name}",
                language=language,
                code=code,
                call=call,
                limits=self._limits,
                other_hashing=other,
            )

        found = [ask("shown", shown.code, other=True)]
        if shown.is_right:
            return found
        found += [ask("fix", one.code), ask("again", one.code, other=True)]
        if run.review is not None:
            row = [run.review.row]
            example = run.suite.contract.call(row)
            truth = (language, one.code, example)
            if reference is not None:
                truth = (reference.language, reference.code, reference.contract.call(row))
            for name, spoken, code, called in (
                ("example.shown", language, shown.code, example),
                ("example.fix", language, one.code, example),
                ("example.truth", *truth),
            ):
                found.append(
                    ExecutionRequest(
                        id=f"{one.id}.{name}", language=spoken, code=code, call=called, limits=self._limits
                    )
                )
        return found


def _review(one: Correction, task: Task) -> Review | None:
    if one.asks != "review" or not isinstance(task.contract, FunctionContract):
        return None
    review = read_review(one.answer, one.language, task.contract)
    return review if isinstance(review, Review) and not review.is_right else None


def _decide(run: _RunAnswer, seen: Sequence[Observation]) -> Decided:
    """The answer counts if it passes twice, the shown program fails again, and a review's example is true."""
    one, suite = run.correction, run.suite
    shown, _ = judge_cases(seen[0], suite, run.shown.id)
    if shown.outcome.is_fault:
        return Decided(Reject(shown.outcome.value))
    if run.shown.is_right:
        if shown.outcome is Outcome.PASS:
            return Decided(Keep({"shown": shown.outcome.value}))
        return Decided(Reject("unstable_program", {"shown": shown.outcome.value}))
    verdict, right = judge_cases(seen[1], suite, one.id)
    again, _ = judge_cases(seen[2], suite, one.id)
    ms = 1000 * sum(found.wall_s for found in seen)
    failed = next((found for found in (verdict, again) if found.outcome.is_fault), None)
    if failed is not None:
        return Decided(Reject(failed.outcome.value), ms=ms)
    evidence: Evidence = {
        "passed": verdict.passed,
        "total": verdict.total,
        "shown": shown.outcome.value,
        "shown_passed": shown.passed + shown.hidden_passed,
    }
    if verdict.outcome is not Outcome.PASS:
        log = log_program(seen[1], right, one.id)
        evidence |= {"first_failure": verdict.first_failure[:300]}
        return Decided(Reject(verdict.outcome.value, evidence), (verdict, log), ms=ms)
    if again.outcome is not Outcome.PASS:
        return Decided(Reject("unstable_program", evidence), ms=ms)
    if shown.outcome in NO_LABEL:
        return Decided(Reject("no_fault", evidence), (verdict,), ms=ms)
    if run.review is not None:
        lie = check_example(run.review, suite, seen[3:])
        if lie is not None:
            return Decided(Reject(lie.reason, {**evidence, **lie.evidence}), (verdict,), ms=ms)
    return Decided(Keep(evidence), (verdict,), ms=ms)


class RepairRowStage(UnitStage[Correction]):
    """Makes the rows. Ordered, because a task with a contaminated sample gives none."""

    name = "repair_rows"
    unit = Correction
    makes: ClassVar[tuple[type[Unit], ...]] = (Repair,)
    ordered = True

    def __init__(self, context: Context, before: Sequence[Upstream]) -> None:
        self.upstream = tuple(before)
        self._most = context.data.filters.max_tokens

    async def decide(self, units: Sequence[Correction], state: ShardState) -> list[Decided]:
        tainted, seen = contaminated_tasks(state), set[tuple[str, str, str]]()
        tasks = {task.id: task for task in state.get(Task)}
        shown = {one.id: one for one in state.get(ShownProgram)}
        suites = last_suites(state.get(TestSuite))
        sources: list[Seed | CodingProblem] = [*state.get(Seed), *state.get(CodingProblem)]
        licences = {one.id: one.origin.licence for one in sources}
        outcomes = _shown_outcomes(state)
        decided: list[Decided] = []
        for one in units:
            task = tasks[one.task_id]
            row = _row(one, shown[one.shown_id], task, suites[one.task_id], outcomes[one.id])
            row = row.model_copy(update={"licence": licences.get(task.seed_id, "")})
            key = one.task_id, row.prompt_text, row.program
            tokens = estimate_tokens(f"{row.prompt_text}\n{row.program}")
            answer: Keep | Reject = Keep({"tokens": tokens})
            if one.task_id in tainted:
                answer = Reject("contaminated")
            elif tokens > self._most:
                answer = Reject("too_long", {"tokens": tokens})
            elif key in seen:
                answer = Reject("exact_duplicate")
            seen.add(key)
            decided.append(Decided(answer, (row,) if isinstance(answer, Keep) else ()))
        return decided


def _shown_outcomes(state: ShardState) -> dict[str, Outcome]:
    """The outcome of the shown program in the run beside its answer, by answer."""
    return {
        row.unit_id: Outcome(json.loads(row.evidence)["shown"])
        for row in state.rows_ending("_run")
        if not row.reason
    }


def _row(one: Correction, shown: ShownProgram, task: Task, suite: TestSuite, outcome: Outcome) -> Repair:
    if one.asks == "review":
        completion: tuple[Message, ...] = (Message(role="assistant", content=one.answer),)
    else:
        completion = answer_messages(one.as_solution())
    return Repair(
        id=unit_id("repair", one.id),
        task_id=one.task_id,
        correction_id=one.id,
        shown_id=shown.id,
        language=one.language,
        natural_language=task.natural_language,
        asks=one.asks,
        turns=sum(message.role == "assistant" for message in one.prompt) + 1,
        origin=shown.origin,
        prompt=one.prompt,
        completion=completion,
        changed=share_changed(shown.code, one.code, one.language) if one.code else 0.0,
        shown_outcome=outcome,
        rank=suite.rank,
    )
