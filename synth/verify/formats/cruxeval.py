"""CRUXEval: `code` (a function `f`), `input` and `output`; Python. A sample is an expression: what the call
returns (`cruxeval-output`), or a call that returns the output (`cruxeval-input`, in `cruxeval_input.py`).

The one rule is that of its own evaluation: an output that makes the call is wrong, and so is an input without
a call. The expression stands in brackets, so that nothing of it but its value counts.
"""

from typing import Literal

from synth.prompts.answers import read_code
from synth.prompts.reasoning import without_reasoning
from synth.verify.formats.spec import NAMES, BenchmarkSample, Fields, Format, RowParts, need

Asked = Literal["input", "output"]

_LIMITS: Fields = {"cpu_s": 3.0}


def parts(problem: Fields, sample: BenchmarkSample, asked: Asked) -> RowParts:
    """The function with the expression as one more function, which the test compares with the output."""
    found = expression(sample, asked)
    given, output = need(problem, "input"), need(problem, "output")
    wrong = f"f({given})" in found if asked == "output" else "f(" not in found
    word = "makes the call that it should foresee" if asked == "output" else "makes no call"
    note = f"the answer {word}" if wrong else "" if found else "the answer is empty"
    answer = f"raise AssertionError({note!r})" if note else f"return (\n{found}\n    )"
    code = f"{need(problem, 'code').rstrip()}\n\n\ndef codemill_answer():\n    {answer}\n"
    script = f"assert {output} == codemill_answer()\n"
    return RowParts("python", code, {"kind": "script", "script": script}, _LIMITS, note)


def expression(sample: BenchmarkSample, asked: Asked) -> str:
    """The expression in an answer, as the benchmark's own reader takes it."""
    text = sample.text
    if sample.answer:
        text = without_reasoning(text).text
        text = text.partition("[ANSWER]")[2] or (read_code(text, "python").code or text)
    text = text.partition("[/ANSWER]")[0].strip()
    if asked == "output":
        return (text.split("==")[1] if "==" in text else text).strip()
    text = text.split("==")[0].strip()
    return (text.split("assert")[1] if "assert" in text else text).strip()


FORMAT = Format(
    name="cruxeval-output",
    title="CRUXEval-O",
    aliases=("cruxeval", "cruxeval-o", "cruxeval_output"),
    key_fields=("id", "task_id"),
    sample_names=(*NAMES, "id"),
    convert=lambda problem, sample: parts(problem, sample, "output"),
)
