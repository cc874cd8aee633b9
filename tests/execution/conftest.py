"""Sandboxes of every kind that this machine offers, and a short way to run Python or C in one."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from synth.execution.process import Job, JobResult, ProcessSandbox
from synth.records import Limits

PYTHON = (os.path.realpath(sys.executable), "-I", "-S")
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}

RunPython = Callable[..., JobResult]


@pytest.fixture(scope="session", params=["best level", "no cgroups", "python twin"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[ProcessSandbox]:
    with ProcessSandbox(twin=request.param == "python twin", highest_level="B" if request.param == "no cgroups" else "A") as opened:
        if request.param == "no cgroups" and os.geteuid() != 0:
            pytest.skip("as an ordinary user this is the best level already")
        yield opened


@pytest.fixture
def run_python(sandbox: ProcessSandbox) -> RunPython:
    """Run Python source as /work/program.py; keyword arguments are fields of Limits, or of Job."""

    def run(source: str, *, job: Mapping[str, object] | None = None, **limits: float) -> JobResult:
        fields = {"stdin": None, "env": ENVIRONMENT, "readonly": (sys.base_prefix,), **(job or {})}
        return sandbox.run(
            Job(argv=(*PYTHON, "/work/program.py"), files={"program.py": source.encode()}, limits=Limits(**limits), **fields)  # type: ignore[arg-type]
        )

    return run


@pytest.fixture
def run_c(sandbox: ProcessSandbox) -> RunPython:
    """Compile C in the sandbox in a shared folder, then run it in another job."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")

    def run(source: str, folder: Path, **limits: float) -> JobResult:
        compile_job = Job(
            (compiler, "-O1", "-o", "program", "program.c"), {"program.c": source.encode()}, None, Limits(), ENVIRONMENT, writable=folder
        )
        compiled = sandbox.run(compile_job)
        assert compiled.exit_code == 0, compiled.stderr.data.decode()
        return sandbox.run(Job(("/work/program",), {}, None, Limits(**limits), {}, writable=folder, work_readonly=True))

    return run
