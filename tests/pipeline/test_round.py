"""One round over scripted parts: seeds in, products out, the same bytes again, and books that balance."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from posttrain.core.rows import labelled_row
from synth.config import InstructionSeedsConfig, Recipe
from synth.errors import EngineError, Problem
from synth.execution.scripted import ScriptedSandbox
from synth.generation.protocol import GenerationRequest
from synth.generation.scripted import ScriptedEngine
from synth.pipeline.round import RoundData, run_round
from synth.products import BY_NAME, Part
from synth.prompts.library import PromptLibrary
from synth.records import CaseObservation, CodingProblem, ExecutionRequest, FunctionCall, Observation
from synth.seeds.reader import read_problems
from synth.stages.context import Context
from synth.store.parquet import read_rows
from synth.store.products import iter_product
from synth.store.run_folder import RunFolder, RunIdentity
from synth.store.views import conservation_problems, funnel
from synth.training_config import KtoConfig
from synth.values import decode, encode
from tests.builders import build_observation

TOTAL = "def total(xs: list[int]) -> int:\n    return sum(xs)"
LARGEST = "def largest(xs: list[int]) -> int:\n    return max(xs, default=0)"
RIGHT = {"total": "sum(xs)", "largest": "max(xs, default=0)"}
WRONG = {"total": "len(xs)", "largest": "min(xs, default=0)"}
LOOP = {
    "total": "t = 0\n    for x in xs:\n        t += x\n    return t",
    "largest": "return sorted(xs)[-1] if xs else 0",
}


def answer(request: GenerationRequest) -> str | list[str]:
    """Three right candidates (two of them alike) and a wrong one for each task; no inputs of its own."""
    text = request.messages[-1].content
    name = "total" if "total" in text else "largest"
    if request.n == 1:
        return f"Compute the {name} of the numbers." if "sum(xs)" in text or "max(xs" in text else "none"
    bodies = [f"return {WRONG[name]}", f"return {RIGHT[name]}", LOOP[name], f"return {RIGHT[name]}"]
    return [f"```python\ndef solve(xs):\n    {body}\n```" for body in bodies]


def observe(request: ExecutionRequest) -> Observation:
    """What the program does, run right here: it is the test's own."""
    assert isinstance(request.call, FunctionCall)
    space: dict[str, object] = {}
    exec(request.code, space)
    function = space[request.call.entry_point]
    assert callable(function)
    outputs = [encode(function(*map(decode, row))) for row in request.call.arguments]
    cases = [CaseObservation(index=at, status="returned", output=output) for at, output in enumerate(outputs)]
    return build_observation(request, cases=tuple(cases))


def context(folder: Path, engine: ScriptedEngine, **data: object) -> Context:
    rows = [
        json.dumps({"code": code, "language": "python", "entry_point": name})
        for name, code in (("total", TOTAL), ("largest", LARGEST))
    ]
    (folder / "seeds.jsonl").write_text("\n".join(rows), encoding="utf-8")
    sections = {
        "seeds": {"kind": "jsonl", "path": "seeds.jsonl", "shuffle": False},
        "instruct": {"entry_point": "solve"},
        "inputs": {"minimum": 4, "from_model": False, "mutants": 0, "hidden": False},
        "solve": {"n": 4},
        "select": {"per_task": 2},
        "filters": {"near_dedup": False},
        "pairs": {},
        "fim": {"share": 0.2},
        "shard_size": 1,
        **data,
    }
    recipe = Recipe.model_validate({"name": "r", "engine": {"kind": "vllm_server"}, "data": sections})
    assert recipe.data is not None
    prompts = PromptLibrary.load("pocket")
    return Context(recipe, recipe.data, folder, ScriptedSandbox(observe), engine, prompts)


def make_round(folder: Path, engine: ScriptedEngine | None = None, **data: object) -> RoundData:
    folder.mkdir(parents=True, exist_ok=True)
    made = context(folder, engine or ScriptedEngine(answer), **data)
    with RunFolder.create_or_resume(folder, "run", RunIdentity(recipe={"name": "r"})) as run:
        return asyncio.run(run_round(made, run, 1))


def rows(folder: Path, product: str) -> list[dict[str, object]]:
    return list(iter_product(folder / "run", BY_NAME[product]))


def file_hashes(folder: Path) -> dict[str, str]:
    def files() -> Iterator[Path]:
        for product in BY_NAME:
            yield from sorted((folder / "run" / product).glob("*.parquet"))

    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files()}


def test_a_round_makes_every_product_and_its_books_balance(tmp_path: Path) -> None:
    made = make_round(tmp_path)
    assert made.counts == {"coarse": 4, "fine": 2, "pairs": 2, "fim": 1}
    assert conservation_problems(tmp_path / "run") == []
    stages = {row.stage: (row.entered, row.kept, row.rejected) for row in funnel(tmp_path / "run")}
    assert stages["snippet"] == (2, 2, 0)
    assert stages["execute"] == (8, 6, 2)
    assert stages["select"] == (6, 4, 2)
    assert stages["pair"] == (2, 2, 0)


def test_the_fine_set_is_the_best_of_each_task_and_the_coarse_set_is_all(tmp_path: Path) -> None:
    made = make_round(tmp_path)
    sets = {one.data_set.part: one.path for one in made.sets if one.product.name == "sft"}
    fine = read_rows(sets[Part.BEST])
    assert sorted(row["code"] for row in fine) == [
        f"def solve(xs):\n    return {body}" for body in sorted(RIGHT.values())
    ]
    assert {row["choice"] for row in read_rows(sets[Part.ALL])} == {0, 1}


def test_pairs_hold_a_right_and_a_wrong_program_of_one_task(tmp_path: Path) -> None:
    make_round(tmp_path)
    for pair in rows(tmp_path, "pairs"):
        assert (pair["chosen_pass"], pair["rejected_outcome"]) == (1.0, "wrong_answer")
        assert pair["chosen"] != pair["rejected"]


def make_labelled(folder: Path, **labels: object) -> list[dict[str, object]]:
    """The labelled answers of a recipe that trains on them."""
    made = context(folder, ScriptedEngine(answer), **({"labels": labels} if labels else {}))
    recipe = made.recipe.model_copy(update={"kto": KtoConfig()})
    with RunFolder.create_or_resume(folder, "run", RunIdentity(recipe={"name": "r"})) as run:
        found = asyncio.run(run_round(replace(made, recipe=recipe), run, 1))
    [kto] = found.for_job("kto")
    assert kto.rows == len(read_rows(kto.path))
    assert conservation_problems(folder / "run") == []
    return read_rows(kto.path)


def test_every_candidate_that_failed_is_a_bad_answer_for_kto(tmp_path: Path) -> None:
    listed = make_labelled(tmp_path, in_pairs=True)
    assert len(listed) == 6
    good = {row["solution_id"] for row in listed if row["label"]}
    assert good == {row["solution_id"] for row in rows(tmp_path, "sft")}
    bad = [row for row in listed if not row["label"]]
    assert {row["outcome"] for row in bad} == {"wrong_answer"}
    assert {row["solution_id"] for row in bad} == {row["rejected_id"] for row in rows(tmp_path, "pairs")}
    for row in listed:
        assert labelled_row("row", row).is_good == row["label"]


def test_what_stands_in_a_pair_is_no_labelled_answer_by_itself(tmp_path: Path) -> None:
    labelled = {row["solution_id"] for row in make_labelled(tmp_path)}
    pairs = rows(tmp_path, "pairs")
    paired = {pair[side] for pair in pairs for side in ("chosen_id", "rejected_id")}
    assert labelled == {row["solution_id"] for row in rows(tmp_path, "sft")} - paired
    assert len(labelled) == 2


def test_without_kto_no_labelled_answers_are_written(tmp_path: Path) -> None:
    assert make_round(tmp_path).for_job("kto") == []
    assert not (tmp_path / "run" / "labelled").exists()


def read_again(folder: Path, row: dict[str, object]) -> tuple[str, str]:
    """Instruction and answer of the problem that a later run reads in the row."""
    path = folder / "unsolved.jsonl"
    path.write_text(json.dumps(row), encoding="utf-8")
    config = InstructionSeedsConfig(dataset=path.name, shuffle=False)
    [found] = read_problems(config, recipe_folder=folder, random_seed=0, round_=2)
    assert isinstance(found.unit, CodingProblem)
    return found.unit.instruction, found.unit.code


def test_the_tasks_that_nobody_solved_are_a_data_set_of_their_own(tmp_path: Path) -> None:
    def only_wrong(request: GenerationRequest) -> str | list[str]:
        said = answer(request)
        is_total = "total" in request.messages[-1].content
        return [said[0]] * 4 if isinstance(said, list) and is_total else said

    made = make_round(tmp_path, ScriptedEngine(only_wrong), select={"unsolved": True})
    [kept] = [one for one in made.sets if one.product.name == "unsolved"]
    [row] = read_rows(kept.path)
    assert row["instruction"] == "Compute the total of the numbers."
    assert (row["candidates"], row["passed"], row["tries"], row["tests"]) == (4, 0, 1, 16)
    assert 0 < row["best_pass_rate"] < 1
    assert json.loads(row["contract"])["entry_point"] == "solve"
    assert not kept.data_set.job
    assert read_again(tmp_path, row) == (row["instruction"], TOTAL)
    assert conservation_problems(tmp_path / "run") == []


def test_each_job_gets_its_data_sets_and_fim_rows_are_mixed_into_the_coarse_one(tmp_path: Path) -> None:
    made = make_round(tmp_path)
    names = {job: [one.path.name for one in made.for_job(job)] for job in ("coarse", "fine", "dpo", "other")}
    assert names == {
        "coarse": ["round-1-coarse.parquet", "round-1-mix.parquet"],
        "fine": ["round-1-fine.parquet"],
        "dpo": ["round-1.parquet"],
        "other": [],
    }


def test_a_round_without_samples_has_no_job_although_there_are_fim_rows(tmp_path: Path) -> None:
    made = make_round(tmp_path, ScriptedEngine(lambda request: "I cannot help with that."))
    assert made.for_job("coarse") == []
    assert sum(made.counts.values()) == 0


def test_the_same_round_again_asks_nothing_and_writes_the_same_bytes(tmp_path: Path) -> None:
    make_round(tmp_path)
    before, again = file_hashes(tmp_path), ScriptedEngine(answer)
    make_round(tmp_path, again)
    assert again.requests == []
    assert file_hashes(tmp_path) == before
    assert len(before) == 5


def test_a_round_that_was_broken_off_goes_on_to_the_same_products(tmp_path: Path) -> None:
    asked: list[GenerationRequest] = []

    def break_off(request: GenerationRequest) -> str | list[str] | Exception:
        asked.append(request)
        gone = Problem("the engine", "went away", "start it again")
        return answer(request) if len(asked) < 4 else EngineError(gone, retryable=False)

    with pytest.raises(EngineError, match="went away"):
        make_round(tmp_path / "broken", ScriptedEngine(break_off))
    make_round(tmp_path / "broken")
    make_round(tmp_path / "whole")
    assert file_hashes(tmp_path / "broken") == file_hashes(tmp_path / "whole")
    assert conservation_problems(tmp_path / "broken" / "run") == []


def test_a_shard_size_changes_no_product(tmp_path: Path) -> None:
    make_round(tmp_path / "one", fim=None)
    make_round(tmp_path / "two", fim=None, shard_size=2)
    for product in ("sft", "pairs"):
        assert rows(tmp_path / "one", product) == rows(tmp_path / "two", product)


def test_a_balanced_fine_set_leaves_the_rest_in_the_coarse_one_and_says_why(tmp_path: Path) -> None:
    select = {
        "per_task": 2,
        "balance": {"edges": [0.5], "shares": [0, 1], "keep": 0},
        "clusters": {"per_cluster": 1, "similarity": 0.05},
    }
    made = make_round(tmp_path, select=select)
    assert (made.counts["coarse"], made.counts["fine"]) == (4, 1)
    sets = {one.data_set.part: read_rows(one.path) for one in made.sets if one.product.name == "sft"}
    assert {row["bin"] for row in sets[Part.ALL]} == {"0.5-1"}
    [fine] = sets[Part.BEST]
    assert {row["cluster"] for row in sets[Part.ALL]} == {sets[Part.ALL][0]["task_id"]}
    assert fine["choice"] == 0
    rows_ = next(row for row in funnel(tmp_path / "run") if row.stage == "fine")
    assert (rows_.entered, rows_.kept) == (4, 1)
    assert {one.reason for one in rows_.reasons} == {"cluster_full", "not_best"}
    assert conservation_problems(tmp_path / "run") == []
    before = file_hashes(tmp_path)
    make_round(tmp_path, ScriptedEngine(lambda request: "nothing is asked"), select=select)
    assert file_hashes(tmp_path) == before
