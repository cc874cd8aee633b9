"""What is accepted of planted bad instructions, and refused of good ones: `python -m
benchmarks.method.instructions [--random-seeds 0,1,2]`.

The one rule: every template belongs to a half, and no rule is changed after a look at the second; figures are
told apart by half. A fifth of what is planted is bad.
"""

import argparse
import base64
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple

from synth.filters.protocol import Reject
from synth.prompts.answers import extract_instruction
from synth.proportions import wilson_interval
from synth.rules.instruction_faults import find_fault

PLANTED: Final = 5000
"""Answers for each seed and half."""
BAD: Final = 0.2


class Program(NamedTuple):
    code: str
    other: str
    """The same in another language."""


class Goal(NamedTuple):
    """A task with its programs, in two wordings: one of each half."""

    program: Program
    words: tuple[str, str]


GOALS: Final = (
    Goal(
        Program(
            "def longest_run(xs):\n    best = 0\n    run = 0\n    last = None\n    for x in xs:\n"
            "        run = run + 1 if x == last else 1\n        best = max(best, run)\n        last = x\n"
            "    return best\n",
            "function longestRun(xs) {\n  let best = 0, run = 0, last = null;\n  for (const x of xs) {\n"
            "    run = x === last ? run + 1 : 1;\n    best = Math.max(best, run);\n    last = x;\n  }\n"
            "  return best;\n}\n",
        ),
        (
            "Given a list of integers, return the length of the "
            "longest stretch of equal neighbours. An empty "
            "list has 0; a single value counts as 1.",
            "How long is the longest block of identical values that stand side by side in a list of whole "
            "numbers? Return that length, and 0 for a list that has no items.",
        ),
    ),
    Goal(
        Program(
            "def fee(weight, zone):\n    if weight <= 0:\n        raise ValueError('weight')\n"
            "    base = 4 if zone == 'A' else 7\n    extra = max(0, "
            "weight - 5) * 2\n    return base + extra\n",
            "int fee(int weight, String zone) {\n  if (weight <= 0) { throw new RuntimeException(); }\n"
            '  int base = zone.equals("A") ? 4 : 7;\n  int extra = Math.max(0, weight - 5) * 2;\n'
            "  return base + extra;\n}\n",
        ),
        (
            "Compute the postage of a parcel from its weight in "
            "kilograms and its zone. Zone 'A' costs 4, every "
            "other zone 7; each kilogram above 5 adds 2. A weight of zero or less is an error.",
            "A courier charges 4 for code 'A' and 7 otherwise, plus 2 "
            "for each unit of weight beyond the first "
            "five. Work out the charge; the call must fail if the weight is not positive.",
        ),
    ),
    Goal(
        Program(
            "def slug(text):\n    words = text.lower().split()\n    "
            "kept = [w for w in words if w.isalnum()]\n"
            "    return '-'.join(kept[:6])\n",
            "def slug(text)\n  words = text.downcase.split\n  kept = "
            "words.select { |w| w =~ /^[a-z0-9]+$/ }\n"
            "  return kept.first(6).join('-')\nend\n",
        ),
        (
            "Turn a title into a short name: lower it, cut it at "
            "blanks, leave out parts that hold anything but "
            "letters and digits, and join the first six that remain by hyphens.",
            "Build an identifier from a heading. Take its "
            "blank-separated parts in small letters, drop each part "
            'with another sign than a letter or digit, and put "-" between at most six of the rest.',
        ),
    ),
)

REFUSALS: Final = {
    "en": (
        (
            "I'm sorry, but I can't help with that.",
            "As an AI, I am unable to write this.",
            "I cannot do this.",
        ),
        (
            "Apologies, this falls outside what I can do.",
            "Unfortunately I must decline.",
            "I won't write this.",
        ),
    ),
    "zh": (
        (
            "很抱歉，我无法完成这个请求。",
            "我不能提供帮助。",
        ),
        (
            "对不起，这超出了我的能力。",
            "作为语言模型，我做不到。",
        ),
    ),
    "es": (("Lo siento, no puedo ayudar con eso.",), ("Disculpa, no estoy en condiciones de hacerlo.",)),
    "fr": (("Je suis désolé, je ne peux pas vous aider.",), ("Désolé, cela m'est impossible.",)),
    "de": (("Es tut mir leid, dabei kann ich nicht helfen.",), ("Leider ist mir das nicht möglich.",)),
    "ja": (("申し訳ありませんが、お手伝いできません。",), ("すみません、それは対応できません。",)),
    "ko": (("죄송하지만 도와드릴 수 없습니다.",), ("미안하지만 그 요청은 처리할 수 없어요.",)),
    "ru": (("Извините, я не могу помочь с этим.",), ("К сожалению, это невозможно.",)),
    "pt": (("Desculpe, não posso ajudar com isso.",), ("Infelizmente não consigo fazer isso.",)),
    "ar": (("عذرًا، لا أستطيع المساعدة في ذلك.",), ("للأسف لا يمكنني القيام بهذا.",)),
}
OPENINGS: Final = (
    (
        "Sure! Here is the task:\n\n",
        "Certainly! ",
        "### Task\n\n",
        "¡Claro! Aquí está la tarea:\n",
        "Voici la tâche :\n",
        "Natürlich! Hier ist die Aufgabe:\n",
        "当然，以下是任务：\n",
        "もちろんです。以下が課題です：\n",
    ),
    (
        "Absolutely, here you go:\n\n",
        "Of course! Below is the instruction:\n",
        "## Programming Task\n\n",
        "Por supuesto, aquí tienes el enunciado:\n",
        "Bien sûr ! ",
        "Gerne, hier ist der Text:\n",
        "好的，任务如下：\n",
        "Конечно! Вот задание:\n",
        "Claro! Aqui está a tarefa:\n",
        "물론입니다! 다음은 과제입니다:\n",
    ),
)
CLOSINGS: Final = (
    (
        "\n\nLet me know if you need anything else!",
        " I hope this helps!",
        "\n\nFeel free to ask for changes.",
        "\n\n希望这对你有帮助！",
        "\n\nEspero que te sirva.",
    ),
    (
        "\n\nWould you like me to add examples?",
        " Happy coding!",
        "\n\nIf you want, I can make it harder.",
        "\n\n如果您需要修改，请告诉我。",
        "\n\nN'hésitez pas à demander des précisions.",
    ),
)
META: Final = (
    (
        "The code above goes through a list.",
        "This snippet computes a value from its input.",
        "这段代码计算一个结果。",
        "Dieser Code berechnet einen Wert.",
    ),
    (
        "In the given implementation, a counter is kept.",
        "This function iterates over its argument and is short.",
        "上述代码遍历列表。",
        "Ce code parcourt une liste.",
        "Этот код считает значения.",
        "このコードは値を数えます。",
    ),
)
WRONG_LANGUAGE: Final = (
    (
        "Zähle die Werte der Liste und gib die Zahl aus, die von jeder Art in der Liste ist.",
        "计算列表中相同元素的最长连续长度。",
        "Посчитай одинаковые числа подряд в списке.",
    ),
    (
        "Devuelve la longitud de la racha más larga de valores iguales que hay en la lista.",
        "Renvoie la longueur de la plus longue suite de valeurs égales dans la liste, et 0 si elle est vide.",
        "리스트에서 같은 값이 이어지는 최대 길이를 구하세요.",
        "أعد طول أطول سلسلة من القيم المتساوية.",
    ),
)
NOTHING: Final = (
    (
        "",
        "...",
        "N/A",
        "[insert task here]",
    ),
    (
        "   \n",
        "—",
        "None",
        "<your instruction here>",
        "TODO",
    ),
)


def _lines(goal: Goal) -> list[str]:
    return [line.strip() for line in goal.program.code.splitlines()]


def _told(goal: Goal, half: int) -> str:
    joints = (("First write ", ", then ", " and so on."), ("Begin with ", "; after it put ", " at the end."))[
        half
    ]
    return joints[0] + joints[1].join(_lines(goal)) + joints[2]


Maker = Callable[[Goal, int, Random], str]


def _pick(table: tuple[tuple[str, ...], tuple[str, ...]]) -> Maker:
    return lambda goal, half, random: random.choice(table[half])


def _refusal(goal: Goal, half: int, random: Random) -> str:
    return random.choice(REFUSALS[random.choice(sorted(REFUSALS))][half])


def _code(goal: Goal) -> str:
    return goal.program.code


KINDS: Final[dict[str, Maker]] = {
    "refusal": _refusal,
    "leak: fenced": lambda g, h, r: f"{g.words[h]}\n\n```{('python', '')[h]}\n{_code(g)}```",
    "leak: unfenced": lambda g, h, r: f"{g.words[h]}\n\n{_code(g)}",
    "leak: quoted": lambda g, h, r: g.words[h] + "\n\n" + "".join(f"{'>|'[h]} {x}\n" for x in _lines(g)),
    "leak: listed": lambda g, h, r: g.words[h] + "\n\n" + "".join(f"{'-•'[h]} {x}\n" for x in _lines(g)),
    "leak: inline": lambda g, h, r: f"{g.words[h]} That is, `{' '.join(_code(g).split())}`.",
    "leak: base64": lambda g, h, r: f"{g.words[h]} {base64.b64encode(_code(g).encode()).decode()}",
    "leak: hex": lambda g, h, r: f"{g.words[h]} {_code(g).encode().hex(*((), (' ',))[h])}",
    "leak: escaped": lambda g, h, r: g.words[h] + " " + repr(_code(g)),
    "leak: told by lines": lambda g, h, r: _told(g, h),
    "leak: other language": lambda g, h, r: f"{g.words[h]}\n{g.program.other}",
    "preamble": lambda g, h, r: r.choice(OPENINGS[h]) + g.words[h],
    "closing": lambda g, h, r: g.words[h] + r.choice(CLOSINGS[h]),
    "JSON": lambda g, h, r: f'{{"{("task", "instruction")[h]}": {_quoted(g.words[h])}}}',
    "speaks of code": _pick(META),
    "wrong language": _pick(WRONG_LANGUAGE),
    "repetition": lambda g, h, r: (g.words[h] + " ") * 9 if r.random() < 0.5 else ("la ", "x y ")[h] * 200,
    "nothing": _pick(NOTHING),
}
STRIPPED: Final = ("preamble", "closing", "JSON")
"""Kinds of which the task itself may be kept, once what stands around it is gone."""


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def read(answer: str, goal: Goal) -> str | Reject:
    """The instruction in an answer, as the stage reads it."""
    text = extract_instruction(answer)
    if text is None:
        return Reject("malformed_answer", {})
    return find_fault(text, goal.program.code, "python", "en", 0.3) or text


class Found(NamedTuple):
    accepted: int
    wrong: Counter[str]
    """Bad ones among the accepted, by kind."""
    planted: Counter[str]
    good: int
    lost: int
    """Good ones that were refused."""


def measure(half: int, random_seed: int) -> Found:
    random = Random(f"{half} {random_seed}")
    wrong: Counter[str] = Counter()
    planted: Counter[str] = Counter()
    accepted = good = lost = 0
    for _ in range(PLANTED):
        goal = random.choice(GOALS)
        kind = random.choice(list(KINDS)) if random.random() < BAD else ""
        found = read(KINDS[kind](goal, half, random) if kind else goal.words[half], goal)
        kept = not isinstance(found, Reject)
        accepted += kept
        planted[kind] += 1
        if not kind:
            good, lost = good + 1, lost + (not kept)
        elif kept and not (kind in STRIPPED and found == goal.words[half]):
            wrong[kind] += 1
    return Found(accepted, wrong, planted, good, lost)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--random-seeds", default="0,1,2")
    seeds = [int(one) for one in parser.parse_args().random_seeds.split(",")]
    for half, name in enumerate(("first half", "second half")):
        found = [measure(half, seed) for seed in seeds]
        accepted, wrong = (
            sum(one.accepted for one in found),
            sum((one.wrong for one in found), Counter[str]()),
        )
        good, lost = sum(one.good for one in found), sum(one.lost for one in found)
        planted = sum((one.planted for one in found), Counter[str]())
        bad = wrong.total()
        low, high = wilson_interval(bad / accepted, accepted)
        print(f"{name}: {bad} bad of {accepted} accepted, {bad / accepted:.2%} ({low:.2%} to {high:.2%});")
        print(f"    good ones refused: {lost} of {good}, {lost / good:.2%}")
        for kind, count in wrong.most_common():
            print(f"    {kind}: {count} of {planted[kind]} came through")


if __name__ == "__main__":
    main()
