"""The sets that are judged: by repository, what is read how, and with which problems.

Place in the flow: `published.py` reads their files, `__main__.py` judges them. The one rule: a set is data; a
repository that is not in the folder leaves its sets out.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, Literal, NamedTuple

from benchmarks.agreement.published import (
    Sample,
    answers_of_others,
    column,
    cruxeval_scored,
    evalplus_results,
    multipl_e_details,
    stubs,
)
from synth.verify.formats.registry import get_format

Origin = Literal["published", "gold", "wrong", "stub"]
"""Outputs of a model with published verdicts; solutions that must pass; others that must not; stubs."""

REPOSITORIES: Final = {
    "Qwen2.5-Coder": "QwenLM/Qwen2.5-Coder (outputs of two base models, with verdicts)",
    "cruxeval": "facebookresearch/cruxeval (outputs of one model, with scores)",
    "human-eval": "openai/human-eval",
    "humanevalplus_release": "evalplus/humanevalplus_release",
    "DeepSeek-Coder": "deepseek-ai/DeepSeek-Coder (MBPP)",
    "octopack": "bigcode-project/octopack (HumanEvalPack)",
    "McEval": "MCEVAL/McEval",
    "MDEVAL": "PGCodeLLM/MDEVAL",
}
"""Folders inside the one that the command is given, and what each is a checkout of."""

_MODELS: Final = ("1.5b-base", "7b-base")
_MULTIPL_E: Final = ("cpp", "cs", "java", "js", "php", "sh", "ts")
_PACK: Final = ("cpp", "go", "java", "js", "python", "rust")


class SampleSet(NamedTuple):
    """Samples of one origin for the problems of one file."""

    name: str
    origin: Origin
    form: str
    problems: Path
    samples: Callable[[], Iterable[Sample]]


def all_sets(folder: Path) -> list[SampleSet]:
    """Those whose files are there."""
    made = [*_qwen(folder), *_cruxeval(folder), *_python(folder), *_pack(folder), *_mceval(folder)]
    return [one for one in [*made, *_mdeval(folder)] if one.problems.is_file()]


def _qwen(folder: Path) -> Iterator[SampleSet]:
    base = folder / "Qwen2.5-Coder/qwencoder-eval/base"
    data, plus = base / "benchmarks", base / "eval_cache/evalplus"
    for model in _MODELS:
        out = base / "outptus/qwen2.5-coder" / model
        human, mbpp = (out / f"evalplus/{part}/generated_eval_results.json" for part in ("humaneval", "mbpp"))
        both = ("base_status", "plus_status")
        for title, form, problems, samples in (
            (
                "HumanEval",
                "humaneval",
                folder / "human-eval/data/HumanEval.jsonl.gz",
                partial(evalplus_results, human, "base_status"),
            ),
            (
                "HumanEval+",
                "evalplus",
                folder / "humanevalplus_release/HumanEvalPlus.jsonl.gz",
                partial(evalplus_results, human, *both),
            ),
            ("MBPP+", "evalplus", plus / "MbppPlus-v0.1.0.jsonl", partial(evalplus_results, mbpp, *both)),
            (
                "BigCodeBench-Hard",
                "bigcodebench",
                data / "bigcodebench/data/bigcodebench_hard.json",
                partial(
                    evalplus_results,
                    out / "bigcodebench/hard/completion-sanitized-calibrated_hard_eval_results.json",
                    "status",
                ),
            ),
        ):
            yield SampleSet(f"{title}, {model}", "published", form, problems, samples)
        for language in _MULTIPL_E:
            part = out / "multipl-e"
            read = partial(
                multipl_e_details,
                part / f"humaneval-{language}-details.json",
                part / f"pred_{language}_output.jsonl",
            )
            problems = data / f"multiple-eval/data/humaneval-{language}.jsonl"
            yield SampleSet(f"MultiPL-E {language}, {model}", "published", "multipl-e", problems, read)
        for asked in ("input", "output"):
            scored = partial(cruxeval_scored, out / f"cruxeval/{asked}-cot/completion_scored.json")
            problems = data / "cruxeval/data/cruxeval.jsonl"
            yield SampleSet(f"CRUXEval {asked}, {model}", "published", f"cruxeval-{asked}", problems, scored)


def _cruxeval(folder: Path) -> Iterator[SampleSet]:
    problems = folder / "cruxeval/data/cruxeval.jsonl"
    for asked in ("input", "output"):
        form = f"cruxeval-{asked}"
        scored = (
            folder / f"cruxeval/samples/evaluation_results/sample_scored_codellama-7b_temp0.2_{asked}.json"
        )
        gold = (
            partial(column, problems, "id", asked, right=True)
            if asked == "output"
            else partial(_calls, problems)
        )
        yield SampleSet(f"CRUXEval {asked}", "gold", form, problems, gold)
        if asked == "output":
            wrong = partial(answers_of_others, problems, "id", asked)
            yield SampleSet(f"CRUXEval {asked}", "wrong", form, problems, wrong)
        yield SampleSet(
            f"CRUXEval {asked}, codellama-7b", "published", form, problems, partial(cruxeval_scored, scored)
        )


def _calls(problems: Path) -> Iterator[Sample]:
    for one in column(problems, "id", "input", right=True):
        yield one._replace(text=f"f({one.text})")


def _gold(
    title: str, form: str, problems: Path, text: str = "canonical_solution", field: str = "completion"
) -> SampleSet:
    """The reference solutions of a file of problems."""
    read = partial(column, problems, "task_id", text, field=field, right=True)
    return SampleSet(title, "gold", form, problems, read)


def _python(folder: Path) -> Iterator[SampleSet]:
    base = folder / "Qwen2.5-Coder/qwencoder-eval/base"
    yield _gold("HumanEval", "humaneval", folder / "human-eval/data/HumanEval.jsonl.gz")
    yield _gold("HumanEval+", "evalplus", folder / "humanevalplus_release/HumanEvalPlus.jsonl.gz")
    yield _gold("MBPP+", "evalplus", base / "eval_cache/evalplus/MbppPlus-v0.1.0.jsonl")
    mbpp = folder / "DeepSeek-Coder/Evaluation/MBPP/data/mbpp.jsonl"
    yield _gold("MBPP", "mbpp", mbpp, "code", "solution")
    hard = base / "benchmarks/bigcodebench/data/bigcodebench_hard.json"
    yield _gold("BigCodeBench-Hard", "bigcodebench", hard)


def _pack(folder: Path) -> Iterator[SampleSet]:
    data = folder / "octopack/evaluation/create/humaneval-x/data"
    for language in _PACK:
        file = data / language / "data/humanevalpack.jsonl"
        title = f"HumanEvalPack {language}"
        yield _gold(title, "humanevalpack", file)
        broken = partial(column, file, "task_id", "buggy_solution", right=False)
        yield SampleSet(title, "wrong", "humanevalpack", file, broken)


def _mceval(folder: Path) -> Iterator[SampleSet]:
    for file in sorted((folder / "McEval/data").glob("*.jsonl")):
        title = f"McEval {file.stem}"
        yield _gold(title, "mceval", file)
        emptied = partial(stubs, file, get_format("mceval"), "task_id", "canonical_solution")
        yield SampleSet(title, "stub", "mceval", file, emptied)


def _mdeval(folder: Path) -> Iterator[SampleSet]:
    for file in sorted((folder / "MDEVAL/data/raw_data/bug").glob("*.jsonl")):
        title = f"MdEval {file.stem}"
        right = partial(column, file, "question_id", "canonical_solution", field="solution", right=True)
        yield SampleSet(title, "gold", "mdeval", file, right)
        broken = partial(column, file, "question_id", "buggy_code", field="solution", right=False)
        yield SampleSet(title, "wrong", "mdeval", file, broken)
