"""What C programs call that gives another answer at another time; C++ adds its own."""

from typing import Final

IMPURE: Final = {
    "chance": ("rand(", "srand(", "random(", "drand48(", "arc4random(", "rand_r(", "getrandom("),
    "the clock": ("time(", "clock(", "gettimeofday(", "clock_gettime(", "localtime(", "sleep(", "usleep("),
    "threads": ("pthread_create(", "fork(", "thrd_create("),
    "files": ("fopen(", "freopen(", "open(", "tmpfile(", "remove("),
    "its input": ("scanf(", "getchar(", "gets(", "fgets(", "getline(", "stdin"),
    "the environment": ("getenv(", "system(", "popen(", "getpid(", "environ"),
    "the network": ("socket(", "connect("),
}
