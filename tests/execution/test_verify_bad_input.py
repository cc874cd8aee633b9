"""Programs and machines as they should not be: each gets a verdict with its reason, and a fault of the
machine is never a label."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from synth.execution.local.sandbox import LocalSandbox
from synth.languages.registry import all_languages, get_language
from synth.records import Outcome
from synth.values import decode
from synth.verify.json_values import to_json
from synth.verify.verify import verify
from tests.languages.toolchains import need

ROOT = Path(__file__).resolve().parents[2]
FAULTS = {Outcome.INFRASTRUCTURE, Outcome.TOOLCHAIN_MISSING}


def stdio(stdout: str, stdin: str = "") -> dict[str, object]:
    return {"kind": "stdio", "cases": [{"stdin": stdin, "stdout": stdout}]}


def suites(language: str) -> dict[str, dict[str, object]]:
    """One suite of each kind that the language has, for its own first programs."""
    spoken = get_language(language)
    found = {"stdio": stdio("6\n", "1 2 3\n")}
    if spoken.driver and spoken.gold:
        gold = spoken.gold
        case = {
            "input": [to_json(decode(text)) for text in gold.arguments],
            "output": to_json(decode(gold.expected)),
        }
        found["function"] = {
            "kind": "function",
            "entry_point": gold.entry_point,
            "signature": gold.signature,
            "cases": [case],
        }
    if spoken.script:
        found["script"] = {"kind": "script", "script": "codemill_is_not_defined(("}
    return found


ODD = {"of no bytes": "", "of one NUL": "\0", "of one lone surrogate": "\ud800", "of white space": " \n\t\n"}


@pytest.mark.parametrize("language", [language.name for language in all_languages()])
def test_a_program_of_nothing_never_passes_and_is_never_our_fault(
    language: str, local_sandbox: LocalSandbox
) -> None:
    need(language)
    rows = [
        {"id": f"{kind} {name}", "language": language, "code": code, "tests": tests}
        for kind, tests in suites(language).items()
        for name, code in ODD.items()
    ]
    answers = list(verify(rows))
    assert len(answers) == len(rows)
    wrong = {
        answer.id: (answer.verdict, answer.reason)
        for answer in answers
        if answer.verdict in {Outcome.PASS, *FAULTS}
    }
    assert wrong == {}
    assert [answer.id for answer in answers if not answer.reason] == []


@pytest.mark.parametrize("language", ["python", "javascript", "cpp"])
def test_a_program_of_50_megabytes_is_refused_with_its_reason(
    language: str, local_sandbox: LocalSandbox
) -> None:
    need(language)
    code = ("//" if language != "python" else "#") + "x" * (50 << 20)
    rows = [
        {"id": kind, "language": language, "code": code, "tests": tests}
        for kind, tests in suites(language).items()
    ]
    for answer in verify(rows):
        assert (answer.verdict, answer.reason) == (
            Outcome.PARSE_ERROR,
            "the program is longer than 4194304 characters",
        )


TWO_MEGABYTES = {
    "python": "print('x' * (2 << 20))",
    "javascript": "console.log('x'.repeat(2 << 20))",
    "cpp": """
#include <iostream>
#include <string>
int main() { std::cout << std::string(2 << 20, 'x') << std::endl; }
""",
}
COUNTS = {
    "python": "import sys\nprint(sum(map(len, sys.stdin)))",
    "javascript": """
let n = 0;
process.stdin.on('data', (d) => (n += d.length));
process.stdin.on('end', () => console.log(n));
""",
    "cpp": """
#include <iostream>
#include <string>
int main() {
    std::ios::sync_with_stdio(false);
    std::string s;
    long n = 0;
    while (std::getline(std::cin, s)) n += s.size() + 1;
    std::cout << n;
}
""",
}
LENGTHS = {
    "python": "def length(s):\n    return len(s)\n",
    "javascript": "function length(s) { return s.length; }",
    "cpp": "long long length(const std::string &s) { return s.size(); }",
}
LINES = ("y" * 99 + "\n") * 500_000


@pytest.mark.parametrize("language", ["python", "javascript", "cpp"])
def test_much_output_and_much_input_are_no_fault_of_a_right_program(
    language: str, local_sandbox: LocalSandbox
) -> None:
    need(language)
    text = LINES[: 8 << 20]
    call = {
        "kind": "function",
        "entry_point": "length",
        "signature": "(str) -> int",
        "cases": [{"input": [text], "output": len(text)}],
    }
    rows = [
        {
            "id": "prints 2 MB",
            "language": language,
            "code": TWO_MEGABYTES[language],
            "tests": stdio("x" * (2 << 20)),
        },
        {
            "id": "reads 50 MB",
            "language": language,
            "code": COUNTS[language],
            "tests": stdio(str(len(LINES)), LINES),
        },
        {"id": "is given 8 MB", "language": language, "code": LENGTHS[language], "tests": call},
    ]
    assert {answer.id: answer.verdict for answer in verify(rows)} == dict.fromkeys(
        ("prints 2 MB", "reads 50 MB", "is given 8 MB"), Outcome.PASS
    )


LIMITS = [
    {"processes": 4096, "file_bytes": 1 << 34, "output_bytes": 1 << 30},
    {"memory_mb": 1 << 20, "cpu_s": 3600},
    {"memory_mb": 64},
]


@pytest.mark.parametrize("limits", LIMITS, ids=str)
@pytest.mark.parametrize("language", ["python", "javascript", "java", "cpp"])
def test_the_largest_and_the_smallest_limits_that_are_taken_can_be_kept(
    language: str, limits: dict[str, int], local_sandbox: LocalSandbox
) -> None:
    need(language)
    row = {
        "id": 1,
        "language": language,
        "code": get_language(language).hello,
        "tests": stdio("6", "1 2 3\n"),
        "limits": limits,
    }
    assert [answer.verdict for answer in verify([row], row_limits=True)] == [Outcome.PASS]


def test_a_program_that_fills_its_own_tmp_is_told_so_and_the_next_one_finds_it_empty(
    local_sandbox: LocalSandbox,
) -> None:
    fill = """
import errno, os
try:
    for n in range(1000):
        with open(f"/tmp/{n}", "wb") as file:
            file.write(bytes(8 << 20))
except OSError as error:
    print(errno.errorcode[error.errno])
"""
    look = "import os\nprint(os.listdir('/tmp'))\n"
    programs = {"fills": (fill, "ENOSPC"), "looks": (look, "[]")}
    rows = [
        {"id": name, "language": "python", "code": code, "tests": stdio(out)}
        for name, (code, out) in programs.items()
    ]
    answers = list(verify(rows, workers=1))
    assert [answer.verdict for answer in answers] == [Outcome.PASS] * 2, answers


# --- our own folder for builds, full: in a mount namespace of its own, which nothing else on the machine sees

WITH_LITTLE_ROOM = """
mount -t tmpfs -o size=1m none /tmp && mount --bind /tmp /var/tmp &&
head -c {filled} /dev/zero > /tmp/filler && cd / && exec "$@"
"""


def verify_with_little_room(
    filled: int, folder: Path, rows: list[dict[str, object]]
) -> "subprocess.CompletedProcess[str]":
    """`codemill verify` where /tmp is a file system of 1 MiB that is nearly full; answers go to `folder`."""
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    verify_rows = [sys.executable, "-m", "posttrain.cli", "verify", str(folder / "rows.jsonl")]
    command = [*verify_rows, "-o", str(folder / "out.jsonl"), "--json"]
    alone = ["unshare", "--mount", "sh", "-c", WITH_LITTLE_ROOM.format(filled=filled), "sh", *command]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": "/tmp", "XDG_CACHE_HOME": str(folder)}
    return subprocess.run(
        alone, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=300, check=False
    )


@pytest.fixture
def folder_outside_tmp() -> Path:
    """Where the tests' /tmp is covered, answers have to stand elsewhere."""
    if (
        os.geteuid() != 0
        or subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0
    ):
        pytest.skip("no mount namespace to be had without rights of root")
    if ROOT.is_relative_to("/tmp"):
        pytest.skip("the checkout lies below /tmp, which these tests cover")
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / f"codemill-test-{os.getpid()}"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("filled", [1040000, 900000], ids=["nothing fits", "small builds fit"])
def test_a_full_tmp_is_infrastructure_and_never_a_compile_error(
    filled: int, folder_outside_tmp: Path, local_sandbox: LocalSandbox
) -> None:
    compiled = [
        name
        for name in ("c", "cpp", "go", "rust", "java")
        if shutil.which({"cpp": "g++", "c": "gcc", "rust": "rustc"}.get(name, name))
    ]
    rows = [
        {"id": f"{language} {kind}", "language": language, "code": code, "tests": suites(language)[kind]}
        for language in ("python", *compiled)
        for kind, code in (
            ("stdio", get_language(language).hello),
            ("function", getattr(get_language(language).gold, "code", "")),
        )
    ]
    try:
        done = verify_with_little_room(filled, folder_outside_tmp, rows)
        lines = (folder_outside_tmp / "out.jsonl").read_text().splitlines()
    finally:
        shutil.rmtree(folder_outside_tmp)
    assert "Traceback" not in done.stderr
    answers = {answer["id"]: answer for answer in map(json.loads, lines)}
    assert len(answers) == len(rows), done.stderr
    assert {answer["verdict"] for answer in answers.values()} <= {"pass", "infrastructure"}
    faults = [answer["reason"] for answer in answers.values() if answer["verdict"] == "infrastructure"]
    assert done.returncode == (1 if faults else 0)
    assert faults or not compiled
    unclear = {one for one in faults if not re.search("room|space|full", one, re.I)}
    assert unclear == set()
    assert answers["python stdio"]["verdict"] == "pass"


VERIFY_TWICE = """
import json, subprocess, sys
from pathlib import Path
answers = Path("/tmp/out.jsonl")
rows = str(Path(sys.argv[1]) / "rows.jsonl")
command = [sys.executable, "-m", "posttrain.cli", "verify", rows, "-o", str(answers), "--json"]
first = subprocess.run(command, capture_output=True, text=True)
kept = answers.read_text()
Path("/tmp/filler").unlink()
second = subprocess.run(command, capture_output=True, text=True)
whole = answers.read_text()
print(json.dumps([first.returncode, first.stderr, kept, second.returncode, second.stderr, whole]))
"""


def test_a_disk_that_takes_no_more_answers_is_said_and_no_answer_is_lost(
    folder_outside_tmp: Path, local_sandbox: LocalSandbox
) -> None:
    """The file of answers stands on the full disk; on one with room, the same command goes on."""
    rows = [{"id": n, "language": "python", "code": f"print({n})", "tests": stdio(str(n))} for n in range(40)]
    (folder_outside_tmp / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [sys.executable, "-c", VERIFY_TWICE, str(folder_outside_tmp)]
    alone = ["unshare", "--mount", "sh", "-c", WITH_LITTLE_ROOM.format(filled=1040000), "sh", *command]
    try:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder_outside_tmp)}
        done = subprocess.run(
            alone, capture_output=True, text=True, env=environment, timeout=300, check=False
        )
    finally:
        shutil.rmtree(folder_outside_tmp)
    first, said, kept, second, later, whole = json.loads(done.stdout)
    assert (first, second) == (1, 0), said + later
    assert "No space left on device" in said
    assert "then rerun the same command to resume" in said
    assert "Traceback" not in said + later
    assert kept.endswith("\n")
    assert whole.startswith(kept)
    assert sorted(json.loads(line)["row"] for line in whole.splitlines()) == list(range(1, 41))


COVERED_HOME = """
mount -t tmpfs {options} none /mnt &&
{{ head -c 1m /dev/zero > /mnt/filler; true; }} 2> /dev/null && exec "$@"
"""


@pytest.mark.parametrize(
    ("options", "wanted"), [("-o ro", "pass"), ("-o size=64k", "infrastructure")], ids=["read-only", "full"]
)
def test_a_home_that_takes_nothing_is_done_without_or_said(
    options: str, wanted: str, folder_outside_tmp: Path, local_sandbox: LocalSandbox
) -> None:
    """Where the drivers of compiled languages are kept."""
    need("c")
    row = {
        "id": "c",
        "language": "c",
        "code": getattr(get_language("c").gold, "code", ""),
        "tests": suites("c")["function"],
    }
    (folder_outside_tmp / "rows.jsonl").write_text(json.dumps(row) + "\n")
    rows, out = str(folder_outside_tmp / "rows.jsonl"), str(folder_outside_tmp / "out")
    command = [sys.executable, "-m", "posttrain.cli", "verify", rows, "-o", out, "--json"]
    alone = ["unshare", "--mount", "sh", "-c", COVERED_HOME.format(options=options), "sh", *command]
    try:
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "XDG_CACHE_HOME": "/mnt",
            "TMPDIR": str(folder_outside_tmp),
        }
        done = subprocess.run(
            alone, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=120, check=False
        )
        answer = json.loads((folder_outside_tmp / "out").read_text())
    finally:
        shutil.rmtree(folder_outside_tmp)
    assert "Traceback" not in done.stderr
    assert answer["verdict"] == wanted, answer
    assert wanted == "pass" or "No space left on device" in answer["reason"]
    assert wanted == "pass" or "XDG_CACHE_HOME" in answer["reason"]
