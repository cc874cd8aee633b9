"""Reference execution, with our own little programs run in this process in the place of the sandbox."""

from collections.abc import Sequence
from random import Random

import pytest

from synth.config import InputsConfig
from synth.filters.protocol import Reject
from synth.records import (
    Captured,
    Example,
    FunctionCall,
    FunctionContract,
    Observation,
    Origin,
    Phase,
    Seed,
    Stop,
)
from synth.rules.reference_judging import FoundReference, judge_reference, refuse_early
from synth.rules.reference_rules import plan_probe, plan_runs, plan_stated
from synth.seeds.protocol import make_seed
from synth.values import Value, decode, encode
from tests.builders import called
from tests.stages.harness import run_python

CONFIG = InputsConfig(drawn=12, minimum=6, maximum=10)


def seed(code: str, language: str = "python") -> Seed:
    return make_seed(code, language, Origin(source="test"))


def refer(code: str, examples: Sequence[Example] = ()) -> FoundReference | Reject:
    random = Random(4)
    probe = plan_probe(seed(code).model_copy(update={"examples": tuple(examples)}), random)
    if isinstance(probe, Reject):
        return probe
    plan = plan_stated(probe, random, CONFIG) or plan_runs(probe, run_python(probe.request), random, CONFIG)
    return (
        plan
        if isinstance(plan, Reject)
        else judge_reference(plan, [run_python(request) for request in plan.requests], CONFIG.maximum)
    )


def test_an_error_that_the_seed_raises_itself_is_a_case_and_one_it_runs_into_is_not() -> None:
    code = (
        "def f(n: int, d: int) -> int:\n    if n < 0:\n        raise ValueError('negative')\n"
        "    return n // d\n"
    )
    found = refer(code)
    assert isinstance(found, FoundReference)
    cases = found.reference.cases
    raising = [case for case in cases if case.raises]
    assert raising
    assert {case.raises for case in raising} == {"ValueError"}
    assert len(raising) <= CONFIG.maximum // 4
    assert all(case.arguments[0].startswith("i-") for case in raising)
    assert found.evidence["raising"] == len(raising)
    assert not any(case.arguments[1] == "i0" and case.expected for case in cases)


@pytest.mark.parametrize(
    ("code", "signature"),
    [
        ("def f(s):\n    return s.upper()[::-1]\n", "(str) -> str"),
        ("def f(xs, k):\n    return [x * k for x in xs if x > 0]\n", "(list[int], int) -> list[int]"),
        ("def f(d):\n    return sorted(d.keys())\n", "(map[str, int]) -> list[str]"),
        ("def f(thing):\n    return thing.split(',')\n", "(str) -> list[str]"),
        ("def f(n: int) -> tuple[int, str]:\n    return n // 3, str(n)\n", "(int) -> tuple[int, str]"),
        (
            (
                "LIMIT = 3\n\ndef h(x):\n    return x > LIMIT\n\ndef f(xs: list[int]):\n    return [h(x) "
                "for x in xs]\n"
            ),
            "(list[int]) -> list[bool]",
        ),
    ],
)
def test_a_seed_becomes_a_reference_with_its_signature(code: str, signature: str) -> None:
    found = refer(code)
    assert isinstance(found, FoundReference), found
    assert called(found.reference.contract).signature == signature
    assert CONFIG.minimum <= len(found.reference.cases) <= CONFIG.maximum
    space: dict[str, object] = {}
    exec(found.reference.code, space)
    function = space[called(found.reference.contract).entry_point]
    assert callable(function)
    assert all(
        encode(function(*map(decode, case.arguments))) == case.expected for case in found.reference.cases
    )


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("def f(n: int):\n    return [1, 2]\n", "reference_constant"),
        ("def f(text: str):\n    return text\n", "reference_identity"),
        ("def f(n: int):\n    raise ValueError(n)\n", "reference_crashed"),
        ("def f(n: int):\n    return object()\n", "reference_crashed"),
        ("SEEN = []\ndef f(n: int):\n    SEEN.append(n)\n    return len(SEEN) + n\n", "reference_unstable"),
        ("def f(b: bool):\n    return not b\n", "too_few_inputs"),
        ("import random\ndef f(n):\n    return random.random() + n\n", "impure"),
        ("def f(n):\n    return g(n)\n", "not_self_contained"),
        ("def f():\n    return 1\n", "no_signature"),
        ("def f(:\n", "parse_error"),
    ],
)
def test_a_seed_that_is_no_reference_has_a_reason(code: str, reason: str) -> None:
    found = refer(code)
    assert isinstance(found, Reject), found
    assert found.reason == reason


def test_faults_of_the_sandbox_are_never_the_seeds_fault() -> None:
    probe = plan_probe(seed("def f(s):\n    return s.upper()\n"), Random(0))
    assert not isinstance(probe, Reject)
    lost = Observation(request_id="x", language="python", phase=Phase.RUN, infrastructure="lost the slot")
    missing = Observation(
        request_id="x", language="python", phase=Phase.RUN, toolchain_missing="apt-get install python3"
    )
    for observation, reason in ((lost, "infrastructure"), (missing, "toolchain_missing")):
        found = plan_runs(probe, observation, Random(0), CONFIG)
        assert isinstance(found, Reject)
        assert found.reason == reason


def test_a_single_signature_needs_no_probe_and_a_failed_run_no_second() -> None:
    several = plan_probe(seed("def f(x):\n    return x\n"), Random(0))
    stated = plan_probe(seed("def f(n: int) -> int:\n    return 1 // (n - n)\n"), Random(0))
    assert not isinstance(several, Reject) and not isinstance(stated, Reject)
    assert plan_stated(several, Random(0), CONFIG) is None
    plan = plan_stated(stated, Random(0), CONFIG)
    assert plan is not None
    refused = refuse_early(plan, run_python(plan.requests[0]))
    assert refused is not None
    assert refused.reason == "reference_crashed"
    assert "ZeroDivision" in str(refused.evidence["error"])


def test_a_seed_that_brings_its_contract_is_taken_at_its_word() -> None:
    contract = FunctionContract(entry_point="f", signature="(list[int]) -> int", parameter_names=("xs",))
    ready = seed("function f(xs) { return xs.length; }", "javascript").model_copy(
        update={"contract": contract}
    )
    probe = plan_probe(ready, Random(0))
    assert not isinstance(probe, Reject)
    assert isinstance(probe.request.call, FunctionCall)
    assert probe.request.call.signature == "(list[int]) -> int"
    assert probe.request.code == ready.code


def test_a_program_in_an_unknown_language_has_no_signature() -> None:
    found = plan_probe(seed("f x = x", "klingon"), Random(0))
    assert isinstance(found, Reject)
    assert found.reason == "no_signature"


def test_requests_hold_no_expected_values_and_their_ids_are_reproducible() -> None:
    probes = [plan_probe(seed("def f(s):\n    return s.upper()\n"), Random(0)) for _ in range(2)]
    assert probes[0] == probes[1]


def test_a_member_of_a_class_needs_its_class() -> None:
    found = plan_probe(seed("int Stack::size_after(int more) { return top + more; }", "cpp"), Random(0))
    assert isinstance(found, Reject)
    assert (found.reason, found.evidence["needs"]) == ("not_self_contained", "Stack")


def test_a_seed_that_does_not_compile_says_what_the_compiler_said() -> None:
    probe = plan_probe(seed("int f(int n) { return helper(n); }", "cpp"), Random(0))
    assert not isinstance(probe, Reject)
    plan = plan_stated(probe, Random(0), CONFIG)
    assert plan is not None
    said = Captured(head="f.cpp:1:23: error: 'helper' was not declared in this scope")
    seen = Observation(request_id="x", language="cpp", phase=Phase.COMPILE, stderr=said)
    refused = refuse_early(plan, seen)
    assert refused is not None and refused.reason == "reference_crashed"
    assert "'helper' was not declared" in str(refused.evidence["error"])


def example(*arguments: Value, gives: Value = None, raises: str = "", bare: bool = False) -> Example:
    expected = None if raises or bare else encode(gives)
    return Example(arguments=tuple(map(encode, arguments)), expected=expected, raises=raises)


def refer_with(code: str, *examples: Example) -> FoundReference | Reject:
    return refer(code, examples)


def test_examples_choose_the_signature_and_come_first() -> None:
    code = "def to_fahrenheit(celsius):\n    return round(float(celsius) * 9 / 5 + 32, 2)\n"
    degrees = {"40": 104.0, "-12.5": 9.5, "0": 32.0, "100": 212.0, "-40": -40.0, "1e1": 50.0}
    found = refer_with(code, *(example(text, gives=result) for text, result in degrees.items()))
    assert isinstance(found, FoundReference), found
    assert called(found.reference.contract).signature == "(str) -> float"
    assert [decode(case.arguments[0]) for case in found.reference.cases[:2]] == ["40", "-12.5"]
    assert found.evidence["examples"] == 6


def test_an_example_that_the_seed_does_not_reproduce_rejects_it() -> None:
    code = "def area(side: int, height: int):\n    return side + height\n"
    for wrong in (example(4, 5, gives=20), example(4, -1, raises="ValueError")):
        found = refer_with(code, example(2, 2, gives=4), wrong)
        assert isinstance(found, Reject)
        assert found.reason == "example_contradicted"
        assert found.evidence["input"] == ", ".join(str(decode(wire)) for wire in wrong.arguments)
    assert isinstance(refer_with(code, example(2, 2, gives=4.0), example("a", 1, gives=0)), FoundReference)


def test_a_seed_that_refuses_most_inputs_is_known_by_its_examples() -> None:
    code = (
        "def root(board: list[int]):\n    if len(board) != 9:\n        raise ValueError(board)\n"
        "    return sum(board)\n"
    )
    boards: list[list[Value]] = [[number] * 9 for number in range(7)]
    examples = [example(board, gives=9 * at) for at, board in enumerate(boards)]
    found = refer_with(code, *examples)
    assert isinstance(found, FoundReference)
    assert sum(not case.raises for case in found.reference.cases) >= 7
    refused = refer_with(code)
    assert isinstance(refused, Reject) and refused.reason == "reference_crashed"


def judged(code: str, *changes: dict[int, dict[str, object]]) -> FoundReference | Reject:
    """The judgement of a seed of which single runs were seen as these fields say."""
    probe = plan_probe(seed(code), Random(4))
    assert not isinstance(probe, Reject)
    plan = plan_stated(probe, Random(4), CONFIG)
    assert plan is not None
    seen = [run_python(request) for request in plan.requests]
    for change in changes:
        for at, fields in change.items():
            seen[at] = seen[at].model_copy(update=fields)
    return judge_reference(plan, seen, CONFIG.maximum)


SQUARE = "def square(n: int) -> int:\n    return n * n\n"


def test_each_of_the_three_runs_must_give_the_same_answers_in_its_own_order() -> None:
    assert isinstance(judged(SQUARE), FoundReference)
    probe = plan_probe(seed(SQUARE), Random(4))
    assert not isinstance(probe, Reject)
    plan = plan_stated(probe, Random(4), CONFIG)
    assert plan is not None
    orders = [request.call.arguments for request in plan.requests if request.call.kind == "function"]
    assert len(set(orders)) == 3 and len({frozenset(rows) for rows in orders}) == 1
    for at in (1, 2):
        wrong = run_python(plan.requests[at]).cases
        other = (wrong[0].model_copy(update={"output": encode(-1)}), *wrong[1:])
        found = judged(SQUARE, {at: {"cases": other}})
        assert isinstance(found, Reject) and found.reason == "reference_unstable"
        assert found.evidence["why"] == "differs from run to run"


def test_a_reference_has_time_to_spare_and_a_run_that_ended_says_how() -> None:
    slow = judged(SQUARE, {2: {"cpu_s": 4.5}})
    assert isinstance(slow, Reject) and slow.evidence["why"] == "needs most of its time limit"
    ended = judged(SQUARE, {1: {"cases": (), "finished": False, "signal": 9}})
    assert isinstance(ended, Reject) and "signal 9" in str(ended.evidence["why"])


BISECT = """
def bisect_right(sorted_collection, item, lo=0, hi=-1):
    if hi < 0:
        hi = len(sorted_collection)
    while lo < hi:
        mid = lo + (hi - lo) // 2
        if sorted_collection[mid] <= item:
            lo = mid + 1
        else:
            hi = mid
    return lo
"""


def test_a_search_is_asked_as_people_ask_it_and_on_sorted_lists_only() -> None:
    stated = [example([0, 5, 7, 10, 15], item, gives=at) for item, at in ((0, 1), (15, 5), (6, 2), (20, 5))]
    found = refer_with(BISECT, *stated, example([0, 5, 7, 10, 15], 15, 1, 3, gives=3))
    assert isinstance(found, FoundReference), found
    assert isinstance(found.reference.contract, FunctionContract)
    assert found.reference.contract.signature == "(list[int], int) -> int"
    lists = [decode(case.arguments[0]) for case in found.reference.cases]
    numbers = [[float(str(one)) for one in items] for items in lists if isinstance(items, list)]
    assert len(numbers) == len(lists) and all(items == sorted(items) for items in numbers)
    assert len({str(items) for items in lists}) > 3


def test_a_run_that_a_limit_ended_contradicts_no_example() -> None:
    probe = plan_probe(
        seed(SQUARE).model_copy(update={"examples": (example(2, gives=4), example(10**9, gives=10**18))}),
        Random(4),
    )
    assert not isinstance(probe, Reject)
    plan = plan_stated(probe, Random(4), CONFIG)
    assert plan is not None
    whole = run_python(plan.requests[0])
    ended = whole.model_copy(update={"cases": whole.cases[:1], "stop": Stop.MEMORY, "finished": False})
    found = refuse_early(plan, ended)
    assert found is not None and found.reason == "reference_crashed"
    assert "memory" in str(found.evidence["error"])
