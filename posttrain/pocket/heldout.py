"""The held-out tasks of the pocket world: the evaluation asks them, and decontamination keeps them out of
the training data.

Structures that the corpus and the loop never use (`chains.is_held_out`), alternating instructions in English
and Chinese, and tests computed from the chain itself. Three suites without a common structure: those that are
reported, deep ones that the pocket model seldom solves, and those that choose the policy of the next round.
"""

from typing import cast

from posttrain.evaluate.task import EvaluationTask
from posttrain.pocket.chains import Chain, draw_value, listed_chains
from posttrain.pocket.operation import Data, Type
from posttrain.pocket.phrases import instruction
from posttrain.pocket.programs import NAMES, signature
from synth.ids import derive_random, unit_id
from synth.records import Case, EvidenceRank, FunctionContract, Task, TestSuite
from synth.values import Value, encode

POCKET_SUITE = "pocket-heldout"
"""Its name in a recipe's `evaluation.suite`."""
DEEP_SUITE = "pocket-deep"
DEVELOPMENT_SUITE = "pocket-development"
CASES = 24
EMPTY: dict[Type, Data] = {"L": [], "W": [], "S": "", "M": {}, "I": 0}


def held_out_tasks() -> list[EvaluationTask]:
    """All held-out tasks, the same in every run."""
    return _tasks("heldout", "held-out")


def deep_tasks() -> list[EvaluationTask]:
    """Tasks of four operations in a row, of which the corpus has none."""
    return _tasks("deep", "deep")


def development_tasks() -> list[EvaluationTask]:
    """Other tasks of the same world, every third one deep."""
    return _tasks("development", "development")


def _tasks(listed: str, scope: str) -> list[EvaluationTask]:
    return [_task(chain, scope, number) for number, chain in enumerate(listed_chains(listed))]


def _task(chain: Chain, scope: str, number: int) -> EvaluationTask:
    random = derive_random(0, f"pocket-{scope}-task", number)
    natural = ("en", "zh")[number % 2]
    text = instruction(chain, natural, random)
    contract = FunctionContract(
        entry_point="solve", signature=signature(chain), parameter_names=(NAMES[chain.source],)
    )
    task = Task(
        id=unit_id("task", scope, number, text),
        round=0,
        instruction=text,
        natural_language=natural,
        contract=contract,
    )
    return EvaluationTask(
        task=task,
        suite=TestSuite(
            task_id=task.id,
            contract=contract,
            cases=hidden_cases(chain, f"{scope}-{number}", CASES),
            rank=EvidenceRank.REFERENCE,
        ),
    )


def hidden_cases(chain: Chain, scope: str, count: int) -> tuple[Case, ...]:
    """Distinct inputs with the chain's outputs."""
    random = derive_random(0, "hidden-cases", scope)
    rows = {
        _wire(value): value
        for value in (EMPTY[chain.source], *(draw_value(chain.source, random) for _ in range(3 * count)))
    }
    return tuple(
        Case(arguments=(wire,), expected=_wire(chain.run(value)))
        for wire, value in list(rows.items())[:count]
    )


def _wire(value: Data) -> str:
    return encode(cast(Value, value))
