"""DS-1000: the prompt of the problem as it is, for instruct models after a system message; the sample is the
text up to the end of its mark, and the format takes off marks and fences.

The system message is that of the benchmark's run_inference, CC-BY-SA-4.0.
"""

from typing import Final

from synth.protocols.protocol import BenchmarkPrompt, Protocol, in_python, sample_row, user
from synth.records import Message
from synth.verify.formats.ds1000 import FORMAT
from synth.verify.formats.spec import Fields, need

_SYSTEM: Final = (
    "Write a short code following the given format and indentation. Place the executable code between <code> "
    "and </code> tags, without any other non-executable things."
)
_STOP: Final = ("</code>", "# SOLUTION END")


def _complete(problem: Fields) -> BenchmarkPrompt:
    return BenchmarkPrompt(prompt=need(problem, "prompt"), stop=_STOP)


def _chat(problem: Fields) -> BenchmarkPrompt:
    system = Message(role="system", content=_SYSTEM)
    return BenchmarkPrompt(messages=(system, *user(need(problem, "prompt"))), stop=_STOP)


def _sample(problem: Fields, prompt: BenchmarkPrompt, text: str) -> Fields:
    return sample_row(FORMAT, problem, code=text)


PROTOCOLS: Final = (
    Protocol(
        suite="ds1000",
        format=FORMAT.name,
        column="DS-1000",
        title="DS-1000",
        max_tokens=1024,
        complete=_complete,
        chat=_chat,
        sample=_sample,
        language=in_python,
        source="DS-1000 (arXiv 2211.11501), github.com/xlang-ai/DS-1000: run_inference.py, test_ds1000.py; "
        "CC-BY-SA-4.0",
    ),
)
