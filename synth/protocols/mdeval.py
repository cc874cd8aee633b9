"""MdEval (programs to repair): the instruction of the problem as it is, after its runner's system message,
and the model's answer as it is: the format takes its first block of the language. For instruct models."""

from typing import Final

from synth.protocols.protocol import BenchmarkPrompt, Protocol, sample_row, user
from synth.records import Message
from synth.verify.formats.mdeval import FORMAT, language_of
from synth.verify.formats.spec import Fields, need


def _chat(problem: Fields) -> BenchmarkPrompt:
    system = Message(role="system", content="You are a helpful assistant")
    return BenchmarkPrompt(messages=(system, *user(need(problem, "instruction"))))


def _sample(problem: Fields, prompt: BenchmarkPrompt, text: str) -> Fields:
    return sample_row(FORMAT, problem, llm_response=text)


PROTOCOLS: Final = (
    Protocol(
        suite="mdeval",
        format=FORMAT.name,
        column="MdEval",
        title="MdEval, repair",
        max_tokens=4096,
        complete=None,
        chat=_chat,
        sample=_sample,
        language=language_of,
        source="MdEval (arXiv 2411.02310), its repository's inference/chat.py and "
        "excute/units/extract_code.py; MIT",
    ),
)
