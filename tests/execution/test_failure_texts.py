"""What a failed program said: the exception and not its stack, and a want of memory in every kind of test."""

import pytest

from synth.execution.programs.failure_texts import compiler_text, exception_text
from synth.records import Captured, Outcome
from synth.verify.verify import verify
from tests.languages.toolchains import need

NODE = """/work/main.js:2
  throw new TypeError('the third item is missing')
  ^

TypeError: the third item is missing
    at third (/work/main.js:2:9)
    at Object.<anonymous> (/work/main.js:4:1)
    at Module._compile (node:internal/modules/cjs/loader:1521:14)
    at Object..js (node:internal/modules/cjs/loader:1623:10)
    at Module.load (node:internal/modules/cjs/loader:1266:32)
    at node:internal/main/run_main_module:28:49

Node.js v20.20.2
"""
JAVA = (
    'Exception in thread "main" java.lang.IllegalStateException: no plan\n\tat Main.plan(Main.java:3)\n'
    "\tat Main.main(Main.java:7)\nCaused by: java.io.IOException: no file\n\tat Main.read(Main.java:9)\n"
    "\t... 2 more\n"
)
OVERFLOW = 'Exception in thread "main" java.lang.StackOverflowError\n' + "\tat Main.down(Main.java:2)\n" * 50
MONO = (
    "\nUnhandled Exception:\nSystem.DivideByZeroException: Attempted to divide by zero.\n"
    "  at P.Main () [0x00004] in <a1>:0 \n[ERROR] FATAL UNHANDLED EXCEPTION: System.DivideByZeroException: "
    "Attempted to divide by zero.\n  at P.Main () [0x00004] in <a1>:0 \n"
)
RUBY = "main.rb:2:in `third': no item (IndexError)\n" + "\tfrom main.rb:4:in `each'\n" * 30
PHP = (
    "PHP Fatal error:  Uncaught LogicException: no item in /work/main.php:3\nStack trace:\n"
    + "#0 /work/main.php(5): third()\n" * 20
    + "#1 {main}\n  thrown in /work/main.php on line 3\n"
)
GO = "panic: no item\n\ngoroutine 1 [running]:\nmain.main()\n\t/work/main.go:5 +0x1d\nexit status 2\n" * 1
PYTHON = (
    'Traceback (most recent call last):\n  File "/work/main.py", line 9, in <module>\n'
    + '    down(3)\n  File "/work/main.py", line 3, in down\n' * 12
    + "ValueError: no item\n"
)
LUA = "lua: main.lua:1: no item\nstack traceback:\n\t[C]: in function 'error'\n\tmain.lua:1: in main chunk\n"
TCL = 'no item\n    while executing\n"error {no item}"\n    (file "main.tcl" line 1)\n'


@pytest.mark.parametrize(
    ("said", "begins", "ends"),
    [
        (NODE, "/work/main.js:2", "TypeError: the third item is missing"),
        (JAVA, 'Exception in thread "main" java.lang.IllegalStateException: no plan', "IOException: no file"),
        (OVERFLOW, 'Exception in thread "main" java.lang.StackOverflowError', "StackOverflowError"),
        (MONO, "Unhandled Exception:\nSystem.DivideByZeroException", "divide by zero."),
        (RUBY, "main.rb:2:in `third': no item (IndexError)", "no item (IndexError)"),
        (PHP, "PHP Fatal error:  Uncaught LogicException: no item", "main.php:3"),
        (GO, "panic: no item", "panic: no item"),
        (PYTHON, "ValueError: no item", "ValueError: no item"),
        (LUA, "lua: main.lua:1: no item", "no item"),
        (TCL, "no item", '"error {no item}"'),
        ("plain words\n", "plain words", "plain words"),
        ("    at work on it\n", "at work on it", "at work on it"),
    ],
)
def test_the_exception_is_shown_and_not_its_stack(said: str, begins: str, ends: str) -> None:
    shown = exception_text(Captured(head=said, length=len(said)))
    assert shown.startswith(begins) and shown.endswith(ends) and len(shown) <= 300


def test_the_name_is_found_where_the_end_holds_frames_only() -> None:
    frames = "\tat Main.down(Main.java:2)\n" * 80
    captured = Captured(head="java.lang.StackOverflowError\n" + frames, tail=frames, length=90_000)
    assert exception_text(captured) == "java.lang.StackOverflowError"


def test_a_long_message_keeps_its_name() -> None:
    shown = exception_text(Captured(head="noise\n" * 90 + "AssertionError: " + "[1, 2] " * 200))
    assert shown.startswith("AssertionError: [1, 2]") and len(shown) <= 300


def test_text_without_an_exception_shows_its_end() -> None:
    assert exception_text(Captured(head="a" * 1000 + "the end")).endswith("the end")


def test_a_compiler_is_quoted_from_its_first_error() -> None:
    said = (
        "main.cpp: In function 'int main()':\nmain.cpp:3:5: error: 'x' was not declared\n" + "  note\n" * 90
    )
    assert compiler_text(Captured(head=said)).startswith("main.cpp:3:5: error: 'x' was not declared")


TOO_MUCH = {
    "python": "held = b'x' * (1 << 46)",
    "cpp": "#include <cstdio>\nint main() { char* held = new char[1ull << 46]; held[1] = 1; "
    'printf("%p", (void*)held); }',
    "ruby": "held = 'x' * (1 << 46)",
    "java": "public class Main { public static void main(String[] words) { "
    "System.out.println(new long[Integer.MAX_VALUE - 8].length); } }",
    "javascript": "const held = []; while (true) held.push(new Array(100000).fill(1.5))",
    "rust": 'fn main() { let held: Vec<u8> = Vec::with_capacity(1 << 46); println!("{}", held.capacity()); }',
    "d": "import std.stdio; void main() { auto held = new ubyte[1UL << 46]; writeln(held.length); }",
}


@pytest.mark.parametrize("language", sorted(TOO_MUCH))
def test_a_want_of_memory_is_the_memory_limit_over_stdin_and_stdout(language: str) -> None:
    need(language)
    tests = {"kind": "stdio", "cases": [{"stdin": "", "stdout": "1"}]}
    (answer,) = verify([{"id": "a", "language": language, "code": TOO_MUCH[language], "tests": tests}])
    assert answer.verdict is Outcome.MEMORY_LIMIT, answer.reason


def test_a_want_of_memory_is_the_memory_limit_in_every_kind_of_test_and_the_word_alone_is_not() -> None:
    grows = "def f(x):\n    return len(b'x' * (1 << 46))\n"
    says = "def f(x):\n    raise ValueError('MemoryError')\n"
    call = {"kind": "function", "entry_point": "f", "signature": "(int) -> int",
            "cases": [{"input": [1], "output": 1}]}  # fmt: skip
    script = {"kind": "script", "script": "if f(1) != 1: raise RuntimeError('no')"}
    stdio = {"kind": "stdio", "cases": [{"stdin": "", "stdout": "1"}]}
    for code, wanted in ((grows, Outcome.MEMORY_LIMIT), (says, Outcome.RUNTIME_ERROR)):
        rows = [
            {"id": str(at), "language": "python", "code": code + more, "tests": tests}
            for at, (tests, more) in enumerate([(call, ""), (script, ""), (stdio, "print(f(1))\n")])
        ]
        assert [answer.verdict for answer in verify(rows)] == [wanted] * 3


@pytest.mark.parametrize(
    ("script", "verdict"),
    [
        ("if {[twice 3] != 6} { error {three is wrong} }", Outcome.WRONG_ANSWER),
        (
            "proc assertEqual {a b} { if {$a ne $b} { error $a } }\nassertEqual [twice 3] 6",
            Outcome.WRONG_ANSWER,
        ),
        ("if {[missing 3] != 6} { error {three is wrong} }", Outcome.RUNTIME_ERROR),
    ],
)
def test_a_failed_test_of_tcl_is_a_wrong_answer_and_another_error_is_not(
    script: str, verdict: Outcome
) -> None:
    need("tcl")
    code = "proc twice {x} { return [expr {$x ** 2}] }\n"
    tests = {"kind": "script", "script": script}
    (answer,) = verify([{"id": "a", "language": "tcl", "code": code, "tests": tests}])
    assert answer.verdict is verdict, answer.reason
