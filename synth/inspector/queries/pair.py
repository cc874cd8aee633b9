"""One pair: two answers side by side, what each test found for both, why they are a pair, and what is wrong
with it; and the list of pairs.

The one rule: a warning is a fact about this pair that can be counted. Whether it is a good pair is for the
person who marks it.
"""

from collections.abc import Sequence
from math import exp, log
from typing import Any, Final, Literal, NamedTuple

from pydantic import ValidationError

from synth.config import PairsConfig
from synth.errors import CodemillError, Problem, UserError
from synth.inspector.differences import DiffRow, diff_lines, likeness
from synth.inspector.library import Library
from synth.inspector.marks import Mark, Marks, MarksError
from synth.inspector.opened_run import OpenedRun, RunKind
from synth.inspector.queries.asked import ShownPrompt, recorded_prompt
from synth.inspector.queries.results import ShownCase, cases_of
from synth.inspector.queries.unit import StoredParts, command_of, mark_of
from synth.inspector.shown import Cut, cut
from synth.languages.code_tokens import code_tokens
from synth.products import Pair
from synth.program_log import ProgramLog
from synth.prompts.fences import read_fences
from synth.records import Outcome, Record, Solution, Stop, TestSuite, Verdict
from synth.store.run_folder import read_info

LENGTH_RATIO: Final = 1.5
"""From this factor on, one side is called longer."""
NEAR_LIKENESS: Final = 0.95
"""From this share of common words on, the sides are called near-identical."""

PAIR_PAGE_ROWS: Final = 50
"""Pairs on one page of the list."""


class PairSide(Record):
    """One answer of a pair."""

    id: str
    answer: Cut
    """What the row trains on: the whole message."""
    code: str
    """Its program, cut."""
    length: int
    """Of the program, in characters."""
    passed: int
    total: int
    outcome: str
    policy: str
    cpu_s: float


class MatrixRow(Record):
    """One test, and what both sides made of it."""

    index: int
    is_hidden: bool
    input: Cut
    expected: Cut
    chosen: ShownCase
    rejected: ShownCase


class PairWarning(Record):
    """Something about a pair that a person should know before it trains."""

    code: Literal[
        "length_bias", "near_identical", "machine_fault", "rejected_passes_more", "chosen_fails", "unlogged"
    ]
    sentence: str


class PairView(Record):
    """One pair."""

    run: str
    run_name: str
    id: str
    task_id: str
    language: str
    rank: str
    chosen: PairSide
    rejected: PairSide
    prompt: ShownPrompt
    rows: tuple[DiffRow, ...]
    matrix: tuple[MatrixRow, ...]
    why: tuple[str, ...]
    """Sentences."""
    warnings: tuple[PairWarning, ...]
    command: str
    mark: Mark | None = None
    marks_problem: str = ""
    problems: tuple[str, ...] = ()


class PairLine(Record):
    """A pair in a list."""

    id: str
    language: str
    task_id: str
    chosen_pass: float
    rejected_pass: float
    rejected_outcome: str
    rank: str
    mark: Mark | None = None


class PairList(Record):
    """A page of pairs. `next_key` is the id that the next page starts after; empty at the end."""

    run: str
    run_name: str
    lines: tuple[PairLine, ...]
    count: int
    languages: tuple[str, ...]
    outcomes: tuple[str, ...]
    next_key: str = ""
    marks_problem: str = ""


class PairChoiceOf(NamedTuple):
    """Which pairs a list holds. Empty words leave all in; `mark` is one of MARK_WORDS, `any` or `none`."""

    language: str = ""
    outcome: str = ""
    mark: str = ""


class PairNeighbours(Record):
    """The pairs before and after one in a list; empty at the ends. `place` is its place, from 1, and
    `page_start` the key that the page of the list with it starts after."""

    before: str
    after: str
    place: int
    count: int
    page_start: str = ""


def list_pairs(
    library: Library, run: OpenedRun, choice: PairChoiceOf, after: str = "", limit: int = PAIR_PAGE_ROWS
) -> PairList:
    """A page of the pairs of a run, by id. Raises UserError for an unknown mark."""
    files = run.body_files(Pair.kind)
    condition, values = _condition(run, choice)
    rows = _query(
        library,
        f"""SELECT DISTINCT key, language, task_id, chosen_pass, rejected_pass, rejected_outcome, rank
        FROM read_parquet(?) WHERE {condition} AND key > ? ORDER BY key LIMIT ?""",
        files,
        [*values, after, limit + 1],
    )
    count = _query(
        library, f"SELECT count(DISTINCT key) AS n FROM read_parquet(?) WHERE {condition}", files, values
    )
    known = _query(library, "SELECT DISTINCT language, rejected_outcome FROM read_parquet(?)", files, [])
    shown = rows[:limit]
    marks, problem = _marks(run, [row["key"] for row in shown])
    return PairList(
        run=run.key,
        run_name=run.name,
        lines=tuple(_line(row, marks) for row in shown),
        count=int(count[0]["n"]) if count else 0,
        languages=tuple(sorted({row["language"] for row in known})),
        outcomes=tuple(sorted({row["rejected_outcome"] for row in known})),
        next_key=shown[-1]["key"] if len(rows) > limit else "",
        marks_problem=problem,
    )


def neighbours_of_pair(
    library: Library, run: OpenedRun, choice: PairChoiceOf, pair_id: str
) -> PairNeighbours:
    """The pairs before and after this one, among those chosen. Raises UserError for an unknown mark."""
    condition, values = _condition(run, choice)
    files = run.body_files(Pair.kind)
    sql = f"""SELECT max(key) FILTER (key < given) AS before, min(key) FILTER (key > given) AS after,
        count(DISTINCT key) FILTER (key <= given) AS place, count(DISTINCT key) AS n
        FROM (SELECT key, ?::VARCHAR AS given FROM read_parquet(?) WHERE {condition})"""
    [row] = library.query(sql, [pair_id, files, *values]) if files else [dict[str, Any](place=0, n=0)]
    place = int(row["place"])
    first = (max(place, 1) - 1) // PAIR_PAGE_ROWS * PAIR_PAGE_ROWS
    start = _query(
        library,
        f"SELECT DISTINCT key FROM read_parquet(?) WHERE {condition} ORDER BY key LIMIT 1 OFFSET ?",
        files if first else [],
        [*values, first - 1],
    )
    return PairNeighbours(
        before=row.get("before") or "",
        after=row.get("after") or "",
        place=place,
        count=int(row["n"]),
        page_start=start[0]["key"] if start else "",
    )


def read_pair(library: Library, run: OpenedRun, pair_id: str) -> PairView:
    """One pair. Raises UserError if the run has no such pair."""
    parts = StoredParts(run)
    pair = parts.one(Pair, pair_id)
    if pair is None:
        words = parts.problems[0] if parts.problems else f"is no pair of {run.name}"
        raise UserError(Problem(f"pair {pair_id[:80]!r}", words, "choose one in the list of pairs"))
    suite = parts.one(TestSuite, pair.task_id)
    sides = [_read_side(parts, one) for one in (pair.chosen_id, pair.rejected_id)]
    chosen = _side(pair.chosen_id, pair.chosen[-1].content, pair.chosen_pass, "pass", sides[0])
    rejected = _side(
        pair.rejected_id, pair.rejected[-1].content, pair.rejected_pass, pair.rejected_outcome, sides[1]
    )
    matrix = _matrix(suite, sides) if suite else ()
    mark, marks_problem = mark_of(run, pair_id)
    return PairView(
        run=run.key,
        run_name=run.name,
        id=pair.id,
        task_id=pair.task_id,
        language=pair.language,
        rank=pair.rank,
        chosen=chosen,
        rejected=rejected,
        prompt=recorded_prompt(pair.prompt),
        rows=diff_lines(chosen.code, rejected.code),
        matrix=matrix,
        why=_why(run, pair, chosen, rejected),
        warnings=_warnings(pair, chosen, rejected, matrix, sides[1]),
        command=command_of(run, pair.rejected_id, Solution.kind),
        mark=mark,
        marks_problem=marks_problem,
        problems=tuple(parts.problems),
    )


class _Side(NamedTuple):
    solution: Solution | None
    verdict: Verdict | None
    log: ProgramLog | None


def _read_side(parts: StoredParts, solution_id: str) -> _Side:
    return _Side(
        parts.one(Solution, solution_id), parts.one(Verdict, solution_id), parts.one(ProgramLog, solution_id)
    )


def _side(unit_id: str, message: str, share: float, outcome: str, found: _Side) -> PairSide:
    solution, verdict = found.solution, found.verdict
    blocks = read_fences(message)
    code = solution.code if solution else blocks[0].text if blocks else message
    return PairSide(
        id=unit_id,
        answer=cut(message),
        code=cut(code).text,
        length=len(code),
        passed=verdict.passed if verdict else round(100 * share),
        total=verdict.total if verdict else 100,
        outcome=verdict.outcome if verdict else outcome,
        policy=solution.policy if solution else "",
        cpu_s=verdict.cpu_s if verdict else 0.0,
    )


def _matrix(suite: TestSuite, sides: Sequence[_Side]) -> tuple[MatrixRow, ...]:
    columns = [cases_of(suite, side.verdict, side.log) for side in sides]
    return tuple(
        MatrixRow(
            index=mine.index,
            is_hidden=mine.is_hidden,
            input=mine.input,
            expected=mine.expected,
            chosen=mine,
            rejected=theirs,
        )
        for mine, theirs in zip(*columns, strict=True)
    )


def _why(run: OpenedRun, pair: Pair, chosen: PairSide, rejected: PairSide) -> tuple[str, ...]:
    config = _config(run)
    gap = pair.chosen_pass - pair.rejected_pass
    sentences = [
        f"Both answer the same prompt in {pair.language}.",
        f"The chosen one passes {pair.chosen_pass:.0%} of the tests, the rejected one "
        f"{pair.rejected_pass:.0%} ({pair.rejected_outcome.value.replace('_', ' ')}).",
        f"What the tests expect stands on evidence of the rank {pair.rank.value}.",
    ]
    if pair.by == "speed":
        sentences[1] = f"Both pass every test; the chosen one is faster ({pair.figures})."
    if config is not None:
        factor = max(chosen.length, 1) / max(rejected.length, 1)
        sentences.append(
            f"The recipe asks for a gap of {config.min_gap:.0%} or more (it is {gap:.0%}), and for lengths "
            f"within a factor of {config.max_length_ratio:g} (it is {max(factor, 1 / factor):.2f})."
        )
    return tuple(sentences)


def _warnings(
    pair: Pair, chosen: PairSide, rejected: PairSide, matrix: Sequence[MatrixRow], lost: _Side
) -> tuple[PairWarning, ...]:
    found = [_length_bias(chosen, rejected), _near_identical(pair, chosen, rejected)]
    found += [_machine_fault(pair, lost), _passes_more(matrix), _chosen_fails(pair), _unlogged(matrix)]
    return tuple(one for one in found if one is not None)


def _length_bias(chosen: PairSide, rejected: PairSide) -> PairWarning | None:
    distance = log(max(chosen.length, 1) / max(rejected.length, 1))
    if abs(distance) < log(LENGTH_RATIO):
        return None
    longer, shorter = ("chosen", "rejected") if distance > 0 else ("rejected", "chosen")
    words = f"The {longer} program is {exp(abs(distance)):.1f} times as long as the {shorter} one"
    return PairWarning(
        code="length_bias",
        sentence=f"{words}: what it teaches may be length ({chosen.length:,} and "
        f"{rejected.length:,} characters).",
    )


def _near_identical(pair: Pair, chosen: PairSide, rejected: PairSide) -> PairWarning | None:
    share = likeness(code_tokens(chosen.code, pair.language), code_tokens(rejected.code, pair.language))
    if share < NEAR_LIKENESS:
        return None
    what = "no token differs" if share == 1 else f"{share:.0%} of their tokens are the same"
    return PairWarning(code="near_identical", sentence=f"The two programs are nearly identical: {what}.")


def _machine_fault(pair: Pair, lost: _Side) -> PairWarning | None:
    if pair.rejected_outcome.is_fault:
        words = "The sandbox failed or cannot run the language: that is no fault of the rejected program."
        return PairWarning(code="machine_fault", sentence=words)
    if lost.log is not None and lost.log.stop is Stop.WALL and pair.rejected_outcome is Outcome.TIMEOUT:
        words = "The rejected program was stopped by the clock on the wall, which a busy machine also does."
        return PairWarning(code="machine_fault", sentence=words)
    return None


def _passes_more(matrix: Sequence[MatrixRow]) -> PairWarning | None:
    better = [row.index for row in matrix if row.rejected.state == "right" and row.chosen.state == "wrong"]
    if not better:
        return None
    tests = ", ".join(map(str, better[:8])) + (", …" if len(better) > 8 else "")
    words = f"The rejected program passes what the chosen one fails: test {tests}."
    return PairWarning(code="rejected_passes_more", sentence=words)


def _chosen_fails(pair: Pair) -> PairWarning | None:
    if pair.chosen_pass >= 1:
        return None
    words = f"The chosen program passes only {pair.chosen_pass:.0%} of the tests."
    return PairWarning(code="chosen_fails", sentence=words)


def _unlogged(matrix: Sequence[MatrixRow]) -> PairWarning | None:
    unknown = sum(row.rejected.state == "unknown" for row in matrix)
    if not unknown:
        return None
    words = f"This run kept no log of the rejected program, so {unknown} of its tests are unknown here."
    return PairWarning(code="unlogged", sentence=words)


def _config(run: OpenedRun) -> PairsConfig | None:
    """The recipe's rule for pairs; None where the run has none that can be read."""
    if run.kind is not RunKind.RUN:
        return None
    try:
        data = read_info(run.path).recipe.get("data")
        pairs = data.get("pairs") if isinstance(data, dict) else None
        return None if pairs is None else PairsConfig.model_validate(pairs)
    except (CodemillError, ValidationError):
        return None


def _condition(run: OpenedRun, choice: PairChoiceOf) -> tuple[str, list[object]]:
    parts, values = ["TRUE"], list[object]()
    for column, value in (("language", choice.language), ("rejected_outcome", choice.outcome)):
        if value:
            parts.append(f"{column} = ?")
            values.append(value)
    if choice.mark:
        word = "any" if choice.mark == "none" else choice.mark
        parts.append(f"{'NOT ' if choice.mark == 'none' else ''}list_contains(?::VARCHAR[], key)")
        values.append(Marks(run.path).ids_with(word))
    return " AND ".join(parts), values


def _query(
    library: Library, sql: str, files: Sequence[str], values: Sequence[object]
) -> list[dict[str, Any]]:
    return library.query(sql, [list(files), *values]) if files else []


def _marks(run: OpenedRun, ids: Sequence[str]) -> tuple[dict[str, Mark], str]:
    try:
        return Marks(run.path).of(ids), ""
    except MarksError as error:
        return {}, f"{error.problems[0].where} {error.problems[0].message}"


def _line(row: dict[str, Any], marks: dict[str, Mark]) -> PairLine:
    names = ("language", "task_id", "chosen_pass", "rejected_pass", "rejected_outcome", "rank")
    return PairLine(id=row["key"], mark=marks.get(row["key"]), **{name: row[name] for name in names})
