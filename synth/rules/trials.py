"""The way of a seed to its reference, whatever its kind: a function, a class, a program over stdin.

Place in the flow: the reference stage begins and continues trials here, wave by wave. The one rule: this
module decides nothing; the rules of each kind stand in a module of their own.
"""

from collections.abc import Sequence
from random import Random

from synth.config import InputsConfig
from synth.filters.protocol import Reject
from synth.records import Limits, Observation, Seed, StdioContract
from synth.rules import class_trials, program_trials, reference_rules
from synth.rules.class_trials import ClassTrial
from synth.rules.program_trials import ProgramTrial
from synth.rules.reference_judging import FoundReference
from synth.rules.reference_rules import Trial

AnyTrial = Trial | ProgramTrial | ClassTrial
"""Each states the programs `to_run` next."""


def begin_trial(
    seed: Seed, probe_random: Random, input_random: Random, limits: Limits, config: InputsConfig
) -> AnyTrial | Reject:
    """The trial of a seed, before its first run, or why there is none."""
    if seed.shape == "class":
        return class_trials.begin_class(seed, probe_random, limits)
    if isinstance(seed.contract, StdioContract):
        return program_trials.begin_program(seed, probe_random, limits)
    return reference_rules.begin_trial(seed, probe_random, input_random, limits, config)


def continue_trial(
    trial: AnyTrial, seen: Sequence[Observation], random: Random, config: InputsConfig
) -> AnyTrial | FoundReference | Reject:
    """The next state after the runs of `trial.to_run`: another step, a reference, or a rejection."""
    if isinstance(trial, ClassTrial):
        return class_trials.continue_class(trial, seen, random, config)
    if isinstance(trial, ProgramTrial):
        return program_trials.continue_program(trial, seen, random, config)
    return reference_rules.continue_trial(trial, seen, random, config)
