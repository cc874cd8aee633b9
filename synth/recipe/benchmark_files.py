"""Which files a benchmark is read from, by name. `codemill check` and the decontamination filter both ask
here."""

from pathlib import Path

HUB_PREFIX = "hub:"
"""Before the name of a benchmark that the Hugging Face hub holds."""
SUFFIXES = (".jsonl", ".jsonl.gz", ".json", ".json.gz", ".parquet")


def is_benchmark(path: Path) -> bool:
    """Whether it is a file with such a name, or a folder with one."""
    return any(file.name.endswith(SUFFIXES) for file in benchmark_files(path))


def benchmark_files(path: Path) -> list[Path]:
    """The file itself, or the files of a folder that have such names."""
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.name.endswith(SUFFIXES))
