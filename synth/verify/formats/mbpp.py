"""MBPP: `test_list` of assertions, after `test_setup_code` or `test_imports`; Python. Samples are whole
programs by any name."""

from synth.verify.formats.spec import BenchmarkSample, Fields, Format, RowParts, refuse, texts


def convert(problem: Fields, sample: BenchmarkSample) -> RowParts:
    """The assertions, one after the other."""
    tests = texts(problem, "test_list")
    if not tests:
        raise refuse("field test_list", "has no assertions")
    lines = [str(problem.get("test_setup_code") or ""), *texts(problem, "test_imports"), *tests]
    return RowParts("python", sample.text, {"kind": "script", "script": "\n".join(lines) + "\n"})


FORMAT = Format(name="mbpp", title="MBPP", prefix="Mbpp/", convert=convert)
