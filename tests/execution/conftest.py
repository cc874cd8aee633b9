"""Sandboxes of every kind that this machine offers, and a short way to run Python or C in one."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from synth.errors import SandboxError
from synth.execution.isolation.process import Job, JobResult, ProcessSandbox
from synth.execution.isolation.selftest import find_interpreter
from synth.records import IsolationLevel, Limits

PYTHON = (find_interpreter(), "-I", "-S")
"""One that every user may run, if there is one: at level C a job may be unable to enter the folder of our
own."""
SHOWN = () if PYTHON[0].startswith("/usr/") else (sys.base_prefix,)
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}

RunPython = Callable[..., JobResult]


@pytest.fixture(scope="session")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where sandboxes have their temporary files, so that what they leave can be seen. Every user can enter
    it."""
    tmp_path_factory.getbasetemp()  # not below it
    with (
        tempfile.TemporaryDirectory(prefix="codemill-tests-") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        Path(folder).chmod(0o755)
        patch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


@pytest.fixture(scope="session", params=["A", "B", "C", "python launcher", "python launcher at C"])
def sandbox(request: pytest.FixtureRequest, temporary: Path) -> Iterator[ProcessSandbox]:
    """Each level with the compiled launcher, and the one in Python with and without namespaces."""
    highest: IsolationLevel = "C" if request.param.endswith("C") else "B" if request.param == "B" else "A"
    try:
        opened = ProcessSandbox(
            highest if len(request.param) == 1 else "C",
            python_launcher="python" in request.param,
            highest_level=highest,
        )
    except SandboxError as error:
        pytest.skip(f"this machine does not give it: {error}")
    with opened:
        yield opened


@pytest.fixture
def open_folder(temporary: Path) -> Iterator[Path]:
    """A folder that a job of any user can reach."""
    with tempfile.TemporaryDirectory(dir=temporary) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def namespaces(sandbox: ProcessSandbox) -> None:
    """For tests of what namespaces give: names of the host that are not there."""
    if sandbox.level == "C":
        pytest.skip("level C has no namespaces")


@pytest.fixture
def own_user(sandbox: ProcessSandbox) -> None:
    """For tests of what rests on a user of the slot's own, whose modes, processes and capabilities are nobody
    else's."""
    if sandbox.level == "C" and os.geteuid() != 0:
        pytest.skip("level C has users of its own as root only")


@pytest.fixture
def run_python(sandbox: ProcessSandbox) -> RunPython:
    """Run Python source as /work/program.py; keyword arguments are fields of Limits, or of Job."""

    def run(source: str, *, job: Mapping[str, object] | None = None, **limits: float) -> JobResult:
        fields = {"stdin": None, "env": ENVIRONMENT, "readonly": SHOWN, **(job or {})}
        argv = (*PYTHON, "/work/program.py")
        files, given = {"program.py": source.encode()}, Limits(**limits)
        return sandbox.run(Job(argv, files, limits=given, **fields))  # type: ignore[arg-type]

    return run


@pytest.fixture
def run_c(sandbox: ProcessSandbox, own_user: None) -> RunPython:
    """Compile C in the sandbox in a shared folder, then run it in another job."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")

    def run(source: str, folder: Path, **limits: float) -> JobResult:
        environment = {**ENVIRONMENT, "TMPDIR": "/tmp"}
        command = (compiler, "-O1", "-o", "program", "program.c")
        compile_job = Job(
            command, {"program.c": source.encode()}, None, Limits(), environment, writable=folder
        )
        compiled = sandbox.run(compile_job)
        assert compiled.exit_code == 0, compiled.stderr.data.decode()
        return sandbox.run(
            Job(("/work/program",), {}, None, Limits(**limits), {}, writable=folder, work_readonly=True)
        )

    return run
