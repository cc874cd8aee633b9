"""Six ways in which engine and trainer share a machine's cards, with what each child must see."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

GB: Final = 10**9
CARD: Final = 24 * GB
TRAINER: Final = 20 * GB
"""More than what an awake engine leaves of a card."""


SERVED: Final = {"kind": "vllm_server", "max_model_len": 512, "start_timeout_s": 60}


class Layout(NamedTuple):
    """A machine and a recipe's sections."""

    name: str
    cards: int
    engine_cards: tuple[str, ...]
    """What the engine must see; none: no server runs here."""
    trainer_cards: tuple[str, ...]
    level: int = 0
    """How deep the engine must sleep while the trainer works; 0: it must stay awake."""
    devices: Mapping[str, list[int]] | None = None
    engine: Mapping[str, Any] = {}

    def sections(self) -> dict[str, Any]:
        """The recipe: adapters or merged weights, coarse and DPO."""
        lora = {"rank": 4, "alpha": 4} if self.level != 2 else None
        return {
            "name": "placed",
            "prompts": "pocket",
            "policy": {"model": "pocket", "dtype": "bfloat16"},
            "engine": self.engine if "kind" in self.engine else {**SERVED, **self.engine},
            "data": {"seeds": {"kind": "pocket"}, "instruct": {}, "solve": {}, "pairs": {}},
            "sft": {"coarse": {"lora": lora, "batch_size": 8, "max_length": 64}},
            "dpo": {"lora": lora, "batch_size": 8, "max_length": 64},
            **({"devices": dict(self.devices)} if self.devices is not None else {}),
        }


REMOTE: Final = {
    "kind": "openai_api",
    "base_url": "http://localhost/v1",
    "model": "m",
    "api_key_env": "",
}
EIGHT: Final = tuple(map(str, range(8)))

LAYOUTS: Final = (
    Layout("one card, adapters", 1, ("0",), ("0",), level=1),
    Layout("one card, merged weights", 1, ("0",), ("0",), level=2, engine={"swap": "weights"}),
    Layout("two cards apart", 2, ("1",), ("0",), devices={"engine": [1], "trainer": [0]}),
    Layout(
        "four and four",
        8,
        EIGHT[:4],
        EIGHT[4:],
        devices={"engine": [0, 1, 2, 3], "trainer": [4, 5, 6, 7]},
        engine={"extra_args": ["--data-parallel-size", "4"]},
    ),
    Layout(
        "eight shared",
        8,
        EIGHT,
        EIGHT,
        level=1,
        devices={"engine": [*range(8)], "trainer": [*range(8)]},
        engine={"extra_args": ["--data-parallel-size", "8"]},
    ),
    Layout("engine elsewhere", 2, (), ("0", "1"), engine=REMOTE),
)

STEPS: Final = {
    0: ("start", "train", "trained", "adapter"),
    1: ("start", "sleep", "asleep", "train", "trained", "wake kv_cache+weights", "adapter"),
    2: ("start", "sleep", "asleep", "train", "trained", "wake weights", "reload", "wake kv_cache"),
}
"""The steps at which a run can be killed, by level of sleep."""
