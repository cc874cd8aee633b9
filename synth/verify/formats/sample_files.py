"""The samples of a file or a folder, as the benchmarks' own runners write them.

Place in the flow: `samples.py` makes rows of them. JSON Lines stream. A JSON array (LiveCodeBench), an object
of lists by problem (CRUXEval), an array of lists in the order of the problems (HumanEvalPack) and each file
of a folder (`.json.gz`, MultiPL-E) are held as a whole; a folder may also hold a folder of programs for each
problem (EvalPlus). The one rule: every sample is one line of JSON with its place.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from synth.errors import Problem
from synth.links import leads_out
from synth.unpacking import MB, TooLargeError, read_gzip
from synth.verify.row_files import file_lines
from synth.verify.rows import PAGE, RowError

_MOST_HELD: Final = 1024 * MB
POSITION: Final = "#position"
"""Field of a sample without a name: its problem's place in the file of problems."""


class SampleLine(NamedTuple):
    """One sample: where it stands, and its JSON."""

    where: str
    text: bytes


def sample_lines(path: Path) -> Iterator[SampleLine]:
    """The samples in order. Raises RowError for what is not there or cannot be read as a whole."""
    if path.is_dir():
        yield from _of_folder(path)
    elif path.name.endswith((".json", ".json.gz")):
        yield from _of_json(path)
    elif path.suffix == ".gz":
        lines = _read(path).split(b"\n")
        yield from (
            SampleLine(f"{path}:{at}", line) for at, line in enumerate(lines, start=1) if line.strip()
        )
    else:
        for number, line in file_lines(path):
            yield SampleLine(f"{path}:{number}", line)


def _of_folder(path: Path) -> Iterator[SampleLine]:
    files = [file for file in sorted(path.rglob("*")) if file.is_file() and not leads_out(file, path)]
    answers = [file for file in files if _is_of_samples(file)]
    if answers:
        for file in answers:
            yield from sample_lines(file)
        return
    programs = [file for file in files if file.suffix == ".py" and file.parent != path]
    if not programs:
        raise _unreadable(path, "holds no samples: no .jsonl, .json or .json.gz, and no folders of programs")
    for file in programs:
        family, _, number = file.parent.name.rpartition("_")
        name = f"{family}/{number}" if family else number
        text = file.read_text(encoding="utf-8", errors="replace")
        yield SampleLine(str(file), _line({"task_id": name, "id": f"{name}/{file.stem}", "solution": text}))


def _is_of_samples(file: Path) -> bool:
    """Whether a file of a folder holds samples: not the results that a runner writes beside them."""
    name = file.name.removesuffix(".gz")
    return name.endswith((".jsonl", ".json")) and not name.endswith((".results.json", "eval_results.json"))


def _of_json(path: Path) -> Iterator[SampleLine]:
    data = _read(path)
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        lines = [line for line in data.split(b"\n") if line.strip()]
        if len(lines) < 2:
            raise _unreadable(path, f"is not JSON: {error}"[:200]) from None
        yield from (SampleLine(f"{path}: sample {at}", line) for at, line in enumerate(lines, start=1))
        return
    for at, sample in enumerate(_samples(found), start=1):
        yield SampleLine(f"{path}: sample {at}", _line(sample))


def _samples(found: object) -> Iterator[object]:
    if isinstance(found, list):
        for at, item in enumerate(found):
            yield {POSITION: at, "solutions": item} if isinstance(item, list) else item
    elif isinstance(found, Mapping) and found and all(isinstance(value, list) for value in found.values()):
        for name, programs in found.items():
            yield {"task_id": name, "completions": programs}
    else:
        yield found


def _line(sample: object) -> bytes:
    return json.dumps(sample).encode()


def _read(path: Path) -> bytes:
    try:
        if path.suffix == ".gz":
            return read_gzip(path, _MOST_HELD)
        if path.stat().st_size > _MOST_HELD:
            raise TooLargeError(_MOST_HELD)
        return path.read_bytes()
    except TooLargeError as error:
        raise _unreadable(
            path, str(error), "write it as JSON Lines (.jsonl), which are read one by one"
        ) from None
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise _unreadable(path, f"cannot be read: {error}"[:200]) from None


def _unreadable(
    path: Path, expected: str, fix: str = "correct the path, or write the samples again"
) -> RowError:
    return RowError(Problem(str(path), expected, fix, PAGE))
