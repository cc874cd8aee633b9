"""BigCodeBench: base models continue the complete prompt; instruct models get the instruction, or the
complete prompt in a fence (`bigcodebench-complete`), and their answer is begun for them as in EvalPlus.

The sample is the sanitised text. An answer whose block holds the body alone gets the complete prompt first
("calibrated"). The frames are those of its own generation, Copyright its authors, Apache-2.0;
their words and stop words are EvalPlus's.
"""

from dataclasses import replace
from typing import Final

from synth.protocols.evalplus import AFTER_FUNCTION, STOP, begun, spaced
from synth.protocols.protocol import BenchmarkPrompt, Protocol, in_python, sample_row
from synth.protocols.sanitise import sanitise_bigcodebench
from synth.verify.formats.bigcodebench import FORMAT
from synth.verify.formats.spec import Fields, need

_BODY_ALONE: Final = "```python\n    "


def _complete(problem: Fields) -> BenchmarkPrompt:
    return BenchmarkPrompt(prompt=need(problem, "complete_prompt"), stop=(*STOP, *AFTER_FUNCTION))


def _instruct(problem: Fields) -> BenchmarkPrompt:
    return begun(need(problem, "instruct_prompt").strip())


def _complete_by_chat(problem: Fields) -> BenchmarkPrompt:
    return begun(f"```\n{need(problem, 'complete_prompt').strip()}\n```")


def _sample(problem: Fields, prompt: BenchmarkPrompt, text: str) -> Fields:
    body = f"```python\n{need(problem, 'complete_prompt')}    "
    code = prompt.prompt + spaced(text).replace(_BODY_ALONE, body)
    return sample_row(FORMAT, problem, solution=sanitise_bigcodebench(code, need(problem, "entry_point")))


_FULL: Final = Protocol(
    suite="bigcodebench",
    format=FORMAT.name,
    column="BigCodeBench",
    title="BigCodeBench: complete for base models, instruct for instruct models",
    max_tokens=1280,
    complete=_complete,
    chat=_instruct,
    sample=_sample,
    language=in_python,
    source="BigCodeBench (arXiv 2406.15877), github.com/bigcode-project/bigcodebench: "
    "bigcodebench/generate.py, bigcodebench/provider/utility.py, bigcodebench/sanitize.py; Apache-2.0",
)
PROTOCOLS: Final = (
    _FULL,
    replace(
        _FULL,
        suite="bigcodebench-complete",
        column="BigCodeBench-Complete",
        title="BigCodeBench: complete for all models",
        chat=_complete_by_chat,
    ),
    replace(
        _FULL,
        suite="bigcodebench-hard",
        column="BigCodeBench-Hard",
        title="BigCodeBench Hard: as BigCodeBench, with the problems of that file",
    ),
)
