"""Rules of comparison as data: when what a program gave counts as what was expected.

Place in the flow: rows, recipes and format readers state a rule, suites carry it, `synth.comparison` applies
it, and `verify/checkers.py` runs the programs of checkers. The one rule: a rule is data, so it can be
written in a row, compared and hashed.
"""

from typing import Annotated, Final, Literal

from pydantic import Field

from synth.wire_record import Record

_Tolerance = Annotated[float, Field(ge=0, allow_inf_nan=False)]

DEFAULT_RELATIVE: Final = 1e-9
DEFAULT_ABSOLUTE: Final = 1e-12
"""How far apart two floats may be: by one of the two. The default allows for a different order of summation,
also where the sum is nearly zero, but for no visible difference."""


class ExactRule(Record):
    """Byte for byte."""

    kind: Literal["exact"] = "exact"


class TextRule(Record):
    """White space at the ends of lines and of the text does not count; at the beginning of a line it does.
    The rule of stdin/stdout tests that state none."""

    kind: Literal["text"] = "text"
    ignore_case: bool = False
    any_order: bool = False
    """The lines may have any order."""


class LinesRule(Record):
    """Lines without the white space at both of their ends, and without blank lines around the text."""

    kind: Literal["lines"] = "lines"
    decimals: bool = False
    """Two lines of numbers are equal if their numbers are, exactly and one by one: 2.0 is 2."""
    ignore_case: bool = False
    any_order: bool = False


class TokensRule(Record):
    """White space parts tokens. With `rel` or `abs`, two numbers are equal within one of them; without, they
    are texts like the others. A token that is no decimal number (nan, inf) is near nothing."""

    kind: Literal["tokens"] = "tokens"
    rel: _Tolerance | None = None
    abs: _Tolerance | None = None
    ignore_case: bool = False
    any_order: bool = False


class AppsRule(Record):
    """What the harness of APPS accepts: equal lines; numbers, one a line, within a relative 1e-5; or the same
    sets of words, whatever their order and number, rounded to three places if all are numbers."""

    kind: Literal["apps"] = "apps"


class ValuesRule(Record):
    """Results of calls. Floats are equal within `rel` or `abs`, NaN equals NaN, and -0.0 equals 0.0; if both
    are 0, floats are equal to the bit. Ints are exact; an int is right where an equal float is expected."""

    kind: Literal["values"] = "values"
    rel: _Tolerance = DEFAULT_RELATIVE
    abs: _Tolerance = DEFAULT_ABSOLUTE
    ignore_case: bool = False
    any_order: bool = False
    """The items of the result, which is a list, may have any order."""
    equality: Literal["typed", "json", "python"] = "typed"
    """`typed`: to the type, but where the signature says `any`, 1 is 1.0. For such results there are two
    more. `json`: tuples are lists, and keys are text (rows that state no equality). `python`: the same, and
    as `==` of Python has it: True is 1, NaN equals nothing, -0.0 is 0.0."""


class CheckerRule(Record):
    """A program decides. It is called with the names of three files (input, output of the program, expected
    output). It exits with 0 if it accepts and with 1 (`FailureWords.refusals`) if it refuses; anything else
    is its own fault."""

    kind: Literal["checker"] = "checker"
    language: str
    code: str


TextComparison = ExactRule | TextRule | LinesRule | TokensRule | AppsRule
Comparison = Annotated[TextComparison | ValuesRule | CheckerRule, Field(discriminator="kind")]

DEFAULT_TEXT: Final = TextRule()
DEFAULT_VALUES: Final = ValuesRule()
