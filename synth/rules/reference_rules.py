"""Reference execution: a self-contained seed is run, and its results become the expected values of its task.

Three pure steps with the sandbox between them: `plan_probe` (one program: a few inputs of each candidate
signature), `plan_runs` (three programs: all inputs of the signature that worked, in three orders),
`judge_reference` (the reference, or why there is none). If there is only one signature, `plan_stated` skips
the probe, and `refuse_early` can save the other runs. A seed that failed in all its ways is asked once more
on inputs near those on which it returned. `Trial` says at each step what to run next.

The one rule: a behaviour is a reference only if all runs gave the same answers, in every order (so neither
state nor chance plays a part), and the answers are not all alike. Nothing that names chance, the clock or the
world outside is run at all, and a run that ran out of time is asked once more with nothing beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import NamedTuple

from synth.config import InputsConfig
from synth.filters.protocol import Reject
from synth.ids import unit_id
from synth.languages.registry import normalize_language
from synth.languages.spec import Adapted
from synth.records import (
    ExecutionRequest,
    FunctionCall,
    FunctionContract,
    Limits,
    Observation,
    Seed,
    Stop,
)
from synth.rules.canonical import canonical_outputs
from synth.rules.code_demands import find_memory
from synth.rules.code_words import read_code_words
from synth.rules.domains import draw_gently, draw_in_domains, in_domains
from synth.rules.input_drawing import literal_hints
from synth.rules.nearby_rows import (
    ROUNDS,
    ReturnedRows,
    choose_returned,
    draw_nearby,
    find_returned,
    longest,
)
from synth.rules.preconditions import ENOUGH, Preconditions, find_preconditions
from synth.rules.reference_judging import (
    ENOUGH_EXAMPLES,
    MIN_RETURNED,
    FoundReference,
    count_right,
    crashed,
    find_fault,
    judge_reference,
    refuse_early,
)
from synth.rules.reference_plans import ReferencePlan, Rows, SignatureProbe
from synth.rules.slow_inputs import find_slow_row, lighter_rows
from synth.rules.stated_examples import StatedRow, fit_examples, order_signatures, usual_way
from synth.seeds.adapters import find_stated, find_ways
from synth.seeds.impurity import find_impurity
from synth.seeds.python.self_contained import check_self_contained
from synth.values import Signature, ValueType, parse_signature

PROBES = 6
"""Inputs per candidate signature in the probe."""
MORE_TO_KEEP = 2
"""Rows drawn for each that is wanted, where some do not keep what the function asks."""
MAX_LIGHTENED = 2
"""How often a seed is asked again without the inputs that took too much; each time costs its time limit."""
OF_THE_WAY = frozenset({"reference_crashed", "reference_constant", "reference_identity", "too_few_inputs"})
"""Reasons for which another way to call the function may do better."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A seed on its way to a reference: its observations so far, and the programs to run next."""

    probe: SignatureProbe
    plan: ReferencePlan | None = None
    seen: tuple[Observation, ...] = ()
    others: tuple[SignatureProbe, ...] = ()
    """The other ways to call its function, tried in turn if this one fails."""
    refused: Reject | None = None
    """Why the first way failed: the reason of the seed if all fail."""
    lightened: int = 0
    """How often it was asked again without the inputs that took too much."""
    known: tuple[ReturnedRows, ...] = ()
    """The inputs on which it returned in the ways that failed."""
    alone: bool = False
    """Whether `to_run` is asked again, with nothing beside it, because time ran out."""

    @property
    def to_run(self) -> tuple[ExecutionRequest, ...]:
        """The probe while there is no plan; then the plan's runs. Without a probe, the first run comes alone,
        since it may be enough to reject the seed."""
        if self.plan is None:
            return (self.probe.request,)
        was_probed = len(self.probe.signatures) > 1
        next_ = self.plan.requests[len(self.seen) :] if was_probed or self.seen else self.plan.requests[:1]
        return tuple(map(_with_more_time, next_)) if self.alone else next_


def _with_more_time(request: ExecutionRequest) -> ExecutionRequest:
    """The same program, but another request: the sandbox may remember the answer to the first one."""
    limits = request.limits
    more = {"cpu_s": 1.25 * limits.cpu_s, "wall_s": 1.25 * limits.wall_s}
    return request.model_copy(update={"limits": limits.model_copy(update=more)})


def begin_trial(
    seed: Seed, probe_random: Random, input_random: Random, limits: Limits, config: InputsConfig
) -> Trial | Reject:
    """The trial of a seed, before its first run. Rejects for the reasons of `plan_probe`."""
    probes = plan_probes(seed, probe_random, limits)
    if isinstance(probes, Reject):
        return probes
    return Trial(probes[0], plan_stated(probes[0], input_random, config), others=tuple(probes[1:]))


def continue_trial(
    trial: Trial, seen: Sequence[Observation], input_random: Random, config: InputsConfig
) -> Trial | FoundReference | Reject:
    """The next state after the runs of `trial.to_run`: another step, a reference, or a rejection."""
    found = _continue_way(trial, seen, input_random, config)
    if not isinstance(found, Reject):
        return found
    refused = trial.refused or found
    if found.reason not in OF_THE_WAY or trial.probe.nearby >= ROUNDS:
        return refused
    known = (*trial.known, find_returned(trial.probe, trial.plan, (*trial.seen, *seen)[0]))
    if trial.others:
        probe, *others = trial.others
        plan = plan_stated(probe, input_random, config)
        return Trial(probe, plan, others=tuple(others), refused=refused, known=known)
    nearby = _plan_nearby(known, trial.probe.nearby + 1, input_random)
    return refused if nearby is None else Trial(nearby, refused=refused, known=known)


def _plan_nearby(known: Sequence[ReturnedRows], turn: int, random: Random) -> SignatureProbe | None:
    """The probe of inputs near those on which the seed returned; None if it returned on none."""
    best = longest(known)
    if best is None or best.probe.seed.contract is not None:
        return None
    probe, signature = best.probe, best.signature
    stated = probe.stated[best.rank]
    words = read_code_words(probe.code, normalize_language(probe.seed.language), probe.parameter_names)
    demands = _find_demands(stated, probe.code, probe.entry_point, probe.parameter_names)
    drawn = demands.keep(draw_nearby(best, words, random))
    rows = tuple(row for row in drawn if in_domains(row, probe.domains))
    limits = probe.request.limits
    request = _request(probe.seed, probe.code, probe.entry_point, signature, rows, "nearby", limits)
    now = replace(probe, signatures=(signature,), rows=(rows,), stated=(stated,))
    return replace(now, request=request, nearby=turn)


def _continue_way(
    trial: Trial, seen: Sequence[Observation], input_random: Random, config: InputsConfig
) -> Trial | FoundReference | Reject:
    if (lighter := _lighter(trial, seen[0])) is not None:
        return lighter
    if trial.plan is None:
        plan = plan_runs(trial.probe, seen[0], input_random, config)
        return plan if isinstance(plan, Reject) else replace(trial, plan=plan)
    if not trial.alone and any(_is_doubtful(trial, one) for one in seen):
        return replace(trial, alone=True)
    now = replace(trial, seen=(*trial.seen, *seen), alone=False)
    if now.to_run:
        return refuse_early(trial.plan, now.seen[0]) or now
    return judge_reference(trial.plan, now.seen, config.maximum)


def _lighter(trial: Trial, seen: Observation) -> Trial | None:
    """The trial without the inputs that took too much, where the probe or the first run stopped at one."""
    slow = find_slow_row(seen)
    if slow is None or trial.lightened >= MAX_LIGHTENED or trial.seen:
        return None
    if trial.plan is not None:
        kept = lighter_rows(trial.plan.rows, slow)
        plan = _keep_rows(trial.plan, kept)
        return replace(trial, plan=plan, lightened=trial.lightened + 1) if len(kept) >= plan.minimum else None
    probe = _keep_probe_rows(trial.probe, slow)
    return None if probe is None else replace(trial, probe=probe, lightened=trial.lightened + 1)


def _keep_rows(plan: ReferencePlan, kept: Sequence[int]) -> ReferencePlan:
    rows = tuple(plan.rows[at] for at in kept)
    there = set(rows)
    place = {at: new for new, at in enumerate(kept)}
    mixed = tuple(place[at] for at in plan.mixed if at in place)
    orders = (rows, rows[::-1], tuple(rows[at] for at in mixed))
    forwards, backwards, again = (
        _with_rows(request, order) for request, order in zip(plan.requests, orders, strict=True)
    )
    stated = tuple(one for one in plan.stated if one.arguments in there)
    return replace(plan, rows=rows, stated=stated, requests=(forwards, backwards, again), mixed=mixed)


def _keep_probe_rows(probe: SignatureProbe, slow: int) -> SignatureProbe | None:
    """The probe without the slow input, and without those of the same signature that ask for as much; None if
    a signature would be left without inputs."""
    groups, start = list[Rows](), 0
    for group in probe.rows:
        inside = start <= slow < start + len(group)
        kept = lighter_rows(group, slow - start) if inside else range(len(group))
        groups.append(tuple(group[at] for at in kept))
        start += len(group)
    if not all(groups):
        return None
    flat = tuple(row for group in groups for row in group)
    return replace(probe, rows=tuple(groups), request=_with_rows(probe.request, flat))


def _with_rows(request: ExecutionRequest, rows: Rows) -> ExecutionRequest:
    assert isinstance(request.call, FunctionCall), "references are functions that are called"
    call = request.call.model_copy(update={"arguments": rows})
    return request.model_copy(update={"id": unit_id("lighter", request.id, rows), "call": call})


def _is_doubtful(trial: Trial, seen: Observation) -> bool:
    """Whether the load of the machine may have stopped the program: it waited too long, or used up its time
    where it did not before."""
    return seen.stop is Stop.WALL or (seen.stop is Stop.CPU and bool(trial.seen))


def plan_probe(seed: Seed, random: Random, limits: Limits | None = None) -> SignatureProbe | Reject:
    """The probe of a seed in the likeliest way to call it. Rejects: parse_error, not_self_contained, impure,
    no_signature."""
    found = plan_probes(seed, random, limits)
    return found if isinstance(found, Reject) else found[0]


def plan_probes(seed: Seed, random: Random, limits: Limits | None = None) -> list[SignatureProbe] | Reject:
    """The probes of a seed, one for each way to call it, the likeliest first. Rejects as `plan_probe`."""
    found = _find_ways(seed)
    if isinstance(found, Reject):
        return found
    if (
        seed.contract is None
        and len(seed.examples) < ENOUGH
        and (memory := find_memory(found[0].parameter_names))
    ):
        why = f"its parameter {memory} holds what earlier calls have found"
        return Reject("no_signature", {"why": why})
    ways = (*found, *(way._replace(gentle=True) for way in found[:1] if seed.contract is None))
    return [_probe(seed, way, random, limits) for way in ways]


def _probe(seed: Seed, way: Adapted, random: Random, limits: Limits | None) -> SignatureProbe:
    code, entry_point, names, guessed, domains, gentle, marks = usual_way(way, seed.examples, seed.language)
    signatures = order_signatures(guessed, seed.examples)
    stated = tuple(fit_examples(seed.examples, signature, domains) for signature in signatures)
    hints = literal_hints(code, normalize_language(seed.language))
    draw = draw_gently if gentle else draw_in_domains
    asked = [_find_demands(examples, code, entry_point, names) for examples in stated]
    drawn = [
        demands.keep(draw(signature, domains, PROBES, random, hints))
        for signature, demands in zip(signatures, asked, strict=True)
    ]
    rows = tuple(
        tuple(dict.fromkeys([*(one.arguments for one in examples[:PROBES]), *others]))
        for examples, others in zip(stated, drawn, strict=True)
    )
    flat = tuple(row for group in rows for row in group)
    request = _request(seed, code, entry_point, _covering(signatures), flat, "probe", limits)
    return SignatureProbe(
        seed, code, entry_point, names, signatures, rows, stated, request, domains, gentle, marks=marks
    )


def _find_demands(
    stated: Sequence[StatedRow], code: str, entry_point: str, names: Sequence[str]
) -> Preconditions:
    kept = [one.arguments for one in stated if not one.example.raises]
    return find_preconditions(kept, code, entry_point, names)


def _find_ways(seed: Seed) -> tuple[Adapted, ...] | Reject:
    """The programs that may be run for a seed, each with its entry point and candidate signatures."""
    if isinstance(seed.contract, FunctionContract):
        contract = seed.contract
        signatures: tuple[Signature, ...] = (parse_signature(contract.signature),)
        return (Adapted(seed.code, contract.entry_point, contract.parameter_names, signatures),)
    if normalize_language(seed.language) != "python" or seed.unclosed is not None:
        ways = find_ways(seed)
        word = None if isinstance(ways, Reject) else find_impurity(ways[0].code, seed.language)
        return ways if word is None else Reject("impure", {"needs": word.word, "why": f"uses {word.kind}"})
    closed = check_self_contained(seed.runnable, seed.language, seed.entry_point)
    if isinstance(closed, Reject):
        return closed
    return find_ways(seed.model_copy(update={"closed": closed.code, "entry_point": closed.entry_point}))


def stated_contract(seed: Seed) -> FunctionContract | None:
    """The contract that a seed brings or declares, for a task that will have no reference; None if neither
    states the types."""
    if seed.shape == "class":
        return None
    if seed.contract is not None:
        return seed.contract if isinstance(seed.contract, FunctionContract) else None
    return find_stated(seed)


def _covering(signatures: tuple[Signature, ...]) -> Signature:
    """The only signature, or one that accepts the rows of all: `any` for every parameter (Python's driver
    needs no types)."""
    return (
        signatures[0]
        if len(signatures) == 1
        else Signature((ValueType("any"),) * len(signatures[0].parameters), ValueType("any"))
    )


def _request(
    seed: Seed,
    code: str,
    entry_point: str,
    signature: Signature,
    rows: Rows,
    purpose: str,
    limits: Limits | None,
) -> ExecutionRequest:
    call = FunctionCall(entry_point=entry_point, signature=str(signature), arguments=rows)
    return ExecutionRequest(
        id=unit_id("reference", seed.id, purpose, code, rows),
        language=seed.language,
        code=code,
        call=call,
        limits=limits or Limits(),
    )


def plan_runs(
    probe: SignatureProbe, observation: Observation, random: Random, config: InputsConfig
) -> ReferencePlan | Reject:
    """Choose the signature on which the seed does what most of its examples state; then that on which it
    returned most often and gave the most distinct answers; the likelier guess wins a tie."""
    if fault := find_fault(observation):
        return fault
    if probe.nearby:
        count = max(config.drawn, config.maximum, config.minimum)
        near = choose_returned(probe, observation, count)
        if len(near) < config.minimum:
            return Reject("too_few_inputs", {"returned": len(near), "minimum": config.minimum})
        return _plan_of_rows(probe, 0, near, random, config)
    returned = canonical_outputs(observation)
    scores: list[_Score] = []
    start = 0
    for rank, (rows, stated) in enumerate(zip(probe.rows, probe.stated, strict=True)):
        outputs = {at: returned[start + at] for at in range(len(rows)) if start + at in returned}
        right = count_right(outputs, rows, stated)
        scores.append(_Score(right, len(outputs) / max(1, len(rows)), len(set(outputs.values())), -rank))
        start += len(rows)
    usable = [score for score in scores if score.share >= MIN_RETURNED or score.right >= ENOUGH_EXAMPLES]
    if not usable:
        best = max(scores, key=lambda score: score.share)
        return crashed(observation, {"returned": best.share, "signatures": len(scores)})
    # A failure rate of up to one in six does not count: functions reject some edge cases. Beyond that, more
    # returned values win over variety.
    chosen = max(
        usable,
        key=lambda score: (
            score.right,
            score.distinct > 1,
            round(3 * score.share),
            score.rank,
            score.distinct,
        ),
    )
    return _make_plan(probe, -chosen.rank, random, config)


class _Score(NamedTuple):
    """How well a signature fits a seed."""

    right: int
    """Examples that the seed reproduced."""
    share: float
    """Inputs on which it returned."""
    distinct: int
    rank: int
    """0 for the likeliest guess, then -1."""


def plan_stated(probe: SignatureProbe, random: Random, config: InputsConfig) -> ReferencePlan | None:
    """The plan of a seed with one signature; None if there are several and the probe has to choose."""
    return _make_plan(probe, 0, random, config) if len(probe.signatures) == 1 else None


def _make_plan(probe: SignatureProbe, rank: int, random: Random, config: InputsConfig) -> ReferencePlan:
    signature = probe.signatures[rank]
    hints = literal_hints(probe.code, normalize_language(probe.seed.language))
    count = max(config.drawn, config.maximum, config.minimum)
    draw = draw_gently if probe.gentle else draw_in_domains
    demands = _find_demands(probe.stated[rank], probe.code, probe.entry_point, probe.parameter_names)
    wanted = MORE_TO_KEEP * count if demands.demands else count
    drawn = demands.keep(draw(signature, probe.domains, wanted, random, hints))[:count]
    return _plan_of_rows(probe, rank, (*probe.rows[rank], *drawn), random, config)


def _plan_of_rows(
    probe: SignatureProbe, rank: int, drawn: Rows, random: Random, config: InputsConfig
) -> ReferencePlan:
    signature = probe.signatures[rank]
    examples = [one.arguments for one in probe.stated[rank]]
    rows = tuple(dict.fromkeys([*examples, *drawn]))
    limits = probe.request.limits
    forwards = _request(probe.seed, probe.code, probe.entry_point, signature, rows, "forwards", limits)
    backwards = _request(
        probe.seed, probe.code, probe.entry_point, signature, rows[::-1], "backwards", limits
    ).model_copy(update={"other_hashing": True})
    mixed = tuple(random.sample(range(len(rows)), len(rows)))
    again = _request(
        probe.seed, probe.code, probe.entry_point, signature, tuple(rows[at] for at in mixed), "mixed", limits
    )
    requests = forwards, backwards, again
    return ReferencePlan(probe, signature, rows, probe.stated[rank], requests, mixed, config.minimum)
