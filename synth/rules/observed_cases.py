"""From the seed's own run on rows of inputs to cases, whatever the kind of the contract.

The one rule: a row is a case only if the seed answered it: it returned a value, raised an error of its own,
or printed text and ended well.
"""

from synth.records import Case, Contract, Observation, StdioContract
from synth.rules.canonical import canonical_outputs, is_whole
from synth.rules.deliberate_errors import deliberate_errors
from synth.rules.program_trials import printed
from synth.rules.reference_plans import Rows


def observed_cases(contract: Contract, rows: Rows, seen: Observation, code: str) -> list[Case]:
    """The cases in the order of the rows."""
    if isinstance(contract, StdioContract):
        outputs, raised = printed(seen), dict[int, str]()
    else:
        outputs = {at: text for at, text in canonical_outputs(seen).items() if is_whole(text)}
        raised = deliberate_errors(seen, code)
    return [
        Case(arguments=row, raises=raised[at]) if at in raised else Case(arguments=row, expected=outputs[at])
        for at, row in enumerate(rows)
        if at in raised or at in outputs
    ]
