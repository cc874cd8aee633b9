"""What C++ programs call that gives another answer at another time."""

from typing import Final

from synth.languages.c.impure import IMPURE as OF_C

_MORE: Final = {
    "chance": (
        "random_device",
        "mt19937",
        "mt19937_64",
        "default_random_engine",
        "minstd_rand",
        "uniform_int_distribution",
        "uniform_real_distribution",
        "random_shuffle",
    ),
    "the clock": ("system_clock", "steady_clock", "high_resolution_clock", "this_thread"),
    "threads": ("std::thread", "jthread", "std::async", "atomic", "mutex"),
    "files": ("ifstream", "ofstream", "fstream", "filesystem"),
    "its input": ("cin",),
}
IMPURE: Final = {kind: words + _MORE.get(kind, ()) for kind, words in OF_C.items()}
