"""A function on its way to a reference, as data: the few inputs that probe it, and the runs that decide.

Place in the flow: `reference_rules.py` makes these and `reference_judging.py` reads them, with the sandbox
between the two. The one rule: a plan holds everything that its judgement needs beside the observations.
"""

from dataclasses import dataclass

from synth.languages.spec import CallMark, Domain
from synth.records import ExecutionRequest, Seed
from synth.rules.stated_examples import StatedRow
from synth.values import Signature

Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class SignatureProbe:
    """A seed that may be a reference: its program, the candidate signatures with a few inputs each, and the
    request that tries them."""

    seed: Seed
    code: str
    entry_point: str
    parameter_names: tuple[str, ...]
    signatures: tuple[Signature, ...]
    rows: tuple[Rows, ...]
    """The inputs of each signature: those of the examples first."""
    stated: tuple[tuple[StatedRow, ...], ...]
    """The examples that each signature takes, in the order of their rows."""
    request: ExecutionRequest
    domains: tuple[Domain, ...] = ()
    """Which values the parameters take."""
    gentle: bool = False
    """Whether its inputs are small ones that fit together."""
    nearby: int = 0
    """How often inputs near those on which the seed returned have been asked, these included."""
    marks: tuple[CallMark, ...] = ()


@dataclass(frozen=True, slots=True)
class ReferencePlan:
    """The signature that worked, all its inputs, and the three requests to run."""

    probe: SignatureProbe
    signature: Signature
    rows: Rows
    stated: tuple[StatedRow, ...]
    """The examples, in the order of the first rows."""
    requests: tuple[ExecutionRequest, ExecutionRequest, ExecutionRequest]
    """Forwards; then backwards with other hashing, and in a mixed order."""
    mixed: tuple[int, ...]
    """The numbers of the rows in the mixed order."""
    minimum: int
