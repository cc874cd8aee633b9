"""Programs that are built or started together do not reach each other: no text, no code, no output, no
verdict of another one."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from synth.execution.local.sandbox import LocalSandbox
from synth.languages.cpp import batch_files, blame, can_share, parts
from synth.languages.support.elf import symbols
from synth.records import ExecutionRequest, FunctionCall, Observation, Phase
from synth.values import parse_signature
from tests.builders import Run
from tests.execution.started_sandbox import started_sandbox
from tests.languages.toolchains import need

NEIGHBOUR: Final = 1234567890123456789
OWN: Final = 987654321098765432
SEARCH_MEMORY: Final = """
import re
found = []
with open('/proc/self/maps') as maps, open('/proc/self/mem', 'rb', 0) as memory:
    for place, rights in (line.split()[:2] for line in maps if 'vvar' not in line and 'vsyscall' not in line):
        start, end = (int(part, 16) for part in place.split('-'))
        if rights.startswith('r'):
            memory.seek(start)
            found += re.findall(rb'zebr[a]\\d+|7a656272[6]1|0wn_text', memory.read(end - start))
print(sorted(set(found)))
def solve(x):
    return 0
"""
SEARCH_FILE: Final = f"""
long long solve(long long x) {{
    if (x == {OWN}) cerr << x;
    ifstream file("/proc/self/exe");
    string bytes((istreambuf_iterator<char>(file)), {{}});
    return bytes.find(string((const char*)&x, 8)) != string::npos;
}}
"""
ASK: Final = """
long long ask(long long x, int other) {
    int to[2], from[2];
    pipe(to), pipe(from);
    if (fork() == 0) {
        dup2(to[0], 0), dup2(from[1], 3), close(to[1]), close(from[0]);
        execl("/proc/self/exe", "program", to_string(other).c_str(), nullptr);
    }
    close(to[0]), close(from[1]);
    string request = "N\\nsolve\\ni\\ni\\n1\\ni" + to_string(x) + "\\n", said;
    write(to[1], request.data(), request.size()), close(to[1]);
    for (char c; read(from[0], &c, 1) == 1;) said += c;
    auto at = said.find("returned i");
    return at == string::npos ? -1 : stoll(said.substr(at + 10));
}
long long solve(long long x) { return x < 0 ? 5 : ask(-1, x); }
"""
"""Runs its own file once more, as the candidate with number x, and returns what that one answers."""


@pytest.fixture(scope="module")
def one_worker(run: Run[Any]) -> Iterator[LocalSandbox]:
    """With one thread, everything is built and started together."""
    with started_sandbox(run, LocalSandbox(workers=1, minimum_level="B")) as sandbox:
        yield sandbox


def execute(
    run: Run[Any], sandbox: LocalSandbox, language: str, codes: list[str], *inputs: int
) -> list[Observation]:
    need(language)
    call = FunctionCall(
        entry_point="solve", signature="(int) -> int", arguments=tuple((f"i{x}",) for x in inputs)
    )
    requests = [
        ExecutionRequest(id=str(n), language=language, code=code, call=call) for n, code in enumerate(codes)
    ]
    observations: list[Observation] = run(sandbox.execute(requests))
    return observations


def test_nothing_of_earlier_programs_is_left_in_the_memory_of_a_warm_start(
    one_worker: LocalSandbox, run: Run[Any]
) -> None:
    sizes = (10, 100, 1000, 10_000, 100_000) * 6
    earlier = [
        f"{'#' * size}\ndef solve(x):\n    print('zebra{n}' * 9)\n    return 'zebra' * {n}\n"
        for n, size in enumerate(sizes)
    ]
    observations = execute(run, one_worker, "python", [*earlier, f"# 0wn_text\n{SEARCH_MEMORY}"], 1, 2)
    assert observations[-1].stdout.head.strip() == "[b'0wn_text']"


def test_a_candidate_of_a_shared_build_cannot_read_the_code_of_another(
    one_worker: LocalSandbox, run: Run[Any]
) -> None:
    neighbour = f"long long solve(long long x) {{ return x == {NEIGHBOUR} ? 1 : 2; }}"
    observations = execute(run, one_worker, "cpp", [neighbour, SEARCH_FILE], NEIGHBOUR, OWN)
    assert [[case.output for case in o.cases] for o in observations] == [["i1", "i2"], ["i0", "i1"]]


def test_a_candidate_of_a_shared_build_cannot_run_another(one_worker: LocalSandbox, run: Run[Any]) -> None:
    neighbour = "long long solve(long long x) { return 6; }"
    observation = execute(run, one_worker, "cpp", [neighbour, ASK], 0, 1)[1]
    assert [case.output for case in observation.cases] == ["i-1", "i5"]


def test_a_candidate_cannot_have_another_refused_by_what_it_makes_the_compiler_say(
    one_worker: LocalSandbox, run: Run[Any]
) -> None:
    honest = "long long solve(long long x) { return x; }"
    names = "".join(
        f"\\n{name}:1:1: error: no" for name in ("candidate_0.cpp", "candidate0_0.cpp", "main.cpp")
    )
    hostile = f'long long solve(long long x) {{ static_assert(sizeof x == 1, "{names}"); return 0; }}'
    observations = execute(run, one_worker, "cpp", [honest, hostile, honest + "\n"], 1)
    assert [o.phase for o in observations] == [Phase.RUN, Phase.COMPILE, Phase.RUN]
    assert blame("candidate_0.cpp:1:1: error: no", [honest, hostile]) == {}


@pytest.mark.parametrize(
    "code",
    [
        "__attribute__((constructor)) void early() {}",
        "__attribute((constructor)) void early() {}",
        "[[gnu::constructor]] void early() {}",
        "[ [gnu::constructor]] void early() {}",
        "<:<:gnu::constructor:>:> void early() {}",
        "__attri\\\nbute__((constructor)) void early() {}",
        "void f() { candi\\\ndate_1::solve(1); }",
        "void f() { candidate_1::solve(1); }",
        "int f() {\n#define a b\n}",
        "int f() {\n/**/ #define a b\n}",
        "int f() { // \r#define a b\n}",
        "int f() {\n\0#define a b\n}",
        'int f() { asm(""); }',
        'int f() { } extern "C" int puts(const char*) { }',
        "int x = (exit(0), 1);",
        "struct A { A() { exit(0); } } a;",
        "int f() { } } int g() {",
    ],
)
def test_a_program_that_could_act_in_another_one_is_built_alone(code: str) -> None:
    assert not can_share(code)
    assert can_share("#include <vector>\r\nusing namespace std;\r\nint f() { return '#'; }\r\n")


def test_a_build_that_cannot_be_divided_is_not_shared() -> None:
    for program in (
        b"",
        b"\x7fELF\x01\x01",
        b"\x7fELF\x02\x01" + bytes(58),
        b"\x7fELF\x02\x01" + b"\xff" * 58,
    ):
        with pytest.raises(ValueError, match=r"ELF|program"):
            symbols(program)
        with pytest.raises(ValueError, match=r"ELF|program"):
            parts(program, 2)


def test_names_of_a_shared_build_depend_on_every_candidate() -> None:
    def names(*codes: str) -> set[str]:
        text = batch_files(codes, "solve", parse_signature("(int) -> int"))["main.cpp"]
        return {line for line in text.splitlines() if line.startswith("#line 1") and "main" not in line}

    assert not names("a", "b") & names("a", "c")
    assert names("a") == names("b")
