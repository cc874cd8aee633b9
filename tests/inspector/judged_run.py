"""A finished run of literal records for the pages of units and pairs: one task, a right and a wrong answer
with a log, one that never compiled, and a pair; with a journal that holds their answers."""

from pathlib import Path

from synth.config import InputsConfig, SamplingConfig
from synth.generation.protocol import Completion, GenerationRequest, GenerationResponse
from synth.generation.responses import ResponseFiles
from synth.ids import derive_seed
from synth.inspector.library import Library, read_library
from synth.inspector.opened_run import OpenedRun
from synth.products import BY_NAME, Pair
from synth.program_log import LoggedCase, ProgramLog
from synth.prompts.library import PromptLibrary
from synth.records import (
    Captured,
    Case,
    Decision,
    Message,
    Outcome,
    Phase,
    Solution,
    TestSuite,
    Verdict,
)
from synth.stages.contract_prompts import input_words
from synth.stages.solve import render_solve
from synth.store.products import write_product
from synth.store.run_folder import RunFolder, RunIdentity
from tests.store.small_run import CONTRACT, REFERENCE, SEED, SUITE, TASK, commit, row

SAMPLING = SamplingConfig(max_tokens=80)
RECIPE = {
    "name": "judged",
    "seed": 7,
    "prompts": "default",
    "policy": {"model": "pocket"},
    "data": {
        "seeds": {"kind": "pocket"},
        "instruct": {},
        "inputs": {},
        "solve": {"n": 2, "sampling": SAMPLING.model_dump(), "languages": ["python"]},
        "pairs": {},
    },
}
CASES = (*SUITE.cases, Case(arguments=("i4",), expected="i8"), Case(arguments=("i5",), expected="i10"))
RIGHT_CODE = "def double(x):\n    return 2 * x\n"
WRONG_CODE = "def double(x):\n    return x * x\n"
POLICY = "0123456789abcdef"


def request() -> GenerationRequest:
    """The request that asked for the solutions."""
    messages = render_solve(PromptLibrary.load("default"), TASK, "python")
    seed = derive_seed(7, "solve", f"{TASK.id}/python")
    return GenerationRequest(messages=messages, sampling=SAMPLING, n=2, seed=seed)


ASKED_TASK = TASK.model_copy(update={"request_id": "request-of-the-task"})


def inputs_request() -> GenerationRequest:
    """The request that asked for test inputs."""
    prompts = PromptLibrary.load("default")
    messages = prompts.render("inputs", variant="en", **input_words(TASK))
    sampling = InputsConfig().sampling
    return GenerationRequest(
        messages=messages, sampling=sampling, n=1, seed=derive_seed(7, "inputs", TASK.id)
    )


def response(request_id: str, *texts: str) -> GenerationResponse:
    return GenerationResponse(
        request_id=request_id,
        fingerprint=POLICY,
        completions=tuple(Completion(text=text, finish="stop", tokens=9) for text in texts),
        prompt_tokens=12,
        ms=3.0,
    )


def solution(unit_id: str, code: str, index: int) -> Solution:
    return Solution(
        id=unit_id,
        task_id=TASK.id,
        language="python",
        code=code,
        index=index,
        policy=POLICY,
        request_id=request().request_id(POLICY),
    )


def verdict(unit_id: str, outcome: Outcome, passed: int, first_failure: str = "") -> Verdict:
    return Verdict(
        solution_id=unit_id,
        task_id=TASK.id,
        outcome=outcome,
        passed=passed,
        total=3,
        rank=SUITE.rank,
        hidden_total=1,
        first_failure=first_failure,
        level="A",
    )


def pair(unit_id: str = "pair-7a", **changes: object) -> Pair:
    fields = {
        "id": unit_id,
        "task_id": TASK.id,
        "language": "python",
        "prompt": request().messages,
        "chosen": (Message(role="assistant", content=f"```python\n{RIGHT_CODE}\n```"),),
        "rejected": (Message(role="assistant", content=f"```python\n{WRONG_CODE}\n```"),),
        "chosen_id": "solution-3c",
        "rejected_id": "solution-4d",
        "chosen_pass": 1.0,
        "rejected_pass": 0.3333,
        "rejected_outcome": Outcome.WRONG_ANSWER,
        "rank": SUITE.rank,
    }
    return Pair.model_validate({**fields, **changes})


WRONG_LOG = ProgramLog(
    solution_id="solution-4d",
    language="python",
    phase=Phase.RUN,
    cases=(
        LoggedCase(index=0, is_right=True, status="returned", length=2),
        LoggedCase(index=1, is_right=False, status="returned", found="i9", length=2),
        LoggedCase(index=2, is_right=False, status="raised", found="ValueError: i4", length=2_000_000),
        LoggedCase(index=3, is_right=False, status="missing"),
    ),
    stdout=Captured(head="begins", tail="ends", length=10_000_000),
)
SYNTAX_LOG = ProgramLog(
    solution_id="solution-5e",
    language="python",
    phase=Phase.PARSE,
    exit_code=1,
    cases=tuple(LoggedCase(index=at, is_right=False, status="missing") for at in range(4)),
    stderr=Captured(head="SyntaxError: invalid syntax", length=27),
)


def build_judged_run(
    runs_dir: Path, wrong_code: str = WRONG_CODE, with_logs: bool = True, pairs: tuple[Pair, ...] = ()
) -> Path:
    """The finished run's folder."""
    good, bad = solution("solution-3c", RIGHT_CODE, 0), solution("solution-4d", wrong_code, 1)
    broken = solution("solution-5e", "def double(x:", 2)
    suite = TestSuite(task_id=TASK.id, contract=CONTRACT, cases=CASES, rank=SUITE.rank, hidden=1)
    failure = "case 1, input 3: expected 6, found 9"
    logs = [WRONG_LOG, SYNTAX_LOG] if with_logs else []
    made = pairs or (pair(),)
    with RunFolder.create_or_resume(
        runs_dir, "judged", RunIdentity.model_validate({"recipe": RECIPE, "seed": 7})
    ) as run:
        run.declare_stages(("snippet", "reference", "instruct", "inputs", "solve", "execute", "pair"))
        commit(run, [row("snippet", SEED.id)], [SEED])
        commit(run, [row("reference", SEED.id)], [REFERENCE])
        commit(run, [row("instruct", SEED.id)], [ASKED_TASK])
        commit(run, [row("inputs", TASK.id, parents=(SEED.id,))], [suite])
        commit(run, [row("solve", TASK.id, parents=(SEED.id,))], [good, bad, broken])
        evidence = '{"passed": 1, "total": 3, "first_failure": "case 1, input 3: expected 6, found 9"}'
        judged = [
            row("execute", good.id, parents=(TASK.id,)),
            row("execute", bad.id, Decision.REJECTED, "wrong_answer", (TASK.id,), evidence=evidence),
            row("execute", broken.id, Decision.REJECTED, "parse_error", (TASK.id,)),
        ]
        verdicts = [
            verdict(good.id, Outcome.PASS, 3),
            verdict(bad.id, Outcome.WRONG_ANSWER, 1, failure),
            verdict(broken.id, Outcome.PARSE_ERROR, 0, "SyntaxError: invalid syntax"),
        ]
        commit(run, judged, [*verdicts, *logs])
        commit(run, [row("pair", f"{TASK.id}.python", parents=(TASK.id,))], made)
        write_product(run.path, BY_NAME["pairs"], "r1", made)
        codes = (RIGHT_CODE, wrong_code)
        answers = ResponseFiles(run.path / "journal")
        texts = [f"```python\n{code}```".encode("utf-8", "replace").decode() for code in codes]
        answers.append(response(request().request_id(POLICY), *texts))
        answers.append(response(ASKED_TASK.request_id, "Double a number. 加倍"))
        answers.append(response(inputs_request().request_id(POLICY), "[4]\n[5]"))
        answers.close()
    return run.path


def opened(*paths: Path) -> tuple[Library, OpenedRun]:
    """The library of these runs, and the first one."""
    library = read_library(paths)
    return library, library.runs[0]
