"""The terminal views of a run: ls, funnel, show, rejected, pairs, why, export, replay.

The one rule: each is a thin printer over a function of `synth.store`, and with `--json` it prints the result
of that function.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synth.cli.app import AsJson
from synth.cli.printing import console, one_line, print_json, print_table, print_text, print_title
from synth.cli.run_options import (
    After,
    Language,
    Limit,
    RunName,
    RunOption,
    RunsDir,
    UnitId,
    find_run,
    naming,
)
from synth.plain_text import plain

if TYPE_CHECKING:
    import networkx as nx
    from rich.tree import Tree

    from synth.records import Message
    from synth.store.units import Body

_RUNS = Path("runs")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("ls")(list_runs)
    for command in (funnel, show, rejected, pairs, why, export, replay):
        app.command()(command)


def list_runs(runs_dir: RunsDir = _RUNS, as_json: AsJson = False) -> None:
    """List the runs, newest first."""
    from synth.store import run_folder

    infos = [run_folder.read_info(path) for path in run_folder.list_runs(runs_dir)]
    if as_json:
        print_json(infos)
        return
    rows = [
        [
            info.name,
            info.state,
            info.resumed,
            f"{info.started:%Y-%m-%d %H:%M}",
            f"{info.updated:%Y-%m-%d %H:%M}",
            info.message,
        ]
        for info in infos
    ]
    print_table(["run", "state", "resumed", "started", "updated", "message"], rows, ["resumed"])


def funnel(run: RunName = None, runs_dir: RunsDir = _RUNS, as_json: AsJson = False) -> None:
    """Count the units at each stage: entered = kept + rejected + failed + waiting."""
    from synth.store import views
    from synth.store.open_shards import OpenShards

    folder = find_run(runs_dir, run)
    found, problems = views.funnel(folder), views.conservation_problems(folder, limit=20)
    open_ = list(OpenShards(folder))
    if as_json:
        print_json({"run": folder.name, "stages": found, "conservation_problems": problems, "open": open_})
        return
    heads = ["round", "stage", "entered", "kept", "rejected", "failed", "waiting", "reasons"]
    rows = [
        [row.round, row.stage, row.entered, row.kept, row.rejected, row.failed, row.waiting, _reasons(row)]
        for row in found
    ]
    print_title(folder.name)
    print_table(heads, rows, heads[2:7])
    for shard in open_:
        reasons = ", ".join(sorted({unit.reason for unit in shard.units}))
        starts = max(unit.starts for unit in shard.units)
        print_text(
            f"open: {shard.stage} {shard.round}/{shard.shard}: {len(shard.units)} units failed at up to "
            f"{starts} starts ({reasons}) and wait for the next"
        )
    for problem in problems:
        print_text(
            f"not conserved: {problem.stage} {problem.round}/{problem.shard} {problem.unit_id}: "
            f"{problem.problem}"
        )


def show(unit: UnitId, run: RunOption = None, runs_dir: RunsDir = _RUNS, as_json: AsJson = False) -> None:
    """Show one unit: its decisions and everything stored about it."""
    from synth.store.units import find_unit

    folder = find_run(runs_dir, run)
    with naming("--run NAME"):
        found = find_unit(folder, unit)
    if as_json:
        print_json(found)
        return
    print_title(f"{found.id} ({found.kind})")
    rows = [
        [row.round, row.stage, row.decision, row.reason, row.language, row.evidence] for row in found.rows
    ]
    print_table(["round", "stage", "decision", "reason", "language", "evidence"], rows)
    for body in found.bodies:
        _print_body(body)


def rejected(
    run: RunName = None,
    reason: Annotated[
        str | None, typer.Option(help="Show only this reason, for example wrong_answer.")
    ] = None,
    language: Language = None,
    stage: Annotated[str | None, typer.Option(help="Show only this stage.")] = None,
    limit: Limit = 50,
    after: After = None,
    runs_dir: RunsDir = _RUNS,
    as_json: AsJson = False,
) -> None:
    """List the rejected and failed units with reason and evidence, one page at a time."""
    from synth.store import views

    folder = find_run(runs_dir, run)
    with naming("--reason, --language, --stage, --after KEY"):
        page = views.rejected(folder, reason, language, stage, limit, after)
    if as_json:
        print_json({"rows": page.rows, "next": page.next_key})
        return
    heads = ["unit", "round", "stage", "decision", "reason", "language", "evidence"]
    rows = [
        [row.unit_id, row.round, row.stage, row.decision, row.reason, row.language, one_line(row.evidence)]
        for row in page.rows
    ]
    print_table(heads, rows, ["round"])
    _print_next(page.next_key)


def pairs(
    run: RunName = None,
    language: Language = None,
    limit: Limit = 5,
    after: After = None,
    runs_dir: RunsDir = _RUNS,
    as_json: AsJson = False,
) -> None:
    """Show preference pairs with their texts, one page at a time."""
    from synth.store import views

    folder = find_run(runs_dir, run)
    with naming("--language"):
        page = views.pairs(folder, language, limit, after)
    if as_json:
        print_json({"pairs": page.pairs, "next": page.next_key})
        return
    for pair in page.pairs:
        print_title(f"{pair.id} ({pair.language}, {pair.rank})")
        _print_messages("prompt", pair.prompt)
        _print_messages(f"chosen {pair.chosen_id}, passes {pair.chosen_pass:.0%}", pair.chosen)
        _print_messages(
            f"rejected {pair.rejected_id}, passes {pair.rejected_pass:.0%}, {pair.rejected_outcome}",
            pair.rejected,
        )
    if not page.pairs:
        print_text("No pairs.")
    _print_next(page.next_key)


def why(unit: UnitId, run: RunOption = None, runs_dir: RunsDir = _RUNS, as_json: AsJson = False) -> None:
    """Show where a unit came from and where it went: seed, task, solutions, verdicts, samples,
    pairs and checkpoints."""
    from synth.store.lineage import lineage

    folder = find_run(runs_dir, run)
    with naming("--run NAME"):
        graph = lineage(folder, unit)
    if as_json:
        nodes = [{"id": node, **about} for node, about in graph.nodes(data=True)]
        print_json(
            {"focus": graph.graph["focus"], "nodes": nodes, "edges": [list(edge) for edge in graph.edges]}
        )
        return
    for root in [node for node in graph if graph.in_degree(node) == 0]:
        console().print(_tree(graph, root))


def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write; must be new or empty.")],
    run: RunName = None,
    format: Annotated[
        str, typer.Option("--format", "-f", help="Layout: datasets, jsonl, llama-factory or axolotl.")
    ] = "datasets",
    without: Annotated[
        Path | None, typer.Option(metavar="PATCH", help="Apply this patch of `revoke`, or of marks.")
    ] = None,
    runs_dir: RunsDir = _RUNS,
    as_json: AsJson = False,
) -> None:
    """Write a run's data sets in the layout of another tool, with a data card."""
    from synth.store.export import ExportFormat
    from synth.store.export import export as write_export
    from synth.store.patch import NO_PATCH, read_patch
    from synth.store.query import check_known

    check_known("format", format, list(ExportFormat), "--format datasets")
    folder = find_run(runs_dir, run)
    patch = read_patch(without) if without is not None else NO_PATCH
    with naming("-o FOLDER"):
        report = write_export(folder, ExportFormat(format), output, patch)
    if as_json:
        print_json({"folder": str(report.folder), "counts": report.counts})
        return
    rows = ", ".join(f"{kind} {count}" for kind, count in report.counts.items())
    print_text(f"{report.folder}: {rows}; README.md describes how they were made")


def replay(
    unit: UnitId,
    run: RunOption = None,
    runs_dir: RunsDir = _RUNS,
    as_json: AsJson = False,
    local: Annotated[
        bool, typer.Option("--local", help="Use this machine's sandbox, no matter what the recipe says.")
    ] = False,
) -> None:
    """Run a program again in the sandbox and show the result of each test."""
    from synth.cli.replay import replay_unit

    replay_unit(find_run(runs_dir, run), unit, as_json=as_json, local=local)


def _reasons(row: object) -> str:
    from synth.store.views import FunnelRow

    return (
        ", ".join(f"{reason.reason} {reason.count}" for reason in row.reasons)
        if isinstance(row, FunnelRow)
        else ""
    )


def _print_next(key: str | None) -> None:
    if key is not None:
        print_text(f"next page: --after {key}")


def _print_messages(title: str, messages: tuple[Message, ...]) -> None:
    print_text(title, indent=2)
    for message in messages:
        print_text(f"[{message.role}] {message.content}", indent=4)


def _print_body(body: Body) -> None:
    print_title(f"{body.kind}, made by {body.stage}")
    for name, value in body.fields.items():
        if isinstance(value, str) and "\n" in value:
            print_text(f"{name}:", indent=2)
            print_text(value, indent=4)
        elif isinstance(value, list):
            print_text(f"{name}:", indent=2)
            for item in value:
                print_text(item, indent=4)
        else:
            print_text(f"{name}: {value}", indent=2)


def _tree(graph: nx.DiGraph, root: str) -> Tree:
    """The graph as a tree. Nodes shown before are only named again."""
    from rich.text import Text
    from rich.tree import Tree

    shown: set[str] = set()

    def grow(tree: Tree, node: str) -> None:
        again = node in shown
        style = "bold" if node == graph.graph["focus"] else ""
        branch = tree.add(Text(_label(graph, node) + (" (above)" if again else ""), style=style))
        shown.add(node)
        for child in sorted(graph.successors(node)) if not again else ():
            grow(branch, child)

    trunk = Tree("", hide_root=True)
    grow(trunk, root)
    return trunk


def _label(graph: nx.DiGraph, node: str) -> str:
    about = graph.nodes[node]
    words = [str(about[key]) for key in ("language", "outcome", "rank") if about.get(key)]
    if "total" in about:
        words.append(f"{about['passed']} of {about['total']}")
    if about.get("decision", "kept") != "kept":
        words.append(f"{about['decision']} at {about['stage']}: {about.get('reason', '')}")
    return plain(f"{node}  {', '.join(words)}".rstrip())
