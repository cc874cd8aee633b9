"""Which prompt each kind of contract is rendered with, and what is shown and read of it."""

import pytest

from synth.languages.spec import UnsupportedType
from synth.prompts.library import PromptLibrary
from synth.records import ClassContract, Contract, FunctionContract, Method, StdioContract
from synth.stages.contract_prompts import declare, prompt_name, read_rows, render_solve
from synth.values import encode

FUNCTION = FunctionContract(entry_point="twice", signature="(int) -> int", parameter_names=("x",))
PROGRAM = StdioContract()
CLASS = ClassContract(
    class_name="Counter",
    constructor=Method(name="", signature="(int) -> null", parameter_names=("start",)),
    methods=(Method(name="add", signature="(int) -> int", parameter_names=("by",)),),
)


@pytest.mark.parametrize(
    ("contract", "name"), [(FUNCTION, "solve"), (PROGRAM, "solve_program"), (CLASS, "solve_class")]
)
def test_the_kind_of_a_contract_is_a_suffix_of_the_prompts_name(contract: Contract, name: str) -> None:
    assert prompt_name("solve", contract) == name


def test_a_function_and_a_class_are_declared_and_a_program_is_not() -> None:
    assert declare(FUNCTION, "python") == {"declaration": "def twice(x: int) -> int"}
    assert declare(PROGRAM, "python") == {}
    shown = declare(CLASS, "python")["declaration"]
    assert "class Counter" in shown
    assert "add" in shown


def test_a_language_without_calls_of_classes_says_so() -> None:
    with pytest.raises(UnsupportedType, match="no calls of classes"):
        declare(CLASS, "bash")


def test_rows_of_a_function_are_typed_and_those_of_a_program_end_their_line() -> None:
    assert read_rows(FUNCTION, "```\n[4]\n[-7]\n```") == ((encode(4),), (encode(-7),))
    assert read_rows(PROGRAM, '```\n["1 2"]\n["3\\n"]\n```') == (("1 2\n",), ("3\n",))


@pytest.mark.parametrize("contract", [FUNCTION, PROGRAM, CLASS])
def test_the_instruction_stands_in_the_question_for_a_program(contract: Contract) -> None:
    messages = render_solve(PromptLibrary.load("default"), contract, "Do it well.", "python", "en")
    assert "Do it well." in messages[-1].content
    assert "Python" in messages[0].content + messages[-1].content
