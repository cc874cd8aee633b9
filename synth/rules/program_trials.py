"""Reference execution of whole programs: which shape of stdin a program reads, and what it prints.

Place in the flow: `trials.py` begins one for each seed that is a program over stdin and stdout. Three steps:
a few texts of every likely shape (one that stops the program is left out, and the rest is run again),
beginnings of one text of the best shape (what the program does not read is left off, and a shape of which it
reads too little is passed over), then all texts twice, forwards and backwards.

The one rule: as for functions, only what is printed in both runs counts, and not if all outputs are alike.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final, Literal

from synth.config import InputsConfig
from synth.execution.verdict import failure_words
from synth.filters.protocol import Evidence, Reject
from synth.ids import unit_id
from synth.languages.registry import normalize_language
from synth.records import (
    Case,
    ExecutionRequest,
    Limits,
    Observation,
    Phase,
    Reference,
    Seed,
    StdioContract,
    Stop,
)
from synth.rules.input_drawing import literal_hints
from synth.rules.reference_judging import FoundReference, find_fault
from synth.rules.stdin_drawing import StdinShape, likely_shapes, write_shape

PROBES: Final = 2
"""Texts of each shape in the probe."""
MIN_PRINTED: Final = 0.6
"""Minimum share of the texts of a shape on which the program must end well."""
MAX_STOPS: Final = 2
"""Shapes that may stop the program (it waits, or runs for ever) before it is given up."""
MAX_OUTPUT: Final = 4096
"""Characters; a case with more is not used."""
_PROBE_CPU_S: Final = 1.0

Step = Literal["probe", "trim", "run"]


@dataclass(frozen=True, slots=True)
class ProgramTrial:
    """A program on its way to a reference: its results so far, and the texts to run next."""

    seed: Seed
    limits: Limits
    words: tuple[str, ...]
    step: Step = "probe"
    stdins: tuple[str, ...] = ()
    """The texts of this step."""
    shapes: tuple[StdinShape, ...] = ()
    """In the probe those that are still to be tried, PROBES texts each; then the usable ones, best first."""
    scores: tuple[tuple[StdinShape, float, int], ...] = ()
    """Shapes with the share of their texts that ended well, and the number of distinct outputs."""
    stops: int = 0
    dropped: int = 0
    """So many of the last lines of the shape are not read."""

    @property
    def alone(self) -> bool:
        """Whether its next programs must run while nothing else does."""
        return False

    @property
    def to_run(self) -> tuple[ExecutionRequest, ...]:
        """One request; two in the last step."""
        if self.step != "run":
            return (self._request(self.stdins),)
        backwards = self._request(self.stdins[::-1]).model_copy(update={"other_hashing": True})
        return (self._request(self.stdins), backwards)

    def _request(self, stdins: tuple[str, ...]) -> ExecutionRequest:
        quick = Limits.model_validate(
            self.limits.model_dump() | {"cpu_s": min(self.limits.cpu_s, _PROBE_CPU_S), "wall_s": 10.0}
        )
        return ExecutionRequest(
            id=unit_id("reference", self.seed.id, self.step, stdins),
            language=self.seed.language,
            code=self.seed.code,
            call=StdioContract().call([(stdin,) for stdin in stdins]),
            limits=self.limits if self.step == "run" else quick,
        )


def begin_program(seed: Seed, random: Random, limits: Limits) -> ProgramTrial:
    """The trial of a program, before its first run."""
    hints = literal_hints(seed.code, normalize_language(seed.language))
    words = tuple(hint for hint in hints if isinstance(hint, str) and hint.isalnum())
    return _with_probes(ProgramTrial(seed, limits, words, shapes=likely_shapes(seed.code)), random)


def continue_program(
    trial: ProgramTrial, seen: Sequence[Observation], random: Random, config: InputsConfig
) -> ProgramTrial | FoundReference | Reject:
    """The next state after the runs of `trial.to_run`."""
    if fault := next(filter(None, map(find_fault, seen)), None):
        return fault
    if seen[0].phase is not Phase.RUN:
        return Reject("reference_crashed", {"error": failure_words(seen[0])[:300]})
    if trial.step == "probe":
        return _score(trial, seen[0], random)
    if trial.step == "trim":
        return _continue_trimmed(trial, seen[0], random, config)
    return _judge(trial, seen[0], seen[1], config)


def _with_probes(trial: ProgramTrial, random: Random) -> ProgramTrial:
    stdins = tuple(shape.draw(random, trial.words) for shape in trial.shapes for _ in range(PROBES))
    return replace(trial, stdins=stdins)


def _score(trial: ProgramTrial, seen: Observation, random: Random) -> ProgramTrial | Reject:
    """Score the shapes that were tried; behind one that stopped the program, the others are tried again."""
    outputs = printed(seen)
    stopped = seen.stop is not Stop.NONE
    reached = len(trial.shapes)
    if stopped:
        first = min((case.index for case in seen.cases if case.status == "missing"), default=0)
        reached = first // PROBES
    scores = list(trial.scores)
    for at, shape in enumerate(trial.shapes[:reached]):
        found = [outputs[index] for index in range(at * PROBES, (at + 1) * PROBES) if index in outputs]
        scores.append((shape, len(found) / PROBES, len(set(found))))
    rest = trial.shapes[reached + 1 :] if stopped else ()
    if rest and trial.stops < MAX_STOPS:
        again = replace(trial, shapes=rest, scores=tuple(scores), stops=trial.stops + 1)
        return _with_probes(again, random)
    return _choose(replace(trial, scores=tuple(scores)), seen, random)


def _choose(trial: ProgramTrial, seen: Observation, random: Random) -> ProgramTrial | Reject:
    usable = [score for score in trial.scores if score[1] >= MIN_PRINTED]
    if not usable:
        best = max((score[1] for score in trial.scores), default=0.0)
        error = failure_words(seen)[:300]
        return Reject(
            "reference_crashed", {"printed": round(best, 2), "shapes": len(trial.scores), "error": error}
        )
    ranked = sorted(usable, key=lambda score: (-score[2], -score[1]))
    return _trim(replace(trial, shapes=tuple(score[0] for score in ranked)), random)


def _trim(trial: ProgramTrial, random: Random) -> ProgramTrial:
    """The next shape, with beginnings of one of its texts, each of them a value shorter."""
    text = trial.shapes[0].draw(random, trial.words)
    ends = [value.end() for value in re.finditer(r"\S+", text)]
    return replace(trial, step="trim", stdins=tuple(f"{text[:end]}\n" for end in reversed(ends)))


def _continue_trimmed(
    trial: ProgramTrial, seen: Observation, random: Random, config: InputsConfig
) -> ProgramTrial:
    """All texts of the shape if the program reads it to the end of a line, else the next shape."""
    shape, text, outputs = trial.shapes[0], trial.stdins[0], printed(seen)
    needed = text
    for at, shorter in enumerate(trial.stdins):
        if outputs.get(at) is None or outputs[at] != outputs.get(0):
            break
        needed = shorter
    ends_a_line = text[len(needed) - 1] == "\n"
    dropped = text.count("\n") - needed.count("\n")
    if ends_a_line and dropped <= shape.most_dropped:
        return _with_texts(trial, shape, dropped, random, config)
    if len(trial.shapes) > 1:
        return _trim(replace(trial, shapes=trial.shapes[1:]), random)
    return _with_texts(trial, shape, 0, random, config)


def _with_texts(
    trial: ProgramTrial, shape: StdinShape, dropped: int, random: Random, config: InputsConfig
) -> ProgramTrial:
    wanted = max(config.drawn, config.maximum, config.minimum)
    texts: dict[str, None] = {}
    for _ in range(4 * wanted):
        if len(texts) >= wanted:
            break
        texts.setdefault(shape.draw(random, trial.words, dropped))
    return replace(trial, step="run", shapes=(shape,), stdins=tuple(texts), dropped=dropped)


def printed(observation: Observation) -> dict[int, str]:
    """What a program printed, by input number, where it ended well and printed text of a usable length."""
    return {
        case.index: case.output
        for case in observation.cases
        if case.status == "returned" and case.is_text and case.output and len(case.output) <= MAX_OUTPUT
    }


def _judge(
    trial: ProgramTrial, forwards: Observation, backwards: Observation, config: InputsConfig
) -> FoundReference | Reject:
    last = len(trial.stdins) - 1
    first = printed(forwards)
    second = {last - at: output for at, output in printed(backwards).items()}
    if differing := [at for at in first if second.get(at) != first[at]]:
        return Reject("reference_unstable", {"inputs": len(trial.stdins), "differing": len(differing)})
    if len(first) < MIN_PRINTED * len(trial.stdins):
        error = failure_words(forwards)[:300]
        return Reject(
            "reference_crashed", {"printed": len(first), "inputs": len(trial.stdins), "error": error}
        )
    distinct = len(set(first.values()))
    if distinct < 2:
        return Reject(
            "reference_constant", {"inputs": len(first), "output": next(iter(first.values()), "")[:200]}
        )
    if all(output.strip() == trial.stdins[at].strip() for at, output in first.items()):
        return Reject("reference_identity", {"inputs": len(first)})
    if len(first) < config.minimum:
        return Reject("too_few_inputs", {"returned": len(first), "minimum": config.minimum})
    chosen = _varied(first)[: config.maximum]
    cases = tuple(Case(arguments=(trial.stdins[at],), expected=first[at]) for at in chosen)
    seed = trial.seed
    reference = Reference(
        seed_id=seed.id,
        language=seed.language,
        code=seed.code,
        contract=StdioContract(),
        cases=cases,
        domains=write_shape(trial.shapes[0], trial.dropped),
    )
    evidence: Evidence = {
        "cases": len(cases),
        "inputs": len(trial.stdins),
        "distinct": distinct,
        "shape": trial.shapes[0].name,
    }
    return FoundReference(reference, evidence)


def _varied(outputs: dict[int, str]) -> list[int]:
    """Inputs in an order that gives each distinct output once before any repeats."""
    first_with: dict[str, int] = {}
    for at in sorted(outputs):
        first_with.setdefault(outputs[at], at)
    fresh = set(first_with.values())
    return [*sorted(fresh), *(at for at in sorted(outputs) if at not in fresh)]
