"""Preference pairs from verdicts: the chosen program passes and the rejected one fails the same tests, in the
same language, at about the same length.

The one rule: a pair differs in behaviour only, and clearly. Infrastructure faults are never labels, texts
that are equal after normalization never form a pair, each program stands in one pair at most, neither side
is longer on average (`LengthBalance` keeps the sum over a run).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import log
from random import Random
from typing import NamedTuple

from synth.config import PairsConfig
from synth.filters.protocol import Evidence, Reject
from synth.languages.code_tokens import normalize_code
from synth.records import Outcome, Solution, Task, Verdict


class JudgedSolution(NamedTuple):
    """A solution with its verdict."""

    solution: Solution
    verdict: Verdict

    @property
    def pass_share(self) -> float:
        return self.verdict.passed / self.verdict.total if self.verdict.total else 0.0


class PairChoice(NamedTuple):
    chosen: JudgedSolution
    rejected: JudgedSolution


@dataclass(slots=True)
class LengthBalance:
    """Sum of log(chosen length / rejected length) over all pairs so far. Pairs are chosen to keep
    it near 0."""

    total: float = 0.0
    pairs: int = 0


@dataclass(frozen=True, slots=True)
class PairingResult:
    """The result for one task in one language: pairs, or the reason why there are none."""

    language: str
    pairs: tuple[PairChoice, ...]
    reject: Reject | None = None
    margins: Evidence = field(default_factory=dict)
    """Of pairs: their best figures, by which another threshold can be tried."""


@dataclass(slots=True)
class _Sides:
    """Candidates for each side, one per text after normalization."""

    chosen: dict[str, JudgedSolution] = field(default_factory=dict)
    rejected: dict[str, JudgedSolution] = field(default_factory=dict)


def make_pairs(
    task: Task,
    judged: Sequence[JudgedSolution],
    config: PairsConfig,
    random: Random,
    balance: LengthBalance | None = None,
) -> list[PairingResult]:
    """Pairs of one task, by language in alphabetical order. Deterministic for the same arguments and balance.

    Rejections: `no_pair` (no program passes, or none fails in an allowed way), `pair_margin` (all differ too
    much in length, or too little in their pass rates).
    """
    balance = balance if balance is not None else LengthBalance()
    languages = sorted({item.solution.language for item in judged})
    return [
        _pair_language(
            language, [item for item in judged if item.solution.language == language], config, random, balance
        )
        for language in languages
    ]


def _pair_language(
    language: str, judged: list[JudgedSolution], config: PairsConfig, random: Random, balance: LengthBalance
) -> PairingResult:
    sides = _sort(language, judged, config)
    if not sides.chosen or not sides.rejected:
        return PairingResult(
            language, (), Reject("no_pair", {"passing": len(sides.chosen), "failing": len(sides.rejected)})
        )
    pairs = tuple(_choose(sides, config, random, balance))
    if not pairs:
        return PairingResult(language, (), Reject("pair_margin", _margins(_all_pairs(sides), config)))
    return PairingResult(language, pairs, margins=_margins(_all_pairs(sides), config))


def _sort(language: str, judged: list[JudgedSolution], config: PairsConfig) -> _Sides:
    """Each distinct program on its side; a text found on both sides (an unstable program) goes on neither."""
    sides, allowed = _Sides(), {Outcome(outcome) for outcome in config.outcomes}
    for item in sorted(judged, key=lambda item: item.solution.index):
        text = normalize_code(item.solution.code, language)
        if item.verdict.outcome is Outcome.PASS and item.pass_share >= config.min_chosen:
            sides.chosen.setdefault(text, item)
        elif item.verdict.outcome in allowed and item.pass_share > config.min_rejected:
            sides.rejected.setdefault(text, item)
    for text in set(sides.chosen) & set(sides.rejected):
        del sides.chosen[text], sides.rejected[text]
    return sides


def _choose(
    sides: _Sides, config: PairsConfig, random: Random, balance: LengthBalance
) -> Iterator[PairChoice]:
    """Up to `per_prompt` pairs, each chosen to bring the balance nearest to 0."""
    options = [pair for pair in _all_pairs(sides) if _fits(pair, config) and _is_clear(pair, config)]
    random.shuffle(options)
    for _ in range(config.per_prompt):
        if not options:
            return
        best = min(options, key=lambda pair: abs(balance.total + _log_ratio(pair)))
        options = [pair for pair in options if pair.chosen != best.chosen and pair.rejected != best.rejected]
        balance.total += _log_ratio(best)
        balance.pairs += 1
        yield best


def _all_pairs(sides: _Sides) -> list[PairChoice]:
    return [PairChoice(a, b) for a in sides.chosen.values() for b in sides.rejected.values()]


def _margins(options: Sequence[PairChoice], config: PairsConfig) -> Evidence:
    """How near these are to a pair: the least difference in length and the greatest gap of any, and
    the same of those that fall short in nothing else, where there are some."""
    clear = [pair for pair in options if _is_clear(pair, config)]
    fitting = [pair for pair in options if _fits(pair, config)]
    found: Evidence = {"log_length_ratio": _least_ratio(options), "gap": _greatest_gap(options)}
    found |= {"clear_log_ratio": _least_ratio(clear)} if clear else {}
    return found | ({"fitting_gap": _greatest_gap(fitting)} if fitting else {})


def _least_ratio(options: Sequence[PairChoice]) -> float:
    return round(min(abs(_log_ratio(pair)) for pair in options), 4)


def _greatest_gap(options: Sequence[PairChoice]) -> float:
    return round(max(map(_gap, options)), 4)


def _is_clear(pair: PairChoice, config: PairsConfig) -> bool:
    return _gap(pair) >= config.min_gap - 1e-9


def _fits(pair: PairChoice, config: PairsConfig) -> bool:
    return abs(_log_ratio(pair)) <= log(config.max_length_ratio) + 1e-9


def _gap(pair: PairChoice) -> float:
    return pair.chosen.pass_share - pair.rejected.pass_share


def _log_ratio(pair: PairChoice) -> float:
    return log(max(1, len(pair.chosen.solution.code)) / max(1, len(pair.rejected.solution.code)))
