"""EvalPlus (HumanEval+ and MBPP+), in both editions; Python.

The data sets of the hub bring a test script. The released files bring inputs and a reference solution: the
script made here runs both on each input and compares, so there the reference stands in the program's own
process. What JSON cannot hold of the inputs of MBPP+, and what else is right there, is read by the task's
number (`mbpp_plus.py`).
"""

import json

from synth.verify.formats.mbpp import without_marks
from synth.verify.formats.mbpp_plus import also_right, shape_of
from synth.verify.formats.python_prompts import answered
from synth.verify.formats.spec import BenchmarkSample, Fields, Format, RowParts, need, read_sample, texts

_COMPARE = """
def _codemill_compare(reference, candidate, name, also, rows, tolerance):
    import copy, json

    def numbers(value):
        if isinstance(value, (list, tuple)):
            return value and all(isinstance(item, float) for item in value)
        return isinstance(value, float)

    def near(found, wanted, least):
        if isinstance(wanted, (list, tuple)):
            if not isinstance(found, (list, tuple)) or len(found) != len(wanted):
                return False
            return all(near(f, w, least) for f, w in zip(found, wanted))
        if isinstance(wanted, (int, float)) and isinstance(found, (int, float)):
            return found == wanted or abs(found - wanted) <= least + 1e-7 * abs(wanted)
        return found == wanted

    for row in json.loads(rows):
        wanted = reference(*copy.deepcopy(row))
        found = candidate(*copy.deepcopy(row))
        if name == "find_zero":
            assert abs(sum(c * found**power for power, c in enumerate(row[0]))) <= (tolerance or 1e-6), row
            continue
        if also(row, found, wanted):
            continue
        if not tolerance and numbers(wanted):
            tolerance = 1e-6
        close = tolerance and type(found) is type(wanted) and near(found, wanted, tolerance)
        assert found == wanted or close, (row, found, wanted)
"""


def _from_inputs(problem: Fields) -> str:
    rows = [*_rows(problem, "base_input"), *_rows(problem, "plus_input")]
    name = need(problem, "entry_point")
    reference = need(problem, "prompt") + need(problem, "canonical_solution")
    tolerance = problem.get("atol") or 0
    inputs = json.dumps(rows)
    task = str(problem.get("task_id", ""))
    shape, shaped = shape_of(task)
    sides = f"{shaped(f'_codemill_reference[{name!r}]')}, {shaped(name)}"
    also = f"lambda row, found, wanted: {also_right(task)}"
    call = f"_codemill_compare({sides}, {name!r}, {also}, {inputs!r}, {tolerance!r})"
    return (
        f"{_COMPARE}{shape}\n_codemill_reference = {{}}\nexec({reference!r}, _codemill_reference)\n{call}\n"
    )


def _rows(problem: Fields, name: str) -> list[object]:
    found = problem.get(name)
    return list(found) if isinstance(found, list | tuple) else []


def _script(problem: Fields) -> str:
    """A released file has the base tests in `test`, without the added inputs."""
    if "plus_input" in problem or not isinstance(problem.get("test"), str):
        return _from_inputs(problem)
    test = "\n".join([*texts(problem, "test_imports"), need(problem, "test")])
    return f"{test}\ncheck({problem['entry_point']})\n" if "entry_point" in problem else f"{test}\n"


def convert(problem: Fields, sample: BenchmarkSample) -> RowParts:
    """A completion continues the prompt of HumanEval+, which is code, and stands alone in MBPP+."""
    prompt, name = "", ""
    if "entry_point" in problem:
        prompt, name = need(problem, "prompt"), need(problem, "entry_point")
    read = read_sample(sample._replace(text=without_marks(sample.text)), "python", name)
    tests = {"kind": "script", "script": _script(problem)}
    return RowParts("python", answered(prompt, name, read), tests, note=read.note)


FORMAT = Format(
    name="evalplus",
    title="EvalPlus",
    aliases=("humanevalplus", "mbppplus", "humaneval+", "mbpp+"),
    prefix="Mbpp/",
    packages="humaneval+",
    convert=convert,
)
