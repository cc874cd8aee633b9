"""Adapters in training: what PEFT makes of a recipe's `lora`, and what TRL leaves to be done after it.

Place in the flow: `start` decides -> here -> `trl_trainers`. The one rule: what is trained is float32, also
over weights of 4 bits, and the reference of a preference training holds all that the adapter does.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from posttrain.core.token_rows import is_tied, layer_names, peft_settings
from synth.errors import Problem, RecipeError
from synth.training_config import LoraConfig

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

_TOKENS = ".trainable_tokens_delta."


def fresh_adapter(
    lora: LoraConfig | None, base: str, model: "PreTrainedModel | None" = None, tokens: Sequence[int] = ()
) -> Any:  # noqa: ANN401 - peft is untyped
    """PEFT's config for a new adapter over the model, with the rows of these tokens, or None."""
    from peft import LoraConfig as PeftLora
    from peft import TaskType

    if lora is None:
        return None
    modules = lora.target_modules if isinstance(lora.target_modules, str) else list(lora.target_modules)
    rows = peft_settings(tokens, is_tied(model), layer_names(model)) if model is not None else {}
    return PeftLora(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        use_dora=lora.dora,
        use_rslora=lora.rslora,
        target_modules=modules,
        task_type=TaskType.CAUSAL_LM,
        base_model_name_or_path=base,
        **rows,
    )


def check_same(adapted: "PeftModel", lora: LoraConfig, adapter: str) -> None:
    """An adapter is trained on with the settings that it was made with. Raises RecipeError for others."""
    config = adapted.peft_config["default"]
    made = {
        "rank": config.r,
        "alpha": config.lora_alpha,
        "dropout": config.lora_dropout,
        "dora": config.use_dora,
        "rslora": config.use_rslora,
    }
    for key, value in made.items():
        if getattr(lora, key) != value:
            raise RecipeError(
                Problem(
                    f"lora.{key} = {getattr(lora, key)}",
                    f"must be {value}, because the adapter {adapter} was made so",
                    f"{key}: {value}",
                )
            )


def complete_adapter(model: Any) -> None:  # noqa: ANN401
    """Finish what TRL made of a model: trained parameters in float32 (TRL narrows them over quantized
    weights), a reference with the trained rows, and an output layer with all that TRL's losses ask for."""
    from peft import PeftModel
    from peft.utils.other import TrainableTokensWrapper

    if not isinstance(model, PeftModel):
        return
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
        elif name.endswith(f"{_TOKENS}ref"):  # TRL copies only names with `.default.` inside
            parameter.data.copy_(model.get_parameter(name.removesuffix("ref") + "default").data)
    head = model.get_output_embeddings()
    if isinstance(head, TrainableTokensWrapper):
        head.bias = head.original_module.bias
