"""Shared by the script modes of several languages: a program and its test script become one process, which
writes a mark when it reaches its end.

Place in the flow: language modules build their `Script` with it. The one rule: only code after or around the
script writes the mark, so any early exit, even with exit code 0, skips it. `MARK` stands for its text in
double quotes, which goes to descriptor 3 (opening /dev/fd/3 by name needs rights on the pipe).
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

Files = Callable[[str, str, str], Mapping[str, str]]


def appended(file_name: str, ending: str) -> Files:
    """For languages that run a file from top to bottom: program, script, ending."""
    return lambda code, script, mark: {file_name: f"{code}\n{script}\n{ending.replace('MARK', mark)}\n"}


def imports_first(text: str, pattern: str) -> str:
    """Move matching lines to the top, for languages that accept imports nowhere else: a script may
    have its own."""
    found = re.compile(rf"^[ \t]*(?:{pattern})[^\n]*$", re.MULTILINE)
    return "".join(f"{line.strip()}\n" for line in found.findall(text)) + found.sub("", text)


def last_in_script(pattern: re.Pattern[str], code: str, text: str) -> re.Match[str] | None:
    """The last match in `text` (program and script) that begins after the program: a program may have its own
    `main`, which tests nothing."""
    return next(
        (found for found in reversed(list(pattern.finditer(text))) if found.start() >= len(code)), None
    )


def without_exit(script: str, *ways: str) -> str:
    """Remove an exit at the end of the script, since nothing could follow it."""
    return re.sub(rf"(?<![\w.$])(?:{'|'.join(ways)})\s*\Z", "", script, flags=re.IGNORECASE)


WRAP_MAIN: Final = "-Wl,--wrap=main"
"""A linker option, for languages with C's `main`: GUARD_C wraps it, whatever its form."""
GUARD_C: Final = """int __real_main(int, char **, char **);
long write(int, const void *, unsigned long);
int __wrap_main(int count, char **words, char **environment) {
    int status = __real_main(count, words, environment);
    static const char mark[] = MARK;
    if (status == 0) write(3, mark, sizeof mark - 1);
    return status;
}
"""


def with_asserts(code: str, script: str) -> str:
    """C and C++: if the program switches `assert` off, that affects only itself."""
    return f"#include <assert.h>\n#line 1\n{code}\n#undef NDEBUG\n#include <assert.h>\n{script}\n"
