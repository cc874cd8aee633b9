"""Built runs that look like real ones: two rounds, four languages, some hundred solutions, every class of
reason.

What the pages are shown on, in journeys and on the screenshots. The one rule: the same name gives the same
run, written through the store's own public functions.
"""

import json
import random
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from synth.products import BY_NAME, Pair, Sample
from synth.records import (
    Decision,
    EvidenceRank,
    IndexRow,
    Message,
    Origin,
    Outcome,
    Reference,
    Seed,
    Solution,
    Task,
    TestSuite,
    Unit,
    Verdict,
)
from synth.store.products import write_product
from synth.store.run_folder import RunFolder, RunIdentity
from tests.inspector.shown_programs import LANGUAGES, TASKS, ShownTask

STAGES = (
    "snippet reference instruct inputs solve syntax execute evidence select length decontaminate exact_dedup "
    "near_dedup pair"
).split()
_SOLUTIONS = 6
Loss = tuple[str, Mapping[str, object]]
"""The reason and its evidence."""

_SEED_LOSSES: tuple[Loss, ...] = (
    ("too_short", {"tokens": 7, "minimum": 12}),
    ("not_self_contained", {"needs": "requests"}),
    ("impure", {"needs": "time"}),
    ("secret", {"kind": "aws_access_key"}),
    ("no_signature", {}),
)
_FAILURES = (
    ("wrong_answer", Outcome.WRONG_ANSWER, 62),
    ("timeout", Outcome.TIMEOUT, 12),
    ("runtime_error", Outcome.RUNTIME_ERROR, 14),
    ("compile_error", Outcome.COMPILE_ERROR, 8),
    ("memory_limit", Outcome.MEMORY_LIMIT, 4),
)
_SKILL = {"python": 0.74, "javascript": 0.66, "go": 0.52, "rust": 0.41}


_FOUND = ("-1", "0", "1", "False", "None", "[]")


def _plain(wire: str) -> str:
    """A wire text as people write it."""
    text = re.sub(r"\bi(-?\d+)", r"\1", wire)
    return {"b0": "False", "b1": "True"}.get(text, text)


class _Solved(NamedTuple):
    """A task with its programs."""

    task: Task
    shown: ShownTask
    passing: list[Solution]
    failing: list[tuple[Solution, Verdict]]


def build_shown_run(runs_dir: Path, name: str = "harvest", rounds: int = 2, seeds: int = 40) -> Path:
    """The finished run's folder; `seeds` of each round."""
    with RunFolder.create_or_resume(runs_dir, name, shown_identity(name)) as run:
        run.declare_stages(STAGES)
        for round in range(1, rounds + 1):
            add_round(run, round, seeds)
    return run.path


def shown_identity(name: str) -> RunIdentity:
    """What made the run."""
    recipe = {
        "name": "four-languages",
        "policy": {"model": "small-coder-1.5b"},
        "engine": {"kind": "vllm_server", "model": None},
        "data": {"solve": {"n": _SOLUTIONS, "languages": list(LANGUAGES)}, "filters": {"ngram": 10}},
    }
    return RunIdentity.model_validate({"recipe": recipe, "prompt_hashes": {}, "seed": len(name)})


def add_round(run: RunFolder, round: int, seeds: int = 40) -> None:
    """One more round of data, whole."""
    _Round(run, round, seeds).fill()


class _Round:
    def __init__(self, run: RunFolder, round: int, seeds: int) -> None:
        self._run, self._round, self._seeds = run, round, seeds
        self._draw = random.Random(f"{run.path.name} {round}")

    def fill(self) -> None:
        tasks = [_Solved(task, shown, [], []) for task, shown in self._make_tasks()]
        self._solve(tasks)
        solved = self._weigh(tasks)
        samples = self._select(solved)
        self._pair(solved)
        write_product(self._run.path, BY_NAME["sft"], f"round-{self._round}-coarse", samples)

    def _make_tasks(self) -> Iterator[tuple[Task, ShownTask]]:
        seeds, found = list[Seed](), list[IndexRow]()
        references, observed = list[Unit](), list[IndexRow]()
        tasks, asked, suites = list[tuple[Task, ShownTask]](), list[IndexRow](), list[Unit]()
        for at in range(self._seeds):
            shown, language = TASKS[at % 4], LANGUAGES[(at // 4) % 4]
            seed = Seed(
                id=self._id("seed", at),
                language=language,
                code=shown.right[language],
                origin=Origin(
                    source="examples", path=f"{shown.contract.entry_point}/{at}.{language[:2]}", licence="MIT"
                ),
                contract=shown.contract,
                entry_point=shown.contract.entry_point,
            )
            loss = _SEED_LOSSES[at // 3 % 5] if at % 3 == 2 else None
            found.append(self._row("snippet", seed.id, language, loss))
            if loss:
                continue
            seeds.append(seed)
            crash = ("reference_constant", {"inputs": 19, "output": "b0"}) if at % 11 == 0 else None
            observed.append(self._row("reference", seed.id, language, crash, ms=210))
            if crash:
                continue
            reference = Reference(
                seed_id=seed.id, language=language, code=seed.code, contract=shown.contract, cases=shown.cases
            )
            references.append(reference)
            task = Task(
                id=self._id("task", at),
                round=self._round,
                instruction=shown.instruction,
                natural_language="en",
                contract=shown.contract,
                seed_id=seed.id,
                seed_language=language,
                request_id=self._id("request", at),
            )
            tasks.append((task, shown))
            asked.append(self._row("instruct", seed.id, language, tokens=96, ms=2400))
            suites.append(
                TestSuite(
                    task_id=task.id, contract=shown.contract, cases=shown.cases, rank=EvidenceRank.REFERENCE
                )
            )
        self._commit(found, seeds)
        self._commit(observed, references)
        self._commit(asked, [task for task, _ in tasks])
        self._commit(
            [
                self._row(
                    "inputs",
                    task.id,
                    task.language,
                    evidence={"cases": len(shown.cases)},
                    parents=(task.seed_id,),
                )
                for task, shown in tasks
            ],
            suites,
        )
        yield from tasks

    def _solve(self, tasks: list[_Solved]) -> None:
        solutions, solved, parsed, judged = list[Solution](), [], list[IndexRow](), list[IndexRow]()
        verdicts = list[Verdict]()
        for place, one in enumerate(tasks):
            solved.append(self._row("solve", one.task.id, one.task.language, tokens=2100, ms=14_000))
            for at, language in enumerate(LANGUAGES * 2):
                solution, verdict = self._attempt(one, place, at, language)
                solutions.append(solution)
                unparsed = self._draw.random() < 0.03
                loss = ("parse_error", {"line": 3, "message": "unexpected text"}) if unparsed else None
                parsed.append(self._row("syntax", solution.id, language, loss, parents=(one.task.id,)))
                if unparsed:
                    continue
                judged.append(self._judged(solution, verdict))
                verdicts.append(verdict)
                if verdict.outcome is Outcome.PASS:
                    one.passing.append(solution)
                elif not verdict.outcome.is_fault:
                    one.failing.append((solution, verdict))
        self._commit(solved, solutions)
        self._commit(parsed)
        self._commit(judged, verdicts)

    def _attempt(self, one: _Solved, place: int, at: int, language: str) -> tuple[Solution, Verdict]:
        total = len(one.shown.cases)
        passes = self._draw.random() < _SKILL[language] + 0.08 * (self._round - 1)
        fault = at == 3 and place % 6 == 0
        _, outcome, _ = self._draw.choices(_FAILURES, [weight for _, _, weight in _FAILURES])[0]
        passes = passes and not fault
        outcome = Outcome.PASS if passes else Outcome.INFRASTRUCTURE if fault else outcome
        code = one.shown.right[language] if passes else one.shown.wrong(language)
        if outcome is Outcome.COMPILE_ERROR:
            code = code.replace("return", "retrun", 1).replace("-1", "-1;;", 1)
        solution = Solution(
            id=self._id("solution", place * 8 + at),
            task_id=one.task.id,
            language=language,
            code=code,
            index=at // 4,
            policy="small-coder-1.5b" if self._round == 1 else f"round-{self._round - 1}-dpo",
            request_id=self._id("answer", place * 8 + at),
        )
        passed = total if passes else self._draw.randrange(total) if outcome is Outcome.WRONG_ANSWER else 0
        first = one.shown.cases[min(passed, total - 1)]
        given = ", ".join(_plain(one) for one in first.arguments)
        found = _FOUND[self._draw.randrange(len(_FOUND))]
        failure = f"case {passed}, input [{given}]: expected {_plain(first.expected)}, found {found}"
        verdict = Verdict(
            solution_id=solution.id,
            task_id=one.task.id,
            outcome=outcome,
            passed=passed,
            total=total,
            rank=EvidenceRank.REFERENCE,
            first_failure="" if passes else failure,
            cpu_s=5.0 if outcome is Outcome.TIMEOUT else round(self._draw.uniform(0.002, 0.2), 4),
            peak_memory_mb=round(self._draw.uniform(8, 60), 1),
            level="B",
        )
        return solution, verdict

    def _judged(self, solution: Solution, verdict: Verdict) -> IndexRow:
        evidence: dict[str, object] = {"passed": verdict.passed, "total": verdict.total, "rank": "reference"}
        if verdict.first_failure:
            evidence["first_failure"] = verdict.first_failure
        loss = None if verdict.outcome is Outcome.PASS else (verdict.outcome.value, evidence)
        ms = 5000.0 if verdict.outcome is Outcome.TIMEOUT else self._draw.uniform(4, 900)
        parents = (solution.task_id,)
        return self._row(
            "execute", solution.id, solution.language, loss, evidence=evidence, ms=ms, parents=parents
        )

    def _weigh(self, tasks: list[_Solved]) -> list[_Solved]:
        rows = []
        for one in tasks:
            share = len(one.passing) / 8
            evidence = {"candidates": 8, "reproductions": len(one.passing), "pass_rate": share}
            loss = ("unsolved", evidence) if len(one.passing) < 4 else None
            rows.append(self._row("evidence", one.task.id, one.task.language, loss, evidence=evidence))
        self._commit(rows)
        return [one for one, row in zip(tasks, rows, strict=True) if row.decision is Decision.KEPT]

    def _select(self, solved: list[_Solved]) -> list[Sample]:
        rows, samples = list[IndexRow](), list[Sample]()
        for one in solved:
            best = dict[str, Solution]()
            for solution in one.passing:
                first = best.setdefault(solution.language, solution)
                loss = ("not_best", {"best": first.id}) if first is not solution else None
                rows.append(self._row("select", solution.id, solution.language, loss, parents=(one.task.id,)))
            samples += [self._sample(one, solution) for solution in best.values()]
        self._commit(rows, samples)
        for stage, reason, share in (
            ("length", "too_long", 0.01),
            ("decontaminate", "contaminated", 0.03),
            ("exact_dedup", "exact_duplicate", 0.12),
            ("near_dedup", "near_duplicate", 0.1),
        ):
            samples = self._filter(stage, reason, share, samples)
        return samples

    def _filter(self, stage: str, reason: str, share: float, samples: list[Sample]) -> list[Sample]:
        rows = []
        for sample in samples:
            likeness = round(self._draw.betavariate(2, 5), 3)
            lost: Loss = (reason, {"similarity": round(0.9 + likeness / 10, 3), "of": samples[0].id})
            loss = lost if self._draw.random() < share else None
            evidence = {"similarity": likeness} if stage == "near_dedup" else {}
            parents = (sample.solution_id,)
            rows.append(
                self._row(stage, sample.id, sample.language, loss, evidence=evidence, parents=parents)
            )
        self._commit(rows)
        return [one for one, row in zip(samples, rows, strict=True) if row.decision is Decision.KEPT]

    def _sample(self, one: _Solved, solution: Solution) -> Sample:
        return Sample(
            id=solution.id.replace("solution", "sample"),
            task_id=one.task.id,
            solution_id=solution.id,
            language=solution.language,
            natural_language="en",
            code=solution.code,
            prompt=(Message(role="user", content=one.task.instruction),),
            completion=(Message(role="assistant", content=f"```{solution.language}\n{solution.code}```"),),
            pass_rate=len(one.passing) / 8,
            rank=EvidenceRank.REFERENCE,
        )

    def _pair(self, solved: list[_Solved]) -> None:
        rows, pairs = list[IndexRow](), list[Pair]()
        for one in solved:
            for language in LANGUAGES:
                passing = [solution for solution in one.passing if solution.language == language]
                failing = [both for both in one.failing if both[0].language == language]
                unit = f"{one.task.id}.{language}"
                if not passing or not failing:
                    evidence = {"passing": len(passing), "failing": len(failing)}
                    rows.append(
                        self._row("pair", unit, language, ("no_pair", evidence), parents=(one.task.id,))
                    )
                    continue
                rows.append(self._row("pair", unit, language, evidence={"pairs": 1}, parents=(one.task.id,)))
                pairs.append(self._make_pair(one, passing[0], *failing[0]))
        self._commit(rows, pairs)
        write_product(self._run.path, BY_NAME["pairs"], f"round-{self._round}", pairs)

    def _make_pair(self, one: _Solved, chosen: Solution, rejected: Solution, verdict: Verdict) -> Pair:
        return Pair(
            id=chosen.id.replace("solution", "pair"),
            task_id=one.task.id,
            language=chosen.language,
            prompt=(Message(role="user", content=one.task.instruction),),
            chosen=(Message(role="assistant", content=chosen.code),),
            rejected=(Message(role="assistant", content=rejected.code),),
            chosen_id=chosen.id,
            rejected_id=rejected.id,
            chosen_pass=1.0,
            rejected_pass=verdict.passed / verdict.total,
            rejected_outcome=verdict.outcome,
            rank=EvidenceRank.REFERENCE,
        )

    def _row(
        self,
        stage: str,
        unit: str,
        language: str,
        loss: Loss | None = None,
        *,
        evidence: object = None,
        ms: float = 1.0,
        tokens: int = 0,
        parents: tuple[str, ...] = (),
    ) -> IndexRow:
        decision = Decision.KEPT
        if loss is not None:
            decision = Decision.FAILED if loss[0] == "infrastructure" else Decision.REJECTED
        return IndexRow(
            round=self._round,
            stage=stage,
            shard="0000",
            unit_id=unit,
            kind=unit.split("-")[0],
            parents=parents,
            language=language,
            natural_language="en",
            decision=decision,
            reason=loss[0] if loss else "",
            evidence=json.dumps(loss[1] if loss else evidence or {}),
            ms=round(ms * self._draw.uniform(0.7, 1.3), 3),
            tokens=tokens and round(tokens * self._draw.uniform(0.7, 1.3)),
        )

    def _commit(self, rows: list[IndexRow], made: object = ()) -> None:
        units = list(made) if isinstance(made, list) else []
        stage, commits = rows[0].stage, self._run.commits
        commits.record_entered(stage, self._round, "0000", [row.unit_id for row in rows])
        commits.commit(stage, self._round, "0000", rows, units)

    def _id(self, kind: str, number: int) -> str:
        digest = random.Random(f"{self._run.path.name} {self._round} {kind} {number}").getrandbits(48)
        return f"{kind}-{digest:012x}"
