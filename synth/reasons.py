"""The closed list of reasons why a unit is rejected or fails: code, class, one sentence, owning stage."""

from enum import StrEnum
from typing import NamedTuple


class ReasonClass(StrEnum):
    QUALITY = "quality"
    """The fault of the model or the source."""
    POLICY = "policy"
    """The unit is sound but unwanted: duplicate, contaminated, over quota."""
    INFRASTRUCTURE = "infrastructure"
    """Our own fault: retryable, and never a training label."""


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
        Reason(
            "unreadable",
            _QUALITY,
            "The file cannot be read, is not UTF-8 text, or takes too long to parse.",
            "snippet",
        ),
        Reason(
            "symbolic_link",
            _POLICY,
            "A symbolic link is not followed: its target may lie outside the source.",
            "snippet",
        ),
        Reason(
            "unknown_language",
            _QUALITY,
            "The row states no language, or one that codemill does not know.",
            "snippet",
        ),
        Reason(
            "licence",
            _POLICY,
            "The recipe's policy does not let code of this licence in, or of none.",
            "snippet",
        ),
        Reason("generated_file", _QUALITY, "The file is marked as generated or looks minified.", "snippet"),
        Reason("parse_error", _QUALITY, "The code does not parse.", "syntax"),
        Reason("too_short", _QUALITY, "The code has too few lines or tokens to be useful.", "length"),
        Reason("too_long", _QUALITY, "The text has more tokens than the limit allows.", "length"),
        Reason(
            "no_return",
            _QUALITY,
            "The function returns nothing, so it has no behaviour to observe.",
            "snippet",
        ),
        Reason("stub_body", _QUALITY, "The body is a placeholder, only delegates or only raises.", "snippet"),
        Reason("test_code", _POLICY, "The function is itself a test.", "snippet"),
        Reason(
            "not_self_contained",
            _POLICY,
            "The code needs names, files or packages that are not part of it.",
            "self_contained",
        ),
        Reason(
            "no_signature",
            _POLICY,
            "No typed signature could be inferred, so no inputs can be generated.",
            "signature",
        ),
        Reason(
            "secret",
            _POLICY,
            "The text holds a key, a token, a password or a private key.",
            "snippet",
        ),
        Reason(
            "impure",
            _POLICY,
            "The code uses the clock, random numbers, files or the network.",
            "self_contained",
        ),
        Reason(
            "no_evidence",
            _POLICY,
            "The problem has neither tests that can be read nor an answer that can serve as a reference.",
            "problem",
        ),
        Reason(
            "answer_fails",
            _QUALITY,
            "The set's own answer fails the tests of its problem, so one of the two is wrong.",
            "problem",
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
            "The seed returns the same result for every input, so it cannot tell solutions apart.",
            "reference",
        ),
        Reason(
            "reference_identity",
            _QUALITY,
            "The seed returns an argument unchanged for every input, so it cannot tell solutions apart.",
            "reference",
        ),
        Reason(
            "example_contradicted",
            _QUALITY,
            "The seed does not do what a test, a document or its own example states.",
            "reference",
        ),
        Reason(
            "reference_unstable", _QUALITY, "The seed returned different results in two runs.", "reference"
        ),
        Reason(
            "language_not_run",
            _POLICY,
            "This machine cannot run the language of the seed, or lacks a package that it needs.",
            "reference",
        ),
        Reason("too_few_inputs", _QUALITY, "Too few valid test inputs remained.", "inputs"),
        # model answers
        Reason(
            "no_prompt",
            _POLICY,
            "The prompt set has no prompt for this kind of task.",
            "instruct",
        ),
        Reason(
            "malformed_answer",
            _QUALITY,
            "The answer is not in the format that the prompt asks for.",
            "generation",
        ),
        Reason(
            "instruction_leaks",
            _QUALITY,
            "The instruction holds the solution: a run of its code as long as a statement.",
            "instruct",
        ),
        Reason(
            "instruction_of_code",
            _QUALITY,
            "The text speaks of code that its reader does not see, or is a form that nobody filled in.",
            "instruct",
        ),
        Reason(
            "instruction_chatter",
            _QUALITY,
            "The instruction holds talk with whoever asked for it.",
            "instruct",
        ),
        Reason("instruction_repeats", _QUALITY, "The instruction says the same again and again.", "instruct"),
        Reason(
            "instruction_overlaps",
            _QUALITY,
            "Too large a share of the seed's runs of four tokens stands in the instruction.",
            "instruct",
        ),
        Reason(
            "wrong_natural_language",
            _QUALITY,
            "The text is in another natural language than the one asked for.",
            "instruct",
        ),
        Reason("task_repeated", _POLICY, "An earlier task says nearly the same.", "memory"),
        Reason("instruction_refused", _QUALITY, "The model declined instead of writing a task.", "instruct"),
        Reason("answer_cut", _QUALITY, "The answer hit its token limit.", "generation"),
        Reason(
            "unsupported_language",
            _POLICY,
            "No language that the recipe asks for can hold the values of the task's tests.",
            "solve",
        ),
        Reason("no_code", _QUALITY, "The answer contains no code block.", "solve"),
        Reason(
            "wrong_name",
            _QUALITY,
            "The program nowhere names the function that the task asks for, so it cannot be called.",
            "syntax",
        ),
        Reason(
            "unwanted_rank",
            _POLICY,
            "The recipe takes no evidence of this rank for this data set.",
            "select",
        ),
        Reason(
            "imports_the_seed",
            _QUALITY,
            "The program takes the seed out of the library instead of writing it, or opens a way to do so.",
            "syntax",
        ),
        # verdicts
        Reason("wrong_answer", _QUALITY, "At least one output differs from the expected one.", "verdict"),
        Reason(
            "runtime_error",
            _QUALITY,
            "The program ended with an exception, a signal or an early exit.",
            "verdict",
        ),
        Reason("compile_error", _QUALITY, "The compiler rejected the program.", "verdict"),
        Reason("timeout", _QUALITY, "The program exceeded its CPU time limit.", "verdict"),
        Reason("memory_limit", _QUALITY, "The program exceeded its memory limit.", "verdict"),
        Reason("output_limit", _QUALITY, "The program exceeded its output limit.", "verdict"),
        Reason("violation", _QUALITY, "The program tried something that the sandbox forbids.", "verdict"),
        # evidence
        Reason(
            "round_trip_failed",
            _QUALITY,
            "No solution written from the instruction alone behaves like the seed.",
            "evidence",
        ),
        Reason(
            "agreement_abstained", _QUALITY, "Too few candidates agree to decide what is right.", "evidence"
        ),
        Reason(
            "unsolved",
            _QUALITY,
            "Too few candidates passed; the task stays in the unsolved pool.",
            "evidence",
        ),
        Reason(
            "unjudged",
            _POLICY,
            "Candidates whose failures were accepted are missing, so the task cannot be decided.",
            "evidence",
        ),
        # repair turns, repair tasks and reviews
        Reason("same_program", _QUALITY, "The answer is the program that was shown.", "repair02_ask"),
        Reason(
            "rewritten",
            _POLICY,
            "The answer is a new program: more of it differs from the one that was shown than a repair may.",
            "repair_ask",
        ),
        Reason(
            "no_fault",
            _QUALITY,
            "The program that was shown as a wrong one passes all tests when it is run again.",
            "repair_run",
        ),
        Reason(
            "unstable_program",
            _QUALITY,
            "The program passes its tests in one run and fails them in another.",
            "repair_run",
        ),
        Reason(
            "malformed_review",
            _QUALITY,
            "The review lacks its verdict, its example or the fault.",
            "review_ask",
        ),
        Reason("missed_fault", _QUALITY, "The review calls a wrong program right.", "review_ask"),
        Reason("false_alarm", _QUALITY, "The review calls a right program wrong.", "review_ask"),
        Reason(
            "unconfirmed_example",
            _QUALITY,
            "The example of the review is not what the programs do when it is run.",
            "review_run",
        ),
        # selection
        Reason("low_score", _QUALITY, "The points of the checklist are too few.", "checklist"),
        Reason("not_best", _POLICY, "Another solution of the same task was chosen.", "select"),
        Reason(
            "over_share",
            _POLICY,
            "The fine set has its share of tasks of this difficulty; the row stays in the coarse set.",
            "fine",
        ),
        Reason(
            "cluster_full",
            _POLICY,
            "The fine set has enough tasks that are like this one; the row stays in the coarse set.",
            "fine",
        ),
        Reason("over_quota", _POLICY, "The quota for this task, language or prompt was full.", "select"),
        Reason("exact_duplicate", _POLICY, "The same text was already kept.", "exact_dedup"),
        Reason("near_duplicate", _POLICY, "A nearly identical text was already kept.", "near_dedup"),
        Reason(
            "contaminated",
            _POLICY,
            "The text overlaps with a benchmark or with the held-out tasks.",
            "decontaminate",
        ),
        Reason("no_pair", _POLICY, "The task does not have both a passing and a failing solution.", "pair"),
        Reason(
            "no_speed_pair",
            _POLICY,
            "The task has no two distinct right programs whose times can be compared.",
            "speed",
        ),
        Reason(
            "no_label",
            _POLICY,
            "The task has no answer that is good or bad by itself: each stands in a pair, or was not judged.",
            "label",
        ),
        Reason(
            "pair_margin",
            _POLICY,
            "The two answers are too close in pass rate or differ too much in length.",
            "pair",
        ),
        Reason(
            "no_fim_span", _POLICY, "The code has no syntax node of a suitable size for the middle.", "fim"
        ),
        Reason(
            "no_accepted_seed",
            _POLICY,
            "The file has no function that was accepted as a seed, so nothing in it is worth completing.",
            "fim",
        ),
        Reason(
            "special_tokens",
            _POLICY,
            "The text contains the spelling of a special token, which a tokenizer would read as that token.",
            "fim",
        ),
        # the endpoint's
        Reason(
            "request_too_long",
            _POLICY,
            "The request and its answer are longer than the model or the endpoint takes.",
            "generation",
        ),
        Reason(
            "request_filtered",
            _POLICY,
            "The endpoint's content filter or the model refused to answer.",
            "generation",
        ),
        Reason("request_refused", _POLICY, "The endpoint refused this one request.", "generation"),
        # ours
        Reason(
            "engine_failed",
            _INFRASTRUCTURE,
            "The engine did not answer, even after all retries.",
            "generation",
        ),
        Reason("infrastructure", _INFRASTRUCTURE, "The sandbox itself failed.", "execute"),
        Reason("toolchain_missing", _INFRASTRUCTURE, "This machine cannot run the language.", "execute"),
    )
}


def get_reason(code: str) -> Reason:
    """The reason with that code. Raises KeyError for an unlisted code: add a new reason here first."""
    return REASONS[code]
