"""Problems and samples of public benchmarks become rows. The problems here are our own, in the public
shapes."""

import base64
import gzip
import json
import pickle
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from synth import table_files
from synth.errors import UserError
from synth.execution.local.sandbox import LocalSandbox
from synth.languages.registry import get_language
from synth.languages.toolchain import find_toolchain
from synth.records import Limits, Outcome
from synth.unpacking import MB, TooLargeError, inflate
from synth.verify.answers import make_answer
from synth.verify.formats import livecodebench
from synth.verify.formats.livecodebench import read_cases
from synth.verify.formats.registry import all_formats, get_format
from synth.verify.formats.samples import sample_entries
from synth.verify.formats.spec import BenchmarkSample
from synth.verify.formats.tables import Problems
from synth.verify.rows import RowError, VerifyRow, prepare
from tests.builders import Run

Row = dict[str, Any]

PROMPT = 'def shout(word: str) -> str:\n    """The word in capitals."""\n'
CHECK = "\ndef check(candidate):\n    assert candidate('ab') == 'AB'\n    assert candidate('') == ''\n"
UP, DOWN = "    return word.upper()\n", "    return word.lower()\n"
HALF = 'def half(x):\n    """Half of x."""\n'


def packed(cases: list[Row]) -> str:
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(cases)))).decode()


PUBLIC = [{"input": "[1, 2]\n3", "output": "6", "testtype": "functional"}]
PRIVATE = [{"input": "[]\n4", "output": "4", "testtype": "functional"}]
STDIN = [{"input": "5\n", "output": "25\n", "testtype": "stdin"}]
SQUARE, CUBE = "print(int(input()) ** 2)\n", "print(int(input()) ** 3)\n"
SOLUTION = "class Solution:\n    def reduce(self, xs: List[int], k: int) -> int:\n        return {}\n"

# format: problem, right sample, wrong sample
EXAMPLES: dict[str, tuple[str, Row, Row, Row]] = {
    "humaneval": (
        "humaneval",
        {
            "task_id": "HumanEval/900",
            "prompt": PROMPT,
            "test": CHECK,
            "entry_point": "shout",
            "canonical_solution": UP,
        },
        {"task_id": "HumanEval/900", "completion": UP},
        {"task_id": "HumanEval/900", "completion": DOWN},
    ),
    "mbpp": (
        "mbpp",
        {
            "task_id": 9001,
            "text": "…",
            "code": "",
            "test_list": ["assert inc(1) == 2", "assert inc(N) == 8"],
            "test_setup_code": "N = 7",
        },
        {"task_id": 9001, "completion": "def inc(x):\n    return x + 1\n"},
        {"task_id": "Mbpp/9001", "solution": "def inc(x):\n    return 2\n"},
    ),
    "evalplus with a test script": (
        "evalplus",
        {
            "task_id": 9002,
            "code": "",
            "prompt": "words",
            "test_imports": ["import math"],
            "test_list": [],
            "test": "assert math.floor(area(2)) == 4\n",
        },
        {"task_id": "Mbpp/9002", "solution": "def area(x):\n    return x * x\n"},
        {"task_id": 9002, "solution": "def area(x):\n    return x\n"},
    ),
    "evalplus with inputs": (
        "evalplus",
        {
            "task_id": "HumanEval/901",
            "prompt": HALF,
            "entry_point": "half",
            "canonical_solution": "    return x / 2\n",
            "base_input": [[1], [2]],
            "plus_input": [[0.3]],
            "test": "def check(candidate):\n    assert candidate(2) == 1\n",
            "atol": 0,
            "contract": "",
        },
        {"task_id": "HumanEval/901", "completion": "    return x * 0.5000000001\n"},
        {"task_id": "HumanEval/901", "completion": "    return x // 2\n"},
    ),
    "evalplus with an oracle": (
        "evalplus",
        {
            "task_id": "Mbpp/2",
            "prompt": '"""Find the shared elements."""\n',
            "entry_point": "shared",
            "canonical_solution": "\ndef shared(a, b):\n    return tuple(set(a) & set(b))\n",
            "base_input": [[[1, 2], [2, 3]]],
            "plus_input": [[[], [1]]],
            "atol": 0,
        },
        {"task_id": "Mbpp/2", "solution": "def shared(a, b):\n    return [one for one in a if one in b]\n"},
        {"task_id": "Mbpp/2", "solution": "def shared(a, b):\n    return a\n"},
    ),
    "multipl-e python": (
        "multipl-e",
        {
            "name": "HumanEval_900_shout",
            "language": "py",
            "prompt": PROMPT,
            "tests": f"{CHECK}\ncheck(shout)\n",
            "stop_tokens": ["\ndef"],
        },
        {"name": "HumanEval_900_shout", "completion": UP},
        {"name": "HumanEval_900_shout", "completion": DOWN},
    ),
    "multipl-e c++": (
        "multipl-e",
        {
            "name": "HumanEval_902_inc",
            "language": "cpp",
            "prompt": "#include<assert.h>\nlong inc(long x) {\n",
            "tests": "}\nint main() {\n    auto candidate = inc;\n    assert(candidate((1)) == (2));\n}\n",
        },
        {"name": "HumanEval_902_inc", "completion": "    return x + 1;\n"},
        {"name": "HumanEval_902_inc", "completion": "    return x;\n"},
    ),
    "mceval": (
        "mceval",
        {
            "task_id": "JavaScript/900",
            "prompt": "…",
            "test": "if (twice(2) !== 4) { throw new Error('assertion failed') }",
            "entry_point": "twice",
        },
        {
            "task_id": "JavaScript/900",
            "raw_generation": ["Here:\n```js\nfunction twice(x) { return 2 * x }\n```\nDone."],
        },
        {"task_id": "JavaScript/900", "raw_generation": ["```js\nfunction twice(x) { return x }\n```"]},
    ),
    "livecodebench functional": (
        "livecodebench",
        {
            "question_id": "q900",
            "public_test_cases": json.dumps(PUBLIC),
            "private_test_cases": packed(PRIVATE),
            "metadata": json.dumps({"func_name": "reduce"}),
            "starter_code": "class Solution:",
        },
        {"question_id": "q900", "code_list": [SOLUTION.format("sum(xs) + k")]},
        {"question_id": "q900", "code_list": [SOLUTION.format("sum(xs)")]},
    ),
    "livecodebench stdin": (
        "livecodebench",
        {
            "question_id": "q901",
            "public_test_cases": json.dumps(STDIN),
            "private_test_cases": json.dumps(STDIN),
            "metadata": "{}",
        },
        {"question_id": "q901", "code_list": [SQUARE]},
        {"question_id": "q901", "code_list": [CUBE]},
    ),
    "apps stdin": (
        "apps",
        {
            "problem_id": 900,
            "input_output": json.dumps({"inputs": ["2\n", ["3", ""]], "outputs": ["4", ["9"]]}),
        },
        {"task_id": 900, "solution": SQUARE},
        {"problem_id": 900, "solution": CUBE},
    ),
    "apps call": (
        "apps",
        {
            "problem_id": 901,
            "input_output": json.dumps(
                {"fn_name": "pair", "inputs": [[1, 2], [3, 4]], "outputs": [[[2, 1]], [[4, 3]]]}
            ),
        },
        {"problem_id": 901, "solution": "def pair(a, b):\n    return (b, a)\n"},
        {"problem_id": 901, "solution": "def pair(a, b):\n    return (a, b)\n"},
    ),
    "code-contests": (
        "code-contests",
        {
            "name": "900_A. Squares",
            "public_tests": {"input": ["2\n"], "output": ["4\n"]},
            "private_tests": {"input": [], "output": []},
            "generated_tests": [{"input": "-3\n", "output": "9\n"}],
        },
        {"name": "900_A. Squares", "solution": SQUARE, "language": "python"},
        {"name": "900_A. Squares", "solution": CUBE, "language": "python"},
    ),
    "bigcodebench": (
        "bigcodebench",
        {
            "task_id": "BigCodeBench/900",
            "code_prompt": "import re\ndef task_func(text):\n",
            "complete_prompt": 'import re\ndef task_func(text):\n    """Words of the text."""\n',
            "instruct_prompt": "…",
            "canonical_solution": "    return re.findall(r'\\w+', text)",
            "test": (
                "import unittest\nclass TestCases(unittest.TestCase):\n"
                "    def setUp(self):\n        self.text = 'a b'\n"
                "    def test_two(self):\n        self.assertEqual(task_func(self.text), ['a', 'b'])\n"
            ),
            "entry_point": "task_func",
            "libs": "['re']",
        },
        {
            "task_id": "BigCodeBench/900",
            "solution": "def task_func(text):\n    return re.findall('[a-z]', text)",
        },
        {"task_id": "BigCodeBench/900", "completion": "    return [text]\n"},
    ),
    "cruxeval-output": (
        "cruxeval-output",
        {"id": "sample_0", "code": "def f(x):\n    return [x] * 2", "input": "'a'", "output": "['a', 'a']"},
        {"task_id": "sample_0", "completion": "['a'] + ['a']  # twice"},
        {"id": "sample_0", "completions": ["['a', 'b']"]},
    ),
    "cruxeval-input": (
        "cruxeval-input",
        {"id": "sample_0", "code": "def f(x):\n    return x % 3", "input": "4", "output": "1"},
        {"id": "sample_0", "completion": "f(7)"},
        {"id": "sample_0", "completion": "1"},
    ),
    "ds1000": (
        "ds1000",
        {
            "metadata": {"problem_id": 7, "library": "Pandas", "perturbation_type": "Origin"},
            "prompt": "…",
            "reference_code": "result = sum(xs)",
            "code_context": (
                "CONTEXT = 'xs = [1, 2]\\n[insert]\\n'\n"
                "def test_execution(solution):\n    names = {}\n"
                "    exec(CONTEXT.replace('[insert]', solution), names)\n    assert names['result'] == 3\n"
                "def test_string(solution):\n    assert 'for' not in solution\n"
            ),
        },
        {"id": 7, "code": ["```python\nresult = sum(xs)\n```\nIt adds them."], "metadata": {"problem_id": 7}},
        {"id": 7, "code": "result = 0\nfor x in xs: result += x\n</code>"},
    ),
    "humanevalpack": (
        "humanevalpack",
        {
            "task_id": "Rust/900",
            "prompt": "fn main(){}\n\n/*\nTwice.\n*/\nfn twice(x:i32) -> i32{\n",
            "declaration": "\nfn twice(x:i32) -> i32{\n",
            "import": "",
            "test_setup": "",
            "test": (
                "#[cfg(test)]\nmod tests {\n    use super::*;\n    #[test]\n    fn test_twice() {\n"
                "        assert!(twice(2) == 4);\n    }\n}\n"
            ),
            "entry_point": "twice",
            "buggy_solution": "    return x;\n}\n",
        },
        {"task_id": "Rust/900", "completion": "\n    return x * 2;\n}\n\nfn other() {\n"},
        {"task_id": "Rust/900", "raw_generation": "```rust\nfn twice(x:i32) -> i32{\n    return x;\n}\n```"},
    ),
    "mdeval": (
        "mdeval",
        {
            "question_id": "CPP/900",
            "buggy_code": "int inc(int x) { return x; }",
            "canonical_solution": "int inc(int x) { return x + 1; }",
            "test": "int main() {\n    assert(inc(1) == 2);\n}",
            "instruction": "…",
        },
        {
            "question_id": "CPP/900",
            "llm_response": "```cpp\nint inc(int x) { return x + 1; }\n```\n```cpp\nint main() {}\n```",
        },
        {"question_id": "CPP/900", "llm_response": "```cpp\nint inc(int x) { return x + 2; }\n```"},
    ),
}


def rows(tmp_path: Path, form: str, problem: Row, *samples: Row) -> list[VerifyRow]:
    (tmp_path / "problems.jsonl").write_text(
        json.dumps({**problem, problem_name(problem): "other"}) + "\n" + json.dumps(problem) + "\n"
    )
    (tmp_path / "samples.jsonl").write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    return [
        entry.read()
        for entry in sample_entries(tmp_path / "samples.jsonl", form, tmp_path / "problems.jsonl", None, "")
    ]


def problem_name(problem: Row) -> str:
    return next(
        field
        for field in ("task_id", "question_id", "problem_id", "name", "id", "metadata")
        if field in problem
    )


@pytest.mark.parametrize("example", EXAMPLES)
def test_right_samples_pass_and_wrong_ones_do_not(
    example: str, tmp_path: Path, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    form, problem, right, wrong = EXAMPLES[example]
    prepared = [prepare(row, "row", Limits()) for row in rows(tmp_path, form, problem, right, wrong)]
    language = get_language(prepared[0].request.language)
    if find_toolchain(language.name) is None:
        pytest.skip(f"toolchain missing: {language.install}")
    answers = [
        make_answer(p, o)
        for p, o in zip(prepared, run(local_sandbox.execute([p.request for p in prepared])), strict=True)
    ]
    assert [answer.verdict for answer in answers] == [Outcome.PASS, Outcome.WRONG_ANSWER], answers


def test_every_format_has_an_example() -> None:
    assert {form for form, *_ in EXAMPLES.values()} == {form.name for form in all_formats()}


def test_the_find_zero_rule_of_evalplus_asks_for_a_root(
    tmp_path: Path, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    problem = {
        "task_id": "HumanEval/32",
        "prompt": "def find_zero(xs: list):\n",
        "entry_point": "find_zero",
        "canonical_solution": "    return 1.0\n",
        "base_input": [[[-1, 0, 1]]],
        "plus_input": [],
        "atol": 1e-4,
    }
    samples = [{"task_id": "HumanEval/32", "completion": f"    return {root}\n"} for root in ("-1.0", "1.5")]
    prepared = [prepare(row, "row", Limits()) for row in rows(tmp_path, "evalplus", problem, *samples)]
    answers = [
        make_answer(p, o)
        for p, o in zip(prepared, run(local_sandbox.execute([p.request for p in prepared])), strict=True)
    ]
    assert [answer.verdict for answer in answers] == [Outcome.PASS, Outcome.WRONG_ANSWER]


def test_lua_tests_of_multipl_e_do_not_end_the_process() -> None:
    problem = {
        "name": "x",
        "language": "lua",
        "prompt": "",
        "tests": "lu = require('luaunit')\nos.exit(lu.LuaUnit.run())",
    }
    assert "os.exit(lu" not in str(
        get_format("multipl-e").convert(problem, BenchmarkSample("", True, "")).tests["script"]
    )


MCEVAL = (
    "C C# CPP CoffeeScript Common_Lisp Dart Elixir Emacs_Lisp Erlang F# Fortran Go Groovy Haskell Java "
    "JavaScript Julia Kotlin Lua PHP Pascal Perl PowerShell Python R Racket Ruby Rust Scala Scheme Shell "
    "Swift Tcl TypeScript VimScript Visual_Basic"
)
MULTIPL_E = (
    "adb clj cpp cs d dart el elixir fs go_test.go hs java jl js kt lua matlab ml pas php pl py r rb rkt rs "
    "scala scm sh swift tcl ts zig"
)


@pytest.mark.parametrize("name", MCEVAL.split())
def test_every_language_of_mceval_has_script_mode_here(name: str) -> None:
    problem = {"task_id": f"{name.replace('_', ' ')}/1", "prompt": "", "test": ""}
    assert (
        get_language(get_format("mceval").convert(problem, BenchmarkSample("", True, "")).language).script
        is not None
    )


@pytest.mark.parametrize("name", MULTIPL_E.split())
def test_every_language_of_multipl_e_that_is_known_here_has_script_mode(name: str) -> None:
    problem = {"name": "x", "language": name, "prompt": "", "tests": ""}
    assert (
        get_language(get_format("multipl-e").convert(problem, BenchmarkSample("", True, "")).language).script
        is not None
    )


# --- files ---

MBPP = [{"task_id": n, "test_list": [f"assert f() == {n}"], "code": ""} for n in range(30)]


def write_parquet(path: Path) -> Path:
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(MBPP), path / "test-0.parquet", row_group_size=7)
    return path / "test-0.parquet"


def write_arrow(path: Path) -> Path:
    import pyarrow

    table = pyarrow.Table.from_pylist(MBPP)
    folder = path / "saved"
    folder.mkdir()
    with (
        pyarrow.OSFile(str(folder / "data-00000-of-00001.arrow"), "wb") as sink,
        pyarrow.ipc.new_stream(sink, table.schema) as writer,
    ):
        writer.write_table(table)
    return folder


def write_text(path: Path, name: str) -> Path:
    text = json.dumps(MBPP) if name.endswith(".json") else "\n".join(map(json.dumps, MBPP))
    (path / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path / name


WRITERS: dict[str, Callable[[Path], Path]] = {
    "jsonl": lambda path: write_text(path, "p.jsonl"),
    "json": lambda path: write_text(path, "p.json"),
    "gz": lambda path: write_text(path, "p.jsonl.gz"),
    "parquet": write_parquet,
    "datasets folder": write_arrow,
}


@pytest.mark.parametrize("kind", WRITERS)
def test_problems_are_found_by_name_in_every_kind_of_file(kind: str, tmp_path: Path) -> None:
    problems = WRITERS[kind](tmp_path)
    samples = tmp_path / "samples.jsonl"
    samples.write_text(
        "".join(json.dumps({"task_id": n, "solutions": ["a", "b"]}) + "\n" for n in (29, 0, 8))
    )
    entries = list(sample_entries(samples, "mbpp", problems, None, ""))
    assert [entry.number for entry in entries] == [1, 2, 3, 4, 5, 6]
    assert len({entry.key for entry in entries}) == 6
    made = [entry.read() for entry in entries]
    assert [row.id for row in made] == ["29#0", "29#1", "0#0", "0#1", "8#0", "8#1"]
    assert [row.code for row in made] == ["a", "b"] * 3
    assert ["== 29" in str(made[0].tests), "== 8" in str(made[5].tests)] == [True, True]


BAD_SAMPLES = [
    ('{"task_id": 1}', "has no program"),
    ('{"completion": "x"}', "has none of the fields that name its problem"),
    ('{"task_id": 77, "completion": "x"}', "problem 77"),
    ('{"task_id": 1, "completion": 3}', "must be a string"),
    ('{"task_id": 1', "is not JSON"),
    ("[]", "must be a JSON object"),
]


@pytest.mark.parametrize(("line", "words"), BAD_SAMPLES)
def test_a_bad_sample_is_refused_with_file_and_line_and_the_others_are_read(
    line: str, words: str, tmp_path: Path
) -> None:
    problems, samples = write_text(tmp_path, "p.jsonl"), tmp_path / "samples.jsonl"
    samples.write_text(
        f'{{"task_id": 1, "completion": "x"}}\n\n{line}\n{{"task_id": 2, "completion": "y"}}\n'
    )
    first, bad, last = sample_entries(samples, "mbpp", problems, None, "")
    with pytest.raises(RowError, match=r"samples\.jsonl:3") as caught:
        bad.read()
    assert words in str(caught.value)
    assert (first.read().code, last.read().code) == ("x", "y")


def test_a_problem_of_another_format_is_refused(tmp_path: Path) -> None:
    problems, samples = write_text(tmp_path, "p.jsonl"), tmp_path / "samples.jsonl"
    samples.write_text('{"task_id": 1, "completion": "x"}\n')
    (entry,) = sample_entries(samples, "humaneval", problems, None, "")
    with pytest.raises(RowError, match="field test"):
        entry.read()


def test_unknown_formats_and_files_are_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--format humaneval"):
        get_format("humanevla")
    (tmp_path / "s.jsonl").write_text("{}\n")
    with pytest.raises(UserError, match="must be a file of problems"):
        next(sample_entries(tmp_path / "s.jsonl", "mbpp", tmp_path / "nothing", None, ""))
    (tmp_path / "p.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match="cannot be read"):
        next(sample_entries(tmp_path / "s.jsonl", "mbpp", tmp_path / "p.parquet", None, ""))


def test_a_pickle_that_would_run_something_is_refused() -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (print, ("escaped",))

    hostile = base64.b64encode(zlib.compress(pickle.dumps(Evil()))).decode()
    with pytest.raises(RowError, match="has no place in test cases"):
        read_cases(hostile)
    assert read_cases(packed(PRIVATE)) == PRIVATE


def test_test_cases_that_unpack_to_too_much_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(livecodebench, "_MOST_BYTES", 2 * MB)
    fits, bomb = "0" * MB, "0" * (3 * MB)
    assert read_cases(packed([{"input": fits, "output": ""}]))[0]["input"] == fits
    with pytest.raises(RowError, match="more than 2 MB unpacked"):
        read_cases(packed([{"input": bomb, "output": ""}]))


def test_a_bomb_is_never_unpacked_whole() -> None:
    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(bytes(8 * MB)) for _ in range(150)) + packer.flush()
    tracemalloc.start()
    with pytest.raises(TooLargeError, match="16 MB"):
        inflate(bomb, 16 * MB)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert held < 40 * MB


def test_a_pickle_whose_memo_would_fill_the_memory_is_refused() -> None:
    hostile = base64.b64encode(zlib.compress(b"\x80\x02X\x01\x00\x00\x00ar\xff\xff\xff\x7f.")).decode()
    with pytest.raises(RowError, match="memo of 2147483647"):
        read_cases(hostile)


@pytest.mark.parametrize("kind", ["jsonl.gz", "json.gz", "parquet", "arrow"])
def test_a_file_of_problems_that_unpacks_to_too_much_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    monkeypatch.setattr(table_files, "MOST_HELD", 4 * MB)
    path, rows = tmp_path / f"p.{kind}", [{"task_id": str(n), "test": "0" * MB} for n in range(8)]
    write_problems(path, rows)
    assert path.stat().st_size < MB
    with pytest.raises(UserError, match="more than 4 MB unpacked") as caught:
        Problems(path, get_format("humaneval")).find("7", "s.jsonl:1")
    assert str(path) in str(caught.value)
    write_problems(path, rows[:2])
    assert Problems(path, get_format("humaneval")).find("1", "s.jsonl:1") == rows[1]


def write_problems(path: Path, rows: list[Row]) -> None:
    lines = "\n".join(map(json.dumps, rows)).encode()
    if path.name.endswith(".gz"):
        path.write_bytes(gzip.compress(json.dumps(rows).encode() if ".json." in path.name else lines))
    elif path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path, compression="zstd")
    else:
        table = pyarrow.Table.from_pylist(rows)
        options = pyarrow.ipc.IpcWriteOptions(compression="zstd")
        with pyarrow.ipc.new_stream(str(path), table.schema, options=options) as out:
            out.write_table(table, max_chunksize=1)
