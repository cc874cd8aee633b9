"""Reference execution of classes: which methods can be called in turn, and what they give.

Place in the flow: `trials.py` begins one for each seed that is a class. Two steps: a probe with sequences of
all methods, which says of each call whether it gave a value, nothing, an error or an object; then the calls
that went well, twice, forwards and backwards, through the very lines that candidates are called by.

The one rule: as for functions, only what both runs gave counts, and not if all results are alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final, Literal

from synth.config import InputsConfig
from synth.execution.verdict import failure_words
from synth.filters.protocol import Evidence, Reject
from synth.grammar.parser_process import UnparsedError
from synth.ids import unit_id
from synth.languages.classes import PROBE_FUNCTION, ClassSeeds, ClassShape, DraftClass, DraftMethod
from synth.languages.registry import find_language, normalize_language
from synth.languages.spec import Domain, NotAdapted, UnsupportedType
from synth.records import (
    Case,
    ClassCall,
    ClassContract,
    ExecutionRequest,
    FunctionCall,
    Limits,
    Method,
    Observation,
    Reference,
    Seed,
)
from synth.rules.canonical import canonical_outputs, is_whole
from synth.rules.deliberate_errors import deliberate_errors
from synth.rules.domains import draw_gently, draw_in_domains
from synth.rules.input_drawing import literal_hints
from synth.rules.reference_judging import MAX_OUTPUT, MAX_RAISING, FoundReference, find_fault
from synth.rules.result_type import infer_type
from synth.rules.slow_inputs import find_slow_row
from synth.seeds.impurity import find_impurity
from synth.values import Signature, Value, ValueType, decode, encode

SEQUENCES: Final = 24
LONGEST: Final = 10
"""Calls in a sequence."""
MAX_LIGHTENED: Final = 2
"""How often a class is asked again without the sequence at which its time ran out."""
MAX_WAYS: Final = 4
Calls = tuple[tuple[str, tuple[Value, ...]], ...]
"""Names of methods, each with its arguments."""


@dataclass(frozen=True, slots=True)
class ClassTrial:
    """A class on its way to a reference: the ways to call it that are left, and the programs to run next."""

    seed: Seed
    limits: Limits
    ways: tuple[DraftClass, ...]
    step: Literal["probe", "run"] = "probe"
    made: tuple[tuple[Value, ...], ...] = ()
    """The arguments of the constructor, for each sequence."""
    sequences: tuple[Calls, ...] = ()
    contract: ClassContract | None = None
    lightened: int = 0
    likeliest: DraftClass | None = None
    """The first way, which is tried once more on gentle values (`rules/domains.py`) where all others failed;
    None while it is."""
    refused: Reject | None = None
    """Why the first way failed: the reason of the seed if all fail."""

    @property
    def code(self) -> str:
        """The program of the way that is tried."""
        return self.ways[0].code

    @property
    def alone(self) -> bool:
        """Whether its next programs must run while nothing else does."""
        return False

    @property
    def to_run(self) -> tuple[ExecutionRequest, ...]:
        """The probe, or the two runs."""
        if self.contract is None:
            rows = tuple(
                (encode(list(made)), encode([(name, *values) for name, values in calls]))
                for made, calls in zip(self.made, self.sequences, strict=True)
            )
            call = FunctionCall(entry_point=PROBE_FUNCTION, signature="(any, any) -> any", arguments=rows)
            seeds = _class_seeds(self.seed)
            assert seeds is not None and seeds.probe is not None, "a way without results is probed"
            return (self._request(seeds.probe(self.ways[0]), call),)
        laid = self.rows
        forwards = self._request(self.code, self.contract.call(laid))
        backwards = self._request(self.code, self.contract.call(laid[::-1]))
        return (forwards, backwards.model_copy(update={"other_hashing": True}))

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """The sequences as rows of the contract."""
        assert self.contract is not None, "a probe has no rows yet"
        shape = ClassShape.of(self.contract)
        number = {method.name: at for at, method in enumerate(shape.methods)}
        rows = []
        for made, calls in zip(self.made, self.sequences, strict=True):
            laid = shape.lay_out([(number[name], values) for name, values in calls])
            rows.append((*map(encode, made), encode(laid)))
        return tuple(rows)

    def _request(self, code: str, call: FunctionCall | ClassCall) -> ExecutionRequest:
        return ExecutionRequest.model_validate(
            {
                "id": unit_id("reference", self.seed.id, self.step, code, str(self.sequences)),
                "language": self.seed.language,
                "code": code,
                "call": call,
                "limits": self.limits,
            }
        )


def begin_class(seed: Seed, random: Random, limits: Limits) -> ClassTrial | Reject:
    """The trial of a class, before its first run. Rejects: not_self_contained, impure, no_signature."""
    if seed.unclosed is not None:
        return Reject(seed.unclosed.reason, {"needs": seed.unclosed.needs, "why": seed.unclosed.why})
    if (word := find_impurity(seed.runnable, seed.language)) is not None:
        return Reject("impure", {"needs": word.word, "why": f"uses {word.kind}"})
    seeds = _class_seeds(seed)
    try:
        ways = tuple(seeds.draft(seed.runnable, seed.entry_point))[:MAX_WAYS] if seeds is not None else ()
    except (NotAdapted, UnparsedError) as why:
        return Reject("no_signature", {"why": str(why)})
    if not ways:
        return Reject("no_signature", {"why": "its constructor or its methods take no shared types"})
    return _begin_way(ClassTrial(seed, limits, ways, likeliest=ways[0]), random)


def _class_seeds(seed: Seed) -> ClassSeeds | None:
    language = find_language(seed.language)
    return language.classes.seeds if language is not None and language.classes is not None else None


def continue_class(
    trial: ClassTrial, seen: Sequence[Observation], random: Random, config: InputsConfig
) -> ClassTrial | FoundReference | Reject:
    """The next state after the runs of `trial.to_run`."""
    if fault := next(filter(None, map(find_fault, seen)), None):
        return fault
    found = (
        _choose(trial, seen[0], config) if trial.contract is None else _judge(trial, seen[0], seen[1], config)
    )
    return _next_way(trial, found, random) if isinstance(found, Reject) else found


def _next_way(trial: ClassTrial, found: Reject, random: Random) -> ClassTrial | Reject:
    """The trial of the next way, or why the first one failed."""
    refused, ways, likeliest = trial.refused or found, trial.ways[1:], trial.likeliest
    if not ways and likeliest is not None:
        ways, likeliest = (likeliest,), None
    if not ways:
        return refused
    return _begin_way(
        ClassTrial(trial.seed, trial.limits, ways, likeliest=likeliest, refused=refused), random
    )


def _begin_way(trial: ClassTrial, random: Random) -> ClassTrial | Reject:
    """The trial with its first calls."""
    seeds = _class_seeds(trial.seed)
    if seeds is not None and seeds.probe is not None:
        return _with_probe(trial, random)
    found = _with_run(trial, random)
    return _next_way(trial, found, random) if isinstance(found, Reject) else found


def _with_probe(trial: ClassTrial, random: Random) -> ClassTrial:
    way, hints = trial.ways[0], literal_hints(trial.code, normalize_language(trial.seed.language))
    draw = _arguments if trial.likeliest is not None else _gentle_arguments
    made = tuple(draw(way.constructor, random, hints) for _ in range(SEQUENCES))
    sequences = []
    for _ in range(SEQUENCES):
        chosen = [random.choice(way.methods) for _ in range(random.randint(3, LONGEST))]
        sequences.append(tuple((one.name, draw(one, random, hints)) for one in chosen))
    return replace(trial, made=made, sequences=tuple(sequences))


def _with_run(trial: ClassTrial, random: Random) -> ClassTrial | Reject:
    """The trial of a way whose results are all known: its calls are run without a probe."""
    way = trial.ways[0]
    contract = _contract(way, [(one, one.result) for one in way.methods if one.result is not None])
    if contract is None:
        return Reject("no_signature", {"why": "fewer than two methods give what a slot holds"})
    names = {method.name for method in contract.methods}
    fewer = way._replace(methods=tuple(one for one in way.methods if one.name in names))
    drawn = _with_probe(replace(trial, ways=(fewer, *trial.ways[1:])), random)
    return replace(drawn, step="run", contract=contract)


def _arguments(method: DraftMethod, random: Random, hints: Sequence[Value]) -> tuple[Value, ...]:
    """Small values: objects are about what they hold, and equal values must meet."""
    return tuple(
        _value(kind, method.domains[at] if method.domains else "any", random, hints)
        for at, kind in enumerate(method.kinds)
    )


def _gentle_arguments(method: DraftMethod, random: Random, hints: Sequence[Value]) -> tuple[Value, ...]:
    """Values that fit together, none empty or negative."""
    signature = Signature(method.kinds, ValueType("any"))
    return tuple(map(decode, draw_gently(signature, method.domains, 1, random, hints)[0]))


def _value(kind: ValueType, domain: Domain, random: Random, hints: Sequence[Value]) -> Value:
    if kind.kind == "int" and random.random() < 0.9:
        return random.randint(0, 9)
    drawn = draw_in_domains(Signature((kind,), ValueType("any")), (domain,), 6, random, hints)
    return decode(random.choice(drawn)[0])


def _lighter(trial: ClassTrial, seen: Observation) -> ClassTrial | None:
    """The trial without the sequence at which time or memory ran out, if it did."""
    slow = find_slow_row(seen)
    if slow is None or trial.lightened >= MAX_LIGHTENED:
        return None
    made = trial.made[:slow] + trial.made[slow + 1 :]
    sequences = trial.sequences[:slow] + trial.sequences[slow + 1 :]
    return replace(trial, made=made, sequences=sequences, lightened=trial.lightened + 1)


def _choose(trial: ClassTrial, seen: Observation, config: InputsConfig) -> ClassTrial | Reject:
    """The methods that gave values or nothing, and the sequences of calls of these that went well."""
    if (lighter := _lighter(trial, seen)) is not None:
        return lighter
    went = {at: decode(text) for at, text in canonical_outputs(seen).items() if is_whole(text)}
    if len(went) < config.minimum:
        error = failure_words(seen)[:300]
        return Reject("reference_crashed", {"sequences": len(went), "error": error})
    way, results, others = trial.ways[0], dict[str, list[Value]](), set[str]()
    for at, outcomes in went.items():
        assert isinstance(outcomes, list)
        for (name, _), outcome in zip(trial.sequences[at], outcomes, strict=True):
            assert isinstance(outcome, list)
            if outcome[0] == "gave":
                results.setdefault(name, []).append(outcome[1])
            elif outcome[0] == "other":
                others.add(name)
    kept = [one for one in way.methods if one.name in results and one.name not in others]
    language = find_language(trial.seed.language)
    one_number = language is not None and language.one_number
    contract = _contract(way, [(one, infer_type(results[one.name], one_number=one_number)) for one in kept])
    if contract is None:
        return Reject("no_signature", {"why": "fewer than two methods give what a slot holds"})
    if all(len({encode(one) for one in results[method.name]}) < 2 for method in contract.methods):
        return Reject("reference_constant", {"methods": len(contract.methods), "sequences": len(went)})
    names = {method.name for method in contract.methods}
    made, sequences = [], []
    for at, outcomes in went.items():
        assert isinstance(outcomes, list)
        for calls in _well(trial.sequences[at], outcomes, names):
            made.append(trial.made[at])
            sequences.append(calls)
    if len(sequences) < config.minimum:
        return Reject("too_few_inputs", {"sequences": len(sequences), "minimum": config.minimum})
    return replace(trial, step="run", contract=contract, made=tuple(made), sequences=tuple(sequences))


def _well(calls: Calls, outcomes: Sequence[Value], names: set[str]) -> list[Calls]:
    """The calls that went well; and, if one raised, those before it with that one."""
    well: list[tuple[str, tuple[Value, ...]]] = []
    found: list[Calls] = []
    for call, outcome in zip(calls, outcomes, strict=True):
        assert isinstance(outcome, list)
        if call[0] in names and outcome[0] == "gave":
            well.append(call)
        elif call[0] in names and not found:
            found.append((*well, call))
    return [tuple(well), *found] if len(well) > 1 else []


def _contract(way: DraftClass, methods: list[tuple[DraftMethod, ValueType]]) -> ClassContract | None:
    """The class with as many of the methods as have slots; None if fewer than two have."""
    made = way.constructor
    constructor = Method(
        name=way.name,
        signature=str(Signature(made.kinds, ValueType("null"))),
        parameter_names=made.names,
    )
    written: list[Method] = []
    for method, result in sorted(methods, key=lambda one: one[1].kind == "null"):
        signature = str(Signature(method.kinds, result))
        more = Method(name=method.name, signature=signature, parameter_names=method.names)
        contract = ClassContract(class_name=way.name, constructor=constructor, methods=(*written, more))
        try:
            ClassShape.of(contract)
        except UnsupportedType:
            continue
        written.append(more)
    if len(written) < 2:
        return None
    return ClassContract(class_name=way.name, constructor=constructor, methods=tuple(written))


def _judge(
    trial: ClassTrial, forwards: Observation, backwards: Observation, config: InputsConfig
) -> FoundReference | Reject:
    contract, rows = trial.contract, trial.rows
    assert contract is not None, "chosen after the probe"
    last, kind = len(rows) - 1, ClassShape.of(contract).signature.result
    first = canonical_outputs(forwards, kind)
    second = {last - at: output for at, output in canonical_outputs(backwards, kind).items()}
    if differing := [at for at in first if second.get(at) != first[at]]:
        return Reject("reference_unstable", {"inputs": len(rows), "differing": len(differing)})
    outputs = {at: text for at, text in first.items() if is_whole(text) and len(text) <= MAX_OUTPUT}
    if len(set(outputs.values())) < 2:
        return Reject("reference_constant", {"inputs": len(outputs), "error": failure_words(forwards)[:200]})
    again = deliberate_errors(backwards, trial.code)
    before = deliberate_errors(forwards, trial.code)
    raised = {at: kind for at, kind in before.items() if again.get(last - at) == kind}
    errors = dict(list(raised.items())[: int(MAX_RAISING * config.maximum)])
    kept = list({rows[at]: at for at in outputs}.values())[: config.maximum - len(errors)]
    if len(kept) < config.minimum:
        return Reject("too_few_inputs", {"returned": len(kept), "minimum": config.minimum})
    cases = (
        *(Case(arguments=rows[at], expected=outputs[at]) for at in kept),
        *(Case(arguments=rows[at], raises=kind) for at, kind in errors.items()),
    )
    seed = trial.seed
    reference = Reference(
        seed_id=seed.id, language=seed.language, code=trial.code, contract=contract, cases=cases
    )
    evidence: Evidence = {
        "cases": len(cases),
        "methods": len(contract.methods),
        "distinct": len(set(outputs.values())),
        "raising": len(errors),
    }
    return FoundReference(reference, evidence)
