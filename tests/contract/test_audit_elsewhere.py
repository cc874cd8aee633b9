"""The audit of a data set finds the same in a remote sandbox as here."""

import json
from pathlib import Path
from typing import Any

from synth.audit.audit import AuditOptions, audit
from synth.execution.protocol import Sandbox
from synth.records import Limits
from tests.builders import Run
from tests.contract.test_script_suites import cached_sandbox, e2b_sandbox, running_sandbox

__all__ = ["cached_sandbox", "e2b_sandbox", "running_sandbox"]

SCRIPTS = {
    "sound": "assert f(3) == 6\nassert f(-1) == -2\n",
    "wrong": "assert f(3) == 7\n",
    "idle": "def check():\n    assert f(3) == 6\n",
}


def test_a_defect_is_found_in_every_sandbox(running_sandbox: Sandbox, run: Run[Any], tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [
        {
            "id": name,
            "language": "python",
            "code": f"def f(x):\n    return x * 2  # {name}\n",
            "tests": {"kind": "script", "script": script},
        }
        for name, script in SCRIPTS.items()
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = run(audit(path, running_sandbox, AuditOptions(Limits(cpu_s=5))))
    found = {one.kind: [row.id for row in one.rows] for one in report.findings}
    assert found["reference_fails"] == ["wrong"], report.untried
    assert found["empty_passes"] == ["idle"]
    assert found["flaky"] == []
    assert found["mutants_survive"] == []
