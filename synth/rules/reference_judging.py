"""What the runs of a seed say: a reference, or why there is none.

Place in the flow: `reference_rules.py` plans the runs and asks here after each. The one rule: a behaviour is
a reference only if all runs gave the same answers, in every order, the answers are not all alike, and nothing
that people state of it is contradicted.
"""

from collections.abc import Sequence
from typing import NamedTuple

from synth.execution.verdict import failure_words
from synth.filters.protocol import Evidence, Reject
from synth.languages.registry import get_language
from synth.records import Case, FunctionContract, Observation, Phase, Reference, Stop
from synth.rules.canonical import canonical_output, canonical_outputs, is_whole
from synth.rules.deliberate_errors import deliberate_errors
from synth.rules.domains import write_domains
from synth.rules.reference_plans import ReferencePlan, Rows
from synth.rules.reference_rows import by_variety, is_identity, show_row
from synth.rules.result_type import infer_type
from synth.rules.stated_examples import StatedRow, is_contradicted
from synth.values import Signature, decode

MIN_RETURNED = 0.5
"""Minimum share of the inputs on which the seed must return."""
MOST_OF_THE_TIME = 0.6
"""Share of its CPU time that a reference may need: the same program may need more on a busy machine."""
ENOUGH_EXAMPLES = 3
"""Reproduced examples that make a seed a reference even if most other inputs are refused by it."""
MAX_OUTPUT = 4096
"""Maximum output length of a case, in characters of wire text; cases with longer output are not used."""

NOT_RUN = frozenset({"toolchain_missing", "not_self_contained"})
"""Reasons that do not count against a seed: it could not be run here or on its own."""

MAX_RAISING = 0.25
"""Maximum share of cases that end in an error which the seed itself raises."""


class FoundReference(NamedTuple):
    """A reference, and the figures that support it."""

    reference: Reference
    evidence: Evidence


def refuse_early(plan: ReferencePlan, forwards: Observation) -> Reject | None:
    """Rejects a seed whose first run shows that there will be no reference. Reasons: reference_crashed, and
    the sandbox's own faults."""
    if fault := find_fault(forwards):
        return fault
    outputs = canonical_outputs(forwards)
    returned = len(outputs)
    if contradicted := _find_contradiction(plan, outputs, forwards):
        return contradicted
    right = count_right(outputs, plan.rows, plan.stated)
    if returned < MIN_RETURNED * len(plan.rows) and right < ENOUGH_EXAMPLES:
        return crashed(forwards, {"returned": returned, "inputs": len(plan.rows)})
    return None


def crashed(seen: Observation, evidence: Evidence) -> Reject:
    words = failure_words(seen)[:300]
    return Reject("reference_crashed", evidence | {"phase": seen.phase.value, "error": words})


def was_never_run(answer: Reject) -> bool:
    """Whether the seed was turned away without a run that says something against it: it could not be run
    here, on its own, or be compiled alone. Its candidates may then agree."""
    return answer.reason in NOT_RUN or answer.evidence.get("phase") in (Phase.PARSE, Phase.COMPILE)


def count_right(outputs: dict[int, str], rows: Rows, stated: Sequence[StatedRow]) -> int:
    """How many of the examples came out as stated."""
    by_row = {one.arguments: one.example for one in stated}
    return sum(
        not is_contradicted(outputs.get(at), by_row[row])
        for at, row in enumerate(rows)
        if row in by_row and (at in outputs or by_row[row].raises)
    )


def _find_contradiction(plan: ReferencePlan, outputs: dict[int, str], seen: Observation) -> Reject | None:
    """The first example that does not come out as stated."""
    by_row = {one.arguments: one.example for one in plan.stated}
    ended = not seen.finished or seen.stop is not Stop.NONE
    refused = deliberate_errors(seen, plan.probe.code)
    for at, row in enumerate(plan.rows[: len(by_row)]):
        if at not in outputs and (ended or at in refused):
            continue  # the machine's limits decided, or an error is the language's way to say the result
        if row in by_row and is_contradicted(outputs.get(at), by_row[row]):
            example = by_row[row]
            return Reject(
                "example_contradicted",
                {
                    "input": show_row(row),
                    "stated": f"raises {example.raises}"
                    if example.raises
                    else show_row((example.expected or "",)),
                    "found": show_row((outputs[at],)) if at in outputs else failure_words(seen)[:300],
                    "source": example.source,
                },
            )
    return None


def judge_reference(
    plan: ReferencePlan, observations: Sequence[Observation], maximum: int = 64
) -> FoundReference | Reject:
    """The reference suite from the three runs, in the order of `plan.requests`.

    Rejects: reference_crashed, example_contradicted, reference_unstable, reference_constant,
    reference_identity, too_few_inputs, and the sandbox's own faults.
    """
    forwards, backwards, again = observations
    if refused := refuse_early(plan, forwards) or find_fault(backwards) or find_fault(again):
        return refused
    last = len(plan.rows) - 1
    first = canonical_outputs(forwards)
    second = {last - at: output for at, output in canonical_outputs(backwards).items()}
    third = {plan.mixed[at]: output for at, output in canonical_outputs(again).items() if at <= last}
    if differing := [at for at in first if not first[at] == second.get(at) == third.get(at)]:
        return _unstable(plan, differing, observations)
    if (slowest := max(one.cpu_s for one in observations)) > MOST_OF_THE_TIME * _time_limit(plan):
        return Reject("reference_unstable", {"why": "needs most of its time limit", "cpu_s": slowest})
    cases = {at: output for at, output in first.items() if len(output) <= MAX_OUTPUT and is_whole(output)}
    errors = deliberate_errors(backwards, plan.probe.code)
    raised = {
        at: kind
        for at, kind in deliberate_errors(forwards, plan.probe.code).items()
        if errors.get(last - at) == kind
    }
    return _make_reference(plan, cases, raised, maximum)


def _time_limit(plan: ReferencePlan) -> float:
    """CPU seconds that each run may take."""
    return plan.requests[0].limits.cpu_s


def _unstable(plan: ReferencePlan, differing: list[int], observations: Sequence[Observation]) -> Reject:
    """A seed that did not give the same answers in all runs: which input shows it, and why if a run ended."""
    ended = next((one for one in observations if not one.finished or one.stop is not Stop.NONE), None)
    why = "differs from run to run" if ended is None else failure_words(ended)[:200]
    evidence: Evidence = {"inputs": len(plan.rows), "differing": len(differing), "why": why}
    return Reject("reference_unstable", evidence | {"input": show_row(plan.rows[differing[0]])})


def _make_reference(
    plan: ReferencePlan, outputs: dict[int, str], raised: dict[int, str], maximum: int
) -> FoundReference | Reject:
    if len(set(outputs.values())) + len(set(raised.values())) < 2 and outputs:
        return Reject(
            "reference_constant", {"inputs": len(outputs), "output": next(iter(outputs.values()))[:200]}
        )
    if outputs and is_identity(plan.rows, outputs):
        return Reject("reference_identity", {"inputs": len(outputs)})
    if len(outputs) < plan.minimum:
        return Reject("too_few_inputs", {"returned": len(outputs), "minimum": plan.minimum})
    language = get_language(plan.probe.seed.language)
    result = infer_type([decode(output) for output in outputs.values()], one_number=language.one_number)
    if language.one_number:
        outputs = {at: canonical_output(output, result) for at, output in outputs.items()}
    names, signature = plan.probe.parameter_names, str(Signature(plan.signature.parameters, result))
    contract = FunctionContract(
        entry_point=plan.probe.entry_point, signature=signature, parameter_names=names
    )
    probe = plan.probe
    errors = dict(list(raised.items())[: int(MAX_RAISING * maximum)])
    ordered = _ordered(plan, outputs)[: maximum - len(errors)]
    cases = (
        *(Case(arguments=plan.rows[at], expected=outputs[at]) for at in ordered),
        *(Case(arguments=plan.rows[at], raises=kind) for at, kind in errors.items()),
    )
    reference = Reference(
        seed_id=probe.seed.id,
        language=probe.seed.language,
        code=probe.code,
        contract=contract,
        cases=cases,
        domains=write_domains(probe.domains),
        gentle=probe.gentle,
    )
    evidence: Evidence = {
        "cases": len(cases),
        "inputs": len(plan.rows),
        "returned": len(outputs),
        "distinct": len(set(outputs.values())),
    }
    if plan.stated:
        evidence |= {"examples": len(plan.stated)}
    if errors:
        evidence = evidence | {"raising": len(errors)}
    return FoundReference(reference, evidence | dict.fromkeys(plan.probe.marks, 1))


def _ordered(plan: ReferencePlan, outputs: dict[int, str]) -> list[int]:
    """The inputs of the examples first, then the others, each distinct answer once before one repeats."""
    stated = [at for at in range(len(plan.stated)) if at in outputs]
    return stated + [at for at in by_variety(outputs) if at not in set(stated)]


def find_fault(observation: Observation) -> Reject | None:
    """The sandbox's own fault, if there is one; it says nothing about the seed."""
    if observation.infrastructure is not None:
        return Reject("infrastructure", {"error": failure_words(observation)[:300]})
    if observation.toolchain_missing is not None:
        return Reject("toolchain_missing", {"fix": observation.toolchain_missing[:200]})
    return None
