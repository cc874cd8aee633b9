"""CRUXEval: a model foresees the output of a call, or finds an input for an output; after a thought, as in
the Qwen2.5-Coder report, or at once (`-direct`).

Base and instruct models get one prompt, which ends inside the answer; instruct models with the system message
of its runs over an API. The sample is the text after the answer's mark, of which the format takes the
expression. The frames and examples are those of the benchmark, Copyright (c) Meta Platforms, Inc. and
affiliates, MIT.
"""

from collections.abc import Callable, Mapping
from typing import Final

from synth.prompts.reasoning import without_reasoning
from synth.protocols.protocol import BenchmarkPrompt, Protocol, in_python, sample_row, user
from synth.records import Message
from synth.verify.formats import cruxeval, cruxeval_input
from synth.verify.formats.cruxeval import Asked
from synth.verify.formats.spec import Fields, Format, need

_SYSTEM: Final = "You are an expert at Python programming, code execution, test case generation, and fuzzing."
_OUTPUT_DIRECT: Final = """\
You are given a Python function and an assertion containing an input to the function. Complete the assertion \
with a literal (no unsimplified expressions, no function calls) containing the output when executing the \
provided code on the given input, even if the function is incorrect or incomplete. Do NOT output any extra \
information. Provide the full assertion with the correct output in [ANSWER] and [/ANSWER] tags, following \
the examples.

[PYTHON]
def f(n):
    return n
assert f(17) == ??
[/PYTHON]
[ANSWER]
assert f(17) == 17
[/ANSWER]

[PYTHON]
def f(s):
    return s + "a"
assert f("x9j") == ??
[/PYTHON]
[ANSWER]
assert f("x9j") == "x9ja"
[/ANSWER]
"""
_OUTPUT_COT: Final = """\
You are given a Python function and an assertion containing an input to the function. Complete the assertion \
with a literal (no unsimplified expressions, no function calls) containing the output when executing the \
provided code on the given input, even if the function is incorrect or incomplete. Do NOT output any extra \
information. Execute the program step by step before arriving at an answer, and provide the full assertion \
with the correct output in [ANSWER] and [/ANSWER] tags, following the examples.

[PYTHON]
def f(s):
    s = s + s
    return "b" + s + "a"
assert f("hi") == ??
[/PYTHON]
[THOUGHT]
Let's execute the code step by step:

1. The function f is defined, which takes a single argument s.
2. The function is called with the argument "hi", so within the function, s is initially "hi".
3. Inside the function, s is concatenated with itself, so s becomes "hihi".
4. The function then returns a new string that starts with "b", followed by the value of s (which is now \
"hihi"), and ends with "a".
5. The return value of the function is therefore "bhihia".
[/THOUGHT]
[ANSWER]
assert f("hi") == "bhihia"
[/ANSWER]
"""
_INPUT_DIRECT: Final = """\
You will be given a function f and an output in the form f(??) == output. Find any input such that executing \
f on the input leads to the given output. There may be multiple answers, but you should only output one. In \
[ANSWER] and [/ANSWER] tags, complete the assertion with one such input that will produce the output when \
executing the function.

[PYTHON]
def f(my_list):
    count = 0
    for i in my_list:
        if len(i) % 2 == 0:
            count += 1
    return count
assert f(??) == 3
[/PYTHON]
[ANSWER]
assert f(["mq", "px", "zy"]) == 3
[/ANSWER]

[PYTHON]
def f(s1, s2):
    return s1 + s2
assert f(??) == "banana"
[/PYTHON]
[ANSWER]
assert f("ba", "nana") == "banana"
[/ANSWER]
"""
_INPUT_COT: Final = """\
You will be given a function f and an output in the form f(??) == output. Your task is to find any input \
such that executing f on the input leads to the given output. There may be multiple answers, but only output \
one. First, think step by step. You MUST surround the answer with [ANSWER] and [/ANSWER] tags. Express your \
answer as a passing assertion containing the input and the given output.

[PYTHON]
def f(x):
    return x + 1
assert f(??) == 17
[/PYTHON]
[THOUGHT]
To find an input such that executing f on the input leads to the given output, we can work backwards from \
the given assertion. We know that f(??) == 17.\N{SPACE}

Since the function f(x) returns x + 1, for f(??) to be equal to 17, the value of ?? should be 16.\N{SPACE}
[/THOUGHT]
[ANSWER]
assert f(16) == 17
[/ANSWER]
"""
_FRAMES: Final[Mapping[tuple[Asked, bool], str]] = {
    ("output", True): _OUTPUT_COT,
    ("output", False): _OUTPUT_DIRECT,
    ("input", True): _INPUT_COT,
    ("input", False): _INPUT_DIRECT,
}
"""By what is asked, and whether a thought comes first."""


def _prompt(asked: Asked, *, thinks: bool, problem: Fields) -> str:
    given = need(problem, "input") if asked == "output" else "??"
    wanted = "??" if asked == "output" else need(problem, "output")
    question = f"[PYTHON]\n{need(problem, 'code')}\nassert f({given}) == {wanted}\n[/PYTHON]"
    return f"{_FRAMES[asked, thinks]}\n{question}\n[{'THOUGHT' if thinks else 'ANSWER'}]\n"


def _sampled(form: Format, *, thinks: bool) -> Callable[[Fields, BenchmarkPrompt, str], Fields]:
    def sample(problem: Fields, prompt: BenchmarkPrompt, text: str) -> Fields:
        said = without_reasoning(text).text
        answer = said.split("[ANSWER]")[1] if thinks and "[ANSWER]" in said else said
        return sample_row(form, problem, completion=answer)

    return sample


def _protocol(form: Format, asked: Asked, *, thinks: bool) -> Protocol:
    stop = ("[/ANSWER]",)

    def complete(problem: Fields) -> BenchmarkPrompt:
        return BenchmarkPrompt(prompt=_prompt(asked, thinks=thinks, problem=problem), stop=stop)

    def chat(problem: Fields) -> BenchmarkPrompt:
        system = Message(role="system", content=_SYSTEM)
        messages = (system, *user(_prompt(asked, thinks=thinks, problem=problem)))
        return BenchmarkPrompt(messages=messages, stop=stop)

    return Protocol(
        suite=f"cruxeval-{asked}" if thinks else f"cruxeval-{asked}-direct",
        format=form.name,
        column=f"{form.title}-CoT" if thinks else form.title,
        title=f"{form.title}, {'after a thought' if thinks else 'at once'}",
        max_tokens=1024,
        complete=complete,
        chat=chat,
        sample=_sampled(form, thinks=thinks),
        language=in_python,
        source="CRUXEval (arXiv 2401.03065), github.com/facebookresearch/cruxeval: prompts.py, "
        "inference/tasks, openai/openai_prompt.py; MIT. Greedy and 1,024 tokens as in the Qwen2.5-Coder "
        "report's evaluation",
    )


PROTOCOLS: Final = (
    _protocol(cruxeval_input.FORMAT, "input", thinks=True),
    _protocol(cruxeval.FORMAT, "output", thinks=True),
    _protocol(cruxeval_input.FORMAT, "input", thinks=False),
    _protocol(cruxeval.FORMAT, "output", thinks=False),
)
