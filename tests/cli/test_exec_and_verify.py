"""`codemill exec` and `codemill verify` as a person types them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from synth.languages.registry import all_languages
from synth.languages.toolchain import find_toolchain

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.usefixtures("local_sandbox")

ADD = {
    "kind": "function",
    "entry_point": "add",
    "signature": "(int, int) -> int",
    "cases": [{"input": [1, 2], "output": 3}],
}


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "posttrain.cli", *map(str, words)]


def codemill(*words: object, text: bool = True) -> "subprocess.CompletedProcess[Any]":
    return subprocess.run(command(*words), capture_output=True, text=text, cwd=ROOT, timeout=120, check=False)


def write_rows(path: Path, count: int, body: str = "return a + b") -> Path:
    rows = [
        {"id": f"r{n}", "language": "python", "code": f"# {n}\ndef add(a, b):\n    {body}\n", "tests": ADD}
        for n in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def answers(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


# --- exec ---


def test_exec_runs_a_program_on_its_input(tmp_path: Path) -> None:
    (tmp_path / "sum.py").write_text(
        "import sys\nprint(sum(map(int, input().split())))\nprint('note', file=sys.stderr)\n"
    )
    (tmp_path / "in.txt").write_text("1 2 3\n")
    done = codemill("exec", tmp_path / "sum.py", "--stdin", tmp_path / "in.txt")
    assert (done.returncode, done.stdout) == (0, "6\n"), done.stderr
    assert "note" in done.stderr
    assert "pass: 0." in done.stderr


def test_exec_says_how_a_program_failed(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("print('before')\nraise ValueError('no')\n")
    done = codemill("exec", tmp_path / "p.txt", "--lang", "py")
    assert (done.returncode, done.stdout) == (1, "before\n")
    assert "runtime_error" in done.stderr
    assert "ValueError: no" in done.stderr


def test_exec_judges_by_tests_and_speaks_json(tmp_path: Path) -> None:
    (tmp_path / "add.py").write_text("def add(a, b):\n    return a - b\n")
    (tmp_path / "tests.json").write_text(json.dumps(ADD))
    done = codemill("exec", tmp_path / "add.py", "--tests", tmp_path / "tests.json", "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 1
    assert (answer["verdict"], answer["cases"][0]["found"], answer["trust"]) == ("wrong_answer", "-1", "T2")
    table = codemill("exec", tmp_path / "add.py", "--tests", tmp_path / "tests.json")
    assert "wrong_answer 0 of 1" in table.stderr
    assert "expected 3, found -1" in table.stderr


def test_exec_gives_a_program_what_is_piped_in(tmp_path: Path) -> None:
    (tmp_path / "sum.py").write_text("print(sum(map(int, input().split())))\n")
    words = command("exec", tmp_path / "sum.py", "--stdin", "-")
    done = subprocess.run(
        words, input="40 2\n", capture_output=True, text=True, cwd=ROOT, timeout=120, check=False
    )
    assert (done.returncode, done.stdout) == (0, "42\n"), done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1, 2]", "must be a JSON object, but is a list"),
        ("1 2", "is not JSON"),
        ('{"kind": "stdio"', "is not JSON"),
        ("", "is not JSON"),
    ],
)
def test_tests_that_are_no_json_object_are_refused_with_an_example(
    text: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "p.py").write_text("")
    (tmp_path / "tests.json").write_text(text)
    done = codemill("exec", tmp_path / "p.py", "--tests", tmp_path / "tests.json")
    assert done.returncode == 2
    assert words in done.stderr
    assert 'fix: write tests such as {"kind": "stdio"' in done.stderr


def test_exec_prints_two_megabytes_and_reads_fifty_whole(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text("import sys\nprint('x' * (2 << 20), len(sys.stdin.read()))\n")
    (tmp_path / "in").write_text(("y" * 99 + "\n") * 500_000)
    done = codemill("exec", tmp_path / "p.py", "--stdin", tmp_path / "in")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "x" * (2 << 20) + " 50000000\n"


BAD_FILES: list[tuple[str, bytes, tuple[str, ...], str]] = [
    ("p.py", b"x = '\xff'\n", (), "byte 0xff at 5, in line 1"),
    ("p.xyz", b"", (), "does not belong to a known language"),
    ("p.py", b"", ("--lang", "pyhton"), "write python"),
    ("p.py", b"", ("--cpu-s", "0"), "--cpu-s 0.0\n  must be greater than 0\n  fix: --cpu-s 5"),
    ("p.py", b"", ("--cpu-s", "-1"), "--cpu-s -1.0\n  must be greater than 0"),
    ("p.py", b"", ("--cpu-s", "nan"), "--cpu-s nan\n  must be a finite number"),
    ("p.py", b"", ("--wall-s", "1e400"), "--wall-s inf\n  must be a finite number"),
    ("p.py", b"", ("--cpu-s", "1e12"), "--cpu-s 1000000000000.0\n  must be less than or equal to 3600"),
    (
        "p.py",
        b"",
        ("--memory-mb", "1"),
        "--memory-mb 1\n  must be greater than or equal to 64\n  fix: --memory-mb 512",
    ),
    (
        "p.py",
        b"",
        ("--memory-mb", str(10**12)),
        "--memory-mb 1000000000000\n  must be less than or equal to 1048576",
    ),
    ("p.py", b"", ("--output-bytes", "0"), "--output-bytes 0\n  must be greater than or equal to 1024"),
    ("p.py", b"", ("--minimum-level", "Z"), "must be A, B or C"),
    ("p.py", b"", ("--stdin", "/nowhere"), "stdin /nowhere\n  cannot be read"),
    ("p.py", b"", ("--tests", "p.py"), "tests p.py\n  cannot be read"),
]


@pytest.mark.parametrize(("name", "content", "options", "words"), BAD_FILES)
def test_exec_refuses_bad_files_and_options(
    name: str, content: bytes, options: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    done = codemill("exec", tmp_path / name, *options)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("content", [b"", b"x = '\0'\n", b"#" * (50 << 20)], ids=["empty", "NUL", "50 MB"])
def test_exec_gives_odd_programs_a_verdict(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "p.py").write_bytes(content)
    done = codemill("exec", tmp_path / "p.py", "--json")
    verdict = json.loads(done.stdout)["verdict"]
    assert (verdict, done.returncode) == (("pass", 0) if not content else ("parse_error", 1))


# --- verify ---


def test_verify_answers_every_row_and_a_second_run_runs_nothing(tmp_path: Path) -> None:
    rows, out = write_rows(tmp_path / "rows.jsonl", 12), tmp_path / "out.jsonl"
    first = codemill("verify", rows, "-o", out, "--json")
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["verdicts"] == {"pass": 12}
    assert sorted(answer["id"] for answer in answers(out)) == sorted(f"r{n}" for n in range(12))
    before = out.read_bytes()
    second = codemill("verify", rows, "-o", out, "--json")
    assert json.loads(second.stdout)["run"] == 0
    assert out.read_bytes() == before


def test_with_a_cache_a_second_verify_executes_nothing(tmp_path: Path) -> None:
    rows, cache = write_rows(tmp_path / "rows.jsonl", 12), tmp_path / "cache"
    first, second = (
        codemill("verify", rows, "-o", tmp_path / name, "--cache", cache, "--json", "--cpu-s", "4")
        for name in ("first", "second")
    )
    assert [json.loads(done.stdout)["cached"] for done in (first, second)] == [0, 12], (
        first.stderr + second.stderr
    )
    assert sorted((tmp_path / "first").read_text().splitlines()) == sorted(
        (tmp_path / "second").read_text().splitlines()
    )
    other = codemill("verify", rows, "-o", tmp_path / "other", "--cache", cache, "--json", "--cpu-s", "3")
    assert json.loads(other.stdout)["cached"] == 0


def test_rows_whose_tests_accept_a_control_are_marked_and_named(tmp_path: Path) -> None:
    tests = {"kind": "function", "entry_point": "f", "signature": "(int) -> int"}
    cases = {"weak": [{"input": [0], "output": 0}], "good": [{"input": [3], "output": 6}]}
    rows = [
        {
            "id": n,
            "language": "python",
            "code": "def f(x): return x * 2",
            "tests": {**tests, "cases": cases[n]},
        }
        for n in cases
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = codemill("verify", tmp_path / "rows.jsonl", "-o", tmp_path / "out", "--controls")
    assert done.returncode == 1
    assert "rows whose tests accept a program that solves nothing: 1" in done.stderr
    assert "row 1 (weak): a stub, PASS on stdout, its own argument" in done.stderr
    marks = {answer["id"]: answer["accepts"] for answer in answers(tmp_path / "out")}
    assert marks == {"weak": ["a stub", "PASS on stdout", "its own argument"], "good": []}


def test_a_cache_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", 1)
    done = codemill("verify", rows, "-o", tmp_path / "out", "--cache", rows)
    assert done.returncode == 2
    assert "must be a writable folder" in done.stderr


def test_rows_that_could_not_run_are_reported_with_reasons_and_counted_apart(tmp_path: Path) -> None:
    missing = next(
        (language.name for language in all_languages() if find_toolchain(language.name) is None), ""
    )
    if not missing:
        pytest.skip("every toolchain is here")
    rows = write_rows(tmp_path / "rows.jsonl", 3)
    tests = {"kind": "stdio", "cases": [{"stdin": "", "stdout": ""}]}
    with rows.open("a") as more:
        more.writelines(
            json.dumps({"id": n, "language": missing, "code": "", "tests": tests}) + "\n" for n in "ab"
        )
    for _ in range(2):  # asked again by the next one
        done = codemill("verify", rows, "-o", tmp_path / "out")
        assert done.returncode == 1
        assert f"2 could not be run: {missing}: toolchain_missing: install it: " in done.stderr
    assert "2 rows are tried again" in done.stderr
    assert [line.split() for line in done.stdout.splitlines() if "missing" in line or "pass" in line] == [
        ["pass", "0", "3"],
        ["toolchain_missing", "2", "2"],
    ]


def test_a_killed_verify_resumes_and_neither_loses_nor_repeats_an_answer(tmp_path: Path) -> None:
    count = 60
    rows, out = (
        write_rows(tmp_path / "rows.jsonl", count, "import time; time.sleep(0.05); return a + b"),
        tmp_path / "out.jsonl",
    )
    with subprocess.Popen(
        command("verify", rows, "-o", out, "--workers", "2"), cwd=ROOT, stderr=subprocess.DEVNULL
    ) as running:
        deadline = time.monotonic() + 60
        while (not out.exists() or out.read_bytes().count(b"\n") < 10) and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(running.pid, signal.SIGKILL)
    kept = out.read_bytes()
    done = kept.count(b"\n")
    assert 10 <= done < count
    again = codemill("verify", rows, "-o", out, "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["run"] == count - done
    assert out.read_bytes().startswith(kept[: kept.rindex(b"\n") + 1])
    assert sorted(answer["row"] for answer in answers(out)) == list(range(1, count + 1))


BAD_LINES = [
    (b'{"id": "x", "language": "python", "code": "\xff"}', "is not UTF-8 text"),
    (b'{"id": "x", ', "is not JSON"),
    (b"null", "must be a JSON object"),
    (json.dumps({"id": "x", "language": "klingon", "code": "", "tests": ADD}).encode(), "klingon"),
    (
        json.dumps(
            {
                "id": "x",
                "language": "python",
                "code": "",
                "tests": {**ADD, "cases": [{"input": ["1", 2], "output": 3}]},
            }
        ).encode(),
        "must be int",
    ),
    (
        json.dumps(
            {"id": "x", "language": "python", "code": "", "tests": ADD, "limits": {"cpu_s": 0}}
        ).encode(),
        "greater than 0",
    ),
]


@pytest.mark.parametrize(
    "bad",
    [
        {"\x1b[2J\n  fix: rm": 1},
        {"tests": {"kind": "\x1b[2J\u202e"}},
        {"language": "\x1b]0;owned\x07\x9b31m"},
        {"tests": {**ADD, "entry_point": "\x1b[2J"}},
        {"tests": {**ADD, "signature": "\x1b[2J"}},
        {"tests": {**ADD, "cases": [{"input": ["\x1b[2J", 2], "output": 3}]}},
    ],
)
@pytest.mark.parametrize("skip", [(), ("--skip-bad",)])
def test_a_row_cannot_control_the_terminal_by_being_refused(
    tmp_path: Path, bad: dict[str, object], skip: tuple[str, ...]
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"id": "x", "language": "python", "code": "", "tests": ADD} | bad))
    found = codemill("verify", rows, "-o", tmp_path / "out.jsonl", *skip)
    assert found.stderr.strip() and not set(found.stdout + found.stderr) & set("\x1b\x07\x9b\u202e\r")
    assert "\n  fix: rm" not in found.stderr, "a name must not look like our advice"


def test_every_bad_line_is_reported_before_anything_runs_or_is_overwritten(tmp_path: Path) -> None:
    rows, out = write_rows(tmp_path / "rows.jsonl", 2), tmp_path / "out.jsonl"
    assert codemill("verify", rows, "-o", out).returncode == 0
    before = out.read_bytes()
    with rows.open("ab") as more:
        more.write(b"\n".join(line for line, _ in BAD_LINES) + b"\n")
    refused = codemill("verify", rows, "-o", out)
    assert refused.returncode == 2
    assert out.read_bytes() == before
    for number, (_, words) in enumerate(BAD_LINES, start=3):
        assert f"rows.jsonl:{number}" in refused.stderr
        assert words in refused.stderr
    skipped = codemill("verify", rows, "-o", out, "--skip-bad", "--json")
    assert skipped.returncode == 0
    assert json.loads(skipped.stdout)["left_out"] == len(BAD_LINES)


def test_verify_reads_samples_beside_their_problems(tmp_path: Path) -> None:
    problem = {"task_id": 1, "test_list": ["assert f() == 1"], "code": ""}
    (tmp_path / "p.jsonl").write_text(json.dumps(problem) + "\n")
    (tmp_path / "s.jsonl").write_text(
        json.dumps({"task_id": 1, "solutions": ["def f(): return 1", "def f(): return 2"]}) + "\n"
    )
    done = codemill(
        "verify",
        tmp_path / "s.jsonl",
        "--format",
        "mbpp",
        "--problems",
        tmp_path / "p.jsonl",
        "-o",
        tmp_path / "o.jsonl",
        "--json",
    )
    assert json.loads(done.stdout)["verdicts"] == {"pass": 1, "wrong_answer": 1}, done.stderr


@pytest.mark.parametrize(
    "options", [("--format", "mbpp"), ("--problems", "x"), ("--cpu-s", "-1"), ("--minimum-level", "D")]
)
def test_impossible_options_are_refused(options: tuple[str, ...], tmp_path: Path) -> None:
    done = codemill("verify", write_rows(tmp_path / "rows.jsonl", 1), "-o", tmp_path / "out", *options)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def printing_row(prints: str, stdout: str) -> dict[str, object]:
    tests = {"kind": "stdio", "cases": [{"stdin": "", "stdout": stdout}]}
    return {"id": "r", "language": "python", "code": f"print({prints!r})", "tests": tests}


def test_one_option_replaces_the_rule_of_every_row_and_counts_as_another_command(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(printing_row("1   2.0000001", "1 2")) + "\n")
    (tmp_path / "near.yaml").write_text("kind: tokens\nrel: 1e-6\n")
    checker = "import sys; sys.exit(open(sys.argv[2]).read().split()[0] != '1')"
    (tmp_path / "check.py").write_text(checker)
    found = {}
    for at, rule in enumerate(
        ("exact", "{kind: tokens, rel: 1e-6}", tmp_path / "near.yaml", tmp_path / "check.py")
    ):
        out = tmp_path / f"{at}.jsonl"
        done = codemill("verify", tmp_path / "rows.jsonl", "-o", out, "--comparison", rule)
        assert done.returncode == 0, done.stderr
        (found[at],) = (answer["verdict"] for answer in answers(out))
    assert found == {0: "wrong_answer", 1: "pass", 2: "pass", 3: "pass"}
    again = codemill("verify", tmp_path / "rows.jsonl", "-o", tmp_path / "0.jsonl", "--comparison", "tokens")
    assert again.returncode == 2
    assert "0.jsonl" in again.stderr


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("token", "must be a kind of rule"),
        ("{kind: tokens, rel: -1}", "rel"),
        ("{kind: tokens, near: 1}", "near"),
        ("{kind: [", "is not YAML"),
        ("{kind: checker, language: python}", "code"),
        ("missing.yaml", "cannot be read"),
        ("values", "compares results of calls, but programs print text"),
        ("{kind: checker, language: klingon, code: x}", "klingon"),
    ],
)
def test_a_rule_that_is_none_or_does_not_fit_the_tests_is_refused_by_the_options_name(
    rule: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(printing_row("1", "1")) + "\n")
    done = codemill("verify", tmp_path / "rows.jsonl", "-o", tmp_path / "out", "--comparison", rule)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "--comparison" in done.stderr
    assert words in done.stderr
    assert not (tmp_path / "out").exists()


def test_exec_takes_the_same_rule_for_its_tests(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text("print('YES')\n")
    (tmp_path / "t.json").write_text('{"kind": "stdio", "cases": [{"stdin": "", "stdout": "yes"}]}')
    rule = "{kind: text, ignore_case: true}"
    done = codemill("exec", tmp_path / "p.py", "--tests", tmp_path / "t.json", "--comparison", rule)
    assert done.returncode == 0, done.stderr
    alone = codemill("exec", tmp_path / "p.py", "--comparison", rule)
    assert (alone.returncode, "needs tests" in alone.stderr) == (2, True)
