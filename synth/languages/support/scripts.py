"""What the script modes of several languages share: a program and its test script become one process, which
writes a mark when it reaches its end.

Place in the flow: language modules build their `Script` with it. The one rule: only code after the script or
around it writes the mark, so an early exit of any kind, exit code 0 included, leaves it out. `MARK` stands
for its text in double quotes, which goes to descriptor 3 (opening /dev/fd/3 by name needs rights on the
pipe).
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

Files = Callable[[str, str, str], Mapping[str, str]]


def appended(file_name: str, ending: str) -> Files:
    """For languages that run a file from top to bottom: program, script, ending."""
    return lambda code, script, mark: {file_name: f"{code}\n{script}\n{ending.replace('MARK', mark)}\n"}


def imports_first(text: str, pattern: str) -> str:
    """The lines that match go to the top, for languages that take imports nowhere else: a script may bring
    its own."""
    found = re.compile(rf"^[ \t]*(?:{pattern})[^\n]*$", re.MULTILINE)
    return "".join(f"{line.strip()}\n" for line in found.findall(text)) + found.sub("", text)


def last_in_script(pattern: re.Pattern[str], code: str, text: str) -> re.Match[str] | None:
    """The last match in `text` (program and script) that begins after the program: a program may have a
    `main` of its own, which tests nothing."""
    return next(
        (found for found in reversed(list(pattern.finditer(text))) if found.start() >= len(code)), None
    )


def without_exit(script: str, *ways: str) -> str:
    """An exit that the script itself ends with is left out: nothing can follow it."""
    return re.sub(rf"(?<![\w.$])(?:{'|'.join(ways)})\s*\Z", "", script, flags=re.IGNORECASE)


WRAP_MAIN: Final = "-Wl,--wrap=main"
"""A linker option, for languages whose `main` is C's: GUARD_C stands around it, whatever its form."""
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
    """C and C++: a program that switches `assert` off does so for itself only."""
    return f"#include <assert.h>\n#line 1\n{code}\n#undef NDEBUG\n#include <assert.h>\n{script}\n"
