"""An instruction set through the whole flow: rows in, verified rows out, in a real sandbox, with a scripted
engine that only solves."""

import json
from pathlib import Path
from typing import Any

import pytest

from synth.config import Recipe
from synth.execution.local.sandbox import LocalSandbox
from synth.generation.protocol import GenerationRequest
from synth.generation.scripted import ScriptedEngine
from synth.pipeline.round import RoundData, run_round
from synth.prompts.library import PromptLibrary
from synth.records import Decision, EvidenceRank, IndexRow, Task, TestSuite
from synth.stages.context import Context
from synth.store.parquet import read_rows
from synth.store.run_folder import RunFolder, RunIdentity
from synth.store.views import conservation_problems
from tests.builders import Run

CLAMP = "def clamp(x: int, low: int, high: int) -> int:\n    return max(low, min(x, high))\n"
REPEAT = "def repeat(s: str, n: int) -> str:\n    return s * n\n"
ROWS: dict[str, dict[str, Any]] = {
    "answer alone": {
        "license": "MIT",
        "instruction": "Write `clamp`, which bounds x.",
        "response": f"```python\n{CLAMP}```",
    },
    "answer with tests": {
        "question": "Write `repeat`, which writes s n times.",
        "solution": REPEAT,
        "test": "def test_it():\n    assert repeat('ab', 2) == 'abab'\n    assert repeat('', 3) == ''\n",
        "test_info": [{"function_name": "repeat"}],
    },
    "tests alone": {
        "text": "Write `larger` of two numbers.",
        "code": "",
        "test_list": [
            f"assert larger({a}, {b}) == {max(a, b)}" for a, b in ((1, 2), (5, 3), (0, 0), (-2, -7))
        ],
    },
    "wrong answer": {
        "text": "Write `smaller` of two numbers, slowly.",
        "code": "import time\ndef smaller(a, b):\n    time.time()\n    return a\n",
        "test_list": [
            f"assert smaller({a}, {b}) == {min(a, b)}" for a, b in ((1, 2), (5, 3), (0, 0), (-2, -7))
        ],
    },
    "runs": {
        "prompt": "Read numbers and print their sum; call the program `sums`.",
        "gold_standard_solution": "```python\nprint(sum(map(int, input().split())))\n```",
        "verification_info": {
            "language": "python",
            "test_cases": [
                {"type": "stdin_stdout", "fn_name": None, "input": f"{a} {b}\n", "output": f"{a + b}\n"}
                for a, b in ((1, 2), (0, 0), (-5, 3), (10, 20))
            ],
        },
    },
    "nothing": {"problem": "What is a monad?", "solution": "A burrito.", "lang": "python"},
}
RIGHT = {
    "clamp": (
        "def clamp(x, low, high):\n    return max(low, min(x, high))",
        "def clamp(x, low, high):\n    if x > high:\n        x = high\n    return low if x < low else x",
        "def clamp(x, low, high):\n    bounded = high if high < x else x\n    return max(bounded, low)",
    ),
    "repeat": (
        "def repeat(s, n):\n    return n * s",
        "def repeat(s, n):\n    return ''.join([s] * n)",
        "def repeat(s, n):\n    out = ''\n    for _ in range(n):\n        out += s\n    return out",
    ),
    "sums": (
        "a, b = map(int, input().split())\nprint(a + b)",
        "import sys\nprint(sum(int(word) for word in sys.stdin.read().split()))",
        "total = 0\nfor word in input().split():\n    total += int(word)\nprint(total)",
    ),
    "larger": (
        "def larger(a, b):\n    return max(a, b)",
        "def larger(a, b):\n    return a if a > b else b",
        "def larger(a, b):\n    return sorted([a, b])[1]",
    ),
}
WRONG = {
    "clamp": "def clamp(x, low, high):\n    return max(low, x)",
    "repeat": "def repeat(s, n):\n    return s * min(n, 2)",
    "sums": "a, b = map(int, input().split())\nprint(a * b)",
    "larger": "def larger(a, b):\n    return b",
}


def answer(request: GenerationRequest) -> list[str]:
    """Three right programs and a wrong one; no other question is asked."""
    text = request.messages[-1].content
    name = next(one for one in RIGHT if f"`{one}`" in text)
    assert request.n == 4
    bodies = [WRONG[name], *RIGHT[name]]
    return [f"```python\n{body}\n```" for body in bodies]


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, run: Run[Any], local_sandbox: LocalSandbox
) -> tuple[Path, RoundData]:
    """The run folder of one round over the set, and what it made."""
    folder = tmp_path_factory.mktemp("set")
    (folder / "set.jsonl").write_text("\n".join(map(json.dumps, ROWS.values())))
    sections = {
        "seeds": {"kind": "instructions", "dataset": "set.jsonl", "shuffle": False},
        "inputs": {"minimum": 4, "from_model": False},
        "solve": {"n": 4},
        "filters": {"near_dedup": False},
        "pairs": {},
        "fim": {"share": 0.2},
    }
    recipe = Recipe.model_validate({"name": "r", "engine": {"kind": "vllm_server"}, "data": sections})
    assert recipe.data is not None
    engine, prompts = ScriptedEngine(answer), PromptLibrary.load("default")
    context = Context(recipe, recipe.data, folder, local_sandbox, engine, prompts)
    with RunFolder.create_or_resume(folder, "run", RunIdentity(recipe={"name": "r"})) as opened:
        data = run(run_round(context, opened, 1))
    return folder / "run", data


def decisions(folder: Path, stage: str) -> dict[str, IndexRow]:
    """The decisions of a stage by the id of the unit."""
    [path] = (folder / "index" / stage).glob("*.parquet")
    return {row["unit_id"]: IndexRow.model_validate(row) for row in read_rows(path)}


def test_each_row_counts_by_the_strongest_evidence_it_has(made: tuple[Path, RoundData]) -> None:
    folder, _ = made
    [bodies] = (folder / "bodies" / "problem").glob("*.parquet")
    problems = {
        json.loads(row["body"])["id"]: json.loads(row["body"])["origin"]["row"] for row in read_rows(bodies)
    }
    names = {f"set.jsonl:{at}": name for at, name in enumerate(ROWS, start=1)}
    found = decisions(folder, "problem")
    told = {names[problems[key]]: (row.decision, row.reason) for key, row in found.items()}
    assert told == {
        "answer alone": (Decision.KEPT, ""),
        "answer with tests": (Decision.KEPT, ""),
        "tests alone": (Decision.KEPT, ""),
        "wrong answer": (Decision.REJECTED, "answer_fails"),
        "runs": (Decision.KEPT, ""),
    }
    by = {names[problems[key]]: json.loads(row.evidence).get("by") for key, row in found.items()}
    assert by == {
        "answer alone": "reference",
        "answer with tests": "reference",
        "tests alone": "tests",
        "wrong answer": "tests",
        "runs": "tests",
    }
    refused = [row for row in decisions(folder, "snippet").values() if row.reason]
    assert [(row.kind, row.reason) for row in refused] == [("problem", "no_evidence")]
    assert conservation_problems(folder) == []


def test_suites_say_on_what_they_stand(made: tuple[Path, RoundData]) -> None:
    folder, _ = made
    suites = [
        TestSuite.model_validate_json(row["body"])
        for path in (folder / "bodies" / "suite").glob("*.parquet")
        for row in read_rows(path)
    ]
    tasks = {
        task.id: task
        for path in (folder / "bodies" / "task").glob("*.parquet")
        for row in read_rows(path)
        if (task := Task.model_validate_json(row["body"]))
    }
    ranks = {getattr(tasks[suite.task_id].contract, "entry_point", ""): suite.rank for suite in suites}
    assert ranks == {
        "clamp": EvidenceRank.REFERENCE,
        "repeat": EvidenceRank.REFERENCE,
        "larger": EvidenceRank.EXAMPLES,
        "": EvidenceRank.EXAMPLES,
    }
    [repeat] = [suite for suite in suites if getattr(suite.contract, "entry_point", "") == "repeat"]
    assert "s6162 i2" in {" ".join(case.arguments) for case in repeat.cases}, "the row's own tests are in it"


def test_rows_and_pairs_come_out_with_the_sets_own_words(made: tuple[Path, RoundData]) -> None:
    _, data = made
    rows = [row for one in data.sets if one.product.name == "sft" for row in read_rows(one.path)]
    assert {row["rank"] for row in rows} == {"reference", "examples"}
    assert {row["licence"] for row in rows if "`clamp`" in row["prompt"][-1]["content"]} == {"MIT"}
    texts = {row["prompt"][-1]["content"] for row in rows}
    assert len(texts) == 4
    assert all(any(f"`{name}`" in text for text in texts) for name in RIGHT)
    assert data.counts["pairs"] >= 2
