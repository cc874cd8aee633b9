"""From a seed to a task: a model writes the instruction that the snippet answers (Qwen2.5-Coder report, 4.1).

Entered: references. The task has the reference's contract. Its function may be renamed, so that the name does
not give the answer away.
"""

import asyncio
from collections.abc import Sequence
from typing import ClassVar, Final

from synth.filters.protocol import Keep, Reject
from synth.generation.protocol import Completion
from synth.ids import unit_id
from synth.natural_languages import NATURAL_LANGUAGES
from synth.prompts.answers import extract_instruction
from synth.records import Contract, FunctionContract, Reference, Task, Unit
from synth.roles import TEACHER
from synth.rules.disguised_code import overlap
from synth.rules.instruction_faults import find_fault
from synth.stages.asking import Asker
from synth.stages.context import Context
from synth.stages.contract_prompts import prompt_name
from synth.stages.instruction_shapes import shaped, take_turns
from synth.stages.reference import ReferenceStage
from synth.stages.shard_state import ShardState
from synth.stages.unit_stage import Decided, UnitStage, Upstream
from synth.thresholds import Threshold

THRESHOLDS: Final = (
    Threshold(
        stage="instruct",
        reasons=("instruction_overlaps",),
        measure="overlap",
        keeps="<=",
        key="data.instruct.max_overlap",
        sentence="At most a share of {limit} of the seed's runs of four tokens stands in the instruction.",
    ),
)


class InstructStage(UnitStage[Reference]):
    """Makes at most one task from each reference."""

    name = "instruct"
    unit = Reference
    upstream: tuple[Upstream, ...] = (ReferenceStage,)
    makes: ClassVar[tuple[type[Unit], ...]] = (Task,)
    asks_engine: ClassVar[bool] = True

    def __init__(self, context: Context) -> None:
        assert context.data.instruct is not None
        self._config, self._recipe_seed = context.data.instruct, context.recipe.seed
        self._asker = Asker(context, self.name, role=TEACHER)

    async def decide(self, units: Sequence[Reference], state: ShardState) -> list[Decided]:
        shapes = take_turns(self._config.shapes, self._recipe_seed, state.name)
        numbered = enumerate(units)
        decided = await asyncio.gather(
            *(self._instruct(unit, number, state.round) for number, unit in numbered)
        )
        return [shaped(one, shapes(number)) for number, one in enumerate(decided)]

    async def _instruct(self, reference: Reference, number: int, round_: int) -> Decided:
        natural = self._config.natural_languages[number % len(self._config.natural_languages)]
        name = prompt_name("instruct", reference.contract)
        if not self._asker.has_prompt(name):
            return Decided(Reject("no_prompt", {"prompt": name}), natural_language=natural)
        messages = self._asker.render(
            name,
            code=reference.code,
            language=reference.language,
            natural_language_name=NATURAL_LANGUAGES[natural],
        )
        response = await self._asker.ask(reference.seed_id, messages, self._config.sampling)
        if isinstance(response, Reject):
            return Decided(response, natural_language=natural)
        completion = response.completions[0]
        text = self._read(completion, reference, natural)
        if isinstance(text, Reject):
            return Decided(text, (), natural, response.ms, completion.tokens)
        task = self._task(reference, text, natural, round_, response.request_id)
        copied = round(overlap(text, reference.code, reference.language), 4)
        return Decided(Keep({"overlap": copied}), (task,), natural, response.ms, completion.tokens)

    def _read(self, completion: Completion, reference: Reference, natural: str) -> str | Reject:
        text = extract_instruction(completion.text) if completion.finish == "stop" else None
        if text is not None:
            most = self._config.max_overlap
            return find_fault(text, reference.code, reference.language, natural, most) or text
        reason = "answer_cut" if completion.finish == "length" else "malformed_answer"
        return Reject(reason, {"answer": completion.text[:200]})

    def _task(self, reference: Reference, text: str, natural: str, round_: int, request_id: str) -> Task:
        contract = self._neutral(reference.contract)
        return Task(
            id=unit_id("task", reference.seed_id, text, contract.model_dump()),
            round=round_,
            instruction=text,
            natural_language=natural,
            contract=contract,
            seed_id=reference.seed_id,
            seed_language=reference.language,
            request_id=request_id,
        )

    def _neutral(self, contract: Contract) -> Contract:
        """The contract under the recipe's function name. A single parameter is then named after its type."""
        if not self._config.entry_point or not isinstance(contract, FunctionContract):
            return contract
        names = contract.parameter_names
        if len(names) == 1:
            names = _neutral_names(contract.signature)
        return contract.model_copy(update={"entry_point": self._config.entry_point, "parameter_names": names})


def _neutral_names(signature: str) -> tuple[str, ...]:
    names = {"int": "n", "str": "s", "list[int]": "xs", "list[str]": "ws", "map[str, int]": "m"}
    return (names.get(signature[1 : signature.index(") ->")], "x"),)
