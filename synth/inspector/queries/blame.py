"""Blame: from a wrong answer to a held-out question to the training rows and pairs that are nearest to it.

Place in the flow: an evaluation's stored wrong answers and the data files of the policy and of those that it
started from -> the page of blame. The one rule: nearness is no proof. It is the share of rare words and
tokens that both have, and the page says so; what caused an answer is not known.

Method: words weighted by their rarity among the rows (idf), cosine; DuckDB proposes rows that share the
rarest words, and the proposed ones are compared exactly.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import log, sqrt
from pathlib import Path
from typing import Any, Final, NamedTuple

from synth.errors import CodemillError, Problem, UserError
from synth.filters.words import split_words
from synth.inspector.library import Library
from synth.inspector.opened_run import OpenedRun
from synth.inspector.queries.training import read_evaluations
from synth.inspector.shown import cut
from synth.inspector.texts import MarkedPart, mark_shared
from synth.languages.code_tokens import code_tokens
from synth.store.checkpoints import MANIFEST, PolicyManifest, read_checkpoint, training_files
from synth.wire_record import Record

NEAREST: Final = 12
PROPOSED: Final = 80
RAREST: Final = 24
"""Words of the question and answer by which rows are proposed."""


class WrongQuestion(Record):
    """A question that a policy answered wrongly at least once."""

    number: int
    """Its place in the evaluation."""
    task_id: str
    language: str
    passed: int
    n: int
    outcome: str
    is_stored: bool
    """Whether a wrong answer is stored: older evaluations kept counts only."""


class WrongList(Record):
    """The questions of one evaluation with wrong answers, the worst first."""

    policy: str
    file: str
    questions: tuple[WrongQuestion, ...]
    stored: int


class NearRow(Record):
    """A row of training data; what it shares with the question and the answer is marked."""

    row_id: str
    data_set: str
    checkpoint: str
    """The policy that was trained on it."""
    kind: str
    """`sft`, `pair, chosen` or `pair, rejected`, or `fim`."""
    language: str
    nearness: float
    prompt: tuple[MarkedPart, ...]
    code: tuple[MarkedPart, ...]


class BlameView(Record):
    """One wrong answer and the nearest rows."""

    policy: str
    file: str
    question: WrongQuestion
    instruction: str
    code: str
    outcome: str
    first_failure: str
    trained: tuple[str, ...]
    """The checkpoints whose data was searched, the policy's own first."""
    rows_searched: int
    nearest: tuple[NearRow, ...]


def list_wrong(run: OpenedRun, file: str) -> WrongList:
    """Questions with wrong answers. Raises UserError for an evaluation that the run does not have."""
    found = _evaluation(run, file)
    questions = list(_wrong_questions(found))
    questions.sort(key=lambda one: (one.passed / one.n if one.n else 0.0, not one.is_stored, one.number))
    return WrongList(
        policy=str(found["policy"]),
        file=file,
        questions=tuple(questions),
        stored=sum(one.is_stored for one in questions),
    )


def blame(library: Library, run: OpenedRun, file: str, number: int) -> BlameView:
    """The rows nearest to one wrong answer. Raises UserError for a question without a stored one."""
    found = _evaluation(run, file)
    question = next((one for one in _wrong_questions(found) if one.number == number), None)
    answered = found["answered"][number] if question is not None and question.is_stored else None
    if question is None or answered is None:
        raise UserError(
            Problem(
                f"question {number} of {file}",
                "has no stored wrong answer",
                "choose one of the list; evaluations of older versions kept counts only",
            )
        )
    wrong = answered["wrong"]
    asked = _AskedWrongly(str(answered.get("instruction", "")), str(wrong["code"]), question.language)
    chain = _chain(run.path, str(found.get("fingerprint", "")))
    near, searched = _nearest(library, run.path, chain, asked)
    return BlameView(
        policy=str(found["policy"]),
        file=file,
        question=question,
        instruction=cut(asked.instruction).text,
        code=cut(asked.code).text,
        outcome=str(wrong.get("outcome", "")),
        first_failure=cut(str(wrong.get("first_failure", ""))).text,
        trained=tuple(one.name for one in chain),
        rows_searched=searched,
        nearest=near,
    )


class _AskedWrongly(NamedTuple):
    instruction: str
    code: str
    language: str


def _evaluation(run: OpenedRun, file: str) -> dict[str, Any]:
    by_name = {path.stem: found for path, found in read_evaluations(run.path, [])}
    if file not in by_name:
        raise UserError(
            Problem(
                f"evaluation {file[:60]}",
                f"is not in the run; it has {', '.join(by_name) or 'none'}",
                "choose one of them",
            )
        )
    return by_name[file]


def _wrong_questions(found: Mapping[str, Any]) -> Iterator[WrongQuestion]:
    for number, one in enumerate(found.get("answered", ())):
        wrong = one.get("wrong")
        n, passed = int(one.get("n", 0)), int(one.get("passed", 0))
        if wrong or passed < n:
            outcomes = {name: count for name, count in one.get("outcomes", {}).items() if name != "pass"}
            usual = max(outcomes, key=lambda name: outcomes[name], default="")
            yield WrongQuestion(
                number=number,
                task_id=str(one.get("task_id", "")),
                language=str(one.get("language", "")),
                passed=passed,
                n=n,
                outcome=str(wrong["outcome"]) if wrong else usual,
                is_stored=bool(wrong),
            )


def _chain(run: Path, fingerprint: str) -> list[PolicyManifest]:
    """The policy with this fingerprint, and those that it started from."""
    by_print: dict[str, PolicyManifest] = {}
    for path in sorted(run.glob(f"checkpoints/*/{MANIFEST}")):
        try:
            if (checkpoint := read_checkpoint(path.parent)) is not None:
                by_print[checkpoint.manifest.fingerprint] = checkpoint.manifest
        except CodemillError:
            continue  # the page of the trainings names it
    chain: list[PolicyManifest] = []
    while (one := by_print.pop(fingerprint, None)) is not None:
        chain.append(one)
        fingerprint = one.parent_fingerprint
    return chain


# --- nearness -----------------------------------------------------------------------------------------------


class _TrainingRow(NamedTuple):
    row_id: str
    data_set: str
    checkpoint: str
    kind: str
    language: str
    prompt: str
    code: str


def _nearest(
    library: Library, run: Path, chain: Sequence[PolicyManifest], asked: _AskedWrongly
) -> tuple[tuple[NearRow, ...], int]:
    wanted = _bag(asked.instruction, asked.code, asked.language)
    files: dict[str, str] = {}
    for manifest in chain:
        for name in manifest.data:
            for file in training_files(run, Path(name)):
                if file.suffix == ".parquet":
                    files.setdefault(str(file), manifest.name)
    searched = 0
    rows: list[_TrainingRow] = []
    for data_set, checkpoint in files.items():
        count, found = _propose(library, data_set, checkpoint, asked)
        searched += count
        rows += found
    bags = [_bag(row.prompt, row.code, row.language) for row in rows]
    held = Counter(token for bag in bags for token in bag)
    rarity = {token: log((len(bags) + 1) / (held[token] + 0.5)) for token in {*held, *wanted}}
    scored = sorted(
        zip((_cosine(wanted, bag, rarity) for bag in bags), rows, strict=True),
        key=lambda one: (-one[0], one[1].row_id, one[1].kind),
    )
    near: dict[tuple[str, str], NearRow] = {}
    for nearness, row in scored:
        if len(near) < NEAREST and nearness > 0:
            near.setdefault((row.row_id, row.kind), _near_row(row, nearness, asked))
    return tuple(near.values()), searched


def _near_row(row: _TrainingRow, nearness: float, asked: _AskedWrongly) -> NearRow:
    return NearRow(
        row_id=row.row_id,
        data_set=row.data_set,
        checkpoint=row.checkpoint,
        kind=row.kind,
        language=row.language,
        nearness=round(nearness, 4),
        prompt=mark_shared(cut(row.prompt).text, asked.instruction, 3),
        code=mark_shared(cut(row.code).text, asked.code, 3),
    )


def _bag(prompt: str, code: str, language: str) -> dict[str, int]:
    """Words of the prompt, and single and joined tokens of the code."""
    tokens = code_tokens(code[:20_000], language)
    joined = [f"{one}\x1f{two}" for one, two in pairwise(tokens)]
    return Counter([*split_words(prompt[:20_000]), *(f"c:{token}" for token in (*tokens, *joined))])


def _cosine(mine: Mapping[str, int], theirs: Mapping[str, int], rarity: Mapping[str, float]) -> float:
    """Of the presence of tokens, weighted by the square of their rarity."""
    both = sum(rarity[token] ** 2 for token in mine.keys() & theirs.keys())
    lengths = [sqrt(sum(rarity[token] ** 2 for token in bag)) for bag in (mine, theirs)]
    return both / (lengths[0] * lengths[1]) if all(lengths) else 0.0


_PROMPT: Final = "list_aggregate([m.content for m in prompt], 'string_agg', chr(10))"
_TEXTS: Final = {
    "completion": (("sft", _PROMPT, "completion[-1].content"),),
    "chosen": (
        ("pair, chosen", _PROMPT, "chosen[-1].content"),
        ("pair, rejected", _PROMPT, "rejected[-1].content"),
    ),
    "middle": (("fim", "''", "prefix || middle || suffix"),),
}
"""Kinds of rows by a column that only they have, with SQL for prompt and program."""


def _propose(
    library: Library, file: str, checkpoint: str, asked: _AskedWrongly
) -> tuple[int, list[_TrainingRow]]:
    """Rows of a data set that share most of the rarest words, and how many rows it has."""
    columns = {
        row["column_name"]
        for row in library.query("SELECT column_name FROM (DESCRIBE SELECT * FROM read_parquet(?))", [file])
    }
    parts = next((texts for column, texts in _TEXTS.items() if column in columns), ())
    if not parts or not {"id", "language"} <= columns:
        return 0, []
    count = int(library.query("SELECT count(*) AS n FROM read_parquet(?)", [file])[0]["n"])
    words = sorted({*split_words(asked.instruction), *split_words(asked.code)})
    found: list[_TrainingRow] = []
    for kind, prompt, code in parts:
        sql = f"""WITH texts AS (
                SELECT id, language, {prompt} AS prompt, {code} AS code FROM read_parquet($1)),
            split AS (SELECT *, list_distinct(regexp_split_to_array(
                lower(concat(prompt, ' ', code)), '[^\\p{{L}}\\p{{N}}]+')) AS words FROM texts),
            held AS (SELECT word, count(*) AS n FROM (SELECT unnest(words) AS word FROM split)
                WHERE word IN (SELECT unnest($2)) GROUP BY word ORDER BY n, word LIMIT {RAREST})
            SELECT id, language, prompt, code FROM split
            ORDER BY list_sum([1.0 / h.n for h in (SELECT list(held) FROM held)
                if list_contains(words, h.word)]) DESC NULLS LAST, id LIMIT {PROPOSED}"""
        for row in library.query(sql, [file, words]):
            texts = (str(row["language"]), str(row["prompt"] or ""), _program(str(row["code"] or "")))
            found.append(
                _TrainingRow(str(row["id"]), "/".join(Path(file).parts[-2:]), checkpoint, kind, *texts)
            )
    return count, found


def _program(text: str) -> str:
    """An answer without its fence."""
    if text.startswith("```") and text.rstrip().endswith("```"):
        return text.split("\n", 1)[-1].rstrip().removesuffix("```").rstrip("\n")
    return text
