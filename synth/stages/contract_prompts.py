"""Which prompt a stage renders for a contract, and what it shows of it.

Place in the flow: `instruct`, `inputs` and `solve` ask here, and so does an evaluation. The one rule: a kind
of contract is a suffix of the prompt's name (`solve`, `solve_program`), and a set without that file has no
tasks of this kind.
"""

from typing import Final

from synth.languages.classes import ClassShape
from synth.languages.registry import get_language
from synth.languages.spec import UnsupportedType, render_signature
from synth.prompts.answers import extract_inputs
from synth.prompts.library import PromptLibrary
from synth.records import ClassContract, Contract, FunctionContract, Message, Task
from synth.values import decode, parse_signature

PROMPT_SUFFIXES: Final = {"function": "", "stdio": "_program", "class": "_class"}
_TEXT_INPUT: Final = parse_signature("(str) -> str")
"""What a program over stdin and stdout takes, as the signature of a function."""


def prompt_name(stage: str, contract: Contract) -> str:
    """`solve`, or `solve_program` for a program over stdin and stdout."""
    return f"{stage}{PROMPT_SUFFIXES[contract.kind]}"


def declare(contract: Contract, language: str) -> dict[str, str]:
    """The variable `declaration` as a person would write it in that language; none for a program. Raises
    UnsupportedType."""
    if isinstance(contract, ClassContract):
        form = get_language(language).classes
        if form is None:
            raise UnsupportedType(f"{get_language(language).title} has no calls of classes here")
        return {"declaration": form.declare(ClassShape.of(contract))}
    if not isinstance(contract, FunctionContract):
        return {}
    signature = parse_signature(contract.signature)
    spoken = get_language(language)
    return {
        "declaration": render_signature(spoken, contract.entry_point, contract.parameter_names, signature)
    }


def read_rows(contract: Contract, answer: str) -> tuple[tuple[str, ...], ...]:
    """The rows of inputs in a model's answer; what stands on a program's stdin is one text, with a line feed
    at its end."""
    if isinstance(contract, FunctionContract):
        return extract_inputs(answer, parse_signature(contract.signature)).rows
    texts = (str(decode(row[0])) for row in extract_inputs(answer, _TEXT_INPUT).rows)
    return tuple((text if text.endswith("\n") else f"{text}\n",) for text in texts)


def input_words(task: Task) -> dict[str, str]:
    """What a prompt about the inputs of a task shows of it. Raises UnsupportedType."""
    return declare(task.contract, "python") | {"instruction": task.instruction}


def render_solve(
    prompts: PromptLibrary, contract: Contract, instruction: str, language: str, variant: str
) -> tuple[Message, ...]:
    """The messages that ask for one program in a language. Raises PromptError, UnsupportedType."""
    return prompts.render(
        prompt_name("solve", contract),
        variant=variant,
        language_title=get_language(language).title,
        instruction=instruction,
        **declare(contract, language),
    )
