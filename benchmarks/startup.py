"""`python -m benchmarks.startup`: how long `codemill --help` takes beside the imports that it needs.

Prints the median of each over many runs in alternation, and their ratio; the aim is a ratio below 3. The
machine must be quiet: two processes of 0.1 s are compared.
"""

import argparse
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "import typer, pydantic": (sys.executable, "-c", "import typer, pydantic"),
    "codemill --help": (sys.executable, "-m", "posttrain.cli", "--help"),
}
AIM = 3.0


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=21, help="Runs of each command.")
    seconds = measure(parser.parse_args().repeats)
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    base, whole = medians.values()
    for name, median in medians.items():
        print(f"{name:24} {median * 1000:6.0f} ms")
    print(f"{'ratio':24} {whole / base:6.2f}    aim: below {AIM:g}")


def measure(repeats: int) -> dict[str, list[float]]:
    """Seconds of each command, by its name; the commands take turns. The first round is a warm-up."""
    rounds = [{name: _seconds(command) for name, command in COMMANDS.items()} for _ in range(repeats + 1)]
    return {name: [one[name] for one in rounds[1:]] for name in COMMANDS}


def _seconds(command: tuple[str, ...]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
