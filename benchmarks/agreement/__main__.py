"""`python -m benchmarks.agreement FOLDER`: how far verdicts agree with what authors of benchmarks published.

FOLDER holds checkouts of their repositories (`--repositories` lists them); nothing is downloaded. Prints, for
each set, agreement with published verdicts, or how many reference solutions pass and how many stubs and
broken programs; then suites that are called vacuous, and each difference. Answers are kept in `--out`, so the
same command resumes. Exit code 1 if a bar is missed.
"""

import argparse
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.agreement.published import Sample
from benchmarks.agreement.sets import REPOSITORIES, SampleSet, all_sets
from synth.config import LocalSandboxConfig
from synth.execution.factory import create_sandbox
from synth.packages_config import PackagesConfig, ready_sets
from synth.records import Limits, Outcome
from synth.verify.answer_file import AnswerFile
from synth.verify.answers import VerifyResult
from synth.verify.formats.samples import sample_entries
from synth.verify.verify import settings, verify_entries

_LEAST: Final = {"published": 0.995, "gold": 0.98, "wrong": 0.0, "stub": 1.0}
_MOST_VACUOUS: Final = 0.005
_LIMITS: Final = Limits(cpu_s=10, memory_mb=2048)


class Score(NamedTuple):
    """What came of one set."""

    agreed: int
    judged: int
    """Without those that could not be run."""
    not_run: Counter[str]
    """By reason."""
    differences: list[str]
    suites: int
    """Right programs whose suite was proven; `vacuous` of them were called vacuous."""
    vacuous: int


def chosen(samples: list[Sample], most: int, seed: int) -> list[Sample]:
    """All samples, or as many of them as asked for, drawn with a seed."""
    if not most or len(samples) <= most:
        return samples
    at = sorted(random.Random(seed).sample(range(len(samples)), most))
    return [samples[index] for index in at]


def write_samples(path: Path, samples: Sequence[Sample]) -> None:
    """A file for `sample_entries`; the id is the place in it."""
    with path.open("w", encoding="utf-8") as file:
        for at, sample in enumerate(samples):
            row = {"id": str(at), "task_id": sample.name, sample.field: sample.text}
            file.write(json.dumps(row) + "\n")


class Setting(NamedTuple):
    """How samples are judged."""

    out: Path
    packages: PackagesConfig
    workers: int
    proof: bool


def judge(one: SampleSet, samples: Sequence[Sample], setting: Setting) -> Score:
    """The score of a set. Its samples and answers stand in the folder `out`."""
    slug = re.sub(r"[^\w.+#-]+", "-", f"{one.name}-{one.origin}").lower()
    rows, kept = (setting.out / f"{slug}.{part}.jsonl" for part in ("samples", "answers"))
    write_samples(rows, samples)
    refused = list[str]()
    answers = AnswerFile(kept)
    try:
        config = LocalSandboxConfig(workers=setting.workers, packages=setting.packages)
        salt = settings(_LIMITS, packages=setting.packages, proof=setting.proof)
        for _ in verify_entries(
            sample_entries(rows, one.form, one.problems, None, salt),
            create_sandbox(config, remembered=256),
            _LIMITS,
            answers,
            lambda error: refused.append(error.problems[0].message),
            proof=setting.proof,
        ):
            pass
    finally:
        answers.close()
    return score(samples, read_answers(kept), refused)


def read_answers(path: Path) -> Iterator[VerifyResult]:
    """The answers of a file, the last one of each row."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = {answer.id: answer for answer in map(VerifyResult.model_validate_json, lines)}
    return iter(found.values())


def score(samples: Sequence[Sample], answers: Iterator[VerifyResult], refused: Sequence[str]) -> Score:
    """Verdicts beside what their authors said. A vacuous suite agrees with a pass, and is counted."""
    agreed, judged, suites, vacuous = 0, 0, 0, 0
    not_run = Counter(refused)
    differences = list[str]()
    for answer in answers:
        sample = samples[int(answer.id)]
        if answer.verdict.is_fault:
            not_run[answer.reason[:120]] += 1
            continue
        right = answer.verdict in (Outcome.PASS, Outcome.VACUOUS)
        judged += 1
        agreed += right == sample.right
        suites += right
        vacuous += answer.verdict is Outcome.VACUOUS
        if right != sample.right or answer.verdict is Outcome.VACUOUS:
            said = "right" if sample.right else "wrong"
            found = f"{answer.verdict}: {answer.reason[:300]}"
            differences.append(f"{sample.name} (row {answer.row}): said to be {said}, {found}")
    return Score(agreed, judged, not_run, differences, suites, vacuous)


def _packages(names: Sequence[str]) -> PackagesConfig:
    return PackagesConfig.model_validate({"sets": [name for name in names if name in ready_sets()]})


def show(found: dict[str, tuple[SampleSet, Score]], proof: bool) -> bool:
    """Print the table. Whether every bar holds."""
    table = Table("set", "origin", "agree", "of", "percent", "vacuous", "not run")
    holds = True
    for one, result in found.values():
        share = result.agreed / result.judged if result.judged else 1.0
        holds &= share >= _LEAST[one.origin]
        percent = f"{100 * share:.1f}" if result.judged else "-"
        table.add_row(
            one.name,
            one.origin,
            str(result.agreed),
            str(result.judged),
            percent,
            str(result.vacuous),
            str(result.not_run.total()),
        )
    Console(width=110).print(table)
    if not proof:
        return holds
    suites = sum(result.suites for _, result in found.values())
    vacuous = sum(result.vacuous for _, result in found.values())
    print(f"suites called vacuous: {vacuous} of {suites} right programs")
    return holds and vacuous <= _MOST_VACUOUS * max(1, suites)


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge, compare, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.agreement", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path())
    parser.add_argument(
        "--out", type=Path, default=Path("runs/agreement"), help="folder of samples and answers"
    )
    parser.add_argument("--only", action="append", help="pattern of a set: `McEval *, gold`")
    parser.add_argument("--sample", type=int, default=0, help="at most so many samples of a set; 0 = all")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument(
        "--packages", action="append", default=[], help="ready-made set (else the default set)"
    )
    parser.add_argument("--no-proof", dest="proof", action="store_false", help="prove no suite")
    parser.add_argument("--repositories", action="store_true", help="list what FOLDER may hold")
    asked = parser.parse_args(arguments)
    if asked.repositories:
        print("\n".join(f"{name}: {what}" for name, what in REPOSITORIES.items()))
        return 0
    part = f"{asked.sample or 'all'}-{asked.seed}{'' if asked.proof else '-unproven'}"
    setting = Setting(asked.out / part, _packages(asked.packages), asked.workers, asked.proof)
    setting.out.mkdir(parents=True, exist_ok=True)
    print(f"seed of samples: {asked.seed}")
    found: dict[str, tuple[SampleSet, Score]] = {}
    for one in all_sets(asked.folder):
        name = f"{one.name}, {one.origin}"
        if asked.only and not any(fnmatch(name, pattern) for pattern in asked.only):
            continue
        samples = chosen(list(one.samples()), asked.sample, asked.seed)
        result = judge(one, samples, setting)
        found[name] = (one, result)
        print(f"{name}: {result.agreed} of {result.judged}", flush=True)
        for line in [
            *result.differences,
            *(f"{many} not run: {why}" for why, many in result.not_run.items()),
        ]:
            print(f"  {line}", flush=True)
    return 0 if show(found, asked.proof) else 1


if __name__ == "__main__":
    sys.exit(main())
