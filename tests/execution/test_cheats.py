# ruff: noqa: E501  # programs are data: one a line
"""Programs that try to be taken for correct ones without computing the answer. None may pass."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

from synth.execution.local import LocalSandbox
from synth.execution.verdict import judge
from synth.languages.registry import get_language
from synth.languages.spec import find_toolchain
from synth.records import Case, EvidenceRank, ExecutionRequest, FunctionCall, FunctionContract, Limits, Outcome, TestSuite

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]

SIGNATURE = "(int) -> int"
INPUTS = tuple((f"i{n}",) for n in range(1, 7))
SUITE = TestSuite(
    task_id="t",
    contract=FunctionContract(entry_point="solve", signature=SIGNATURE),
    cases=tuple(Case(arguments=row, expected=f"i{(n + 1) * (n + 1) + 7}") for n, row in enumerate(INPUTS)),
    rank=EvidenceRank.REFERENCE,
)
"""The function to write is x * x + 7."""

FIND_NONCE = """
import sys
frame, nonce = sys._getframe(), None
while frame is not None:
    nonce = frame.f_locals.get("nonce", nonce)
    frame = frame.f_back
"""
FORGE = """
import os
def lines(channel):
    for n in range(6):
        os.write(channel, f"{nonce} {n} returned i0\\n".encode())
    os.write(channel, f"{nonce} finished\\n".encode())
for channel in range(3, 400):
    try:
        lines(channel)
    except OSError:
        pass
"""

PYTHON = {
    "an empty stub": "def solve(x):\n    pass\n",
    "no program": "",
    "exit zero": "import sys\nsys.exit(0)\n",
    "exit zero when called": "import sys\ndef solve(x):\n    sys.exit(0)\n",
    "hard exit when called": "import os\ndef solve(x):\n    os._exit(0)\n",
    "print PASS": "print('PASS')\ndef solve(x):\n    print('OK passed 6/6')\n",
    "equal to everything": "class E:\n    def __eq__(self, o): return True\n    def __hash__(self): return 0\ndef solve(x):\n    return E()\n",
    "an int that equals everything": "class E(int):\n    def __eq__(self, o): return True\n    def __ne__(self, o): return False\n"
    "    __hash__ = int.__hash__\ndef solve(x):\n    return E(0)\n",
    "an int that prints something else": "class E(int):\n    def __repr__(self): return '8'\n    __str__ = __format__ = __repr__\n"
    "def solve(x):\n    return E(0)\n",
    "atexit": "import atexit, os\natexit.register(os._exit, 0)\nraise SystemExit\n",
    "a patched builtins": "import builtins\nbuiltins.type = lambda x: int\nbuiltins.len = lambda x: 0\nbuiltins.str = lambda x: 'i8'\n"
    "def solve(x):\n    return object()\n",
    "a patched os": "import os\nreal = os.write\nos.write = lambda fd, data: len(data)\nos._exit = lambda code: real(1, b'x')\n"
    "def solve(x):\n    return 0\n",
    "a patched module of the driver": "import sys\nmain = sys.modules['__main__']\nmain.encode = lambda value, tokens: tokens.append('i8')\n"
    "main._call = lambda function, line: 'returned i8'\ndef solve(x):\n    return 0\n",
    "forged lines with the nonce": FIND_NONCE + FORGE + "def solve(x):\n    return 0\n",
    "forged lines and an exit": FIND_NONCE + FORGE + "os._exit(0)\n",
    "forged lines without the nonce": "nonce = 'NONCE'\n" + FORGE + "def solve(x):\n    return 0\n",
    "a forged end after one case": FIND_NONCE + "import os\ndef solve(x):\n    for c in range(3, 400):\n        try:\n"
    "            os.write(c, f'{nonce} finished\\n'.encode())\n        except OSError: pass\n    os._exit(0)\n",
    "an answer read from garbage": "import gc\ndef solve(x):\n    found = [o for o in gc.get_objects() if isinstance(o, dict) and 'expected' in o]\n"
    "    return found[0]['expected'] if found else 0\n",
    "an answer read from a frame": "import sys\ndef solve(x):\n    frame = sys._getframe()\n    while frame:\n"
    "        for name in ('expected', 'answer', 'want', 'output'):\n            if name in frame.f_locals: return frame.f_locals[name]\n"
    "        frame = frame.f_back\n    return 0\n",
    "an answer read from a file": "import os\ndef solve(x):\n    for root, _, files in os.walk('/work'):\n        for name in files:\n"
    "            text = open(os.path.join(root, name), errors='replace').read()\n            if 'expected:' in text: return int(text.split('expected:')[1])\n"
    "    return 0\n",
    "killing the parent": "import os, signal\ndef solve(x):\n    os.kill(os.getppid(), signal.SIGKILL)\n    os.kill(-1, signal.SIGKILL)\n    return 0\n",
    "a fork that goes on alone": "import os\ndef solve(x):\n    if os.fork() == 0: os._exit(0)\n    os._exit(0)\n",
    "a generator": "def solve(x):\n    yield x * x + 7\n",
    "a float that is equal": "def solve(x):\n    return float(x * x + 7)\n",
    "a string that looks right": "def solve(x):\n    return str(x * x + 7)\n",
    "right once only": "def solve(x):\n    return 8\n",
    "an exception that lies": "class E(Exception):\n    def __str__(self): return 'returned i8'\ndef solve(x):\n    raise E\n",
    "a tracing hook": "import sys\ndef trace(frame, event, arg):\n    if 'result' in frame.f_locals: frame.f_locals['result'] = 8\n    return trace\n"
    "sys.settrace(trace)\ndef solve(x):\n    return 0\n",
}
JAVASCRIPT = {
    "an empty stub": "function solve(x) {}",
    "exit zero": "process.exit(0)",
    "exit zero when called": "function solve(x) { process.exit(0) }",
    "equal to everything": "function solve(x) { return { valueOf() { return 8 }, toString() { return '8' }, [Symbol.toPrimitive]() { return 8 } } }",
    "forged lines": "const fs = require('fs'); for (let n = 0; n < 6; n++) fs.writeSync(3, `NONCE ${n} returned i0\\n`); fs.writeSync(3, 'NONCE finished\\n'); process.reallyExit(0)",
    "patched built-ins": "Array.isArray = () => false; Number.isInteger = () => true; Array.prototype.join = () => 'i8'; function solve(x) { return 0 }",
    "a boxed number": "function solve(x) { return new Number(x * x + 7) }",
    "a promise": "async function solve(x) { return x * x + 7 }",
    "a string that looks right": "function solve(x) { return String(x * x + 7) }",
}
JAVA = {
    "an empty stub": "static long solve(long x) { return 0; }",
    "exit zero": "static { System.exit(0); } static long solve(long x) { return 0; }",
    "halt when called": "static long solve(long x) { Runtime.getRuntime().halt(0); return 0; }",
    "equal to everything": 'static Object solve(long x) { return new Object() { public boolean equals(Object o) { return true; } public String toString() { return "8"; } }; }',
    "a map of its own": "static Object solve(long x) { return new HashMap<Long, Long>() { public boolean equals(Object o) { return true; } }; }",
    "the driver's own class": 'class Solution { static long solve(long x) { try { var m = Class.forName("Driver").getDeclaredMethod("send", String.class);'
    ' m.setAccessible(true); for (int n = 0; n < 6; n++) m.invoke(null, "NONCE " + n + " returned i0"); m.invoke(null, "NONCE finished"); }'
    " catch (Exception e) {} Runtime.getRuntime().halt(0); return 0; } }",
    "a string that looks right": 'static String solve(long x) { return "" + (x * x + 7); }',
}
CPP = {
    "an empty stub": "long long solve(long long x) { return 0; }",
    "exit zero": "struct Early { Early() { exit(0); } } early; long long solve(long long x) { return 0; }",
    "exit zero when called": "long long solve(long long x) { _exit(0); }",
    "forged lines": '#include <unistd.h>\nlong long solve(long long x) { for (int n = 0; n < 6; n++) dprintf(3, "NONCE %d returned i0\\n", n);'
    ' dprintf(3, "NONCE finished\\n"); _exit(0); }',
    "equal to everything": "struct E { template <class T> bool operator==(const T&) const { return true; } }; E solve(long long x) { return {}; }",
    "a template of the driver": 'namespace codemill_driver { template <> void write(std::string& out, const std::vector<long long>&) { out += "i8"; } }'
    " vector<long long> solve(long long x) { return {}; }",
    "a constructor in a shared build": "__attribute__((constructor)) void early() { _exit(0); } long long solve(long long x) { return 0; }",
    "a string that looks right": "string solve(long long x) { return to_string(x * x + 7); }",
}
HONEST = {
    "python": "def solve(x):\n    return x * x + 7\n",
    "javascript": "function solve(x) { return x * x + 7 }",
    "java": "static long solve(long x) { return x * x + 7; }",
    "cpp": "long long solve(long long x) { return x * x + 7; }",
}
CHEATS = {"python": PYTHON, "javascript": JAVASCRIPT, "java": JAVA, "cpp": CPP}


@pytest.mark.parametrize("language", CHEATS)
def test_no_cheat_is_accepted_and_the_honest_program_beside_them_is(language: str, local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    if find_toolchain(language) is None:
        pytest.skip(f"{language}: toolchain missing; {get_language(language).install}")
    programs = {"honest": HONEST[language], **CHEATS[language]}
    call = FunctionCall(entry_point="solve", signature=SIGNATURE, arguments=INPUTS)
    limits = Limits(cpu_s=3, wall_s=20)
    requests = [ExecutionRequest(id=name, language=language, code=code, call=call, limits=limits) for name, code in programs.items()]
    verdicts = {o.request_id: judge(o, SUITE, "s") for o in run(local_sandbox.execute(requests))}
    accepted = [name for name, verdict in verdicts.items() if verdict.outcome is Outcome.PASS]
    assert accepted == ["honest"]
    faults = {name: verdict.first_failure for name, verdict in verdicts.items() if verdict.outcome is Outcome.INFRASTRUCTURE}
    assert faults == {}


def test_a_forged_line_on_the_channel_is_a_violation(local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    call = FunctionCall(entry_point="solve", signature=SIGNATURE, arguments=INPUTS)
    request = ExecutionRequest(id="r", language="python", code=PYTHON["forged lines without the nonce"], call=call)
    assert judge(run(local_sandbox.execute([request]))[0], SUITE, "s").outcome is Outcome.VIOLATION
