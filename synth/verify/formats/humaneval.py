"""HumanEval: `prompt`, `test` (which defines `check(candidate)`) and `entry_point`; Python. Samples continue
the prompt; an answer that holds the function alone stands behind the prompt's imports and helpers."""

from synth.verify.formats.python_prompts import answered
from synth.verify.formats.spec import BenchmarkSample, Fields, Format, RowParts, need, read_sample


def convert(problem: Fields, sample: BenchmarkSample) -> RowParts:
    """The test script with the call that it leaves to the harness."""
    test, name = need(problem, "test"), need(problem, "entry_point")
    read = read_sample(sample, "python", name)
    script = f"{test}\ncheck({name})\n"
    code = answered(need(problem, "prompt"), name, read)
    return RowParts("python", code, {"kind": "script", "script": script}, note=read.note)


FORMAT = Format(name="humaneval", title="HumanEval", aliases=("human_eval", "human-eval"), convert=convert)
