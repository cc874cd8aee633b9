"""APPS: `input_output` is JSON text with `inputs`, `outputs` and, for calls, `fn_name`. Python unless the
sample says otherwise."""

import json

from synth.verify.formats.contests import calls, contestant, language_of, stdio, with_imports, with_method
from synth.verify.formats.spec import BenchmarkSample, Fields, Format, RowParts, refuse


def convert(problem: Fields, sample: BenchmarkSample) -> RowParts:
    """Calls or stdin and stdout, compared as the harness compares them."""
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
        cases = {**stdio(inputs, outputs), "compare": {"kind": "apps"}}
        return RowParts(language, with_imports(sample, language), cases, note=read.note)
    program = with_method(with_imports(sample, language), language, tests["fn_name"])
    rows = [_with_int_keys(row) if isinstance(row, list) else row for row in inputs]
    right = [_right_outputs(output) for output in outputs]
    asked = calls(tests["fn_name"], rows, [first for first, _ in right], [others for _, others in right])
    return RowParts(language, program, asked, note=read.note)


def _with_int_keys(row: list[object]) -> list[object]:
    """Arguments, of which the first may be a map whose keys JSON had to write as text."""
    return [_int_keys(row[0]), *row[1:]] if row else row


def _int_keys(value: object) -> object:
    """A map with ints for keys, if all of its keys are such."""
    if not isinstance(value, dict):
        return value
    try:
        return {int(key): item for key, item in value.items()}
    except ValueError:
        return value


def _right_outputs(output: object) -> tuple[object, tuple[object, ...]]:
    """What the harness accepts: the output itself or, if it is a list, the first item, since many outputs are
    the value in a list of one."""
    if not isinstance(output, list) or not output:
        return _int_keys(output), ()
    first = _int_keys(output[0])
    return first, ([first, *output[1:]],)


FORMAT = Format(name="apps", title="APPS", key_fields=("problem_id", "id", "task_id"), convert=convert)
