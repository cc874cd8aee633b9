"""`python -m benchmarks.mutants FOLDER...`: how strong the tests of real functions are, by language.

Makes references of a sample of the folders' files (as `benchmarks.seeds` does), searches the suite of some of
them, and runs first-order mutants on it: all of one function up to a bound, which the search has partly seen.
Nothing is set apart: a mutant that runs and passes counts against the suite, equivalent or not. Beside it
stand the mutants that the drawn inputs let pass, and those that the search had not seen. `--read 50` prints
survivors drawn at random beside the original, for a person to judge. Exit code 1 if a language misses a bar.
"""

import argparse
import asyncio
import difflib
import os
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.seeds.__main__ import LANGUAGES, run_seeds
from synth.config import InputsConfig, LocalSandboxConfig
from synth.execution.factory import create_sandbox
from synth.execution.protocol import Sandbox
from synth.ids import derive_seed
from synth.languages.registry import get_language, normalize_language
from synth.mutation.edits import Mutant
from synth.mutation.first_order import make_first_order
from synth.records import EvidenceRank, ExecutionRequest, Limits, Observation, Reference, TestSuite
from synth.rules.canonical import without_long_outputs
from synth.rules.strong_suite import find_wrong
from synth.stages.running import run_each
from synth.stages.strengthen import SuiteSearch
from synth.store.shards import StageCommit

MOST_MUTANTS = 60
"""Of one function."""
LIMITS = Limits(cpu_s=1, wall_s=20)
BARS = {"python": 0.07}
BAR = 0.10
MEDIAN_TESTS = 12
MEDIAN_CPU_S = 30.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Survivor(NamedTuple):
    """A mutant that passes the suite of its reference."""

    reference: Reference
    mutant: Mutant


@dataclass(slots=True)
class Measured:
    """What was measured in one language."""

    references: int = 0
    unsearched: int = 0
    """References that got no suite."""
    ran: int = 0
    passed: int = 0
    passed_drawn: int = 0
    fresh: int = 0
    fresh_passed: int = 0
    """Of the mutants that the search had not seen."""
    sizes: list[int] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    judging: float = 0.0
    judging_drawn: float = 0.0
    """CPU seconds of the reference on its suite, and on the drawn inputs."""
    survivors: list[Survivor] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and survivors to be read."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        home = options.keep or Path(folder)
        if not (home / "runs" / "seeds").exists():
            run_seeds(options.folders, options.languages, options.sample, options.random_seed, home)
        found = asyncio.run(_measure(home / "runs" / "seeds", options))
    _print(found)
    _show([one for part in found.values() for one in part.survivors], options.read, options.random_seed)
    return 0 if all(map(_is_met, found, found.values())) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("folders", nargs="*", metavar="FOLDER", help="checkouts, @stdlib or @site-packages")
    parser.add_argument("--languages", nargs="*", default=list(LANGUAGES), help="languages to read")
    parser.add_argument("--sample", type=int, default=60, help="read so many files, drawn at random; 0 = all")
    parser.add_argument("--references", type=int, default=20, help="search the suites of so many, a language")
    parser.add_argument(
        "--kind", choices=("function", "class", "stdio"), default="function", help="kind of contract"
    )
    parser.add_argument("--read", type=int, default=0, help="print so many survivors, drawn at random")
    parser.add_argument("--minutes", type=float, default=60, help="begin no further search after so many")
    parser.add_argument("--random-seed", type=int, default=1, help="draws files, references and mutants")
    parser.add_argument("--keep", type=Path, help="keep the references in this folder, or use those there")
    return parser


async def _measure(run: Path, options: argparse.Namespace) -> dict[str, Measured]:
    groups: defaultdict[str, list[Reference]] = defaultdict(list)
    for reference in StageCommit(run).iter_bodies(Reference):
        language = normalize_language(reference.language)
        if reference.cases and reference.contract.kind == options.kind and language in options.languages:
            groups[language].append(reference)
    found: dict[str, Measured] = {}
    end = time.monotonic() + 60 * options.minutes
    sandbox = create_sandbox(LocalSandboxConfig())
    await sandbox.start()
    try:
        for language, references in sorted(groups.items()):
            random.Random(options.random_seed).shuffle(references)
            found[language] = Measured()
            for reference in references[: options.references]:
                if time.monotonic() > end:
                    break
                await _one(reference, found[language], sandbox, options.random_seed)
                _report(language, reference.contract.asked_name, found[language])
    finally:
        await sandbox.close()
    return found


async def _one(reference: Reference, into: Measured, sandbox: Sandbox, seed: int) -> None:
    """Search the suite of one reference, and run mutants on it."""
    spent = 0.0

    async def run(requests: Sequence[ExecutionRequest]) -> list[Observation]:
        nonlocal spent
        seen = await run_each(sandbox, requests, lambda _, one: without_long_outputs(one))
        spent += sum(one.cpu_s for one in seen)
        return seen

    before, config = _cpu_of_processes(), InputsConfig()
    search = SuiteSearch(config, LIMITS, seed, None, run)
    made = await search.strengthen(reference, "task", (), [case.arguments for case in reference.cases])
    into.references += 1
    if made is None:
        into.unsearched += 1
        return
    into.cpu_s.append(_cpu_of_processes() - before + spent)
    into.sizes.append(len(made.suite.cases))
    drawn = TestSuite(
        task_id="task",
        contract=reference.contract,
        cases=reference.cases,
        rank=EvidenceRank.REFERENCE,
    )
    grammar, entry_point = get_language(reference.language).grammar, reference.contract.asked_name
    mutants = make_first_order(
        reference.code,
        grammar,
        entry_point,
        MOST_MUTANTS,
        derive_seed(seed, "measured"),
        prints=reference.contract.kind == "stdio",
    )
    programs = [reference.code, *(mutant.code for mutant in mutants)]
    chosen = await run([_request(code, reference, made.suite) for code in programs])
    usual = await run([_request(code, reference, drawn) for code in programs])
    into.judging += chosen[0].cpu_s
    into.judging_drawn += usual[0].cpu_s
    for mutant, on_chosen, on_drawn in zip(mutants, chosen[1:], usual[1:], strict=True):
        wrong, wrong_drawn = find_wrong(on_chosen, made.suite), find_wrong(on_drawn, drawn)
        if wrong is None or wrong_drawn is None:
            continue
        is_fresh = mutant.code not in made.tried
        into.ran += 1
        into.fresh += is_fresh
        into.passed_drawn += not any(wrong_drawn)
        if not any(wrong):
            into.passed += 1
            into.fresh_passed += is_fresh
            into.survivors.append(Survivor(reference, mutant))


def _report(language: str, name: str, found: Measured) -> None:
    """One line on stderr about the figures so far."""
    if found.sizes:
        figures = (
            f"{found.passed} of {found.ran} mutants pass, {found.sizes[-1]} tests, {found.cpu_s[-1]:.1f} s"
        )
        print(f"{language}: {name}: so far {figures}", file=sys.stderr, flush=True)


def _request(code: str, reference: Reference, suite: TestSuite) -> ExecutionRequest:
    return ExecutionRequest(
        id="mutant", language=reference.language, code=code, call=suite.call(), limits=LIMITS
    )


def _cpu_of_processes() -> float:
    """CPU seconds of this process and all below it. Programs that ran isolated are counted by the sandbox."""
    ticks: dict[int, int] = {}
    children: defaultdict[int, list[int]] = defaultdict(list)
    for folder in Path("/proc").iterdir():
        if not (name := folder.name).isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks[int(name)] = sum(map(int, fields[11:15]))
        children[int(fields[1])].append(int(name))
    waiting, total = [os.getpid()], 0
    while waiting:
        process = waiting.pop()
        total += ticks.get(process, 0)
        waiting += children[process]
    return total / _TICKS


def _is_met(language: str, found: Measured) -> bool:
    if not found.ran:
        return True
    return (
        found.passed <= BARS.get(language, BAR) * found.ran
        and median(found.sizes) <= MEDIAN_TESTS
        and median(found.cpu_s) <= MEDIAN_CPU_S
    )


def _print(found: dict[str, Measured]) -> None:
    table = Table(
        "language",
        "references",
        "no suite",
        "mutants that ran",
        "pass drawn inputs",
        "pass the suite",
        "bar",
        "pass, unseen",
        "tests, median",
        "CPU s of the search, median",
        "CPU of judging / drawn",
    )
    for language, one in found.items():
        if one.ran:
            table.add_row(
                language,
                str(one.references),
                str(one.unsearched),
                str(one.ran),
                f"{one.passed_drawn / one.ran:.1%}",
                f"{one.passed / one.ran:.1%}",
                f"{BARS.get(language, BAR):.0%}",
                f"{one.fresh_passed / one.fresh:.1%} of {one.fresh}" if one.fresh else "",
                f"{median(one.sizes):.0f}",
                f"{median(one.cpu_s):.1f}",
                f"{one.judging / one.judging_drawn:.2f}" if one.judging_drawn else "",
            )
    console = Console()
    if not console.is_terminal:
        console.width = 160
    console.print(table)


def _show(survivors: Sequence[Survivor], count: int, seed: int) -> None:
    drawn = random.Random(seed).sample(survivors, min(count, len(survivors)))
    for number, (reference, mutant) in enumerate(drawn, start=1):
        language, name = reference.language, reference.contract.asked_name
        print(f"\n=== {number}: {language} {name}, {mutant.kind}: {mutant.words}")
        lines = difflib.unified_diff(reference.code.splitlines(), mutant.code.splitlines(), lineterm="", n=12)
        print("\n".join(list(lines)[2:]))


if __name__ == "__main__":
    sys.exit(main())
