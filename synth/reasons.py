"""The closed list of reasons why a unit leaves the flow. One row a reason: code, class, one sentence, owning
stage."""

from enum import StrEnum
from typing import NamedTuple


class ReasonClass(StrEnum):
    QUALITY = "quality"
    """The model's (or the source's) fault."""
    POLICY = "policy"
    """Nothing wrong with the unit, but we do not want it: duplicate, contaminated, over quota."""
    INFRASTRUCTURE = "infrastructure"
    """Ours: retryable, and never a training label."""


class Reason(NamedTuple):
    code: str
    reason_class: ReasonClass
    sentence: str
    stage: str


_QUALITY, _POLICY, _INFRASTRUCTURE = ReasonClass.QUALITY, ReasonClass.POLICY, ReasonClass.INFRASTRUCTURE

REASONS: dict[str, Reason] = {
    reason.code: reason
    for reason in (
        # seeds
        Reason("unreadable", _QUALITY, "The file is not text in UTF-8.", "snippet"),
        Reason(
            "generated_file", _QUALITY, "The file says that a program wrote it, or looks minified.", "snippet"
        ),
        Reason("parse_error", _QUALITY, "The code does not parse.", "syntax"),
        Reason("too_short", _QUALITY, "Too few lines or tokens to hold an idea.", "length"),
        Reason("too_long", _QUALITY, "More tokens than the limit.", "length"),
        Reason(
            "no_return",
            _QUALITY,
            "The function returns nothing, so it has no behaviour to observe.",
            "snippet",
        ),
        Reason("stub_body", _QUALITY, "The body is a placeholder, a delegation or only raises.", "snippet"),
        Reason("test_code", _POLICY, "The function is itself a test.", "snippet"),
        Reason(
            "not_self_contained",
            _POLICY,
            "The code needs names, files or packages that it does not bring.",
            "self_contained",
        ),
        Reason(
            "no_signature",
            _POLICY,
            "No typed signature could be found, so no inputs can be made.",
            "signature",
        ),
        Reason(
            "impure",
            _POLICY,
            "The code reads the clock, random numbers, files or the network.",
            "self_contained",
        ),
        # references
        Reason(
            "reference_crashed",
            _QUALITY,
            "The seed failed on too many inputs to serve as a reference.",
            "reference",
        ),
        Reason(
            "reference_constant",
            _QUALITY,
            "The seed answers every input alike, so it can tell nothing apart.",
            "reference",
        ),
        Reason(
            "reference_identity",
            _QUALITY,
            "The seed gave an argument back unchanged on every input, so it shows nothing.",
            "reference",
        ),
        Reason("reference_unstable", _QUALITY, "The seed gave different answers in two runs.", "reference"),
        Reason("too_few_inputs", _QUALITY, "Too few valid test inputs were left.", "inputs"),
        # model answers
        Reason(
            "malformed_answer",
            _QUALITY,
            "The answer does not have the form that the prompt asks for.",
            "generation",
        ),
        Reason("answer_cut", _QUALITY, "The answer ran into its token limit.", "generation"),
        Reason("no_code", _QUALITY, "The answer holds no code block.", "solve"),
        # verdicts
        Reason("wrong_answer", _QUALITY, "At least one output differs from the expected one.", "verdict"),
        Reason(
            "runtime_error",
            _QUALITY,
            "The program ended by an exception, a signal or an early exit.",
            "verdict",
        ),
        Reason("compile_error", _QUALITY, "The compiler refused the program.", "verdict"),
        Reason("timeout", _QUALITY, "The program used up its CPU time.", "verdict"),
        Reason("memory_limit", _QUALITY, "The program used up its memory.", "verdict"),
        Reason("output_limit", _QUALITY, "The program printed more than it may.", "verdict"),
        Reason("violation", _QUALITY, "The program tried what the sandbox forbids.", "verdict"),
        # evidence
        Reason(
            "round_trip_failed",
            _QUALITY,
            "No solution written from the instruction alone behaves like the seed.",
            "evidence",
        ),
        Reason("agreement_abstained", _QUALITY, "The candidates agree too little for a verdict.", "evidence"),
        Reason(
            "unsolved",
            _QUALITY,
            "Too few candidates passed; the task stays in the unsolved pool.",
            "evidence",
        ),
        # selection
        Reason("not_best", _POLICY, "Another solution of the same task was chosen.", "select"),
        Reason("over_quota", _POLICY, "The quota of this task, language or prompt was full.", "select"),
        Reason("exact_duplicate", _POLICY, "The same text was kept before.", "exact_dedup"),
        Reason("near_duplicate", _POLICY, "Nearly the same text was kept before.", "near_dedup"),
        Reason(
            "contaminated",
            _POLICY,
            "It overlaps with a benchmark or with the held-out tasks.",
            "decontaminate",
        ),
        Reason("no_pair", _POLICY, "The task has no solution that passes beside one that fails.", "pair"),
        Reason(
            "pair_margin", _POLICY, "Chosen and rejected are too close, or differ too much in length.", "pair"
        ),
        Reason("no_fim_span", _POLICY, "No syntax node of a suitable size to cut out as the middle.", "fim"),
        Reason(
            "special_tokens",
            _POLICY,
            "The text holds a special token's spelling, which a tokenizer would read as the token.",
            "fim",
        ),
        # ours
        Reason(
            "engine_failed", _INFRASTRUCTURE, "The engine gave no answer after every retry.", "generation"
        ),
        Reason("infrastructure", _INFRASTRUCTURE, "The sandbox itself failed.", "execute"),
        Reason("toolchain_missing", _INFRASTRUCTURE, "This machine cannot run the language.", "execute"),
    )
}


def get_reason(code: str) -> Reason:
    """The reason of that code. Raises KeyError for a code that is not on the list: a new reason is added here
    first."""
    return REASONS[code]
