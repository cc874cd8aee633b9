"""Agreement as evidence if there is no reference: which outputs many candidates share, and whether that is
enough for a decision.

Candidates are clustered by behaviour (equal outputs on every input), and the clusters are ranked by
`synth.rules.behaviour_ranks`. The one rule: agreement measures a model's confidence, not truth (it was wrong
for 68% of the tasks above a 20% threshold), so below the threshold there is no answer.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from synth.filters.protocol import Evidence, Reject
from synth.languages.code_tokens import normalize_code
from synth.records import Observation, Solution
from synth.rules.behaviour_ranks import RankingMethod, Row, rank_behaviours
from synth.rules.canonical import canonical_outputs, is_whole
from synth.values import Value, decode, parse_signature

SAFE_INT = 2**31 - 1
"""Integers beyond 32 bits, or beyond 2**53, mean different things in different languages."""


@dataclass(frozen=True, slots=True)
class Ballot:
    """The answers of one candidate. Ballots with the same `voter` (for example, equal text after
    normalization) count once."""

    voter: str
    language: str
    outputs: Row


def make_ballot(solution: Solution, seen: Observation, signature: str, inputs: int) -> Ballot:
    """What a candidate answered to so many inputs. Programs that differ in layout alone are one voter."""
    returned = canonical_outputs(seen, parse_signature(signature).result)
    voter = normalize_code(solution.code, solution.language)
    return Ballot(voter, solution.language, tuple(returned.get(at) for at in range(inputs)))


@dataclass(frozen=True, slots=True)
class Consensus:
    """The agreed output of each input (None for dropped inputs), and the figures behind the decision."""

    outputs: Row
    share: float
    """Share of the voters with this behaviour on every input."""
    score: float
    """Rank of the winning behaviour; those of all behaviours sum to 1."""
    languages: tuple[str, ...]
    evidence: Evidence


def find_consensus(
    ballots: Sequence[Ballot],
    *,
    threshold: float,
    method: RankingMethod = "pagerank",
    across_languages: bool = False,
    min_voters: int = 3,
) -> Consensus | Reject:
    """The outputs that the candidates agree on, or `agreement_abstained` with the numbers.

    With `across_languages`, inputs on which the agreed value means different things in different languages
    are dropped (see `means_the_same`). `threshold` is the minimum share of voters with the winning behaviour.
    """
    voters = list({(ballot.voter, ballot.language): ballot for ballot in ballots}.values())
    clusters = Counter(
        ballot.outputs for ballot in voters if any(output is not None for output in ballot.outputs)
    )
    if len(voters) < min_voters or not clusters:
        return _abstain("too few voters", voters=len(voters), behaviours=len(clusters))
    scores = rank_behaviours(clusters, method)
    winner = max(clusters, key=lambda row: (scores[row], clusters[row], [output or "" for output in row]))
    share = clusters[winner] / len(voters)
    if share < threshold:
        return _abstain(
            "below the threshold",
            share=round(share, 4),
            threshold=threshold,
            voters=len(voters),
            behaviours=len(clusters),
        )
    outputs = tuple(_kept(output, across_languages) for output in winner)
    if all(output is None for output in outputs):
        return _abstain(
            "every agreed value depends on the language", share=round(share, 4), voters=len(voters)
        )
    languages = tuple(sorted({ballot.language for ballot in voters if ballot.outputs == winner}))
    dropped = sum(1 for before, after in zip(winner, outputs, strict=True) if before != after)
    evidence: Evidence = {
        "share": round(share, 4),
        "voters": len(voters),
        "behaviours": len(clusters),
        "dropped_inputs": dropped,
    }
    return Consensus(outputs, share, scores[winner], languages, evidence)


def _abstain(why: str, **numbers: float) -> Reject:
    return Reject("agreement_abstained", {"why": why, **numbers})


def _kept(output: str | None, across_languages: bool) -> str | None:
    """The output, unless it is too long for a case or means something else in another language."""
    if output is None or not is_whole(output):
        return None
    return output if not across_languages or means_the_same(decode(output)) else None


def means_the_same(value: Value) -> bool:
    """Whether the value means the same in every language: 32-bit ints, finite floats, and strings
    without characters outside the Basic Multilingual Plane (whose length differs: UTF-8 bytes, UTF-16
    units or characters)."""
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, int):
        return -SAFE_INT - 1 <= value <= SAFE_INT
    if isinstance(value, float):
        return value == value and abs(value) != float("inf") and not (value == 0 and str(value) == "-0.0")
    if isinstance(value, str):
        return all(character < "\ud800" or "\ue000" <= character <= "\uffff" for character in value)
    items = [*value.keys(), *value.values()] if isinstance(value, dict) else value
    return all(map(means_the_same, items))
