"""Whether a language can hold what a suite is about: its types, its arguments and its expected results.

Place in the flow: a task is asked only in languages in which it can be solved; the others are left out with
the words found here. The one rule: what is said here is what the language's own module states, so a language
that learns a type is asked about it at once.
"""

import math
from collections.abc import Iterable, Iterator

from synth.languages.classes import CALLS_FUNCTION, ClassShape
from synth.languages.spec import Driver, Language, UnsupportedType, render_signature
from synth.records import Case, ClassContract, FunctionContract, SuiteContract
from synth.values import Value, ValueSyntaxError, decode, parse_signature

_INT64 = 1 << 63
_INT63 = 1 << 62


def why_not_held(language: Language, contract: SuiteContract, cases: Iterable[Case]) -> str:
    """Why the language cannot hold the contract's types, or one value of the cases; "" if it can. A case
    without an expected result counts with its arguments alone."""
    if isinstance(contract, ClassContract):
        if language.classes is None:
            return "no calls of classes"
        contract = _as_function(contract)
    if not isinstance(contract, FunctionContract):
        return ""
    if language.driver is None:
        return "no driver for typed calls"
    return why_no_types(language, contract) or next(_lacks(language.driver, cases), "")


def _as_function(contract: ClassContract) -> FunctionContract:
    """The function by which the sandbox calls the class."""
    return FunctionContract(entry_point=CALLS_FUNCTION, signature=str(ClassShape.of(contract).signature))


def why_no_types(language: Language, contract: FunctionContract) -> str:
    """Why the language has no form of the contract's signature; "" if it has one."""
    assert language.driver is not None, "asked for languages with a driver"
    try:
        signature = parse_signature(contract.signature)
        render_signature(language, contract.entry_point, contract.parameter_names, signature)
        language.driver.files("", contract.entry_point, signature)
    except (UnsupportedType, ValueSyntaxError) as error:
        return str(error)
    return ""


def _lacks(driver: Driver, cases: Iterable[Case]) -> Iterator[str]:
    for case in cases:
        if case.raises and "errors of calls" in driver.unsupported_values:
            yield "no errors of calls"
        for wire in (*case.arguments, case.expected):
            try:
                yield from _lacks_of(driver, decode(wire)) if wire else ()
            except (ValueSyntaxError, RecursionError):
                continue  # the judge says what is wrong with it


def _lacks_of(driver: Driver, value: Value, *, in_list: bool = False) -> Iterator[str]:
    lacks = driver.unsupported_values
    if isinstance(value, list | tuple):
        for item in value:
            yield from _lacks_of(driver, item, in_list=True)
    elif isinstance(value, dict):
        for pair in value.items():
            for item in pair:
                yield from _lacks_of(driver, item)
    elif isinstance(value, str):
        if "lone surrogates" in lacks and any("\ud800" <= one <= "\udfff" for one in value):
            yield "no lone surrogates"
        if "NUL in text" in lacks and "\0" in value:
            yield "no NUL in text"
    elif value is None:
        if in_list and "null in lists" in lacks:
            yield "no null in lists"
    elif isinstance(value, float):
        if "infinity and NaN" in lacks and not math.isfinite(value):
            yield "no infinity and NaN"
    elif not isinstance(value, bool):
        yield from _lacks_of_int(driver, value)


def _lacks_of_int(driver: Driver, value: int) -> Iterator[str]:
    if "64-bit integers" in driver.unsupported_values and not -_INT63 <= value < _INT63:
        yield "no integers beyond 63 bits"
    elif not driver.big_integers and not -_INT64 <= value < _INT64:
        yield "no integers beyond 64 bits"
