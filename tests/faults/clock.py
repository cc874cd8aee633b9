"""A clock of the day that jumps, for one process and its children: a small library, loaded before the others,
adds what a file says to the time.

The one rule: the machine's clock is never set, and the clock that counts seconds since the start goes on.
"""

import shutil
import subprocess
from pathlib import Path

_SOURCE = r"""
#define _GNU_SOURCE
#include <stdlib.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long jump(void) {
    const char *path = getenv("CODEMILL_TEST_CLOCK");
    FILE *file = path ? fopen(path, "re") : NULL;
    long seconds = 0;
    if (file) {
        if (fscanf(file, "%ld", &seconds) != 1) seconds = 0;
        fclose(file);
    }
    return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (!failed && clock == CLOCK_REALTIME) now->tv_sec += jump();
    return failed;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}
"""


class JumpingClock:
    """The library, and the file that says how far the clock has jumped."""

    def __init__(self, folder: Path) -> None:
        """Builds the library in the folder. Raises CalledProcessError if the compiler refuses it."""
        source, self._library, self._file = folder / "clock.c", folder / "clock.so", folder / "clock"
        source.write_text(_SOURCE)
        compiler = shutil.which("cc") or shutil.which("gcc")
        assert compiler, "a C compiler is needed, as for the sandbox"
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-O1", "-o", str(self._library), str(source)],
            check=True,
            capture_output=True,
        )
        self.jump(0)

    def jump(self, seconds: int) -> None:
        """From now on the clock shows so many seconds more than the machine's."""
        self._file.write_text(str(seconds))

    @property
    def environment(self) -> dict[str, str]:
        """What a process is started with to live by this clock."""
        return {"LD_PRELOAD": str(self._library), "CODEMILL_TEST_CLOCK": str(self._file)}
