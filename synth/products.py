"""The products: what survives becomes training data. One record a product, and the one table of them.

Place in the flow: the last stages make these records; writing, export, the card, lineage and the training
jobs follow from `PRODUCTS`. The one rule: a fact about a product stands in its row here and nowhere else.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar, Final, NamedTuple

from synth.choice_records import LabelledSolution, UnsolvedTask
from synth.records import EvidenceRank, Message, Outcome, Unit
from synth.repair_records import Repair


class Sample(Unit):
    """A task with its best solution: one row of SFT data (TRL's conversational prompt and completion)."""

    kind: ClassVar[str] = "sample"
    about: ClassVar[str] = "a task with its best solution"
    parents: ClassVar[tuple[str, ...]] = ("solution_id",)

    id: str
    task_id: str
    solution_id: str
    language: str
    natural_language: str
    code: str
    """The solution's program, as it stands in the completion."""
    prompt: tuple[Message, ...]
    completion: tuple[Message, ...]
    pass_rate: float
    rank: EvidenceRank
    choice: int = 0
    """Its place among the samples of its task and language; 0 is the best."""
    licence: str = ""
    """Of the code, or of the problem, from which its task was made, as it states it; empty if unknown."""
    asks: str = "write"
    """The kind of task: to write a program, or to do something with a given one, such as `repair`."""
    shape: str = ""
    """The form in which it asks; empty for the plain one."""
    reasoning: str = ""
    """What the model thought before the answer, where the recipe keeps it."""
    bin: str = ""
    """Its bin of difficulty, such as `0.25-0.5`, where the recipe balances them."""
    cluster: str = ""
    """The first task of the cluster that its task belongs to, where the recipe counts them."""

    @property
    def prompt_text(self) -> str:
        return _joined(self.prompt)

    @property
    def trained_reasoning(self) -> str:
        """Its reasoning, where the completion has it."""
        return self.reasoning if self.reasoning and self.reasoning in _joined(self.completion) else ""

    @property
    def program(self) -> str:
        return self.code


class Pair(Unit):
    """Chosen passes and rejected fails the same tests: one row of DPO data (TRL's conversational preference
    format)."""

    kind: ClassVar[str] = "pair"
    about: ClassVar[str] = "a right and a wrong answer to one task"
    parents: ClassVar[tuple[str, ...]] = ("chosen_id", "rejected_id")

    id: str
    task_id: str
    language: str
    prompt: tuple[Message, ...]
    chosen: tuple[Message, ...]
    rejected: tuple[Message, ...]
    chosen_id: str
    rejected_id: str
    chosen_pass: float
    rejected_pass: float
    rejected_outcome: Outcome
    rank: EvidenceRank
    by: str = "tests"
    """What tells the two apart: `tests` that one fails, or `speed` where both are right."""
    figures: str = ""
    """The figures behind it as a JSON object, such as the CPU time of both sides in each repeat."""

    @property
    def prompt_text(self) -> str:
        return _joined(self.prompt)

    @property
    def program(self) -> str:
        return _joined((*self.chosen, *self.rejected))


class FimSample(Unit):
    """A fill-in-the-middle sample: prefix + middle + suffix is the file, or of a long one a piece, byte for
    byte. `text` is the training string."""

    kind: ClassVar[str] = "fim"
    about: ClassVar[str] = "a program with a syntax node cut out"
    parents: ClassVar[tuple[str, ...]] = ("source_id",)

    id: str
    source_id: str
    language: str
    node: str
    """Kind of syntax node that the middle is: expression, statement, block or function."""
    prefix: str
    middle: str
    suffix: str
    text: str
    """With the FIM tokens, in file format or in repository format."""
    licence: str = ""
    """Of the source file, as it states it; empty if unknown, and for a model's program."""

    @property
    def program(self) -> str:
        return f"{self.prefix}{self.middle}{self.suffix}"


def _joined(messages: tuple[Message, ...]) -> str:
    return "\n".join(message.content for message in messages)


class Form(StrEnum):
    """How a row trains, in TRL's terms. Each layout of another trainer knows these."""

    CONVERSATION = "conversation"
    """`prompt` and `completion`."""
    PREFERENCE = "preference"
    """`prompt`, `chosen` and `rejected`."""
    TEXT = "text"
    """`text`."""
    LABELLED = "labelled"
    """`prompt`, `completion` and `label`."""
    TASK = "task"
    """`instruction`: it trains nothing."""


class Part(StrEnum):
    """Which rows of a round one data set of a product holds."""

    ALL = "all"
    BEST = "best"
    """The best surviving one of each task and language."""
    SHARE = "share"
    """Drawn, so that they make up `share` of the rows they are trained with."""


class DataSet(NamedTuple):
    """One data set of a product in each round: `<folder>/round-<r><suffix>`."""

    suffix: str
    part: Part
    job: str = ""
    """The training job that takes it: `coarse`, `fine` or `dpo`; empty for none."""
    leads: bool = True
    """Whether its job runs for its sake. Others are mixed in."""


class Product(NamedTuple):
    """One product: its folder in a run and in exports, its record, and all that is said and done by
    product."""

    name: str
    model: type[Unit]
    form: Form
    sentence: str
    """What a row is, for the card."""
    data_sets: tuple[DataSet, ...]
    side_stage: str = ""
    """The stage that makes it beside the flow: of units that it turns away no such row is made, and they stay
    what they were."""
    is_optional: bool = False
    """Whether a run whose recipe does not make it has no file of it."""


PRODUCTS: Final = (
    Product(
        "sft",
        Sample,
        Form.CONVERSATION,
        "a task and a verified solution, as conversational `prompt` and `completion`",
        (DataSet("-coarse", Part.ALL, "coarse"), DataSet("-fine", Part.BEST, "fine")),
    ),
    Product(
        "pairs",
        Pair,
        Form.PREFERENCE,
        "a task with a solution that passes and one that fails its tests, or a fast and a slow one (`by`): "
        "`prompt`, `chosen`, `rejected`",
        (DataSet("", Part.ALL, "dpo"),),
        "pair",
    ),
    Product(
        "fim",
        FimSample,
        Form.TEXT,
        "fill-in-the-middle texts whose middle is a syntax node: `text`",
        (DataSet("", Part.ALL), DataSet("-mix", Part.SHARE, "coarse", leads=False)),
        "fim",
    ),
    Product(
        "labelled",
        LabelledSolution,
        Form.LABELLED,
        "a task with one solution that is good or bad: `prompt`, `completion`, `label`",
        (DataSet("", Part.ALL, "kto"),),
        "label",
        is_optional=True,
    ),
    Product(
        "repairs",
        Repair,
        Form.CONVERSATION,
        "a program that was shown, as a wrong answer of the dialogue or in the question, and the verified "
        "answer about it: `prompt` and `completion`",
        (DataSet("", Part.ALL, "coarse", leads=False),),
        "repair_rows",
        is_optional=True,
    ),
    Product(
        "unsolved",
        UnsolvedTask,
        Form.TASK,
        "a task that was not solved, with what was tried; nothing is trained on it",
        (DataSet("", Part.ALL),),
        is_optional=True,
    ),
)

BY_NAME: Final[Mapping[str, Product]] = {product.name: product for product in PRODUCTS}
FINE_STAGE: Final = "fine"
"""The stage that says which of the best samples the fine set has."""
SPEED_STAGE: Final = "speed"
"""The stage that times right programs."""
SIDE_STAGES: Final = frozenset(
    (FINE_STAGE, SPEED_STAGE, *(product.side_stage for product in PRODUCTS if product.side_stage))
)
PRODUCT_KINDS: Final = frozenset(product.model.kind for product in PRODUCTS)


def settles(stage: str, known_stage: str, known_decision: str) -> bool:
    """Whether a decision of `stage` says more of what became of a unit than an earlier one that is known: a
    rejection in the flow is final, and a stage beside the flow says nothing where the flow has decided."""
    aside, known_aside = stage in SIDE_STAGES, known_stage in SIDE_STAGES
    return known_decision == "kept" if aside == known_aside else known_aside
