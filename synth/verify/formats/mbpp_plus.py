"""What the released file of MBPP+ does not say: its inputs are JSON, so tuples and sets are lists there and
complex numbers texts, and of some tasks results are right that differ from the reference's.

Place in the flow: `evalplus.py` puts this around the reference and the program, inside the sandbox. The one
rule: the tasks, their shapes and their oracles are those of EvalPlus's own reader and evaluation.
"""

from collections.abc import Callable
from typing import Final

_SHAPES: Final[dict[str, str]] = {
    "2 116 132 143 222 261 273 394 399 421 424 429 470 560 579 596 616 630 726 740 744 809": (
        "[tuple(each) for each in row]"
    ),
    "63 64 70 94 120 237 272 299 400 409 417 438 473 614 780": (
        "[[tuple(inner) for inner in each] for each in row]"
    ),
    "75 413 444 753": "[[tuple(each) for each in row[0]], *row[1:2]]",
    "106 750": "[row[0], tuple(row[1])]",
    "115": "[[set(each) if isinstance(each, list) and each else {} for each in row[0]]]",
    "124": "[float(row[0]), complex(row[1])]",
    "250 405 446 617 720 763 808": "[tuple(row[0]), *row[1:2]]",
    "252": "[complex(row[0])]",
    "259 401 445": "[tuple(tuple(inner) for inner in each) for each in row]",
    "278": "[tuple(tuple(each) if isinstance(each, list) else each for each in row[0])]",
    "307": "[tuple(row[0]), *row[1:3]]",
    "580 615 791": "[_codemill_tuples(each) for each in row]",
    "722": "[{key: tuple(value) for key, value in row[0].items()}, *row[1:]]",
}
_ALSO_RIGHT: Final[dict[str, str]] = {
    "2 7 111 140 232 249 579 769": "set(found) == set(wanted)",
    "164": "True",
    "295": "found == 0",
    "558": (
        "found == sum(abs(int(a) - int(b)) for a, b in "
        "zip(*(str(n).zfill(max(len(str(m)) for m in row)) for n in row)))"
    ),
    "581": "found == round(row[0] ** 2 + 2 * row[0] * ((row[0] / 2) ** 2 + row[1] ** 2) ** 0.5)",
    "737 787 794": "(found if isinstance(found, bool) else found is not None) == (wanted is not None)",
}
_SHAPE_OF: Final = {int(task): shape for tasks, shape in _SHAPES.items() for task in tasks.split()}
_ALSO_OF: Final = {int(task): also for tasks, also in _ALSO_RIGHT.items() for task in tasks.split()}
_SHAPED: Final = """
def _codemill_tuples(value):
    return tuple(map(_codemill_tuples, value)) if isinstance(value, list) else value


def _codemill_shaped(function):
    return lambda *row: function(*{shape})

"""


def shape_of(task_id: str) -> tuple[str, Callable[[str], str]]:
    """Code that has to stand in the script, and how it is put around a function there; nothing for tasks
    whose inputs are what JSON says."""
    shape = _SHAPE_OF.get(_number(task_id))
    if shape is None:
        return "", str
    return _SHAPED.replace("{shape}", shape), lambda function: f"_codemill_shaped({function})"


def also_right(task_id: str) -> str:
    """An expression over `row`, `found` and `wanted`: whether a result is right that differs from the
    reference's."""
    return _ALSO_OF.get(_number(task_id), "False")


def _number(task_id: str) -> int:
    family, _, number = task_id.rpartition("/")
    return int(number) if family.lower() == "mbpp" and number.isdigit() else -1
