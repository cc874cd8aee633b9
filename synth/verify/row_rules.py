"""Whether a rule of comparison, a row's or the command's, fits the tests of a row.

Place in the flow: `rows.py` asks here before anything runs. The one rule: a rule that does not fit the type
of the tests is refused with words, never ignored.
"""

from collections.abc import Sequence
from typing import NoReturn

from synth.comparison_rules import CheckerRule, Comparison, ValuesRule
from synth.errors import Problem
from synth.languages.registry import UnknownLanguage, get_language
from synth.records import Case, FunctionContract, ScriptContract, SuiteContract
from synth.values import ValueType, has_any, parse_signature
from synth.verify.row_error import PAGE, RowError


def check_rule(
    rule: Comparison | None,
    contract: SuiteContract,
    cases: Sequence[Case],
    where: str,
) -> None:
    """Raises RowError where the rule cannot be applied to the tests; `where` says who states it."""
    if rule is None:
        return
    if isinstance(contract, ScriptContract):
        _refuse(where, rule.kind, "does not fit a script, which compares by itself", "leave it out")
    if isinstance(contract, FunctionContract):
        if not isinstance(rule, ValuesRule):
            words = "compares texts, but calls return values"
            _refuse(where, rule.kind, words, 'write "kind": "values", or stdio tests')
        _check_values(rule, contract, cases, where)
    elif isinstance(rule, ValuesRule):
        words = "compares results of calls, but programs print text"
        _refuse(where, rule.kind, words, 'write "kind": "tokens" or "lines"')
    if isinstance(rule, CheckerRule):
        _check_checker(rule, where)


def suite_rule(rule: Comparison | None, contract: SuiteContract) -> Comparison | None:
    """The rule that the suite of a row carries: results of type `any` come from JSON, and are compared so
    where the row states no other equality."""
    if not isinstance(contract, FunctionContract) or not has_any(parse_signature(contract.signature).result):
        return rule
    values = rule if isinstance(rule, ValuesRule) else ValuesRule()
    return values if "equality" in values.model_fields_set else values.model_copy(update={"equality": "json"})


def _check_values(rule: ValuesRule, contract: FunctionContract, cases: Sequence[Case], where: str) -> None:
    result = parse_signature(contract.signature).result
    if rule.any_order and not _may_be_list(result, cases):
        words = f"needs results that are lists, but the signature says {result}"
        _refuse(where, "any_order", words, "leave any_order out, or write a list as output")
    if rule.equality != "typed" and not has_any(result):
        words = f"compares results without types, but the signature says {result}"
        _refuse(where, rule.equality, words, "write any as the type of the result")


def _may_be_list(result: ValueType, cases: Sequence[Case]) -> bool:
    if result.kind != "any":
        return result.kind == "list"
    return all(
        text.startswith("l") for case in cases if not case.raises for text in (case.expected, *case.also)
    )


def _check_checker(rule: CheckerRule, where: str) -> None:
    try:
        get_language(rule.language)
    except UnknownLanguage as error:
        (problem,) = error.problems
        raise RowError(
            Problem(f"{where}.{problem.where}", problem.message, problem.fix, problem.see)
        ) from None
    if not rule.code.strip():
        place = f"{where}.code = ''"
        raise RowError(Problem(place, "must be a program", "write the checker", PAGE))


def _refuse(where: str, what: str, words: str, fix: str) -> NoReturn:
    raise RowError(Problem(f"{where} = {what!r}", words, fix, PAGE))
