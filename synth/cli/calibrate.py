"""`codemill calibrate [RUN]`: how often agreement would have been right in a run, by threshold and method.

The one rule: nothing of the run is changed; the threshold that comes out is printed as a line for a recipe.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from synth.cli.app import AsJson
from synth.cli.run_options import RunName, RunsDir, find_run

if TYPE_CHECKING:
    from synth.rules.calibration import CalibrationPoint

_RUNS = Path("runs")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(calibrate)


def calibrate(
    run: RunName = None,
    precision: Annotated[
        float,
        typer.Option(
            min=0.5, max=0.999, help="Share of decided tasks that must be right, with 95% confidence."
        ),
    ] = 0.9,
    runs_dir: RunsDir = _RUNS,
    as_json: AsJson = False,
) -> None:
    """Measure agreement on the tasks of a run that have a reference, and say which threshold to use."""
    from pydantic import TypeAdapter

    from synth.calibration import measure, vote_again
    from synth.cli.printing import print_json, print_title
    from synth.config import ExecutionConfig, LocalSandboxConfig
    from synth.execution.factory import create_sandbox
    from synth.interruptible import run_interruptibly
    from synth.rules.behaviour_ranks import RankingMethod
    from synth.rules.limits import find_limits
    from synth.store.run_folder import read_info

    folder = find_run(runs_dir, run)
    given = read_info(folder).recipe.get("execution")
    adapter: TypeAdapter[ExecutionConfig] = TypeAdapter(ExecutionConfig)
    config = LocalSandboxConfig() if given is None else adapter.validate_python(given)
    votes = run_interruptibly(lambda: vote_again(folder, create_sandbox(config), find_limits(config)))
    methods: tuple[RankingMethod, ...] = get_args(RankingMethod)
    points = {method: measure(votes, method) for method in methods}
    if as_json:
        print_json({method: _as_json(found, precision) for method, found in points.items()})
        return
    print_title(
        f"{folder.name}: {len(votes)} tasks with a reference, their candidates asked as if there were none"
    )
    for method, found in points.items():
        _print_method(method, found, precision)


def _as_json(points: "list[CalibrationPoint]", precision: float) -> dict[str, object]:
    from synth.rules.calibration import choose_threshold, tabulate

    chosen = choose_threshold(points, precision)
    return {
        "tasks": len(points),
        "threshold": chosen.threshold if chosen else None,
        "figures": [figures._asdict() for figures in tabulate(points)],
    }


def _print_method(method: str, points: "list[CalibrationPoint]", precision: float) -> None:
    from synth.cli.printing import print_table, print_text
    from synth.rules.calibration import choose_threshold, tabulate

    rows = []
    accepted = None
    for figures in tabulate(points):
        if figures.accepted != accepted:
            low, high = figures.precision
            share = f"{figures.right / figures.accepted:.1%} [{low:.1%}, {high:.1%}]"
            rows.append([f"{figures.threshold:.2f}", figures.accepted, figures.right, share])
        accepted = figures.accepted
    print_text(f"{method}:")
    print_table(["threshold", "decided", "right", "precision"], rows)
    chosen = choose_threshold(points, precision)
    if chosen is None:
        print_text(
            f"no threshold is right in {precision:.1%} with 95% confidence: leave `evidence.agreement` off, "
            "or calibrate on a run with more tasks"
        )
    else:
        keys = f"agreement: true, agreement_method: {method}, agreement_threshold: {chosen.threshold:g}"
        print_text(f"evidence: {{{keys}}}")
