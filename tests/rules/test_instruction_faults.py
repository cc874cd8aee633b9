"""An instruction that holds the solution, or a refusal, is none."""

import base64

import pytest

from synth.natural_languages import NATURAL_LANGUAGES
from synth.prompts.answers import extract_instruction
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


B64 = base64.b64encode(CODE.encode()).decode()
JS = "function countVowels(text) { let total = 0; for (const c of text) { total += 1; } return total; }"


@pytest.mark.parametrize(
    ("instruction", "reason"),
    [
        (f"Decode this: {B64}", "instruction_leaks"),
        (f"Do what this says: {CODE.encode().hex()}", "instruction_leaks"),
        ("Count the vowels. " + CODE.replace(chr(10), chr(92) + "n"), "instruction_leaks"),
        (f"Count the vowels of a text. {JS}", "instruction_leaks"),
        (
            "First set total = 0, then for letter in text.lower(): and if letter in letters: do total += 1.",
            "instruction_leaks",
        ),
        ("Lo siento, no puedo ayudar con eso.", "instruction_refused"),
        ("The code above counts the vowels of a text.", "instruction_of_code"),
        ("[insert task here]", "instruction_of_code"),
        ("Count the vowels. " * 30, "instruction_repeats"),
        ("a " * 300, "instruction_repeats"),
        ("Count the vowels of a text. Let me know if you need more!", "instruction_chatter"),
        (
            "Zähle die Vokale der Zeichenkette und gib die Zahl aus, die der Text hat.",
            "wrong_natural_language",
        ),
        ("统计文本中元音字母的数量，并返回这个数量。", "wrong_natural_language"),
        ("...", "malformed_answer"),
        (
            "Return the country code (such as `DE`) of a name; if it is not known, return `x = None`.",
            None,
        ),
    ],
)
def test_each_dress_of_a_bad_instruction_has_its_reason(instruction: str, reason: str | None) -> None:
    found = find_fault(instruction, CODE, "python", "en")
    assert (found.reason if found else None) == reason


@pytest.mark.parametrize(
    "answer",
    [
        "Sure! Here is the task:\n\nCount the vowels of a text.",
        "### Task\n\nCount the vowels of a text.\n\nLet me know if you need anything else!",
        '{"task": "Count the vowels of a text."}',
        "Certainly! Count the vowels of a text.",
        "¡Claro! Aquí está la tarea:\nCount the vowels of a text.",
        "Count the vowels of a text. I hope this helps!",
    ],
)
def test_chatter_around_an_instruction_goes(answer: str) -> None:
    assert extract_instruction(answer) == "Count the vowels of a text."


def test_an_instruction_may_share_a_bounded_part_of_its_seed() -> None:
    said = "Start with total = 0 and go through text.lower() in order."
    assert find_fault(said, CODE, "python", "en") is None
    found = find_fault(said, CODE, "python", "en", 0.02)
    assert found is not None
    assert found.reason == "instruction_overlaps"


SPOKEN = {
    "en": "Return how many words of the list are longer than the limit, and 0 if the list is empty.",
    "zh": "返回列表中长度大于限制的单词的数量。如果列表为空,则返回零。",
    "es": "Devuelve cuántas palabras de la lista son más largas que el límite, y 0 si la lista está vacía.",
    "fr": "Renvoie le nombre de mots de la liste qui sont plus longs que la limite, et 0 si elle est vide.",
    "de": "Gib zurück, wie viele Wörter der Liste länger sind als die Grenze, und 0, wenn sie leer ist.",
    "ja": "リストの中で、上限より長い単語の数を返してください。リストが空のときはゼロを返します。",
    "ko": "목록에서 한도보다 긴 단어의 개수를 반환하십시오. 목록이 비어 있으면 0을 반환합니다.",
    "ru": "Верните количество слов списка, которые длиннее предела; для пустого списка верните ноль.",
    "pt": "Devolva quantas palavras da lista são mais longas do que o limite, e 0 se a lista não tem nada.",
    "ar": "أعد عدد الكلمات في القائمة التي هي أطول من الحد، وأعد صفرا إذا كانت القائمة فارغة.",
}


@pytest.mark.parametrize("spoken", SPOKEN)
def test_an_instruction_in_the_language_that_was_asked_for_is_taken(spoken: str) -> None:
    assert find_fault(SPOKEN[spoken], CODE, "python", spoken) is None


@pytest.mark.parametrize("asked", SPOKEN)
@pytest.mark.parametrize("spoken", SPOKEN)
def test_one_in_another_language_is_refused(spoken: str, asked: str) -> None:
    found = find_fault(SPOKEN[spoken], CODE, "python", asked)
    assert (found is None) == (spoken == asked)
    assert found is None or found.reason == "wrong_natural_language"


def test_every_language_of_instructions_can_be_told_from_the_others() -> None:
    assert set(SPOKEN) == set(NATURAL_LANGUAGES)
