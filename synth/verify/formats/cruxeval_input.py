"""CRUXEval's other half: a sample is a call of `f` that returns the problem's output.

Place in the flow: a format of its own, with the rules of `cruxeval.py`. The one rule: any call that returns
the output is right, not only the problem's own.
"""

from dataclasses import replace

from synth.verify.formats import cruxeval

FORMAT = replace(
    cruxeval.FORMAT,
    name="cruxeval-input",
    title="CRUXEval-I",
    aliases=("cruxeval-i", "cruxeval_input"),
    convert=lambda problem, sample: cruxeval.parts(problem, sample, "input"),
)
