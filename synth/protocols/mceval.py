"""McEval: the instruction of the problem as it is, and the model's answer as it is: the format takes its
first block of the language. Completions of base models are not judged there, since its readers look for
whole functions."""

from typing import Final

from synth.protocols.protocol import BenchmarkPrompt, Protocol, sample_row, user
from synth.verify.formats.mceval import FORMAT, language_of
from synth.verify.formats.spec import Fields, need


def _chat(problem: Fields) -> BenchmarkPrompt:
    return BenchmarkPrompt(messages=user(need(problem, "instruction")))


def _sample(problem: Fields, prompt: BenchmarkPrompt, text: str) -> Fields:
    return sample_row(FORMAT, problem, raw_generation=[text])


PROTOCOLS: Final = (
    Protocol(
        suite="mceval",
        format=FORMAT.name,
        column="McEval",
        title="McEval, generation",
        max_tokens=1024,
        complete=None,
        chat=_chat,
        sample=_sample,
        language=language_of,
        source="McEval (arXiv 2406.07436), github.com/MCEVAL/McEval: inference/inference_vllm.py, "
        "eval/extract; MIT",
    ),
)
