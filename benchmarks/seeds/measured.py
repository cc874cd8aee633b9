"""What the first measurement found in the seven trees of TheAlgorithms, before seeds were closed over their
files, and what is aimed at now.

Python f5988cc, TypeScript 19b4ced, Java 9d05db2, Go 5ba447e, Rust 2c53ddf, JavaScript 08d8c6b, C-Plus-Plus
b9c118f, all of github.com/TheAlgorithms.
"""

from typing import Final, NamedTuple


class Measured(NamedTuple):
    """One language of the trees, at the first measurement."""

    functions: int
    passed: int
    """Functions that passed the quality filter."""
    references: int
    aim: float
    """Share of `passed` that is to become references."""


MEASURED: Final = {
    "python": Measured(3833, 2479, 773, 0.50),
    "typescript": Measured(248, 159, 42, 0.45),
    "java": Measured(7776, 2112, 379, 0.40),
    "go": Measured(1328, 580, 0, 0.40),
    "rust": Measured(2955, 1180, 0, 0.35),
    "javascript": Measured(900, 682, 0, 0.30),
    "cpp": Measured(2301, 1171, 64, 0.25),
    "c": Measured(1, 1, 0, 0.0),
}
TOGETHER: Final = 0.38
