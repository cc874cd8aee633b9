"""HumanEval+ as EvalPlus asks for it: instruct models continue an answer that has begun, base models the
prompt. Source: evalplus/codegen.py and evalplus/provider/utility.py (Apache-2.0)."""

from synth.protocols.protocol import BenchmarkPrompt, Protocol, in_python, sample_row, user
from synth.verify.formats.registry import get_format
from synth.verify.formats.spec import Fields, need

_FORMAT = get_format("evalplus")
_STOP = ("\nclass ", "\ndef main(", "\nif __name__", "\nassert ", "\nprint(", "\n```\n")


def _complete(problem: Fields) -> BenchmarkPrompt:
    return BenchmarkPrompt(prompt=need(problem, "prompt").strip() + "\n", stop=_STOP)


def _chat(problem: Fields) -> BenchmarkPrompt:
    asked = (
        "Please provide a self-contained Python script that solves the following problem in a markdown "
        "code block:"
    )
    begun = (
        "Below is a Python script with a self-contained function that solves the problem and passes "
        "corresponding tests:"
    )
    text = f"{asked}\n```\n{need(problem, 'prompt').strip()}\n```\n"
    return BenchmarkPrompt(messages=user(text), prefill=f"{begun}\n```python\n", stop=("\n```\n",))


def _sample(problem: Fields, prompt: BenchmarkPrompt, text: str) -> Fields:
    if prompt.messages:
        return sample_row(_FORMAT, problem, raw_generation=prompt.prefill + text)
    return sample_row(_FORMAT, problem, solution=prompt.prompt + text)


PROTOCOLS = (
    Protocol(
        suite="humaneval+",
        format="evalplus",
        column="HumanEval+",
        title="HumanEval+",
        max_tokens=768,
        complete=_complete,
        chat=_chat,
        sample=_sample,
        language=in_python,
        source="evalplus/codegen.py (Apache-2.0)",
    ),
)
