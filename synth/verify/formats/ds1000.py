"""DS-1000: `code_context` (which defines `test_execution`, and sometimes `test_string`) and `metadata`.
A sample is the Python text that goes where the context has its mark: `code`, by the `id` of its problem.

The one rule: the text is cut as the benchmark's own reader cuts it, and handed to the context as a text; the
context itself runs it.
"""

from synth.prompts.reasoning import without_reasoning
from synth.verify.formats.spec import NAMES, BenchmarkSample, Fields, Format, RowParts, need


def convert(problem: Fields, sample: BenchmarkSample) -> RowParts:
    """The context with the calls that it leaves to the harness."""
    context = need(problem, "code_context")
    spoken = without_reasoning(sample.text)
    calls = "test_execution(code)\n" + ("test_string(code)\n" if "test_string(" in context else "")
    tests = {"kind": "script", "script": f"{context}\n{calls}"}
    note = "the answer was cut off" if spoken.cut else ""
    return RowParts("python", f"code = {inserted(spoken.text)!r}\n", tests, note=note)


def inserted(text: str) -> str:
    """The code of an answer: up to the end of its mark, without marks and fences."""
    text = text.partition("</code>")[0].partition("# SOLUTION END")[0]
    text = text.replace("```python", "").partition("```")[0].partition("\nEND SOLUTION")[0]
    return text.replace("<code>", "")


FORMAT = Format(
    name="ds1000",
    title="DS-1000",
    aliases=("ds-1000", "ds_1000"),
    key_fields=("metadata", "problem_id"),
    sample_names=(*NAMES, "id", "metadata"),
    packages="ds-1000",
    convert=convert,
)
