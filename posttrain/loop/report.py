"""The report of a run: its figures on disk, the result table, and where to look next.

Place in the flow: `rounds` -> here -> the reporter. The one rule: a finished run shows the same report
again, from disk.
"""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from posttrain.evaluate.benchmark_run import BenchmarkEvaluation
from posttrain.evaluate.benchmark_table import RunEvaluation, benchmark_table
from posttrain.evaluate.evaluation import Evaluation
from posttrain.evaluate.table import difference_table, result_table
from posttrain.loop.benchmarks import file_name, find_evaluations, run_evaluations
from posttrain.loop.selection_words import selection_table
from posttrain.loop.session import ServedEngine, Session
from posttrain.reporter import Reporter
from posttrain.world import Audit
from synth.config import Recipe
from synth.errors import FailedUnitsError, Problem, UserError
from synth.store.atomic import open_log
from synth.store.figures import FIGURES, read_figures
from synth.store.model_card import write_model_cards
from synth.store.seals import read_json, seal_line
from synth.store.selections import read_selections
from synth.store.views import failed_units, first_kept

Figures = dict[str, object]


class RunResults(NamedTuple):
    """The results of the rounds."""

    evaluations: list[Evaluation]
    benchmarks: list[BenchmarkEvaluation]
    audit: Audit | None


def evaluation_path(run: Path, policy: str, suite: str = "") -> Path:
    """Path of the evaluation of the policy with this name, on the recipe's own suite or on this one."""
    beside = f"-on-{file_name(Path(suite).stem)}" if suite else ""
    return run / "eval" / f"{policy.replace(' ', '-')}{beside}.json"


def other_suite(recipe: Recipe, suite: str) -> str:
    """The suite, unless it is the recipe's own: an evaluation on that has its policy's name alone."""
    return "" if recipe.evaluation is not None and suite == recipe.evaluation.suite else suite


def finish(session: Session, results: RunResults, seconds: float) -> None:
    """Write the figures of this process and show the results."""
    figures: Figures = {"seconds": round(seconds, 1), "swap_s": _swaps(session.model)}
    figures["evaluations"] = [
        evaluation_path(session.run, one.policy, other_suite(session.recipe, one.suite)).name
        for one in results.evaluations
    ]
    if results.benchmarks:
        figures["benchmarks"] = [[one.suite, one.policy] for one in results.benchmarks]
    if results.audit is not None:
        figures |= audit_figures(results.audit)
    if session.model is not None:
        figures |= engine_figures(session.model)
        figures["tokens"] = session.spending.figures()
    with open_log(session.run / FIGURES) as lines:
        lines.write(seal_line(json.dumps(figures)).decode())
    write_model_cards(session.run)
    show_results(session.reporter, session.run, results.evaluations, results.benchmarks, figures)


def _swaps(model: ServedEngine | None) -> list[float]:
    return [round(seconds, 3) for seconds in model.swaps] if model is not None else []


def audit_figures(audit: Audit) -> Figures:
    return {
        "accepted": audit.accepted,
        "accepted_wrong": audit.wrong,
        "accepted_wrong_share": round(audit.wrong_share, 4),
        "instructions_read": audit.instructions_read,
        "instructions_wrong": audit.instructions_wrong,
    }


def engine_figures(model: ServedEngine) -> Figures:
    counts, busy = model.engine.counts, model.engine.busy.read()
    return {
        "requests_sent": counts.sent,
        "requests_from_journal": counts.answered_from_journal,
        "completion_tokens": counts.completion_tokens,
        "busy_share": round(busy.share, 4),
    }


def accepted_failures(run: Path) -> str:
    """What failed for good, in words; empty if nothing did."""
    counts: Counter[str] = Counter()
    for one in failed_units(run):
        counts[f"{one.stage}: {one.reason}"] += one.units
    for path in sorted((run / "eval").glob("*.json")):
        found = json.loads(read_json(path))
        if path.name == "audit.json":
            counts["audit: infrastructure"] += found["unjudged"]
        for answered in found.get("answered", ()):
            counts[f"evaluation {path.stem}: {answered.get('fault') or 'infrastructure'}"] += bool(
                answered.get("faults")
            )
    return ", ".join(f"{what} {count}" for what, count in counts.items() if count)


def failures_error(run: Path, failures: str) -> FailedUnitsError:
    """How a run with accepted failures ends."""
    return FailedUnitsError(
        Problem(
            where=f"run {run.name}",
            message=f"is finished with failures, which were accepted: {failures}",
            fix=(
                "use its data as they are, or ask what failed again with `codemill run RECIPE --fork NAME`, "
                "which keeps every answer"
            ),
            see="docs/architecture/loop.md",
        )
    )


def show_finished(reporter: Reporter, run: Path) -> None:
    """Print the results of a finished run again."""
    figures = read_figures(run)[-1]
    evaluations = [
        Evaluation.model_validate_json(read_json(run / "eval" / name))
        for name in figures.get("evaluations", ())
    ]
    reporter.print_line(f"{run.name} is already finished; nothing was done. Use --fresh to start over.")
    benchmarks = [one.evaluation for one in run_evaluations(run)]
    show_results(reporter, run, evaluations, benchmarks, figures)


def show_results(
    reporter: Reporter,
    run: Path,
    evaluations: list[Evaluation],
    benchmarks: list[BenchmarkEvaluation],
    figures: Figures,
) -> None:
    """Print the tables, the figures in words, and commands to inspect the run."""
    for suite in dict.fromkeys(one.suite for one in evaluations):
        measured = [one for one in evaluations if one.suite == suite]
        reporter.print_table(*result_table(measured))
        if (differences := difference_table(measured)) is not None:
            reporter.print_table(*differences)
    if selections := list(read_selections(run)):
        reporter.print_table(*selection_table(selections))
    if benchmarks:
        show_benchmarks(reporter, [RunEvaluation(run.name, one) for one in benchmarks])
    parts = [f"run time: {figures['seconds']} s"]
    swaps = figures["swap_s"]
    if isinstance(swaps, list) and swaps:
        parts.append(f"policy swaps: {', '.join(f'{seconds} s' for seconds in swaps)}")
    if "busy_share" in figures:
        parts.append(f"engine busy: {figures['busy_share']:.0%} of generation time")
    reporter.print_line("; ".join(parts))
    tokens = figures.get("tokens")
    if isinstance(tokens, dict):
        for role, counts in tokens.items():
            reporter.print_line(_tokens_in_words(role, counts))
    if "accepted" in figures:
        reporter.print_line(
            f"accepted solutions: {figures['accepted']}; wrong according to the held-back reference: "
            f"{figures['accepted_wrong']}"
        )
        reporter.print_line(
            f"instructions that could be parsed: {figures['instructions_read']}; not what the seed does: "
            f"{figures['instructions_wrong']}"
        )
    reporter.print_line(f"run folder: {run}")
    for command in ("funnel", "rejected", "pairs"):
        reporter.print_line(f"  codemill {command} {run.name} --runs-dir {run.parent}")
    _show_first_kept(reporter, run)


def show_benchmarks(reporter: Reporter, found: Sequence[RunEvaluation]) -> None:
    """Print the table of public benchmarks. Needs at least one evaluation."""
    table, notes = benchmark_table(found)
    reporter.print_table(*table)
    for note in notes:
        reporter.print_line(note)


def show_table(reporter: Reporter, runs_dir: Path, *, as_json: bool = False) -> None:
    """Show the benchmarks of all runs in one table, or as a JSON list. Raises UserError where there are
    none."""
    found = find_evaluations(runs_dir)
    if not found:
        fix = "codemill eval --suite humaneval+ --problems FILE --model MODEL"
        raise UserError(Problem(f"folder {runs_dir}", "has no run with a benchmark", fix))
    if as_json:
        rows = [{"run": run, **one.model_dump(mode="json", exclude={"answered"})} for run, one in found]
        reporter.print_line(json.dumps(rows, indent=1, ensure_ascii=False))
    else:
        show_benchmarks(reporter, found)


def _tokens_in_words(role: str, counts: dict[str, float]) -> str:
    """One line about what a role has cost, over all processes of the run."""
    prompt = f"{counts['prompt_tokens']:,.0f} in prompts ({counts['cached_tokens']:,.0f} cached)"
    answers = f"{counts['completion_tokens']:,.0f} in answers ({counts['reasoning_tokens']:,.0f} reasoning)"
    usd = f", ${counts['usd']:,.4f}" if "usd" in counts else ""
    return f"tokens of the {role}: {prompt}, {answers}{usd}"


def _show_first_kept(reporter: Reporter, run: Path) -> None:
    """One row of the data as an example, why it was kept, and the commands that say more."""
    found = first_kept(run)
    if found is None:
        return
    sample, verdict = found
    reporter.print_line(f"\n{sample.id} ({sample.language}), kept:")
    tests = f"{verdict.passed} of {verdict.total} tests"
    reporter.print_line(f"  {verdict.outcome}, {tests}, evidence: {sample.rank}")
    reporter.print_line(f"  {sample.pass_rate:.0%} of the answers to its task pass")
    for message in (*sample.prompt, *sample.completion):
        lines = f"[{message.role}] {message.content}".splitlines()
        reporter.print_line("\n".join(f"  {line}" for line in lines))
    for command in ("show", "why"):
        reporter.print_line(f"  codemill {command} {sample.id} --run {run.name} --runs-dir {run.parent}")
