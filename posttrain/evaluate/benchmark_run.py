"""Asks a policy the questions of a benchmark, and judges its programs as `codemill verify` does.

Place in the flow: `Benchmark` -> engine (journalled) -> samples -> `answer_entries` -> `BenchmarkEvaluation`.
The one rule: a fault of the engine or the sandbox is no verdict; its sample waits for another start, and what
has an answer or a verdict is neither asked nor run again.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from posttrain.evaluate.benchmark import Benchmark, BenchmarkQuestion
from posttrain.evaluate.evaluation import OnAnswered, QuestionResult, Scores, by_language, score
from posttrain.evaluate.own_template import OwnTemplate
from synth.errors import EngineError, RequestRefusedError
from synth.execution.protocol import Sandbox
from synth.generation.journal import JournalledEngine
from synth.generation.protocol import Completion, GenerationRequest
from synth.ids import derive_seed, unit_id
from synth.records import Limits, Outcome, Record
from synth.store.atomic import atomic_file, write_bytes
from synth.store.open_shards import FailedUnit
from synth.store.seals import read_json, seal_json
from synth.verify.answer_file import AnswerFile
from synth.verify.answers import VerifyResult
from synth.verify.formats.spec import Fields
from synth.verify.row_files import Entry, hash_row
from synth.verify.rows import RowError, VerifyRow
from synth.verify.verify import answer_entries, settings

KS: Final = (1, 10, 100)
"""pass@k is given for those that are at most n."""
RIGHT: Final = (Outcome.PASS, Outcome.VACUOUS)
"""What the benchmark's own harness counts as a pass: it does not prove its tests."""
_BATCH: Final = 16
"""Programs in a call of the sandbox: enough that an outage is told from a program that is lost alone."""


class BenchmarkEvaluation(Record):
    """All results of one policy on one benchmark. Figures of two evaluations can be compared if both hashes
    are the same."""

    policy: str
    model: str
    """What the policy is called outside its run: a hub id, a folder's name, the name at an endpoint."""
    fingerprint: str
    suite: str
    title: str
    column: str
    style: str
    n: int
    temperature: float
    top_p: float
    max_tokens: int
    changed: tuple[str, ...] = ()
    """What of the protocol's settings was changed."""
    prefilled: bool = False
    """Whether answers were begun as the protocol begins them."""
    protocol: str
    """Hash of prompts, sampling, reading of answers and tests."""
    problems: str
    """Hash of the problems that were asked."""
    source: str
    """Where the protocol is published."""
    total: Scores
    languages: dict[str, Scores]
    answered: tuple[QuestionResult, ...]
    seconds: float = 0.0

    @property
    def conditions(self) -> tuple[str, str]:
        """What has to be the same where two figures are compared."""
        return self.protocol, self.problems


class BenchmarkProgram(NamedTuple):
    """One sample: its answer, or the fault in its place; its program and verdict, once it has one."""

    question: BenchmarkQuestion
    place: int
    """Which of the n samples of its question, from 0."""
    id: str
    request_id: str = ""
    text: str = ""
    cut: bool = False
    tokens: int = 0
    fault: str = ""
    """Reason of a fault; its words in `error`."""
    error: str = ""
    refused: str = ""
    """Reason of a refusal by the endpoint."""
    code: str = ""
    verdict: VerifyResult | None = None

    @property
    def outcome(self) -> Outcome:
        if self.verdict is not None:
            return self.verdict.verdict
        return Outcome.INFRASTRUCTURE if self.fault or self.refused else Outcome.PARSE_ERROR

    @property
    def reason(self) -> str:
        """The code of a reason; empty for a right program."""
        return self.fault or self.refused or ("" if self.outcome in RIGHT else self.outcome.value)


class Measured(NamedTuple):
    """An evaluation, and what it stands on."""

    evaluation: BenchmarkEvaluation
    programs: list[BenchmarkProgram]

    @property
    def failed(self) -> list[FailedUnit]:
        """The samples that were not answered or judged."""
        return [FailedUnit(one.id, one.fault, one.error) for one in self.programs if one.fault]


class BenchmarkContext(NamedTuple):
    """The resources of a benchmark's evaluation."""

    engine: JournalledEngine
    sandbox: Sandbox
    limits: Limits
    seed: int
    template: OwnTemplate | None
    """That of the policy; None where its endpoint writes chats itself."""
    folder: Path
    """For prompts, samples and verdicts; another one for other conditions."""


async def evaluate_benchmark(
    context: BenchmarkContext,
    benchmark: Benchmark,
    policy: str,
    model: str,
    show: Callable[[str], OnAnswered],
) -> Measured:
    """Ask all questions, then judge all programs. An error of one question is raised when the others are
    answered: what they cost is in the journal then. `show` takes what is counted."""
    requests = write_requests(context, benchmark)
    programs = await _ask_all(context, benchmark, requests, show("answers"))
    programs = await _judge_all(context, benchmark, programs, show("verdicts"))
    answered = _results(benchmark, programs)
    ks = [k for k in KS if k <= benchmark.n]
    evaluation = BenchmarkEvaluation(
        policy=policy,
        model=model,
        fingerprint=context.engine.fingerprint,
        suite=benchmark.protocol.suite,
        title=benchmark.protocol.title,
        column=benchmark.protocol.column,
        style=benchmark.style,
        n=benchmark.n,
        **benchmark.sampling.model_dump(),
        changed=benchmark.changed,
        prefilled=any(question.prefill for question in benchmark.questions),
        protocol=benchmark.protocol_hash,
        problems=benchmark.problems_hash,
        source=benchmark.protocol.source,
        total=score(answered, ks),
        languages={language: score(found, ks) for language, found in by_language(answered).items()},
        answered=answered,
    )
    return Measured(evaluation, programs)


# --- asking -------------------------------------------------------------------------------------------------


class RequestFile(Record):
    """What is asked, as it is asked: a template may write today's date into it, and what was paid for under
    yesterday's is not paid for again."""

    requests: tuple[GenerationRequest, ...]


def write_requests(context: BenchmarkContext, benchmark: Benchmark) -> tuple[GenerationRequest, ...]:
    """The requests of all questions, in their order: those of an earlier start, or new ones."""
    path = context.folder / "requests.json"
    if path.exists():
        return RequestFile.model_validate_json(read_json(path)).requests
    made = RequestFile(
        requests=tuple(_request(context, benchmark, question) for question in benchmark.questions)
    )
    write_bytes(path, seal_json(made.model_dump_json()))
    return made.requests


def _request(
    context: BenchmarkContext, benchmark: Benchmark, question: BenchmarkQuestion
) -> GenerationRequest:
    """A chat in the model's own template, or as messages where the endpoint has the template."""
    rendered = (
        context.template.render(question.messages, question.prefill)
        if question.messages and context.template is not None
        else ""
    )
    return GenerationRequest(
        messages=() if rendered else question.messages,
        prompt=rendered or question.prompt,
        is_rendered=bool(rendered),
        sampling=benchmark.sampling,
        n=benchmark.n,
        seed=derive_seed(
            context.seed, "benchmark", benchmark.protocol.suite, question.name, question.language
        ),
        stop=question.stop,
    )


async def _ask_all(
    context: BenchmarkContext,
    benchmark: Benchmark,
    requests: Sequence[GenerationRequest],
    on_answered: OnAnswered,
) -> list[BenchmarkProgram]:
    done = 0

    async def one(question: BenchmarkQuestion, request: GenerationRequest) -> list[BenchmarkProgram]:
        nonlocal done
        found = await _ask(context, benchmark, question, request)
        done += 1
        on_answered(done, len(requests))
        return found

    ended = await asyncio.gather(*map(one, benchmark.questions, requests), return_exceptions=True)
    programs: list[BenchmarkProgram] = []
    for item in ended:
        if isinstance(item, BaseException):
            raise item
        programs += item
    return programs


async def _ask(
    context: BenchmarkContext,
    benchmark: Benchmark,
    question: BenchmarkQuestion,
    request: GenerationRequest,
) -> list[BenchmarkProgram]:
    request_id = request.request_id(context.engine.fingerprint)
    blank = [
        BenchmarkProgram(question, index, program_id(benchmark, question, request_id, index), request_id)
        for index in range(benchmark.n)
    ]
    try:
        response = await context.engine.generate(request)
    except RequestRefusedError as error:
        return [one._replace(refused=error.reason, error=str(error)[:300]) for one in blank]
    except EngineError as error:
        if not error.retryable:
            raise
        return [one._replace(fault="engine_failed", error=str(error)[:300]) for one in blank]
    return list(map(_answer, blank, response.completions))


def program_id(benchmark: Benchmark, question: BenchmarkQuestion, request_id: str, index: int) -> str:
    """The id of a sample in the store; known before its answer is."""
    return unit_id("solution", benchmark.protocol.suite, question.name, question.language, request_id, index)


def _answer(blank: BenchmarkProgram, found: Completion) -> BenchmarkProgram:
    if found.finish == "refused" and not found.text:
        return blank._replace(refused="request_filtered", error="the endpoint or the model refused to answer")
    return blank._replace(text=found.text, cut=found.finish == "length", tokens=found.tokens)


# --- judging ------------------------------------------------------------------------------------------------


async def _judge_all(
    context: BenchmarkContext,
    benchmark: Benchmark,
    programs: Sequence[BenchmarkProgram],
    on_judged: OnAnswered,
) -> list[BenchmarkProgram]:
    """The programs with their verdicts. A sample's number, by which its verdict is found again, hangs on its
    place alone, so that faults among the answers shift nothing."""
    rows = _Rows(benchmark, settings(context.limits, proof=True))
    made = (
        rows.entry(number, one) for number, one in enumerate(programs, 1) if not (one.fault or one.refused)
    )
    entries = [entry for entry in made if entry is not None]
    with atomic_file(context.folder / "samples.jsonl") as file:
        file.writelines(rows.lines)
    answers = AnswerFile(context.folder / "verdicts.jsonl")
    done = answers.count
    try:
        judged = answer_entries(
            entries, context.sandbox, context.limits, answers, rows.leave_out, batch=_BATCH
        )
        async for _ in judged:
            done += 1
            on_judged(done, len(entries))
    finally:
        answers.close()
    verdicts = _read_verdicts(context.folder / "verdicts.jsonl")
    return [_judged(one, number, rows, verdicts) for number, one in enumerate(programs, 1)]


class _Rows:
    """From samples to entries of `verify`. An answer that makes no row is one without a program."""

    def __init__(self, benchmark: Benchmark, salt: str) -> None:
        self._benchmark, self._salt = benchmark, salt
        self.lines: list[bytes] = []
        """The samples, as `codemill verify --format` reads them."""
        self._samples: dict[int, Fields] = {}
        self.codes: dict[int, str] = {}
        self.unreadable: dict[int, str] = {}

    def entry(self, number: int, program: BenchmarkProgram) -> Entry | None:
        """The entry of an answer; None for one that makes no sample."""
        try:
            sample = self._benchmark.sample(program.question, program.text)
        except RowError as error:
            self.unreadable[number] = str(error)[:300]
            return None
        self._samples[number] = sample
        line = json.dumps(dict(sample), ensure_ascii=True).encode() + b"\n"
        self.lines.append(line)
        where = f"answer {program.place + 1} to {program.question.name}"
        return Entry(where, number, hash_row(line, self._salt), partial(self.read, number, program))

    def read(self, number: int, program: BenchmarkProgram) -> VerifyRow:
        try:
            row = self._benchmark.row(program.question, self._samples[number])
        except RowError as error:
            self.unreadable[number] = str(error)[:300]
            raise
        self.codes[number] = row.code
        return row.model_copy(update={"id": program.id})

    def leave_out(self, _error: RowError) -> None:
        """`unreadable` has it."""


def _read_verdicts(path: Path) -> dict[int, VerifyResult]:
    """The verdict of each row that has one; faults of this start included."""
    with path.open("rb") as lines:
        found = map(VerifyResult.model_validate_json, lines)
        return {one.row: one.model_copy(update={"cases": ()}) for one in found}


def _judged(
    program: BenchmarkProgram, number: int, rows: _Rows, verdicts: Mapping[int, VerifyResult]
) -> BenchmarkProgram:
    if program.fault or program.refused:
        return program
    verdict = verdicts.get(number)
    if verdict is None:
        return program._replace(error=rows.unreadable.get(number, ""))
    if number not in rows.codes:  # judged at an earlier start
        rows.read(number, program)
    fault = verdict.verdict.value if verdict.verdict.is_fault else ""
    return program._replace(code=rows.codes[number], verdict=verdict, fault=fault, error=verdict.reason[:300])


# --- counting -----------------------------------------------------------------------------------------------


def _results(benchmark: Benchmark, programs: Sequence[BenchmarkProgram]) -> tuple[QuestionResult, ...]:
    """What became of each question, in their order."""
    n = benchmark.n
    return tuple(
        _result(question, programs[at * n : (at + 1) * n]) for at, question in enumerate(benchmark.questions)
    )


def _result(question: BenchmarkQuestion, programs: Sequence[BenchmarkProgram]) -> QuestionResult:
    outcomes = [one.outcome for one in programs]
    judged = [outcome for outcome in outcomes if not outcome.is_fault]
    faults = [one for one in programs if one.fault]
    return QuestionResult(
        task_id=question.name,
        language=question.language,
        n=len(judged),
        passed=sum(outcome in RIGHT for outcome in judged),
        greedy=None,
        outcomes={outcome.value: outcomes.count(outcome) for outcome in sorted(set(outcomes))},
        faults=len(faults),
        fault=faults[0].fault if faults else "",
        error=faults[0].error if faults else "",
        refused=sum(bool(one.refused) for one in programs),
        tokens=sum(one.tokens for one in programs),
    )
