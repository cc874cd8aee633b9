"""The result table of a run: one row a policy, overall and by language, with 95% intervals."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from posttrain.evaluate.evaluation import Evaluation, Measure, Scores
from synth.cli.printing import print_table, print_text, print_title
from synth.store.views import first_kept


def print_results(run: Path, evaluations: Sequence[Evaluation], figures: Mapping[str, object]) -> None:
    """Print the table and where to look next."""
    if evaluations:
        ks = sorted({k for evaluation in evaluations for k in evaluation.total.pass_at})
        print_title(f"Held-out tasks ({evaluations[0].suite}), percent with 95% intervals over tasks")
        heads = ["policy", "language", "questions", "greedy", *(f"pass@{k}" for k in ks)]
        print_table(heads, list(_rows(evaluations, ks)))
    print(
        f"seconds {figures['seconds']}, swaps {figures['swap_s']} s, engine busy "
        f"{figures.get('busy_share', '-')}"
    )
    if "accepted" in figures:
        print(
            f"accepted solutions {figures['accepted']}, wrong by the held-back reference "
            f"{figures['accepted_wrong']}"
        )
        print(
            f"instructions that could be read {figures['instructions_read']}, not what the seed does "
            f"{figures['instructions_wrong']}"
        )
    print(f"run folder: {run}")
    for command in ("funnel", "rejected", "pairs"):
        print(f"  codemill {command} {run.name} --runs-dir {run.parent}")
    _print_first_kept(run)


def _print_first_kept(run: Path) -> None:
    """One row of the data as an example, why it was kept, and the commands that say more."""
    found = first_kept(run)
    if found is None:
        return
    sample, verdict = found
    print_title(f"\n{sample.id} ({sample.language}), kept:")
    print_text(f"{verdict.outcome}, {verdict.passed} of {verdict.total} tests, evidence: {sample.rank}", 2)
    print_text(f"{sample.pass_rate:.0%} of the answers to its task pass", 2)
    for message in (*sample.prompt, *sample.completion):
        print_text(f"[{message.role}] {message.content}", 2)
    for command in ("show", "why"):
        print(f"  codemill {command} {sample.id} --run {run.name} --runs-dir {run.parent}")


def _rows(evaluations: Sequence[Evaluation], ks: Sequence[int]) -> list[list[object]]:
    rows = [_row(evaluation.policy, "all", evaluation.total, ks) for evaluation in evaluations]
    for evaluation in (evaluations[0], evaluations[-1])[: len(evaluations)]:
        rows += [
            _row(evaluation.policy, language, scores, ks) for language, scores in evaluation.languages.items()
        ]
    return rows


def _row(policy: str, language: str, scores: Scores, ks: Sequence[int]) -> list[object]:
    return [
        policy,
        language,
        scores.questions,
        _show(scores.greedy),
        *(_show(scores.pass_at.get(k)) for k in ks),
    ]


def _show(measure: Measure | None) -> str:
    return (
        "-"
        if measure is None
        else f"{100 * measure.value:.1f} [{100 * measure.low:.1f}, {100 * measure.high:.1f}]"
    )
