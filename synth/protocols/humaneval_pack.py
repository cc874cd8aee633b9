"""HumanEvalPack: functions to write (`humanevalpack`) and to repair by their tests (`humanevalpack-fix`), in
six languages.

Base models continue the instruction and the beginning of the function; for instruct models that beginning is
the beginning of their answer. The sample is a completion, which the format ends where the function ends.
Tasks to explain need two rounds of answers and are left out. The frames are those of the task humanevalpack
of bigcode-evaluation-harness (prompts `instruct` and `codeqwen`), Copyright its authors, Apache-2.0.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from synth.prompts.reasoning import without_reasoning
from synth.protocols.protocol import BenchmarkPrompt, Protocol, sample_row, user
from synth.verify.formats.humaneval_pack import FORMAT, STOPS, language_of
from synth.verify.formats.spec import Fields, need

Parts = Callable[[Fields], tuple[str, str, str]]
"""Instruction, the code that it speaks of, and the beginning of the function."""


def _to_write(problem: Fields) -> tuple[str, str, str]:
    return need(problem, "instruction").strip(), "", need(problem, "prompt")


def _to_repair(problem: Fields) -> tuple[str, str, str]:
    """The tests say what is right; the documentation is left out."""
    main = "fn main(){}\n" if language_of(problem) == "rust" else ""
    begun = main + need(problem, "declaration")
    context = f"{begun}{need(problem, 'buggy_solution')}\n{need(problem, 'test')}"
    return f"Fix bugs in {need(problem, 'entry_point')}.", context, begun


def _stop(problem: Fields) -> tuple[str, ...]:
    return (*STOPS.get(language_of(problem), ()), "<|endoftext|>")


def _complete(parts: Parts) -> Callable[[Fields], BenchmarkPrompt]:
    def complete(problem: Fields) -> BenchmarkPrompt:
        instruction, context, begun = parts(problem)
        asked = f"{context}\n{instruction}" if context else instruction
        return BenchmarkPrompt(prompt=f"{asked}\n\n{begun}".strip(), stop=_stop(problem))

    return complete


def _chat(parts: Parts) -> Callable[[Fields], BenchmarkPrompt]:
    def chat(problem: Fields) -> BenchmarkPrompt:
        instruction, context, begun = parts(problem)
        asked = f"{instruction}\n{context}" if context else instruction
        return BenchmarkPrompt(messages=user(asked), prefill=begun.rstrip(), stop=_stop(problem))

    return chat


def _sample(problem: Fields, prompt: BenchmarkPrompt, text: str) -> Fields:
    return sample_row(FORMAT, problem, completion=without_reasoning(text).text)


_WRITE: Final = Protocol(
    suite="humanevalpack",
    format=FORMAT.name,
    column="HumanEvalPack",
    title="HumanEvalSynthesize",
    n=20,
    temperature=0.2,
    top_p=0.95,
    max_tokens=2048,
    complete=_complete(_to_write),
    chat=_chat(_to_write),
    sample=_sample,
    language=language_of,
    source="OctoPack (arXiv 2308.07124), github.com/bigcode-project/bigcode-evaluation-harness: "
    "bigcode_eval/tasks/humanevalpack.py, Apache-2.0; sampling as in "
    "github.com/bigcode-project/octopack, MIT",
)
PROTOCOLS: Final = (
    _WRITE,
    replace(
        _WRITE,
        suite="humanevalpack-fix",
        column="HumanEvalFix",
        title="HumanEvalFix, with tests",
        complete=_complete(_to_repair),
        chat=_chat(_to_repair),
    ),
)
