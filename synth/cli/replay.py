"""`codemill replay ID`: run one program of a run again (synth/replay.py) and print the result of each case.

The one rule: sandbox and limits are those of the run's recipe, unless `--local` asks for this machine's.
"""

from pathlib import Path

from pydantic import TypeAdapter

from synth.cli.printing import one_line, print_json, print_table, print_text, print_title
from synth.cli.run_options import naming
from synth.config import ExecutionConfig, LocalSandboxConfig
from synth.interruptible import run_interruptibly
from synth.replay import Replay, find_program, replay_program
from synth.rules.limits import find_limits


def replay_unit(folder: Path, unit: str, *, as_json: bool, local: bool) -> None:
    """Run the unit's program again and print the results. `local`: use this machine's sandbox, no matter what
    the run's recipe says."""
    from synth.execution.factory import create_sandbox
    from synth.store.run_folder import read_info

    with naming("--run NAME"):
        program = find_program(folder, unit)
    given = read_info(folder).recipe.get("execution")
    adapter: TypeAdapter[ExecutionConfig] = TypeAdapter(ExecutionConfig)
    config = LocalSandboxConfig() if local or given is None else adapter.validate_python(given)
    limits = find_limits(config)
    found = run_interruptibly(lambda: replay_program(program, create_sandbox(config), limits))
    if as_json:
        print_json(found)
    else:
        _print_replay(found)


def _print_replay(found: Replay) -> None:
    said = f"; in the run: {found.outcome_in_run}" if found.outcome_in_run else ""
    print_title(f"{found.program_id} ({found.language}): {found.outcome}{said}")
    rows = [
        [
            "ok" if case.is_right else "WRONG",
            one_line(case.input),
            one_line(case.expected),
            one_line(case.found),
        ]
        for case in found.cases
    ]
    print_table(["", "input", "expected", "found"], rows)
    if found.first_failure:
        print_text(found.first_failure)
    figures = f"{found.cpu_s:.2f} s CPU, {found.wall_s:.2f} s, {found.peak_memory_mb:.0f} MB"
    print_text(f"{figures}, sandbox level {found.level or '?'}, {found.toolchain or 'unknown toolchain'}")
    for name, text in (("stdout", found.stdout), ("stderr", found.stderr)):
        if text.strip():
            print_text(f"{name}:")
            print_text(text, indent=2)
