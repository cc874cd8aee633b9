"""Sandboxes of every kind that this machine offers, and a short way to run Python or C in one."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from synth.errors import SandboxError
from synth.execution.host_plan import is_open_to_all
from synth.execution.places import Level
from synth.execution.process import Job, JobResult, ProcessSandbox
from synth.records import Limits

_OWN = os.path.realpath(sys.executable)
_SYSTEM = "/usr/bin/python3"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}

RunPython = Callable[..., JobResult]


@pytest.fixture(scope="session", params=["A", "B", "C", "twin", "twin at C"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[ProcessSandbox]:
    """Each level with the compiled launcher, and the twin with and without namespaces."""
    highest: Level = "C" if request.param.endswith("C") else "B" if request.param == "B" else "A"
    try:
        opened = ProcessSandbox(highest if len(request.param) == 1 else "C", twin="twin" in request.param, highest_level=highest)
    except SandboxError as error:
        pytest.skip(f"this machine does not give it: {error}")
    with opened:
        yield opened


@pytest.fixture
def namespaces(sandbox: ProcessSandbox) -> None:
    """For tests of what namespaces give: names of the host that are not there, /work itself, folders that only root may enter."""
    if sandbox.level == "C":
        pytest.skip("level C has no namespaces")


@pytest.fixture
def run_python(sandbox: ProcessSandbox) -> RunPython:
    """Run Python source as /work/program.py; keyword arguments are fields of Limits, or of Job. At level C a job may be unable to enter the
    folder of our own interpreter."""
    interpreter = _OWN if sandbox.level != "C" or is_open_to_all(_OWN) else os.path.realpath(_SYSTEM)
    if not Path(interpreter).exists():
        pytest.skip("no Python that every user may run")

    def run(source: str, *, job: Mapping[str, object] | None = None, **limits: float) -> JobResult:
        shown: tuple[str, ...] = (sys.base_prefix,) if interpreter == _OWN else ()
        fields = {"stdin": None, "env": ENVIRONMENT, "readonly": shown, **(job or {})}
        argv = (interpreter, "-I", "-S", "/work/program.py")
        return sandbox.run(Job(argv, {"program.py": source.encode()}, limits=Limits(**limits), **fields))  # type: ignore[arg-type]

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
