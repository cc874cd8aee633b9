"""EvalPlus: HumanEval, HumanEval+, MBPP and MBPP+ are asked alike, and judged by the tests of their files.

Base models continue the prompt; instruct models get it in a fence, and their answer is begun for them. The
sample is the sanitised text. The frames and stop words below are EvalPlus's own, Copyright its authors,
Apache-2.0; `source` names the files.
"""

import re
from functools import partial
from typing import Final

from synth.prompts.reasoning import without_reasoning
from synth.protocols.protocol import BenchmarkPrompt, Protocol, in_python, sample_row, user
from synth.protocols.sanitise import sanitise_evalplus
from synth.verify.formats.mbpp import called_function
from synth.verify.formats.python_prompts import head_of, placed_after
from synth.verify.formats.registry import get_format
from synth.verify.formats.spec import Fields, need, refuse, texts

INSTRUCTION: Final = (
    "Please provide a self-contained Python script that solves the following problem in a markdown "
    "code block:"
)
RESPONSE: Final = (
    "Below is a Python script with a self-contained function that solves the problem and passes "
    "corresponding tests:"
)
STOP: Final = ("<|endoftext|>", "<|endofmask|>", "</s>", "\nif __name__", "\ndef main(", "\nprint(")
AFTER_FUNCTION: Final = ("\ndef ", "\nclass ", "\nimport ", "\nfrom ", "\nassert ")
_AFTER_PROGRAM: Final = ('\n"""', "\nassert")
FENCE_END: Final = ("\n```\n",)
_CALLED: Final = re.compile(r"\b(\w+)\(")
_DEFINED: Final = re.compile(r"^def[ \t]+(\w+)", re.MULTILINE)


def begun(instructed: str) -> BenchmarkPrompt:
    """The chat whose answer is begun up to its fence."""
    return BenchmarkPrompt(
        messages=user(f"{INSTRUCTION}\n{instructed}\n"),
        prefill=f"{RESPONSE}\n```python\n",
        stop=(*STOP, *FENCE_END),
    )


def spaced(text: str) -> str:
    """The model's text without its reasoning, each tab as four spaces."""
    return without_reasoning(text).text.replace("\t", "    ")


def _asked(problem: Fields) -> str:
    """The prompt of the problem: EvalPlus's own, or made as EvalPlus makes it from MBPP's fields."""
    tests = texts(problem, "test_list")
    if "entry_point" in problem or not tests:
        return need(problem, "prompt").strip()
    return f'"""\n{need(problem, "text", "prompt")}\n{tests[0]}\n"""'


def _entry_point(problem: Fields) -> str:
    if "entry_point" in problem:
        return need(problem, "entry_point")
    tests = texts(problem, "test_list")
    if not tests:
        raise refuse("field entry_point or test_list", "is missing: nothing says which function is asked for")
    return called_function(tests[0])


def _complete(after: tuple[str, ...], problem: Fields) -> BenchmarkPrompt:
    return BenchmarkPrompt(prompt=f"{_asked(problem)}\n", stop=(*STOP, *after))


def _chat(problem: Fields) -> BenchmarkPrompt:
    return begun(f"```\n{_asked(problem)}\n```")


def _sample(form: str, problem: Fields, prompt: BenchmarkPrompt, text: str) -> Fields:
    solution = sanitise_evalplus(prompt.prompt + spaced(text), _entry_point(problem))
    return sample_row(get_format(form), problem, solution=_with_what_tests_call(problem, solution))


def _with_what_tests_call(problem: Fields, solution: str) -> str:
    """A solution behind the helpers of the prompt, where the test script calls one of them: EvalPlus judges
    by inputs, which call none, so its step leaves them out."""
    head = head_of(str(problem.get("prompt") or ""), _entry_point(problem))
    called = set(_CALLED.findall(str(problem.get("test") or "")))
    return placed_after(head, solution) if called & set(_DEFINED.findall(head)) else solution


def _protocol(suite: str, column: str, form: str, after: tuple[str, ...]) -> Protocol:
    return Protocol(
        suite=suite,
        format=form,
        column=column,
        title=column,
        max_tokens=2048,
        complete=partial(_complete, after),
        chat=_chat,
        sample=partial(_sample, form),
        language=in_python,
        source="EvalPlus (arXiv 2305.01210), github.com/evalplus/evalplus: evalplus/codegen.py, "
        "evalplus/provider/utility.py, evalplus/sanitize.py; Apache-2.0. 2,048 tokens as in the "
        "Qwen2.5-Coder report's evaluation",
    )


PROTOCOLS: Final = (
    _protocol("humaneval", "HumanEval", "humaneval", AFTER_FUNCTION),
    _protocol("humaneval+", "HumanEval+", "evalplus", AFTER_FUNCTION),
    _protocol("mbpp", "MBPP", "mbpp", _AFTER_PROGRAM),
    _protocol("mbpp+", "MBPP+", "evalplus", _AFTER_PROGRAM),
)
