"""LiveCodeBench: instruct models are asked as its runner asks CodeQwen, which the Qwen2.5-Coder report kept,
or as it asks models over an API (`livecodebench-generic`).

The sample is the text between the last two fences, whatever the tag; without two there is no program. For
base models its runner shows a published contest problem as an example, whose text is not ours to hand on, so
there is no such protocol here. The frames are those of its runner's prompts for code generation,
Copyright (c) 2024 LiveCodeBench, MIT.
"""

from dataclasses import replace
from typing import Final

from synth.prompts.fences import read_fences
from synth.prompts.reasoning import without_reasoning
from synth.protocols.protocol import BenchmarkPrompt, Protocol, in_python, sample_row, user
from synth.records import Message
from synth.verify.formats.livecodebench import FORMAT
from synth.verify.formats.spec import Fields, need

_TASK: Final = (
    "will be given a question (problem specification) and will generate a correct Python program that "
    "matches the specification and passes all tests."
)
_NOTHING_ELSE: Final = "You will NOT return anything except for the program."
_WITH_STARTER: Final = (
    "You will use the following starter code to write the solution to the problem and enclose your code "
    "within delimiters."
)
_WITHOUT_STARTER: Final = (
    "Read the inputs from stdin solve the problem and write the answer to stdout (do not directly test on "
    "the sample inputs). Enclose your code within delimiters as follows. Ensure that when the python program "
    "runs, it reads the inputs, runs the algorithm and writes output to STDOUT."
)


def _format(problem: Fields) -> str:
    """The sentence about the form of the program, and a block that shows it."""
    starter = str(problem.get("starter_code") or "")
    words = _WITH_STARTER if starter else _WITHOUT_STARTER
    return f"{words}\n```python\n{starter or '# YOUR CODE HERE'}\n```\n\n"


def _codeqwen(problem: Fields) -> BenchmarkPrompt:
    """The blank line at the beginning is the runner's: it writes the marks of the chat itself."""
    question = f"\nYou {_TASK} {_NOTHING_ELSE}\n\nQuestion: {need(problem, 'question_content')}\n\n"
    system = Message(role="system", content="You are a helpful assistant.")
    return BenchmarkPrompt(messages=(system, *user(question + _format(problem))), stop=("###",))


def _generic(problem: Fields) -> BenchmarkPrompt:
    system = Message(role="system", content=f"You are an expert Python programmer. You {_TASK}")
    question = (
        f"### Question:\n{need(problem, 'question_content')}\n\n### Format: {_format(problem)}"
        "### Answer: (use the provided format with backticks)\n\n"
    )
    return BenchmarkPrompt(messages=(system, *user(question)), stop=("###",))


def _sample(problem: Fields, prompt: BenchmarkPrompt, text: str) -> Fields:
    blocks = read_fences(without_reasoning(text).text)
    program = blocks[-1].text if blocks and not blocks[-1].cut else ""
    return sample_row(FORMAT, problem, code_list=[program])


_AS_CODEQWEN: Final = Protocol(
    suite="livecodebench",
    format=FORMAT.name,
    column="LiveCodeBench",
    title="LiveCodeBench, asked as CodeQwen",
    n=10,
    temperature=0.2,
    top_p=0.95,
    max_tokens=2000,
    complete=None,
    chat=_codeqwen,
    sample=_sample,
    language=in_python,
    source="LiveCodeBench (arXiv 2403.07974), github.com/LiveCodeBench/LiveCodeBench: "
    "lcb_runner/prompts/code_generation.py, lcb_runner/utils/extraction_utils.py, "
    "lcb_runner/runner/parser.py; MIT",
)
PROTOCOLS: Final = (
    _AS_CODEQWEN,
    replace(
        _AS_CODEQWEN,
        suite="livecodebench-generic",
        column="LiveCodeBench (generic)",
        title="LiveCodeBench, asked as models over an API",
        chat=_generic,
    ),
)
