"""The layouts that other trainers read: how a row of ours becomes a row of theirs, and the file that tells
them about it.

LLaMA-Factory: its `data/README.md` (sharegpt and preference layout, and `text` for pre-training). axolotl:
its pages on the conversation format (`chat_template`) and on preference tuning (`chat_template.default`).

The one rule: pure functions, and no text is changed on the way.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from synth.products import Form, Product

Row = Mapping[str, Any]

_SHAREGPT_ROLES = {"user": "human", "assistant": "gpt"}


def llama_factory_row(form: Form, row: Row) -> dict[str, Any]:
    """sharegpt: `conversations` of `from` and `value`, the system prompt in a column of its own;
    a text: `text`; a labelled answer also `kto_tag`. A task stays as it is."""
    if form is Form.TASK:
        return dict(row)
    if form is Form.TEXT:
        return {"id": row["id"], "text": row["text"], "language": row["language"]}
    turns = row["prompt"] if form is Form.PREFERENCE else [*row["prompt"], *row["completion"]]
    system = "\n\n".join(turn["content"] for turn in turns if turn["role"] == "system")
    conversations = [_sharegpt(turn) for turn in turns if turn["role"] != "system"]
    found: dict[str, Any] = {
        "id": row["id"],
        "conversations": conversations,
        "system": system,
        "language": row["language"],
    }
    if form is Form.PREFERENCE:
        found |= {side: _sharegpt(row[side][-1]) for side in ("chosen", "rejected")}
    return found | ({"kto_tag": row["label"]} if form is Form.LABELLED else {})


def llama_factory_info(run: str, products: Sequence[Product]) -> dict[str, Any]:
    """The entries of `dataset_info.json`, one a data set, named `<run>_<product>`."""
    columns = {"messages": "conversations", "system": "system"}
    entries: dict[Form, dict[str, Any]] = {
        Form.CONVERSATION: {"formatting": "sharegpt", "columns": columns},
        Form.PREFERENCE: {
            "formatting": "sharegpt",
            "ranking": True,
            "columns": {**columns, "chosen": "chosen", "rejected": "rejected"},
        },
        Form.TEXT: {"columns": {"prompt": "text"}},
        Form.LABELLED: {"formatting": "sharegpt", "columns": {**columns, "kto_tag": "kto_tag"}},
    }
    return {
        f"{run}_{product.name}": {"file_name": f"{product.name}.jsonl", **entries[product.form]}
        for product in products
        if product.form in entries
    }


def axolotl_row(form: Form, row: Row) -> dict[str, Any]:
    """`messages` for SFT; `messages` with `chosen` and `rejected` messages for DPO; `text` for a text; of a
    labelled answer its words alone, since axolotl's KTO reads texts. A task stays as it is."""
    found: dict[str, Any] = {"id": row["id"], "language": row["language"]}
    match form:
        case Form.TEXT:
            return found | {"text": row["text"]}
        case Form.CONVERSATION:
            return found | {"messages": [*row["prompt"], *row["completion"]]}
        case Form.PREFERENCE:
            sides = {side: row[side][-1] for side in ("chosen", "rejected")}
            return found | {"messages": list(row["prompt"]), **sides}
        case Form.LABELLED:
            said = {turn["role"]: turn["content"] for turn in row["prompt"]}
            texts = {"system": said.get("system", ""), "instruction": said["user"]}
            return found | texts | {"completion": row["completion"][-1]["content"], "label": row["label"]}
        case Form.TASK:
            return dict(row)


def axolotl_configs(base_model: str, products: Sequence[Product]) -> dict[str, dict[str, Any]]:
    """Snippets of axolotl's YAML by file name: what the data needs; the training settings
    are the reader's."""
    data: dict[Form, dict[str, Any]] = {
        Form.CONVERSATION: {
            "type": "chat_template",
            "field_messages": "messages",
            "roles_to_train": ["assistant"],
            "train_on_eos": "turn",
        },
        Form.TEXT: {"type": "completion", "field": "text"},
        Form.PREFERENCE: {"split": "train", "type": "chat_template.default", "field_messages": "messages"}
        | {"field_chosen": "chosen", "field_rejected": "rejected"},
        Form.LABELLED: {"split": "train", "type": "chatml.argilla"},
    }
    frame = {"base_model": base_model, "chat_template": "tokenizer_default"}
    sets = [
        (product.form, {"path": f"{product.name}.jsonl", "ds_type": "json", **data[product.form]})
        for product in products
        if product.form in data
    ]
    of_form = {form: [entry for one, entry in sets if one is form] for form in data}
    mixed = [entry for form, entry in sets if form in (Form.CONVERSATION, Form.TEXT)]
    configs: dict[str, dict[str, Any]] = {}
    if mixed:
        configs["sft.yaml"] = {**frame, "datasets": mixed}
    for name, form in (("dpo", Form.PREFERENCE), ("kto", Form.LABELLED)):
        if of_form[form]:
            configs[f"{name}.yaml"] = {**frame, "rl": name, "datasets": of_form[form]}
    return configs


def _sharegpt(turn: Mapping[str, str]) -> dict[str, str]:
    return {"from": _SHAREGPT_ROLES[turn["role"]], "value": turn["content"]}
