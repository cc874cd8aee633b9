"""Programs that do their worst: each kind in one or more languages, with the verdicts that it may get.

The one rule: a program never gets `infrastructure`, whatever it does, and hardly ever passes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Final

from synth.languages.registry import get_language
from synth.languages.toolchain import find_toolchain

Rows = dict[str, object]
_STDIO: Final = {"kind": "stdio", "cases": [{"stdin": "", "stdout": "never printed\n"}]}


@dataclass(frozen=True, slots=True)
class Pathology:
    """One kind of program in one language. `NUMBER` in its code makes each one unlike the others."""

    name: str
    language: str
    code: str
    verdicts: str
    function: str = ""
    """With a signature, the function `f` is called on 1, and should return 1."""

    def row(self, number: int) -> Rows:
        """The program as a row of `verify`."""
        case = {"input": [1], "output": 1 if self.function.endswith("int") else [1]}
        call = {"kind": "function", "entry_point": "f", "signature": self.function, "cases": [case]}
        code = self.code.replace("NUMBER", str(number))
        row_id = f"{self.name} {self.language} {number}"
        return {
            "id": row_id,
            "language": self.language,
            "code": code,
            "tests": call if self.function else _STDIO,
        }


_ENDED = "timeout runtime_error memory_limit output_limit violation wrong_answer"
_BUILT = "wrong_answer compile_error memory_limit runtime_error"
_UNREAD = "parse_error compile_error runtime_error timeout wrong_answer"

PATHOLOGIES: Final = (
    Pathology(
        "sleeper",
        "python",
        ("import time\ntime.sleep(600 + NUMBER)"),
        "timeout",
    ),
    Pathology(
        "sleeper",
        "bash",
        "sleep $((600 + NUMBER))",
        "timeout",
    ),
    Pathology(
        "sleeper",
        "perl",
        "sleep(600 + NUMBER);",
        "timeout",
    ),
    Pathology(
        "deadlock",
        "python",
        ("import os\nr, w = os.pipe()\nos.read(r, 1) # NUMBER"),
        "timeout",
    ),
    Pathology(
        "spinner",
        "python",
        ("x = NUMBER\nwhile True: x += 1"),
        "timeout",
    ),
    Pathology(
        "spinner",
        "c",
        "int main(void) { volatile long x = NUMBER; for (;;) x++; }",
        "timeout",
    ),
    Pathology(
        "forker",
        "python",
        ("import os # NUMBER\nwhile True:\n    try: os.fork()\n    except OSError: pass"),
        _ENDED,
    ),
    Pathology(
        "forker",
        "bash",
        "f() { f | f & }; f # NUMBER",
        _ENDED,
    ),
    Pathology(
        "forker",
        "c",
        ("#include <unistd.h>\nint main(void) { for (;;) fork(); } // NUMBER"),
        _ENDED,
    ),
    Pathology(
        "daemon",
        "python",
        ("import os, time # NUMBER\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(600)"),
        _ENDED,
    ),
    Pathology(
        "threads",
        "python",
        (
            "import threading, time # NUMBER\n"
            "while True: threading.Thread(target=time.sleep, args=(600,)).start()"
        ),
        _ENDED,
    ),
    Pathology(
        "flood",
        "python",
        ("print(NUMBER)\nwhile True: print('x' * 65536)"),
        "output_limit timeout",
    ),
    Pathology(
        "flood",
        "perl",
        "print NUMBER; while (1) { print 'x' x 65536; }",
        "output_limit timeout",
    ),
    Pathology(
        "flood of errors",
        "bash",
        "while :; do echo NUMBER >&2; done",
        "output_limit timeout",
    ),
    Pathology(
        "just below the limit",
        "python",
        "print(NUMBER, 'x' * 8_000_000)",
        "wrong_answer",
    ),
    Pathology(
        "memory",
        "python",
        ("a = [NUMBER]\nwhile True: a += a"),
        "memory_limit runtime_error timeout",
    ),
    Pathology(
        "memory",
        "perl",
        "my @a = (NUMBER); while (1) { push @a, 'x' x 1048576; }",
        "memory_limit runtime_error timeout",
    ),
    Pathology(
        "memory",
        "c",
        (
            "#include <stdlib.h>\n"
            "#include <string.h>\n"
            "int main(void) { for (;;) memset(malloc(1 << 20), NUMBER, 1 << 20); }"
        ),
        "memory_limit runtime_error timeout",
    ),
    Pathology(
        "files",
        "python",
        ("import os\nfor n in range(10**6):\n    open(f'/tmp/{n}-NUMBER', 'wb').write(b'x' * 10**6)"),
        _ENDED,
    ),
    Pathology(
        "signals",
        "python",
        (
            "import signal, time\n"
            "for n in range(1, 65):\n"
            "    try: signal.signal(n, signal.SIG_IGN)\n"
            "    except (OSError, ValueError): pass\n"
            "while True: time.sleep(NUMBER)"
        ),
        "timeout",
    ),
    Pathology(
        "stopped",
        "python",
        ("import os, signal # NUMBER\nos.kill(os.getpid(), signal.SIGSTOP)"),
        _ENDED,
    ),
    Pathology(
        "long result",
        "python",
        ("def f(n):\n    return [NUMBER] * 4_000_000"),
        "wrong_answer output_limit memory_limit timeout",
        "(int) -> list[int]",
    ),
    Pathology(
        "long result",
        "cpp",
        (
            "#include <vector>\n"
            "using namespace std;\n"
            "vector<long long> f(long long n) { return vector<long long>(3000000, NUMBER); }"
        ),
        "wrong_answer output_limit memory_limit timeout",
        "(int) -> list[int]",
    ),
    Pathology(
        "long integer",
        "python",
        ("def f(n):\n    return 10 ** 150_000 + NUMBER"),
        "wrong_answer timeout",
        "(int) -> int",
    ),
    Pathology("parser bomb", "lua", "-- NUMBER\n" + "a<" * 40_000, _UNREAD),
    Pathology("parser bomb", "perl", "# NUMBER\n" + "(" * 60_000, _UNREAD),
    Pathology("parser bomb", "bash", "# NUMBER\n(" + "\0" * 60_000, _UNREAD),
    Pathology("parser bomb", "python", "# NUMBER\n" + "(" * 60_000, _UNREAD),
    Pathology("parser bomb", "javascript", "// NUMBER\n" + "a<" * 30_000, _UNREAD),
    Pathology("parser bomb", "ruby", "# NUMBER\n" + "<<A;" * 15_000, _UNREAD),
    Pathology("parser bomb", "php", "<?php // NUMBER\n" + "((" * 30_000, _UNREAD),
    Pathology(
        "large static",
        "cpp",
        "long long f(long long n) { static char a[8 << 20] = {1}; return a[n] + NUMBER; }",
        _BUILT,
        "(int) -> int",
    ),
    Pathology(
        "large static",
        "c",
        ("static char a[8 << 20] = {1};\nint main(void) { return a[1] + NUMBER * 0; }"),
        _BUILT,
    ),
)


def available() -> list[Pathology]:
    """Those whose language can run here."""
    return [kind for kind in PATHOLOGIES if find_toolchain(get_language(kind.language).name) is not None]


def rows(count: int) -> Iterator[Rows]:
    """So many programs, all kinds in turn."""
    for number, kind in enumerate(islice(cycle(available()), count)):
        yield kind.row(number)
