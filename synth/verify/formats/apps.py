"""APPS: `input_output` is JSON text with `inputs`, `outputs` and, for calls, `fn_name`. Python unless the
sample says otherwise."""

import json

from synth.verify.formats.contests import calls, contestant, language_of, stdio, with_imports, with_method
from synth.verify.formats.spec import BenchmarkSample, Fields, Format, RowParts, refuse


def convert(problem: Fields, sample: BenchmarkSample) -> RowParts:
    """Calls or stdin and stdout. Outputs of calls are wrapped in a list of one in this data set."""
    given = problem.get("input_output")
    tests = json.loads(given) if isinstance(given, str) and given else given
    if not isinstance(tests, dict):
        raise refuse("field input_output", "has no inputs and outputs: some APPS problems have no tests")
    inputs, outputs, language = (
        list(tests.get("inputs") or ()),
        list(tests.get("outputs") or ()),
        language_of(sample),
    )
    sample, read = contestant(sample, language)
    if not tests.get("fn_name"):
        return RowParts(language, with_imports(sample, language), stdio(inputs, outputs), note=read.note)
    wrapped = all(isinstance(output, list) and len(output) == 1 for output in outputs)
    program = with_method(with_imports(sample, language), language, tests["fn_name"])
    asked = calls(tests["fn_name"], inputs, [o[0] for o in outputs] if wrapped else outputs)
    return RowParts(language, program, asked, note=read.note)


FORMAT = Format(name="apps", title="APPS", key_fields=("problem_id", "id", "task_id"), convert=convert)
