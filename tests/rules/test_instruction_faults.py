"""An instruction that holds the solution, or a refusal, is none."""

import pytest

from synth.rules.instruction_faults import find_fault

CODE = """def count_vowels(text, letters="aeiou"):
    total = 0
    for letter in text.lower():
        if letter in letters:
            total += 1
    return total
"""
JAVA = "static int twice(int[] xs) { int sum = 0; for (int x : xs) { sum += 2 * x; } return sum; }"
GOOD = (
    "Count the vowels of a text. The text is lowered first; the letters that count are 'aeiou' unless others "
    'are given, as in `count_vowels(text, letters="aeiou")`. The empty text has 0.'
)


@pytest.mark.parametrize(
    ("instruction", "reason"),
    [
        (GOOD, None),
        ("Count the vowels.\n\n" + CODE, "instruction_leaks"),
        ("Count the vowels.\n" + "".join(f"> {line}\n" for line in CODE.splitlines()), "instruction_leaks"),
        ("Do this:\n" + "".join(f"- `{line.strip()}`\n" for line in CODE.splitlines()), "instruction_leaks"),
        ("Count: " + " ".join(CODE.split()), "instruction_leaks"),
        ("I'm sorry, but I can't help with that.", "instruction_refused"),
        ("I cannot write this task.", "instruction_refused"),
        ("很抱歉，我无法完成。", "instruction_refused"),
        ("As an AI language model, I do not write tasks.", "instruction_refused"),
        ("Sort a list of words that say sorry, and I can't go on.", None),
        ("Return the words apart by blanks, for if while in not or and is of to a the.", None),
    ],
)
def test_words_are_an_instruction_and_the_code_is_not(instruction: str, reason: str | None) -> None:
    found = find_fault(instruction, CODE, "python")
    assert (found.reason if found else None) == reason


def test_code_of_another_language_and_short_programs_leak_as_well() -> None:
    assert find_fault("Twice the sum.", JAVA, "java") is None
    leak = find_fault(f"Twice the sum, like so: {JAVA}", JAVA, "java")
    assert leak is not None
    assert leak.reason == "instruction_leaks"
    short = "def f(a): return (a + 1) % 2"
    assert find_fault(f"Write {short}", short, "python") is not None
    assert find_fault("Add one and take it modulo two.", short, "python") is None
