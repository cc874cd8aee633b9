"""The stack of a main thread: as deep as its limits say, at every level and in every language with a stack of
its own, and no memory before it is used."""

import pytest

from synth.execution.observations import request_key
from synth.execution.programs.program_plan import LanguageSetup, ProgramPlan, RunSecrets, plan_program
from synth.languages.registry import get_language
from synth.languages.toolchain import Toolchain
from synth.records import ExecutionRequest, Limits, Outcome, StdioCall, Stop
from synth.verify.rows import prepare, read_row
from synth.verify.verify import verify
from tests.execution.conftest import RunPython
from tests.languages.toolchains import need

DEEP = {
    "c": "#include <stdio.h>\nstatic int down(int n) { volatile char room[200]; room[0] = 1;\n"
    "  return n ? room[0] + down(n - 1) : 0; }\n"
    'int main(void) { int n; scanf("%d", &n); printf("%d\\n", down(n)); return 0; }\n',
    "rust": 'fn down(n: u64) -> u64 { let text = format!("{}", n); if n == 0 { 0 } else '
    "{ (text.len() > 0) as u64 + down(n - 1) } }\n"
    "fn main() { let mut line = String::new(); std::io::stdin().read_line(&mut line).unwrap();\n"
    '  println!("{}", down(line.trim().parse().unwrap())); }\n',
    "python": "import functools, sys\nsys.setrecursionlimit(1 << 20)\n@functools.lru_cache(None)\n"
    "def down(n):\n    return n and 1 + down(n - 1)\nprint(down(int(input())))\n",
    "java": "import java.util.Scanner;\npublic class Main {\n"
    "  static int down(int n) { return n == 0 ? 0 : 1 + down(n - 1); }\n"
    "  public static void main(String[] words) {\n"
    "    System.out.println(down(new Scanner(System.in).nextInt())); } }\n",
    "kotlin": "fun down(n: Int): Int = if (n == 0) 0 else 1 + down(n - 1)\n"
    "fun main() { println(down(readLine()!!.trim().toInt())) }\n",
    "javascript": "function down (n) { return n === 0 ? 0 : 1 + down(n - 1) }\n"
    "console.log(down(Number(require('fs').readFileSync(0, 'utf8'))))\n",
    "ruby": "def down(n)\n  n == 0 ? 0 : 1 + down(n - 1)\nend\nputs down(gets.to_i)\n",
    "csharp": "using System;\nclass Program { static int Down(int n) { return n == 0 ? 0 : 1 + Down(n - 1); }"
    "  static void Main() { Console.WriteLine(Down(int.Parse(Console.ReadLine().Trim()))); } }\n",
    "commonlisp": '(defun down (n) (if (= n 0) 0 (+ 1 (down (- n 1)))))\n(format t "~a~%" (down (read)))\n',
}


def row(language: str, **limits: int) -> dict[str, object]:
    tests = {"kind": "stdio", "cases": [{"stdin": "200000\n", "stdout": "200000\n"}]}
    return {"id": language, "language": language, "code": DEEP[language], "tests": tests, "limits": limits}


@pytest.mark.parametrize("language", sorted(DEEP))
def test_a_depth_of_200000_is_possible_where_the_row_says_so(language: str) -> None:
    need(language)
    rows = [row(language, stack_mb=256, memory_mb=1024), {**row(language, stack_mb=1), "id": "shallow"}]
    found = {answer.id: answer for answer in verify(rows, row_limits=True)}
    assert (found[language].verdict, found[language].reason) == (Outcome.PASS, "")
    if language not in ("commonlisp", "csharp", "java", "kotlin"):  # theirs is deeper from the start
        assert found["shallow"].verdict is Outcome.RUNTIME_ERROR, found["shallow"]


def test_the_stack_of_a_job_is_as_its_limits_say_and_the_program_may_raise_it(run_python: RunPython) -> None:
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_STACK)[0] >> 20)\n"
    raised = "resource.setrlimit(resource.RLIMIT_STACK, (1 << 29, -1))\n"
    assert run_python(code + raised, stack_mb=100).stdout.data == b"100\n"
    assert run_python(code).stdout.data == b"8\n"
    assert run_python(code, stack_mb=100, memory_mb=64).stdout.data == b"64\n"


def test_reserved_address_space_is_no_memory_and_used_memory_is(run_python: RunPython) -> None:
    reserved = (
        "import threading\nthreading.stack_size(300 << 20)\nmeet = threading.Barrier(2, timeout=5)\n"
        "threads = [threading.Thread(target=meet.wait) for _ in range(2)]\n"
        "for one in threads: one.start()\nfor one in threads: one.join()\nprint('met')\n"
    )
    assert run_python(reserved, memory_mb=128).stdout.data == b"met\n"
    greedy = run_python("import time\nheld = b'x' * (300 << 20)\ntime.sleep(3)\nprint('kept')", memory_mb=128)
    assert greedy.stop is Stop.MEMORY or (greedy.exit_code != 0 and b"MemoryError" in greedy.stderr.data)
    assert greedy.stdout.data == b""


def test_an_endless_recursion_ends_in_a_large_stack_too(run_python: RunPython) -> None:
    code = (
        "import sys\nsys.setrecursionlimit(1 << 30)\n"
        "class Deep:\n    def __getattr__(self, name): return getattr(self, name + 'x')\nDeep().y\n"
    )
    ended = run_python(code, stack_mb=64, memory_mb=256)
    assert ended.signal is not None or ended.stop is Stop.MEMORY


def plan(language: str, **limits: int) -> ProgramPlan:
    found = get_language(language)
    tools = {name: f"/opt/{name}" for name in found.tools}
    setup = LanguageSetup(found, Toolchain(tools, "1", "abc"), "A", "")
    request = ExecutionRequest(
        id="r", language=language, code="x", call=StdioCall(stdins=("",)), limits=Limits(**limits)
    )
    made = plan_program(setup, request, RunSecrets("n" * 32, "end_0"))
    assert isinstance(made, ProgramPlan)
    return made


def test_runtimes_with_a_stack_of_their_own_are_told_its_size() -> None:
    assert "-Xss64m" in plan("java").run_command
    assert "-Xss312m" in plan("java", stack_mb=256).run_command
    assert "-Xss57m" in plan("kotlin", stack_mb=1).run_command
    assert "--stack-size=1024" in plan("javascript").run_command
    assert f"--stack-size={249 << 10}" in plan("javascript", stack_mb=256).run_command
    assert "64MB" in plan("commonlisp").run_command
    assert "RUBY_THREAD_VM_STACK_SIZE" not in plan("ruby").environment
    assert plan("ruby", stack_mb=256).environment["RUBY_THREAD_VM_STACK_SIZE"] == str(256 << 20)


def test_another_stack_than_the_usual_one_starts_cold() -> None:
    assert plan("python").starts_warm
    assert not plan("python", stack_mb=256).starts_warm


def test_the_stack_stays_within_the_memory_limit() -> None:
    assert "-Xss156m" in plan("java", stack_mb=4096, memory_mb=100).run_command


def test_the_usual_stack_leaves_keys_of_requests_as_they_were() -> None:
    request = ExecutionRequest(id="a", language="python", code="pass\n", call=StdioCall(stdins=("",)))
    assert request_key(request) == "d642ae9a2678cf4016905d9714d6aa3a"
    deeper = request.model_copy(update={"limits": Limits(stack_mb=64)})
    assert request_key(deeper) != request_key(request)


def test_a_row_may_lower_the_stack_and_raise_it_only_where_that_is_allowed() -> None:
    lowered = prepare(read_row(row("c", stack_mb=4), "r"), "r", Limits(stack_mb=16))
    assert lowered.request.limits.stack_mb == 4
