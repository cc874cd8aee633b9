"""From a seed to a task: a model writes the instruction that the snippet answers (Qwen2.5-Coder report, 4.1).

Entered: seeds with a reference. The contract of the task is the seed's; its name may be replaced, so
that the name of the function cannot give the answer away.
"""

import asyncio

from synth.filters.protocol import Keep, Reject
from synth.ids import unit_id
from synth.prompts.answers import extract_instruction
from synth.records import IndexRow, Seed, Task
from synth.stages.asking import Asker
from synth.stages.protocol import Context, Produces, index_row
from synth.stages.shard_state import ShardState, StageResult

NATURAL_LANGUAGES = {"en": "English", "zh": "Chinese"}


class InstructStage:
    """Makes at most one task of each seed."""

    name = "instruct"
    upstream: tuple[str, ...] = ("reference",)
    ordered = False
    asks_engine = True
    produces: Produces = {"task": Task}

    def __init__(self, context: Context) -> None:
        assert context.data.instruct is not None
        self._config, self._context = context.data.instruct, context
        self._asker = Asker(context, self.name, by_teacher=True)

    def entering(self, state: ShardState) -> list[str]:
        return [seed.id for seed in state.get("reference", Seed)]

    async def run(self, state: ShardState) -> StageResult:
        seeds = state.get("reference", Seed)
        made = await asyncio.gather(
            *(self._instruct(seed, number, state) for number, seed in enumerate(seeds))
        )
        return StageResult(
            tuple(item for item, _ in made), {"task": [task for _, task in made if task is not None]}
        )

    async def _instruct(self, seed: Seed, number: int, state: ShardState) -> tuple[IndexRow, Task | None]:
        natural = self._config.natural_languages[number % len(self._config.natural_languages)]
        messages = self._asker.render(
            "instruct",
            code=seed.code,
            language=seed.language,
            natural_language_name=NATURAL_LANGUAGES[natural],
        )
        response = await self._asker.ask(seed.id, messages, self._config.sampling)
        if isinstance(response, Reject):
            return index_row(
                self.name, state, seed.id, "seed", response, language=seed.language, natural_language=natural
            ), None
        completion = response.completions[0]
        text = extract_instruction(completion.text) if completion.finish == "stop" else None
        answer: Keep | Reject = Keep()
        if text is None:
            answer = Reject(
                "answer_cut" if completion.finish == "length" else "malformed_answer",
                {"answer": completion.text[:200]},
            )
        index = index_row(
            self.name,
            state,
            seed.id,
            "seed",
            answer,
            language=seed.language,
            natural_language=natural,
            ms=response.ms,
            tokens=completion.tokens,
        )
        return index, self._task(
            seed, text, natural, state.round, response.request_id
        ) if text is not None else None

    def _task(self, seed: Seed, text: str, natural: str, round_: int, request_id: str) -> Task:
        assert seed.contract is not None, "a reference has a contract"
        contract = seed.contract.model_copy(
            update={"entry_point": self._config.entry_point or seed.contract.entry_point}
        )
        if self._config.entry_point and len(contract.parameter_names) == 1:
            contract = contract.model_copy(
                update={"parameter_names": self._neutral_names(contract.signature)}
            )
        return Task(
            id=unit_id("task", seed.id, text, contract.model_dump()),
            round=round_,
            instruction=text,
            natural_language=natural,
            contract=contract,
            seed_id=seed.id,
            seed_language=seed.language,
            request_id=request_id,
        )

    @staticmethod
    def _neutral_names(signature: str) -> tuple[str, ...]:
        """A short name by type for the one parameter."""
        names = {"int": "n", "str": "s", "list[int]": "xs", "list[str]": "ws", "map[str, int]": "m"}
        return (names.get(signature[1 : signature.index(") ->")], "x"),)
