"""LiveCodeBench: `public_test_cases` and `private_test_cases` (JSON text, or JSON text that was pickled,
compressed and written in base64).

A pickle can run code, so it is read by a reader that knows plain values only. A function is called where
`metadata` names one.
"""

import base64
import io
import json
import pickle
import pickletools
import zlib
from typing import Final, NoReturn

from synth.unpacking import MB, inflate
from synth.verify.formats.contests import calls, contestant, language_of, stdio, with_imports, with_method
from synth.verify.formats.spec import BenchmarkSample, Fields, Format, RowParts, refuse

_MOST_BYTES: Final = 512 * MB
"""Test cases of one problem. Those of the real benchmark take up to a hundred megabytes."""

_AFTER_IMPORTS: Final = "sys.setrecursionlimit(50000)"
"""What its own harness does before each program of Python."""


_LINES: Final = {"kind": "lines", "decimals": True}
"""The harness compares stripped lines, and those that differ as lists of decimals."""


class _PlainValues(pickle.Unpickler):
    """Text, numbers and lists; nothing that is looked up by name."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"{module}.{name} has no place in test cases")


def read_cases(value: object) -> list[Fields]:
    """The test cases in either form. Raises RowError."""
    if not isinstance(value, str):
        return [dict(case) for case in value] if isinstance(value, list) else []
    try:
        found = json.loads(value) if value.lstrip()[:1] in ("[", "") else _unpack(value)
        return list(found)
    except (ValueError, TypeError, zlib.error, pickle.UnpicklingError, EOFError) as error:
        raise refuse("test cases", f"cannot be read: {error}") from None


def _unpack(text: str) -> list[Fields]:
    pickled = inflate(base64.b64decode(text), _MOST_BYTES)
    for operation, argument, _ in pickletools.genops(pickled):
        if operation.name.endswith("PUT") and int(argument or 0) > len(pickled):
            raise pickle.UnpicklingError(f"a memo of {argument} entries")
    inner = _PlainValues(io.BytesIO(pickled)).load()
    found: list[Fields] = json.loads(inner) if isinstance(inner, str | bytes) else inner
    return found


def convert(problem: Fields, sample: BenchmarkSample) -> RowParts:
    """Public and private cases together."""
    cases = [*read_cases(problem.get("public_test_cases")), *read_cases(problem.get("private_test_cases"))]
    metadata = problem.get("metadata")
    told = json.loads(metadata) if isinstance(metadata, str) and metadata else metadata
    named = told.get("func_name") if isinstance(told, dict) else None
    inputs, outputs = [str(case["input"]) for case in cases], [str(case["output"]) for case in cases]
    language = language_of(sample)
    sample, read = contestant(sample, language)
    if not named:
        tests = {**stdio(inputs, outputs), "compare": _LINES}
        return RowParts(language, with_imports(sample, language, _AFTER_IMPORTS), tests, note=read.note)
    rows = [[json.loads(line) for line in text.split("\n") if line.strip()] for text in inputs]
    program = with_method(with_imports(sample, language, _AFTER_IMPORTS), language, named)
    asked = calls(named, rows, [json.loads(text) for text in outputs])
    return RowParts(language, program, asked, note=read.note)


FORMAT = Format(
    name="livecodebench",
    title="LiveCodeBench",
    aliases=("lcb",),
    key_fields=("question_id", "task_id"),
    convert=convert,
)
