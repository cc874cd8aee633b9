"""From seeds to references: what is run of each seed, when, and what becomes of what it did."""

import pytest

from synth.config import InputsConfig
from synth.execution.scripted import ScriptedSandbox
from synth.ids import derive_random
from synth.records import (
    Decision,
    EvidenceRank,
    Example,
    ExecutionRequest,
    FunctionContract,
    Limits,
    Observation,
    Reference,
    Seed,
    Stop,
)
from synth.rules.reference_rules import Trial, begin_trial, continue_trial
from synth.stages.reference import ReferenceStage
from synth.values import Value, decode, encode
from tests.builders import build_observation, build_seed, called
from tests.stages.harness import (
    PRIORITY,
    StagePlace,
    StageRun,
    build_context,
    build_shard,
    describe_stage,
    find_entering,
    run_python,
    run_stage,
)

INPUTS = {"drawn": 12, "minimum": 6, "maximum": 10}
SUM = build_seed("sum", "def solve(xs):\n    return sum(xs)\n")
GUESSED = build_seed("guessed", "def twice(x):\n    return x + x\n", contract=None)
BARE = build_seed("bare", "def total(xs: list[int]) -> int:\n    return helper(xs)", contract=None)


def begin(seed: Seed) -> Trial:
    """The trial that the recipe's random seed gives this seed."""
    randoms = (derive_random(7, "probe", seed.id), derive_random(7, "inputs", seed.id))
    trial = begin_trial(seed, *randoms, Limits(), InputsConfig.model_validate(INPUTS))
    assert isinstance(trial, Trial)
    return trial


def refer(*seeds: Seed, sandbox: ScriptedSandbox | None = None, **data: object) -> StageRun:
    context = build_context({"inputs": INPUTS, **data}, sandbox=sandbox or ScriptedSandbox(run_python))
    return run_stage(ReferenceStage(context), build_shard(*seeds))


def test_it_runs_seeds_and_makes_references() -> None:
    place = StagePlace("reference", Seed, ("snippet",), (Reference,))
    assert describe_stage(ReferenceStage(build_context())) == place


def test_a_seed_with_a_contract_becomes_a_reference_of_what_it_did() -> None:
    run = refer(SUM)
    (reference,) = run.made(Reference)
    assert (reference.seed_id, reference.language, reference.code) == ("sum", "python", SUM.code)
    assert reference.contract == SUM.contract
    assert len(reference.cases) == 10
    for case in reference.cases:
        row = decode(case.arguments[0])
        assert isinstance(row, list)
        assert decode(case.expected) == sum(item for item in row if isinstance(item, int))


def test_a_kept_seed_has_a_row_with_its_figures() -> None:
    run = refer(SUM)
    row = run.rows["sum"]
    assert (row.kind, row.parents, row.language) == ("seed", (), "python")
    assert run.decision("sum") == (Decision.KEPT, "")
    assert run.evidence("sum")["cases"] == 10
    assert set(run.evidence("sum")) == {"cases", "inputs", "returned", "distinct"}


def test_one_signature_is_run_forwards_and_then_backwards() -> None:
    sandbox = ScriptedSandbox(run_python)
    refer(SUM, sandbox=sandbox)
    plan = begin(SUM).plan
    assert plan is not None
    assert tuple(sandbox.requests) == plan.requests
    assert sandbox.priorities == [PRIORITY, PRIORITY]


def test_several_signatures_are_tried_first_and_the_best_is_then_run_both_ways() -> None:
    sandbox = ScriptedSandbox(run_python)
    run = refer(GUESSED, sandbox=sandbox)
    trial = begin(GUESSED)
    assert len(trial.probe.signatures) > 1
    random, config = derive_random(7, "inputs", GUESSED.id), InputsConfig.model_validate(INPUTS)
    planned = continue_trial(trial, [run_python(trial.probe.request)], random, config)
    assert isinstance(planned, Trial) and planned.plan is not None
    assert sandbox.requests == [trial.probe.request, *planned.plan.requests]
    assert sandbox.priorities == [PRIORITY, PRIORITY]
    (reference,) = run.made(Reference)
    contract = called(reference.contract)
    assert (contract.entry_point, contract.signature) == ("twice", "(int) -> int")


def test_seeds_are_run_together_and_each_keeps_its_own_answers() -> None:
    sandbox = ScriptedSandbox(run_python)
    crash = build_seed("crash", "def solve(xs):\n    raise ValueError(xs)\n")
    count = build_seed("count", "def solve(xs):\n    return len(xs)\n")
    run = refer(GUESSED, crash, SUM, count, sandbox=sandbox)
    assert [(unit, row.reason) for unit, row in run.rows.items()] == [
        ("guessed", ""),
        ("crash", "reference_crashed"),
        ("sum", ""),
        ("count", ""),
    ]
    # all probes and first runs; then what is left of each
    assert sandbox.priorities == [PRIORITY, PRIORITY]
    assert len(sandbox.requests) == 4 + 3 + 2 + 2
    alone = [refer(seed).made(Reference)[0] for seed in (GUESSED, SUM, count)]
    assert run.made(Reference) == alone


def test_the_inputs_come_from_the_recipes_random_seed_and_the_seeds_id() -> None:
    first, second = (refer(build_seed(name, GUESSED.code, contract=None)) for name in ("a", "b"))
    assert first.made(Reference)[0].cases != second.made(Reference)[0].cases
    sandbox = ScriptedSandbox(run_python)
    refer(GUESSED, sandbox=sandbox, inputs={"drawn": 30, "minimum": 6, "maximum": 10})
    sizes = {
        len(request.call.arguments) for request in sandbox.requests[1:] if request.call.kind == "function"
    }
    assert min(sizes) >= 30


def test_the_recipe_sets_limits() -> None:
    sandbox = ScriptedSandbox(run_python)
    context = build_context(sandbox=sandbox, execution={"kind": "local", "limits": {"cpu_s": 3}})
    run_stage(ReferenceStage(context), build_shard(SUM, GUESSED))
    assert {request.limits for request in sandbox.requests} == {Limits(cpu_s=3)}


def test_the_recipe_sets_how_many_inputs_are_enough() -> None:
    run = refer(SUM, inputs={"drawn": 3, "minimum": 60, "maximum": 60})
    assert run.decision("sum") == (Decision.KEPT, "")
    answers = build_seed("few", "def solve(b: bool):\n    return not b\n", contract=None)
    assert refer(answers).decision("few") == (Decision.REJECTED, "too_few_inputs")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("def f(n):\n    return g(n)\n", "not_self_contained"),
        ("def f():\n    return 1\n", "no_signature"),
        ("def f(:\n", "parse_error"),
        ("import random\ndef f(n):\n    return random.random() + n\n", "impure"),
    ],
)
def test_a_seed_that_cannot_be_run_is_turned_away_and_nothing_runs(code: str, reason: str) -> None:
    sandbox = ScriptedSandbox(run_python)
    run = refer(build_seed("s1", code, contract=None), sandbox=sandbox)
    assert run.decision("s1") == (Decision.REJECTED, reason)
    assert (run.units, sandbox.requests, sandbox.priorities) == ((), [], [])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return 5", "reference_constant"),
        ("return xs", "reference_identity"),
        ("raise ValueError(xs)", "reference_crashed"),
    ],
)
def test_a_seed_whose_behaviour_shows_nothing_is_rejected(body: str, reason: str) -> None:
    run = refer(build_seed("s1", f"def solve(xs):\n    {body}\n"))
    assert run.decision("s1") == (Decision.REJECTED, reason)
    assert run.evidence("s1") != {}
    assert run.units == ()


def test_a_seed_that_fails_at_once_is_run_once() -> None:
    sandbox = ScriptedSandbox(run_python)
    refer(build_seed("s1", "def solve(xs):\n    raise ValueError(xs)\n"), sandbox=sandbox)
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize(
    ("seen", "decision"),
    [
        ({"infrastructure": "the machine was lost"}, (Decision.FAILED, "infrastructure")),
        ({"toolchain_missing": "apt-get install python3"}, (Decision.REJECTED, "language_not_run")),
    ],
)
def test_a_fault_of_the_sandbox_is_a_failure_and_a_language_that_is_not_here_a_rejection(
    seen: dict[str, object], decision: tuple[Decision, str]
) -> None:
    """A source has many languages: one that cannot be run here does not hold up the others."""

    def observe(request: ExecutionRequest) -> Observation:
        return build_observation(request, **seen)

    for seed in (SUM, GUESSED):
        run = refer(seed, sandbox=ScriptedSandbox(observe))
        assert run.decision(seed.id) == decision
        assert run.units == ()


def test_a_seed_that_cannot_run_alone_is_kept_only_for_agreement() -> None:
    alone, together = refer(BARE), refer(BARE, evidence={"agreement": True})
    assert alone.decision("bare") == (Decision.REJECTED, "not_self_contained")
    assert alone.units == ()
    assert together.decision("bare") == (Decision.KEPT, "")
    assert together.evidence("bare") == {"no_reference": "not_self_contained"}
    assert together.made(Reference) == [
        Reference(
            seed_id="bare",
            language="python",
            code=BARE.code,
            contract=FunctionContract(
                entry_point="total", signature="(list[int]) -> int", parameter_names=("xs",)
            ),
        )
    ]


@pytest.mark.parametrize(("phase", "kept"), [("compile", True), ("parse", True), ("run", False)])
def test_a_seed_that_does_not_compile_alone_is_kept_for_agreement_and_one_that_fails_is_not(
    phase: str, kept: bool
) -> None:
    def observe(request: ExecutionRequest) -> Observation:
        return build_observation(request, phase=phase, cases=(), finished=False)

    run = refer(SUM, sandbox=ScriptedSandbox(observe), evidence={"agreement": True})
    assert run.decision(SUM.id) == ((Decision.KEPT, "") if kept else (Decision.REJECTED, "reference_crashed"))
    assert run.evidence(SUM.id).get("no_reference") == ("reference_crashed" if kept else None)


def test_a_language_that_is_not_here_leaves_the_contract_for_agreement() -> None:
    def observe(request: ExecutionRequest) -> Observation:
        return build_observation(request, toolchain_missing="apt-get install ruby")

    seed = build_seed("s1", "def solve(xs) = xs.sum", language="ruby")
    run = refer(seed, sandbox=ScriptedSandbox(observe), evidence={"agreement": True})
    assert run.evidence("s1") == {"no_reference": "toolchain_missing"}
    (reference,) = run.made(Reference)
    assert (reference.language, reference.contract, reference.cases) == ("ruby", seed.contract, ())


@pytest.mark.parametrize(
    ("seed", "reason"),
    [
        (build_seed("s1", "def solve(xs):\n    return 5\n"), "reference_constant"),
        (build_seed("s1", "def f(n):\n    return g(n)\n", contract=None), "not_self_contained"),
    ],
)
def test_agreement_takes_no_seed_that_was_judged_or_states_no_types(seed: Seed, reason: str) -> None:
    run = refer(seed, evidence={"agreement": True})
    assert run.decision("s1") == (Decision.REJECTED, reason)
    assert run.units == ()


def test_agreement_needs_candidates() -> None:
    run = refer(BARE, evidence={"agreement": True}, solve=None, instruct=None)
    assert run.decision("bare") == (Decision.REJECTED, "not_self_contained")


def test_a_seed_that_was_turned_away_does_not_enter() -> None:
    shard = build_shard(SUM, BARE, rejected={"snippet": ["sum"]})
    assert find_entering(ReferenceStage(build_context()), shard) == ["bare"]


def test_a_run_that_ran_out_of_time_is_asked_once_more_alone() -> None:
    plan = begin(SUM).plan
    assert plan is not None
    mixed = plan.requests[2]

    def observe(request: ExecutionRequest) -> Observation:
        whole = run_python(request)
        if request == mixed:
            return whole.model_copy(update={"cases": whole.cases[:1], "stop": Stop.CPU, "finished": False})
        return whole

    sandbox = ScriptedSandbox(observe)
    run = refer(SUM, GUESSED, sandbox=sandbox)
    assert run.decision("sum") == (Decision.KEPT, "")
    again = sandbox.requests[-2:]
    assert [request.call for request in again] == [request.call for request in plan.requests[1:]]
    assert all(request.limits.cpu_s > mixed.limits.cpu_s for request in again)


def test_one_that_runs_out_of_time_again_is_refused_with_words() -> None:
    def observe(request: ExecutionRequest) -> Observation:
        return build_observation(request, stop=Stop.WALL, finished=False)

    run = refer(SUM, sandbox=ScriptedSandbox(observe))
    assert run.decision("sum") == (Decision.REJECTED, "reference_crashed")
    assert "wall limit" in str(run.evidence("sum")["error"])


def stated(*pairs: tuple[list[Value], int]) -> tuple[Example, ...]:
    return tuple(Example(arguments=(encode(row),), expected=encode(total)) for row, total in pairs)


@pytest.mark.parametrize(
    ("examples", "kept"),
    [
        (stated(([1], 1), ([1, 2], 3), ([], 0)), True),
        (stated(([1], 1), ([1, 2], 3)), False),
        (stated(([1], 1), ([0, 1], 1), ([1, 0], 1)), False),  # one answer to all
        ((*stated(([1], 1), ([1, 2], 3)), Example(arguments=("i1", "i2"), expected="i3")), False),
    ],
)
def test_a_seed_that_cannot_run_is_judged_by_what_people_state_of_it(
    examples: tuple[Example, ...], kept: bool
) -> None:
    seed = BARE.model_copy(update={"examples": examples})
    run = refer(seed)
    assert run.decision("bare") == (
        (Decision.KEPT, "") if kept else (Decision.REJECTED, "not_self_contained")
    )
    if kept:
        (reference,) = run.made(Reference)
        assert reference.rank is EvidenceRank.EXAMPLES
        assert [case.expected for case in reference.cases] == ["i1", "i3", "i0"]
    assert refer(seed, evidence={"min_examples": 0}).decision("bare")[0] is Decision.REJECTED
