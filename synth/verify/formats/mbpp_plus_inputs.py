"""The inputs of MBPP+ as EvalPlus means them: its released file holds JSON, so tuples and sets are lists
there and complex numbers texts; the number of the task says which.

Place in the flow: `evalplus.py` puts this around the reference and the program, inside the sandbox. The one
rule: the tasks and their shapes are those of EvalPlus's own reader.
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
_BY_TASK: Final = {int(task): shape for tasks, shape in _SHAPES.items() for task in tasks.split()}
_SHAPED: Final = """
def _codemill_tuples(value):
    return tuple(map(_codemill_tuples, value)) if isinstance(value, list) else value


def _codemill_shaped(function):
    return lambda *row: function(*{shape})

"""


def shape_of(task_id: str) -> tuple[str, Callable[[str], str]]:
    """Code that has to stand in the script, and how it is put around a function there; nothing for tasks
    whose inputs are what JSON says."""
    family, _, number = task_id.rpartition("/")
    shape = _BY_TASK.get(int(number)) if family.lower() == "mbpp" and number.isdigit() else None
    if shape is None:
        return "", str
    return _SHAPED.replace("{shape}", shape), lambda function: f"_codemill_shaped({function})"
