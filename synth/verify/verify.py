"""Programs and tests in, verdicts out: what `codemill verify` does, as one call.

    from synth.verify.verify import verify
    for answer in verify("rows.jsonl"):
        print(answer.id, answer.verdict)

Place in the flow: entries -> `prepare` -> a sandbox -> `make_answer` -> the file of answers and the caller.
The one rule: rows stream through a window of bounded size, so memory does not grow with the file, and an
answer is written before it is shown.
"""

import asyncio
import json
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from synth.comparison_rules import Comparison
from synth.config import LocalSandboxConfig
from synth.errors import Problem
from synth.execution.factory import create_sandbox, with_cache
from synth.execution.protocol import Sandbox
from synth.packages_config import PackagesConfig
from synth.records import IsolationLevel, Limits
from synth.verify.answer_file import AnswerFile
from synth.verify.answers import VerifyResult, make_answer
from synth.verify.checkers import run_checkers
from synth.verify.negative_controls import SuiteControls
from synth.verify.row_files import Entry, file_entries, given_entries
from synth.verify.rows import Prepared, RowError, VerifyRow, prepare

Rows = str | Path | Iterable[VerifyRow | Mapping[str, object]]
Report = Callable[[RowError], None]

REMEMBERED: Final = 256
"""Answers that a local sandbox keeps in memory: rows seldom repeat a program."""
_ROWS: Final = 32
"""Rows in progress per worker: enough that a slow program blocks no others and that rows of one
kind are grouped."""
_BATCHES: Final = 8
"""The same in batches, where those are large."""
_MOST_PROBLEMS: Final = 20


def verify(
    rows: Rows,
    out: str | Path | None = None,
    *,
    limits: Limits | None = None,
    workers: int = 0,
    minimum_level: IsolationLevel = "C",
    sandbox: Sandbox | None = None,
    batch: int = 1,
    cache: str | Path | None = None,
    controls: bool = False,
    row_limits: bool = False,
    packages: PackagesConfig | None = None,
    proof: bool = True,
    comparison: Comparison | None = None,
) -> Iterator[VerifyResult]:
    """Answers as they are found, not in the order of the rows; `answer.row` says which one it is.

    `rows` is a JSON Lines file or rows themselves; with `out`, answers are appended there, and rows that have
    one there are left out. `sandbox` replaces that of this machine, `batch` rows at a time for one that has
    to be fed many at once. `cache` is a folder in which results are kept for later calls. With `proof`,
    a right row with a script is vacuous if its tests pass as well without solving anything; with `controls`,
    `answer.accepts` names what passes the tests of any row and should not (`negative_controls.py`). Rows may
    lower `limits`, and raise them only with `row_limits`. `packages` were built with
    `codemill packages build`; a `sandbox` that is given has its own. A `comparison` replaces the rule of
    every row. Raises RowError at the first row that cannot be judged, SandboxError when there is no isolation
    to be had, UserError when the folder cannot be used.
    """
    limits = limits or Limits()
    salt = settings(limits, controls, packages, proof, comparison)
    entries = file_entries(Path(rows), salt) if isinstance(rows, str | Path) else given_entries(rows, salt)
    answers = AnswerFile(Path(out)) if out is not None else None
    try:
        config = LocalSandboxConfig(
            workers=workers, minimum_level=minimum_level, packages=packages or PackagesConfig()
        )
        chosen = with_cache(sandbox or create_sandbox(config, remembered=REMEMBERED), cache)
        yield from verify_entries(
            entries,
            chosen,
            limits,
            answers,
            batch=batch,
            controls=controls,
            row_limits=row_limits,
            proof=proof,
            comparison=comparison,
        )
    finally:
        if answers is not None:
            answers.close()


def settings(
    limits: Limits,
    controls: bool = False,
    packages: PackagesConfig | None = None,
    proof: bool = True,
    comparison: Comparison | None = None,
) -> str:
    """What of a command decides its answers, so that those of another one are not taken for them."""
    asked = packages.names() if packages is not None else {}
    named = f" {json.dumps(asked, sort_keys=True)}" if asked else ""
    words = (" controls" if controls else "") + (" proof" if proof else "")
    rule = f" {comparison.model_dump_json()}" if comparison is not None else ""
    return limits.model_dump_json(exclude=limits.newer_defaults) + words + named + rule


def verify_entries(
    entries: Iterable[Entry],
    sandbox: Sandbox,
    limits: Limits,
    answers: AnswerFile | None,
    bad: Report | None = None,
    batch: int = 1,
    controls: bool = False,
    row_limits: bool = False,
    proof: bool = True,
    comparison: Comparison | None = None,
) -> Iterator[VerifyResult]:
    """The same for entries of any origin. Rows that cannot be judged go to `bad`, or raise where
    there is none."""
    tried = SuiteControls(sandbox, every=controls, proof=proof)
    read = partial(_prepared, limits=limits, row_limits=row_limits, comparison=comparison)
    prepared = _waiting(entries, read, answers, bad, tried)
    judge = Judge(sandbox, answers, tried)
    return _in_thread(lambda: _stream(prepared, judge, batch, owns=True))


def answer_entries(
    entries: Iterable[Entry],
    sandbox: Sandbox,
    limits: Limits,
    answers: AnswerFile | None,
    bad: Report | None = None,
    batch: int = 1,
) -> AsyncIterator[VerifyResult]:
    """The same on the caller's event loop and in a sandbox that is started and stays open."""
    tried = SuiteControls(sandbox)
    read = partial(_prepared, limits=limits, row_limits=False, comparison=None)
    prepared = _waiting(entries, read, answers, bad, tried)
    return _stream(prepared, Judge(sandbox, answers, tried), batch, owns=False)


def check_entries(
    entries: Iterable[Entry], limits: Limits, row_limits: bool = False, comparison: Comparison | None = None
) -> tuple[int, list[RowError]]:
    """How many rows there are, and the first problems. Nothing is run, and nothing is held."""
    count, errors = 0, list[RowError]()
    for entry in entries:
        count += 1
        try:
            _prepared(entry, limits, row_limits, comparison)
        except RowError as error:
            if len(errors) < _MOST_PROBLEMS:
                errors.append(error)
    return count, errors


def raise_all(errors: list[RowError]) -> None:
    """One error with every problem; nothing where there is none."""
    problems: list[Problem] = [problem for error in errors for problem in error.problems]
    if problems:
        raise RowError(*problems[:_MOST_PROBLEMS])


def _waiting(
    entries: Iterable[Entry],
    read: Callable[[Entry], Prepared],
    answers: AnswerFile | None,
    bad: Report | None,
    controls: SuiteControls,
) -> Iterator[Prepared]:
    """The rows that have no answer yet, ready to run. Controls see the others as well, since they hang on the
    order of all rows."""
    for entry in entries:
        if answers is not None and answers.has(entry.number, entry.key, entry.where):
            if (of_first := answers.of_first(entry.number)) is not None:
                with suppress(RowError):
                    controls.recall(read(entry), of_first)
            continue
        try:
            prepared = read(entry)
        except RowError as error:
            if bad is None:
                raise
            bad(error)
            continue
        controls.expect(prepared)
        yield prepared


def _prepared(entry: Entry, limits: Limits, row_limits: bool, comparison: Comparison | None) -> Prepared:
    row, where = entry.read(), entry.where
    return prepare(row, where, limits, entry.number, entry.key, row_limits=row_limits, comparison=comparison)


async def _stream(
    rows: Iterable[Prepared], judge: "Judge", batch: int, *, owns: bool
) -> AsyncIterator[VerifyResult]:
    """Keep a window of rows under way; an answer is written, then handed on. `owns`: the sandbox is started
    and closed here."""
    sandbox = judge.sandbox
    if owns:
        await sandbox.start()
    window = max(_ROWS, _BATCHES * batch) * max(2, getattr(sandbox, "workers", 2))
    running: set[asyncio.Task[list[VerifyResult]]] = set()
    ended: asyncio.Queue[asyncio.Task[list[VerifyResult]]] = asyncio.Queue()

    async def next_answers() -> list[VerifyResult]:
        task = await ended.get()
        running.discard(task)
        return task.result()

    under_way, waiting = 0, iter(rows)
    try:
        while group := list(islice(waiting, batch)):
            task = asyncio.create_task(judge.answer(group))
            task.add_done_callback(ended.put_nowait)
            running.add(task)
            under_way += len(group)
            while under_way >= window:
                for answer in await next_answers():
                    under_way -= 1
                    yield answer
        while running:
            for answer in await next_answers():
                yield answer
    finally:
        for task in running:
            task.cancel()
        await judge.controls.close()
        if owns:
            await sandbox.close()
        await asyncio.gather(*running, return_exceptions=True)


class Judge(NamedTuple):
    """From a group of rows to its answers, which are written before they are handed on."""

    sandbox: Sandbox
    answers: AnswerFile | None
    controls: SuiteControls

    async def answer(self, group: list[Prepared]) -> list[VerifyResult]:
        observations = await self.sandbox.execute([row.request for row in group])
        checked = await run_checkers(self.sandbox, group, observations)
        made = list(map(make_answer, group, observations, checked))
        if self.controls is not None:
            made = await asyncio.gather(
                *(self.controls.judge(row, one) for row, one in zip(group, made, strict=True))
            )
        if self.answers is not None:
            for answer in made:
                self.answers.append(answer)
        return made


def _in_thread(stream: Callable[[], AsyncIterator[VerifyResult]]) -> Iterator[VerifyResult]:
    """Run a stream on an event loop in a thread of its own, so that the call works where a
    loop runs already."""
    found: queue.Queue[VerifyResult | BaseException | None] = queue.Queue(maxsize=1000)
    stopped = threading.Event()
    runner = _Pump(stream, found, stopped)
    thread = threading.Thread(target=runner.run, name="verify", daemon=True)
    thread.start()
    try:
        while (item := found.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        runner.cancel()
        thread.join()


class _Pump:
    """The thread's side: from the stream into the queue, until it ends or is stopped."""

    def __init__(
        self,
        stream: Callable[[], AsyncIterator[VerifyResult]],
        found: "queue.Queue[VerifyResult | BaseException | None]",
        stopped: threading.Event,
    ) -> None:
        self._stream, self._found, self._stopped = stream, found, stopped
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._pump())
        except asyncio.CancelledError:
            self._put(None)
        except BaseException as error:  # noqa: BLE001  # it is raised again on the caller's side
            self._put(error)
        else:
            self._put(None)

    def cancel(self) -> None:
        """Stop the stream where it waits. May be called at any time."""
        if self._loop is not None and self._task is not None:
            with suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._task.cancel)

    async def _pump(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        async with aclosing(self._stream()) as answers:  # type: ignore[type-var]  # an async generator
            async for answer in answers:
                self._put(answer)
                if self._stopped.is_set():
                    return

    def _put(self, item: VerifyResult | BaseException | None) -> None:
        while not self._stopped.is_set():
            with suppress(queue.Full):
                self._found.put(item, timeout=0.2)
                return
