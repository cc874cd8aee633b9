"""The second pass of a round: pairs of the policy that SFT made, over the tasks of the first pass."""

import asyncio
from pathlib import Path

from synth.generation.protocol import GenerationRequest
from synth.generation.scripted import ScriptedEngine
from synth.pipeline.round import RoundData, run_round
from synth.pipeline.second_pass import run_second_pass
from synth.records import Solution, Task, TestSuite
from synth.store.run_folder import RunFolder, RunIdentity
from synth.store.views import conservation_problems, funnel
from tests.pipeline.test_round import RIGHT, WRONG, answer, context, file_hashes, rows


def learned(request: GenerationRequest) -> list[str]:
    """What the SFT policy answers: a wrong program and a right one, each twice. One right program is no
    evidence for a task, but these tasks have theirs."""
    text = request.messages[-1].content
    name = "total" if "total" in text else "largest"
    bodies = [f"y = {WRONG[name]}\n    return y", f"y = {RIGHT[name]}\n    return y"]
    return [f"```python\ndef solve(xs):\n    {body}\n```" for body in (*bodies, *bodies)]


def make_both(folder: Path, after: ScriptedEngine, first: ScriptedEngine | None = None) -> RoundData:
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"pairs": {"after_sft": True}}
    before = context(folder, first or ScriptedEngine(answer), **settings)
    second = context(folder, after, **settings)

    async def work(run: RunFolder) -> RoundData:
        made = await run_round(before, run, 1)
        assert (made.counts["pairs"], made.for_job("dpo")) == (0, [])
        return await run_second_pass(second, run, 1, made)

    with RunFolder.create_or_resume(folder, "run", RunIdentity(recipe={"name": "r"})) as run:
        return asyncio.run(work(run))


def test_both_answers_of_a_pair_are_those_of_the_policy_that_was_asked_again(tmp_path: Path) -> None:
    engine = ScriptedEngine(learned)
    made = make_both(tmp_path, engine)
    assert made.counts == {"coarse": 4, "fine": 2, "pairs": 2, "fim": 1}
    assert [path.name for path in (one.path for one in made.for_job("dpo"))] == ["round-1.parquet"]
    pairs = rows(tmp_path, "pairs")
    assert len(pairs) == len(engine.requests) == 2
    for pair in pairs:
        assert "y = " in str(pair["chosen"]) and "y = " in str(pair["rejected"])
        assert (pair["chosen_pass"], pair["rejected_outcome"]) == (1.0, "wrong_answer")


def test_its_units_are_its_own_with_the_seeds_of_the_first_pass_and_the_books_balance(tmp_path: Path) -> None:
    make_both(tmp_path, ScriptedEngine(learned))
    run = tmp_path / "run"
    assert conservation_problems(run) == []
    stages = {row.stage: (row.entered, row.kept, row.rejected) for row in funnel(run)}
    assert list(stages)[-2:] == ["resample", "pair"]
    assert stages["resample"] == stages["pair"] == (2, 2, 0)
    assert stages["solve"] == (4, 4, 0)  # two tasks, twice
    with RunFolder.create_or_resume(tmp_path, "run", RunIdentity(recipe={"name": "r"})) as folder:
        tasks = list(folder.commits.iter_bodies(Task))
        solutions = list(folder.commits.iter_bodies(Solution))
        suites = {one.task_id: one for one in folder.commits.iter_bodies(TestSuite)}
    assert len({task.id for task in tasks}) == len(tasks) == 4
    assert len({task.seed_id for task in tasks}) == 2
    assert len({one.id for one in solutions}) == len(solutions) == 16
    by_seed: dict[str, list[int]] = {}
    for task in tasks:
        by_seed.setdefault(task.seed_id, []).append(len(suites[task.id].cases))
    assert all(len(set(cases)) == 1 for cases in by_seed.values())


def test_the_same_passes_again_ask_nothing_and_write_the_same_bytes(tmp_path: Path) -> None:
    make_both(tmp_path, ScriptedEngine(learned))
    before, again, after = file_hashes(tmp_path), ScriptedEngine(answer), ScriptedEngine(learned)
    made = make_both(tmp_path, after, again)
    assert (again.requests, after.requests) == ([], [])
    assert made.counts["pairs"] == 2
    assert file_hashes(tmp_path) == before


def test_a_round_without_samples_has_no_second_pass_to_make(tmp_path: Path) -> None:
    engine = ScriptedEngine(learned)
    made = make_both(tmp_path, engine, ScriptedEngine(lambda request: "I cannot help with that."))
    assert (made.counts["pairs"], engine.requests) == (0, [])
