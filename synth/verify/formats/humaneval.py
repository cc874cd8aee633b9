"""HumanEval: `prompt`, `test` (which defines `check(candidate)`) and `entry_point`; Python. Samples continue
the prompt."""

from synth.verify.formats.spec import BenchmarkSample, Fields, Format, RowParts, completed, need


def convert(problem: Fields, sample: BenchmarkSample) -> RowParts:
    """The test script with the call that it leaves to the harness."""
    script = f"{need(problem, 'test')}\ncheck({need(problem, 'entry_point')})\n"
    return RowParts(
        "python", completed(need(problem, "prompt"), sample), {"kind": "script", "script": script}
    )


FORMAT = Format(name="humaneval", title="HumanEval", aliases=("human_eval", "human-eval"), convert=convert)
