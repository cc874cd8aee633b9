"""Samples as the benchmarks' own runners write them, and answers of chat models to their problems. The
problems here are our own, in the public shapes."""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synth.errors import UserError
from synth.execution.local.sandbox import LocalSandbox
from synth.records import Limits, Outcome
from synth.verify.answers import VerifyResult, make_answer
from synth.verify.formats import sample_files, tables
from synth.verify.formats.code_contests import limits
from synth.verify.formats.cruxeval import Asked, expression
from synth.verify.formats.ds1000 import inserted
from synth.verify.formats.humaneval_pack import first_function
from synth.verify.formats.mbpp_plus import also_right, shape_of
from synth.verify.formats.mdeval import completed_imports
from synth.verify.formats.multipl_e import until_stop
from synth.verify.formats.registry import get_format
from synth.verify.formats.samples import sample_entries
from synth.verify.formats.spec import BenchmarkSample, RowParts
from synth.verify.formats.whole_functions import asked_name, fitted, with_imports
from synth.verify.rows import RowError, VerifyRow, prepare
from tests.builders import Run
from tests.languages.toolchains import need

Row = dict[str, Any]


def read(tmp_path: Path, form: str, problems: list[Row], samples: list[Row] | Path) -> list[VerifyRow]:
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(one) + "\n" for one in problems))
    if isinstance(samples, list):
        (tmp_path / "s.jsonl").write_text("".join(json.dumps(one) + "\n" for one in samples))
        samples = tmp_path / "s.jsonl"
    return [entry.read() for entry in sample_entries(samples, form, tmp_path / "p.jsonl", None, "")]


def judge(run: Run[Any], sandbox: LocalSandbox, rows: list[VerifyRow]) -> list[VerifyResult]:
    made = [prepare(row, "row", Limits(cpu_s=10), row_limits=True) for row in rows]
    seen = run(sandbox.execute([one.request for one in made]))
    return [make_answer(one, observation) for one, observation in zip(made, seen, strict=True)]


def verdicts(run: Run[Any], sandbox: LocalSandbox, rows: list[VerifyRow]) -> list[Outcome]:
    return [answer.verdict for answer in judge(run, sandbox, rows)]


# --- files of the runners ---

ADD = {"task_id": "Own/0", "test_list": ["assert add(1, 2) == 3"]}
SUB = {"task_id": "Own/1", "test_list": ["assert sub(3, 2) == 1"]}
CODE = {"Own/0": "def add(a, b): return a + b", "Own/1": "def sub(a, b): return a - b"}


def as_array(folder: Path) -> Path:
    (folder / "s.json").write_text(json.dumps([{"task_id": n, "code_list": [c]} for n, c in CODE.items()]))
    return folder / "s.json"


def as_object(folder: Path) -> Path:
    (folder / "s.json.gz").write_bytes(gzip.compress(json.dumps({n: [c] for n, c in CODE.items()}).encode()))
    return folder / "s.json.gz"


def as_lists(folder: Path) -> Path:
    (folder / "s.json").write_text(json.dumps([[code] for code in CODE.values()]))
    return folder / "s.json"


def as_packed_lines(folder: Path) -> Path:
    lines = "\n".join(json.dumps({"task_id": name, "solution": code}) for name, code in CODE.items())
    (folder / "s.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    return folder / "s.jsonl.gz"


def as_packed_files(folder: Path) -> Path:
    (folder / "out").mkdir()
    for number, (name, code) in enumerate(CODE.items()):
        text = json.dumps({"name": name, "completions": [code]}, indent=2).encode()
        (folder / "out" / f"{number}.json.gz").write_bytes(gzip.compress(text))
        (folder / "out" / f"{number}.results.json.gz").write_bytes(gzip.compress(b'{"name": "x"}'))
    return folder / "out"


def as_programs(folder: Path) -> Path:
    for name, code in CODE.items():
        place = folder / "out" / name.replace("/", "_")
        place.mkdir(parents=True)
        (place / "0.py").write_text(code)
    return folder / "out"


WRITERS = [as_array, as_object, as_lists, as_packed_lines, as_packed_files, as_programs]


@pytest.mark.parametrize("write", WRITERS)
def test_samples_are_read_as_their_runners_write_them(write: Callable[[Path], Path], tmp_path: Path) -> None:
    rows = read(tmp_path, "mbpp", [ADD, SUB], write(tmp_path))
    assert [row.code for row in rows] == list(CODE.values())
    assert ["add(1" in str(row.tests) for row in rows] == [True, False]


@pytest.mark.parametrize("whole", [[ADD, SUB], {"Own/0": ADD, "Own/1": SUB}, ADD])
def test_problems_are_read_from_one_json_value(whole: Row | list[Row], tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps(whole))
    (tmp_path / "s.jsonl").write_text(json.dumps({"task_id": "Own/0", "solution": CODE["Own/0"]}))
    (entry,) = sample_entries(tmp_path / "s.jsonl", "mbpp", tmp_path / "p.json", None, "")
    assert "add(1" in str(entry.read().tests)


def test_a_list_that_names_no_problem_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RowError, match="2 problems"):
        (tmp_path / "s.json").write_text(json.dumps([["a"], ["b"], ["c"]]))
        read(tmp_path, "mbpp", [ADD, SUB], tmp_path / "s.json")


@pytest.mark.parametrize("name", ["s.json", "s.json.gz"])
def test_samples_that_are_no_json_are_refused_in_words(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"[1,")
    with pytest.raises(RowError, match=r"is not JSON|cannot be read"):
        read(tmp_path, "mbpp", [ADD], tmp_path / name)
    (tmp_path / "empty").mkdir()
    with pytest.raises(RowError, match="holds no samples"):
        read(tmp_path, "mbpp", [ADD], tmp_path / "empty")


def test_a_json_file_that_memory_could_not_hold_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "big.json").touch()
    os.truncate(tmp_path / "big.json", 2 << 30)
    with pytest.raises(RowError, match="1024 MB"):
        list(sample_files.sample_lines(tmp_path / "big.json"))
    with pytest.raises(UserError, match="1024 MB"):
        tables.Problems(tmp_path / "big.json", get_format("mbpp"))


def test_a_link_out_of_a_folder_of_samples_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.jsonl").write_text(json.dumps({"task_id": "Own/0", "solution": "secret"}) + "\n")
    folder = as_packed_files(tmp_path)
    (folder / "link.jsonl").symlink_to(tmp_path / "secret.jsonl")
    assert "secret" not in [row.code for row in read(tmp_path, "mbpp", [ADD, SUB], folder)]


# --- names ---

SAME = [
    {"name": "A", "source": 1, "public_tests": {"input": ["1"], "output": ["1"]}},
    {"name": "A", "source": 2, "public_tests": {"input": ["1"], "output": ["2"]}},
]


def test_a_name_of_two_problems_is_refused_unless_the_sample_tells_them_apart(tmp_path: Path) -> None:
    with pytest.raises(RowError, match=r"is the name of 2 problems[\s\S]*source"):
        read(tmp_path, "code-contests", SAME, [{"name": "A", "solution": "print(2)"}])
    (row,) = read(tmp_path, "code-contests", SAME, [{"name": "A", "source": 2, "solution": "print(2)"}])
    assert "'2'" in str(row.tests)
    with pytest.raises(RowError, match="leave one problem of each name"):
        twice = {**ADD, "test_list": ["assert add(1, 2) == 4"]}
        read(tmp_path, "mbpp", [ADD, twice], [{"task_id": "Own/0", "solution": ""}])
    assert read(tmp_path, "mbpp", [ADD, ADD], [{"task_id": "Own/0", "solution": ""}])


@pytest.mark.parametrize(
    ("stated", "language"),
    [(2, "cpp"), (3, "python"), (4, "java"), ("PYTHON3", "python"), ("CPP", "cpp"), ("", "python")],
)
def test_the_languages_of_code_contests_are_numbers_or_names(
    stated: object, language: str, tmp_path: Path
) -> None:
    (row,) = read(tmp_path, "code-contests", SAME[:1], [{"name": "A", "solution": "", "language": stated}])
    assert row.language == language


@pytest.mark.parametrize("stated", [0, 1, "PYTHON"])
def test_python_2_and_unknown_languages_are_refused(stated: object, tmp_path: Path) -> None:
    with pytest.raises(RowError, match="cannot be run"):
        read(tmp_path, "code-contests", SAME[:1], [{"name": "A", "solution": "", "language": stated}])


# --- limits and files of a problem ---


def test_a_problem_states_its_limits() -> None:
    given = {"time_limit": {"seconds": 2, "nanos": 500_000_000}, "memory_limit_bytes": 256_000_000}
    assert limits(given) == {"cpu_s": 2.5, "memory_mb": 244}
    assert limits({"time_limit": None, "memory_limit_bytes": 0}) == {}
    assert limits({"time_limit": {"seconds": 0, "nanos": 0}}) == {}


FILES: Row = {"input_file": "task.in", "output_file": "task.out"}
PROGRAMS = {
    "python": "n = int(open('task.in').read())\nopen('task.out', 'w').write(str(n + 1))\nprint('noise')\n",
    "cpp": (
        '#include <fstream>\nint main() { std::ifstream i("task.in"); std::ofstream o("task.out"); int n; '
        "i >> n; o << n + 1; }\n"
    ),
    "javascript": (
        "const fs = require('fs');\n"
        "fs.writeFileSync('task.out', String(1 + Number(fs.readFileSync('task.in'))));"
    ),
}


def file_row(code: str, language: str, **files: str) -> VerifyRow:
    cases = [{"stdin": "5\n", "stdout": "6\n"}, {"stdin": "8\n", "stdout": "9\n"}]
    tests = {"kind": "stdio", "cases": cases, **files}
    return VerifyRow.model_validate({"id": "f", "language": language, "code": code, "tests": tests})


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_program_reads_and_writes_the_files_that_its_problem_names(
    language: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    need(language)
    assert verdicts(run, local_sandbox, [file_row(PROGRAMS[language], language, **FILES)]) == [Outcome.PASS]


@pytest.mark.parametrize(
    ("code", "files", "expected"),
    [
        ("print(int(open('in.txt').read()) + 1)", {"input_file": "in.txt"}, Outcome.PASS),
        ("open('o', 'w').write(str(int(input()) + 1))", {"output_file": "o"}, Outcome.PASS),
        ("print(int(input()) + 1)", FILES, Outcome.RUNTIME_ERROR),
        ("print(int(open('task.in').read()) + 1)", FILES, Outcome.WRONG_ANSWER),
        ("import sys\nopen('task.out', 'w').write('6')\nsys.exit(3)", FILES, Outcome.RUNTIME_ERROR),
        ("import os\nif open('task.in').read() == '5\\n': open('task.out', 'w').write('6')", FILES, "second"),
        ("while True: pass", FILES, Outcome.TIMEOUT),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", FILES, Outcome.RUNTIME_ERROR),
    ],
)
def test_what_a_program_leaves_in_its_output_file_is_judged(
    code: str, files: dict[str, str], expected: object, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    row = file_row(code, "python", **files)
    if expected is Outcome.TIMEOUT:
        row = row.model_copy(update={"limits": Limits(cpu_s=1)})
    (answer,) = judge(run, local_sandbox, [row])
    if expected == "second":
        assert [case.passed for case in answer.cases] == [True, False]
    else:
        assert answer.verdict == expected, answer.reason


def test_a_file_outside_of_the_working_folder_is_refused() -> None:
    for name in ("../x", "/etc/passwd", "a b", "a/b", ".."):
        with pytest.raises(ValueError, match="input_file"):
            file_row("", "python", input_file=name)


# --- answers ---

SHIFT = {
    "task_id": "HumanEval/950",
    "prompt": (
        "from typing import List\n\n\ndef up(s):\n    return s.upper()\n\n\n"
        'def down(words: List[str]) -> List[str]:\n    """Undo up."""\n'
    ),
    "entry_point": "down",
    "test": "def check(candidate):\n    assert candidate([up('ab')]) == ['ab']\n",
}
RIGHT = "def down(words: List[str]) -> List[str]:\n    return [word.lower() for word in words]"


@pytest.mark.parametrize(
    "answer",
    [
        f"```python\n{RIGHT}\n```",
        f"<think>\n```python\ndef down(words):\n    return words\n```\n</think>\n```python\n{RIGHT}\n```",
        f"```python\nfrom __future__ import annotations\n{RIGHT}\n```",
        "```python\n    return [word.lower() for word in words]\n```",
        f"```python\n{RIGHT}\n```\nTry it:\n```python\nprint(down(['A']))\nprint(down(['B', 'C', 'D']))\n```",
    ],
)
def test_the_prompt_gives_an_answer_its_imports_and_helpers(
    answer: str, tmp_path: Path, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    rows = read(tmp_path, "humaneval", [SHIFT], [{"task_id": "HumanEval/950", "raw_generation": answer}])
    assert verdicts(run, local_sandbox, rows) == [Outcome.PASS]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("<think>\nIt goes on and", "the answer was cut off"),
        ("```python\ndef down(words):\n    return [w", "the answer was cut off"),
        ("```python\n```\nSorry.", "the answer has no program"),
    ],
)
def test_a_truncated_answer_says_so_in_the_reason(
    answer: str, words: str, tmp_path: Path, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    rows = read(tmp_path, "humaneval", [SHIFT], [{"task_id": "HumanEval/950", "raw_generation": answer}])
    (found,) = judge(run, local_sandbox, rows)
    assert found.verdict is not Outcome.PASS
    assert found.reason.startswith(words)


@pytest.mark.parametrize(
    "completion",
    [
        "[BEGIN]\nX\n[DONE]\n[BEGIN]\nmore",
        "[BEGIN]X",
        "X\n[DONE]",
        "```python\nX\n```",
        "[BEGIN]\n```\nX\n```\n[DONE]",
    ],
)
def test_the_marks_of_mbpp_are_no_part_of_a_program(completion: str, tmp_path: Path) -> None:
    text = completion.replace("X", CODE["Own/0"])
    (row,) = read(tmp_path, "mbpp", [ADD], [{"task_id": "Own/0", "completion": text}])
    assert row.code.strip() == CODE["Own/0"]


# --- MultiPL-E ---

JAVA_PROMPT = (
    "import java.util.*;\nclass Problem {\n    // The area (of a field).\n"
    "    public static long area(long w, long h) {\n"
)
JAVA_TESTS = (
    "    }\n    public static void main(String[] args) {\n"
    "    assert(area((3l), (4l)) == (12l));\n    }\n\n}\n"
)
RUST_PROMPT, RUST_TESTS = (
    "/// One more.\nfn inc(x: isize) -> isize {\n",
    "}\n\nfn main() {\n    let candidate = inc;\n    assert_eq!(candidate(1), 2);\n}\n",
)
GO_PROMPT = (
    'package inc_test\n\nimport (\n    "testing"\n    "fmt"\n)\n\n// One more.\nfunc inc(x int) int {\n'
)
WHOLE = {
    "a method alone": (
        "java", JAVA_PROMPT, JAVA_TESTS, "public static long area(long w, long h) {\n    return w * h;\n}"
    ),
    "a class with a helper after it": (
        "java", JAVA_PROMPT, JAVA_TESTS,
        "import java.util.List;\n\nclass Problem {\n    public static long area(long w, long h) {\n"
        "        return times(w, h); // }\n    }\n\n"
        "    static long times(long a, long b) { return a * b; }\n}",
    ),
    "another class with a main": (
        "java", JAVA_PROMPT, JAVA_TESTS,
        "public class Main {\n    public static long area(long w, long h) {\n        return w * h;\n    }\n"
        "    public static void main(String[] args) {\n        System.out.println(area(1, 2));\n    }\n}",
    ),
    "helpers around it and a main": (
        "rust", RUST_PROMPT, RUST_TESTS,
        "use std::cmp::max;\nfn inc(x: isize) -> isize {\n    add(max(x, x), 1) // }\n}\n\n"
        "fn add(a: isize, b: isize) -> isize {\n    a + b\n}\n\n"
        "fn main() {\n    println!(\"{}\", inc(1));\n}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WHOLE)
def test_a_whole_function_fits_tests_that_close_its_brace(
    case: str, tmp_path: Path, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    language, prompt, tests, answer = WHOLE[case]
    need(language)
    problem = {"name": "x", "language": language, "prompt": prompt, "tests": tests, "stop_tokens": ["\n}"]}
    sample = {"name": "x", "raw_generation": f"```{language}\n{answer}\n```"}
    assert verdicts(run, local_sandbox, read(tmp_path, "multipl-e", [problem], [sample])) == [Outcome.PASS]


def test_an_answer_gets_the_lines_of_the_prompt_that_it_lacks() -> None:
    assert fitted("def f(x):\n    pass", "import os\n# words\ndef f(x):\n", "check(f)") == (
        "import os\ndef f(x):\n    pass"
    )
    own = "package main\n\nfunc inc(x int) int {\n\treturn x + 1\n}"
    assert fitted(own, GO_PROMPT, "func TestInc(t *testing.T) {\n}\n") == own


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        (JAVA_PROMPT, "area"),
        (RUST_PROMPT, "inc"),
        (GO_PROMPT, "inc"),
        ("#lang racket\n;; words (and more)\n(define (count_up n)\n", "count_up"),
        ("def f(x: int) -> int:\n", "f"),
        ("-- words(a)\nlocal function half(n)\n", "half"),
        ("", ""),
    ],
)
def test_the_function_that_a_prompt_begins_is_seen(prompt: str, name: str) -> None:
    assert asked_name(prompt) == name


def test_a_completion_ends_at_its_first_stop_token() -> None:
    assert until_stop("  a\n}\n\nfn b", ["\nfn", "\n}"]) == "  a"
    assert until_stop("  a\n}\n", []) == "  a\n}\n"


# --- rules of the formats ---


@pytest.mark.parametrize(
    ("task", "row", "shaped"),
    [
        ("2", "[[1, 2], [3]]", "((1, 2), (3,))"),
        ("63", "[[[1, 2], [3, 4]]]", "([(1, 2), (3, 4)],)"),
        ("75", "[[[1], [2]], 3]", "([(1,), (2,)], 3)"),
        ("106", "[[1], [2]]", "([1], (2,))"),
        ("115", "[[[1, 1], [], 3]]", "([{1}, {}, {}],)"),
        ("124", "['1.5', '(1+2j)']", "(1.5, (1+2j))"),
        ("250", "[[1, 2], 1]", "((1, 2), 1)"),
        ("252", "['1j']", "(1j,)"),
        ("259", "[[[1], [2]], [[3], [4]]]", "(((1,), (2,)), ((3,), (4,)))"),
        ("278", "[[1, [2], 'a']]", "((1, (2,), 'a'),)"),
        ("307", "[[1, [2]], 3, 4]", "((1, [2]), 3, 4)"),
        ("580", "[[1, [2, [3]]]]", "((1, (2, (3,))),)"),
        ("722", "[{'a': [1, 2]}, 5.0, 6]", "({'a': (1, 2)}, 5.0, 6)"),
    ],
)
def test_the_inputs_of_mbpp_plus_have_the_shapes_of_its_reader(task: str, row: str, shaped: str) -> None:
    code, around = shape_of(f"Mbpp/{task}")
    names: Row = {}
    exec(code, names)
    assert eval(f"{around('lambda *row: row')}(*{row})", names) == eval(shaped)


@pytest.mark.parametrize(
    ("task", "row", "found", "wanted", "right"),
    [
        ("2", "[(1, 2), (2, 3)]", "[2, 2]", "(2,)", True),
        ("2", "[(1, 2), (2, 3)]", "[1]", "(2,)", False),
        ("164", "[4, 9]", "None", "True", True),
        ("295", "[5]", "0", "6", True),
        ("295", "[5]", "5", "6", False),
        ("558", "[7, 12]", "6", "6", True),
        ("558", "[123, 7]", "7", "6", True),
        ("558", "[123, 7]", "6", "1", False),
        ("581", "[4, 6]", "67", "64", True),
        ("581", "[4, 6]", "66", "64", False),
        ("737", "['a']", "True", "object()", True),
        ("737", "['a']", "'a'", "object()", True),
        ("737", "['a']", "False", "object()", False),
        ("737", "['b']", "False", "None", True),
        ("737", "['b']", "'b'", "None", False),
    ],
)
def test_what_else_is_right_in_mbpp_plus_is_what_its_oracles_say(
    task: str, row: str, found: str, wanted: str, right: bool
) -> None:
    names = {"row": eval(row), "found": eval(found), "wanted": eval(wanted)}
    assert eval(also_right(f"Mbpp/{task}"), names) is right


@pytest.mark.parametrize(
    ("answer", "prompt", "made"),
    [
        ("int f() { return 1; }", "#include <a.h>\n// f\nint f()", "#include <a.h>\nint f() { return 1; }"),
        ("#include <a.h>\nint f();", "#include <a.h>\nint f()", "#include <a.h>\nint f();"),
        ("def f(): pass", "from typing import List\ndef f():", "from typing import List\ndef f(): pass"),
        ("package p\nfunc f() {}", 'package p\nimport "fmt"\nfunc f()', "package p\nfunc f() {}"),
        ("module M where\nf = 1", "import Data.List\nf ::", "module M where\nf = 1"),
        ("<?php\nf();", "<?php\nuse A;\n", "<?php\nf();"),
    ],
)
def test_an_answer_gets_the_imports_of_the_prompt_that_it_lacks(answer: str, prompt: str, made: str) -> None:
    assert with_imports(answer, prompt) == made


def mceval_row(named: str, sample: BenchmarkSample, prompt: str = "") -> RowParts:
    return get_format("mceval").convert({"task_id": f"{named}/1", "prompt": prompt, "test": "t"}, sample)


def test_the_scheme_tasks_of_mceval_are_run_as_its_evaluation_does() -> None:
    row = mceval_row("Scheme", BenchmarkSample("(define (f x) x)", True, ""))
    assert (row.language, row.code) == ("racket", "#lang racket\n(require rackunit)\n(define (f x) x)")
    assert mceval_row("Racket", BenchmarkSample("#lang racket\n(f)", True, "")).code == "#lang racket\n(f)"


@pytest.mark.parametrize("program", ["class A { }", "using System;\nusing System.Diagnostics;\nclass A { }"])
def test_programs_in_csharp_get_the_implicit_usings_of_a_project(program: str) -> None:
    sample = BenchmarkSample(program, True, "")
    repaired = get_format("mdeval").convert({"question_id": "C#/1", "test": "t"}, sample)
    for row in (mceval_row("C#", sample), repaired):
        assert row.language == "csharp"
        assert "using System.Linq;\n" in row.code
        assert row.code.endswith(program)
    assert repaired.code.count("using System.Diagnostics;") == 1


def test_other_tasks_have_no_oracle() -> None:
    assert {also_right(name) for name in ("Mbpp/3", "HumanEval/2", "Mbpp/x")} == {"False"}


def test_other_tasks_have_plain_inputs() -> None:
    assert [shape_of(name)[0] for name in ("Mbpp/3", "HumanEval/2", "Mbpp/x")] == ["", "", ""]


@pytest.mark.parametrize(
    ("text", "asked", "found"),
    [
        ("f(1) == [2]", "output", "[2]"),
        ("[2]", "output", "[2]"),
        ("assert f(1, 2) == 3", "input", "f(1, 2)"),
        ("Let me see.\n[ANSWER]f(4) == 3[/ANSWER]", "output", "3"),
        ("<think>f(9)</think>[ANSWER]\nassert f(4) == 3\n[/ANSWER]", "input", "f(4)"),
    ],
)
def test_the_expression_of_cruxeval_is_found(text: str, asked: Asked, found: str) -> None:
    assert (
        expression(BenchmarkSample(text, True, "", answer="[" in text[:30] and "ANSWER" in text), asked)
        == found
    )


@pytest.mark.parametrize(
    ("form", "answer", "expected"),
    [
        ("cruxeval-output", "f(4)", Outcome.WRONG_ANSWER),
        ("cruxeval-output", "2 or True", Outcome.WRONG_ANSWER),
        ("cruxeval-output", "", Outcome.WRONG_ANSWER),
        ("cruxeval-output", "1", Outcome.PASS),
        ("cruxeval-input", "f(1)", Outcome.PASS),
        ("cruxeval-input", "f(2)", Outcome.WRONG_ANSWER),
    ],
)
def test_an_answer_to_cruxeval_counts_by_its_value(
    form: str, answer: str, expected: Outcome, tmp_path: Path, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    problem = {"id": "sample_3", "code": "def f(x):\n    return x % 3", "input": "4", "output": "1"}
    rows = read(tmp_path, form, [problem], [{"id": "sample_3", "completion": answer}])
    assert verdicts(run, local_sandbox, rows) == [expected]


def test_the_marks_of_ds1000_are_taken_off() -> None:
    assert inserted("<code>\nx = 1\n</code>\nwords") == "\nx = 1\n"
    assert inserted("```python\nx = 1\n```\nwords") == "\nx = 1\n"
    assert inserted("x = 1\n# SOLUTION END\ny = 2") == "x = 1\n"


def test_a_completion_of_humanevalpack_ends_with_its_function() -> None:
    assert first_function("python", "    return 1\n\ndef g():\n    pass") == "    return 1\n"
    assert first_function("java", "  if (a) {}\n  }\n}\nclass B {}") == "  if (a) {}\n  }\n}"
    assert first_function("cpp", "  return 1;\n}\nint main() {}") == "  return 1;\n}"


def test_a_go_program_of_humanevalpack_imports_what_it_uses() -> None:
    problem = {
        "task_id": "Go/0",
        "prompt": 'import (\n    "math"\n)\n\n// sqrt of strings.\nfunc Root(x float64) float64 {\n',
        "declaration": "",
        "test_setup": 'package main\n\nimport (\n  "testing"\n  "github.com/stretchr/testify/assert"\n)\n',
        "test": "func TestRoot(t *testing.T) {\n    assert := assert.New(t)\n}\n",
        "entry_point": "Root",
    }
    sample = BenchmarkSample("    return math.Sqrt(x) + float64(sort.SearchInts(nil, 1))\n}\n", False, "")
    code = get_format("humanevalpack").convert(problem, sample).code
    imported = code[code.index("import (") : code.index(")")].split()[2:]
    assert imported == ['"github.com/stretchr/testify/assert"', '"math"', '"sort"', '"testing"']
    assert code.count("package main") == 1


def test_mdeval_gives_programs_what_its_tests_need() -> None:
    assert completed_imports("c", "int x;").startswith("#include <assert.h>\n")
    assert completed_imports("cpp", "#include<cassert>\n") == "#include<cassert>\n"
    assert completed_imports("scala", "object Main {\n  def f = 1\n}") == "object Main {\n  def f = 1\n"
    go = completed_imports("go", 'package main\n\nimport (\n\t"math"\n)\n')
    assert go.count("import (") == 1
    assert '"github.com/stretchr/testify/assert"' in go
    assert completed_imports("go", "func f() {}").startswith("package main\n")
