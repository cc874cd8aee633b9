"""The layouts that other trainers read: how a row of ours becomes a row of theirs, and the file that tells
them about it.

LLaMA-Factory: its `data/README.md` (sharegpt and preference layout, and `text` for pre-training). axolotl:
its pages on the conversation format (`chat_template`) and on preference tuning (`chat_template.default`).

The one rule: pure functions, and no text is changed on the way.
"""

from collections.abc import Mapping
from typing import Any

Row = Mapping[str, Any]

_SHAREGPT_ROLES = {"user": "human", "assistant": "gpt"}


def llama_factory_row(kind: str, row: Row) -> dict[str, Any]:
    """sharegpt: `conversations` of `from` and `value`, the system prompt in a column of its own; fim:
    `text`."""
    if kind == "fim":
        return {"id": row["id"], "text": row["text"], "language": row["language"]}
    turns = row["prompt"] if kind == "pairs" else [*row["prompt"], *row["completion"]]
    system = "\n\n".join(turn["content"] for turn in turns if turn["role"] == "system")
    conversations = [_sharegpt(turn) for turn in turns if turn["role"] != "system"]
    found: dict[str, Any] = {
        "id": row["id"],
        "conversations": conversations,
        "system": system,
        "language": row["language"],
    }
    if kind == "pairs":
        found |= {side: _sharegpt(row[side][-1]) for side in ("chosen", "rejected")}
    return found


def llama_factory_info(name: str, kinds: list[str]) -> dict[str, Any]:
    """The entries of `dataset_info.json`, one a data set, named `<run>_<kind>`."""
    entries: dict[str, dict[str, Any]] = {
        "sft": {"formatting": "sharegpt", "columns": {"messages": "conversations", "system": "system"}},
        "pairs": {
            "formatting": "sharegpt",
            "ranking": True,
            "columns": {
                "messages": "conversations",
                "system": "system",
                "chosen": "chosen",
                "rejected": "rejected",
            },
        },
        "fim": {"columns": {"prompt": "text"}},
    }
    return {f"{name}_{kind}": {"file_name": f"{kind}.jsonl", **entries[kind]} for kind in kinds}


def axolotl_row(kind: str, row: Row) -> dict[str, Any]:
    """`messages` for SFT; `messages` with `chosen` and `rejected` messages for DPO; `text` for FIM."""
    if kind == "fim":
        return {"id": row["id"], "text": row["text"], "language": row["language"]}
    if kind == "sft":
        return {
            "id": row["id"],
            "messages": [*row["prompt"], *row["completion"]],
            "language": row["language"],
        }
    return {
        "id": row["id"],
        "messages": list(row["prompt"]),
        "chosen": row["chosen"][-1],
        "rejected": row["rejected"][-1],
        "language": row["language"],
    }


def axolotl_configs(base_model: str, kinds: list[str]) -> dict[str, dict[str, Any]]:
    """Snippets of axolotl's YAML by file name: what the data needs; the training settings are the
    reader's."""
    data: dict[str, dict[str, Any]] = {
        "sft": {
            "type": "chat_template",
            "field_messages": "messages",
            "roles_to_train": ["assistant"],
            "train_on_eos": "turn",
        },
        "fim": {"type": "completion", "field": "text"},
        "pairs": {"split": "train", "type": "chat_template.default", "field_messages": "messages"}
        | {"field_chosen": "chosen", "field_rejected": "rejected"},
    }
    sets = {kind: {"path": f"{kind}.jsonl", "ds_type": "json", **data[kind]} for kind in kinds}
    mixed = [sets[kind] for kind in ("sft", "fim") if kind in sets]
    configs: dict[str, dict[str, Any]] = {}
    if mixed:
        configs["sft.yaml"] = {
            "base_model": base_model,
            "chat_template": "tokenizer_default",
            "datasets": mixed,
        }
    if "pairs" in sets:
        configs["dpo.yaml"] = {
            "base_model": base_model,
            "chat_template": "tokenizer_default",
            "rl": "dpo",
            "datasets": [sets["pairs"]],
        }
    return configs


def _sharegpt(turn: Mapping[str, str]) -> dict[str, str]:
    return {"from": _SHAREGPT_ROLES[turn["role"]], "value": turn["content"]}
