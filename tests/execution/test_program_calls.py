"""A program that is run without tests: whole outputs, the files beside it, and the files that it leaves."""

import asyncio
import base64
import time
from pathlib import Path
from typing import Any

import pytest

from synth.execution.isolation.folders import read_product
from synth.execution.local.sandbox import LocalSandbox
from synth.execution.programs.language_runner import MOST_FETCHED_BYTES
from synth.records import ExecutionRequest, Limits, Observation, Phase, ProgramCall, ProgramFile, Stop
from tests.builders import Run
from tests.languages.toolchains import need


def packed(data: bytes) -> str:
    return base64.b64encode(data).decode()


def observe(
    run: Run[Any], sandbox: LocalSandbox, code: str, language: str = "python", **call: object
) -> Observation:
    request = ExecutionRequest(
        id="p",
        language=language,
        code=code,
        call=ProgramCall.model_validate(call),
        limits=Limits(cpu_s=5),
    )
    (seen,) = run(sandbox.execute([request]))
    assert isinstance(seen, Observation)
    assert seen.infrastructure is None
    return seen


def test_a_program_that_fails_keeps_its_output(local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    code = "import sys\nprint('x' * 9000 + input())\nprint('oh', file=sys.stderr)\nsys.exit(3)\n"
    seen = observe(run, local_sandbox, code, stdin="ok\n")
    assert (seen.exit_code, seen.stdout.head, seen.stderr.head) == (3, "x" * 9000 + "ok\n", "oh\n")
    assert not seen.finished


def test_files_beside_a_program_are_read_and_imported(local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    files = (
        ProgramFile(path="helper.py", content=packed(b"def double(x):\n    return 2 * x\n")),
        ProgramFile(path="data/in.bin", content=packed(b"\x00\xff\x01")),
    )
    code = "import helper\nprint(helper.double(21), open('data/in.bin', 'rb').read())\n"
    assert observe(run, local_sandbox, code, files=files).stdout.head == "42 b'\\x00\\xff\\x01'\n"


def test_files_that_a_program_leaves_are_reported(local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    code = (
        "import os\nopen('out.bin', 'wb').write(bytes(range(256)))\nos.mkdir('d')\n"
        "open('d/e.txt', 'w').write('hi')\nos.symlink('/etc/passwd', 'link')\nos.symlink('d', 'folder')\n"
    )
    wanted = ("out.bin", "d/e.txt", "missing", "link", "folder/e.txt", "d")
    seen = observe(run, local_sandbox, code, fetched=wanted)
    assert seen.stderr.head == ""
    assert {file.path: base64.b64decode(file.content) for file in seen.files} == {
        "out.bin": bytes(range(256)),
        "d/e.txt": b"hi",
    }


def test_more_than_may_be_reported_is_too_much_output(local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    code = f"for n in 'ab':\n    open(n, 'wb').write(bytes({MOST_FETCHED_BYTES // 2 + 1}))\n"
    seen = observe(run, local_sandbox, code, fetched=("a", "b"))
    assert (seen.stop, seen.files) == (Stop.OUTPUT, ())


@pytest.mark.parametrize("language", ["cpp", "java"])
def test_a_compiled_program_works_in_its_folder(
    language: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    need(language)
    code = {
        "cpp": (
            '#include <fstream>\nint main() { std::ifstream in("in.txt"); int n; in >> n; '
            'std::ofstream("out.txt") << n + 1; }\n'
        ),
        "java": (
            "import java.nio.file.*;\n"
            "public class Main { public static void main(String[] a) throws Exception {"
            ' int n = Integer.parseInt(Files.readString(Path.of("in.txt")).trim());'
            ' Files.writeString(Path.of("out.txt"), "" + (n + 1)); } }\n'
        ),
    }[language]
    files = (ProgramFile(path="in.txt", content=packed(b"41\n")),)
    seen = observe(run, local_sandbox, code, language, files=files, fetched=("out.txt",))
    assert [base64.b64decode(file.content) for file in seen.files] == [b"42"], seen.stderr


def test_what_a_compiler_refuses_was_never_run(local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    need("cpp")
    seen = observe(run, local_sandbox, "int main() { return x; }\n", "cpp", fetched=("out.txt",))
    assert seen.phase is Phase.COMPILE
    assert "x" in seen.stderr.head


def test_a_product_is_read_up_to_its_bound(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"12345")
    assert read_product(tmp_path, "f", 3) == b"1234"
    assert read_product(tmp_path, "g", 3) is None


@pytest.mark.parametrize("files", [(), (ProgramFile(path="cold", content=""),)], ids=["warm", "cold"])
def test_a_program_for_whose_result_nobody_waits_is_ended(
    files: tuple[ProgramFile, ...], local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    def hang(number: int, cpu_s: float) -> ExecutionRequest:
        return ExecutionRequest(
            id="hang",
            language="python",
            code=f"# {number}\nwhile True: pass\n",
            call=ProgramCall(files=files),
            limits=Limits(cpu_s=cpu_s, wall_s=600),
        )

    async def leave() -> float:
        tasks = [asyncio.create_task(local_sandbox.execute([hang(n, 300)])) for n in range(12)]
        await asyncio.sleep(1.0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        began = time.monotonic()
        (seen,) = await local_sandbox.execute([hang(99, 0.2)])
        assert (seen.stop, seen.infrastructure) == (Stop.CPU, None)
        return time.monotonic() - began

    assert run(leave()) < 30
