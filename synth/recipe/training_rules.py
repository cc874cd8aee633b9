"""Rules between the keys that train, and between them and the engine that serves what was trained.

Part of the third step of loading a recipe. The one rule: what TRL, PEFT, transformers or a job of ours would
refuse after hours is refused here.
"""

import re
from collections.abc import Callable, Iterator

from synth.config import DataConfig, Recipe
from synth.engine_config import MAX_LORA_RANK
from synth.recipe.finding import Finding
from synth.recipe.source import KeyPath
from synth.training_config import (
    CHOSEN_LOSSES,
    SMOOTHED_LOSSES,
    CoarseToFineConfig,
    DpoConfig,
    KtoConfig,
    LoraConfig,
    TrainingConfig,
)

# --- data ---------------------------------------------------------------------------------------------------


def _training_has_data(recipe: Recipe) -> Iterator[Finding]:
    if recipe.sft is not None and not _sft_has_data(recipe.sft, recipe.data):
        expected = "has nothing to train on: no stage makes samples, and `data` names no data set"
        fix = "add `data.solve` or `data.fim`, or name a data set: `sft: {coarse: {data: rows.jsonl}}`"
        yield Finding((("sft",), ("data",)), expected, fix)
    if recipe.dpo is not None and not _dpo_has_data(recipe.dpo, recipe.data):
        expected = "has no pairs to train on: no stage makes them, and `data` names no data set"
        fix = "add `pairs: {}` under `data`, or name a data set: `dpo: {data: pairs.jsonl}`"
        yield Finding((("dpo",), ("data", "pairs"), ("data",)), expected, fix)

    if recipe.kto is not None and not _kto_has_data(recipe.kto, recipe.data):
        expected = "has no labelled answers to train on: no stage makes them, and `data` names no data set"
        fix = "add `solve: {n: 8}` under `data`, or name a data set: `kto: {data: answers.jsonl}`"
        yield Finding((("kto",), ("data", "solve"), ("data",)), expected, fix)


def _kto_has_data(kto: KtoConfig, data: DataConfig | None) -> bool:
    return bool(kto.data) or (data is not None and data.solve is not None)


def _sft_has_data(sft: CoarseToFineConfig, data: DataConfig | None) -> bool:
    made = data is not None and (data.solve is not None or data.fim is not None)
    return made or bool(sft.coarse.data)


def _dpo_has_data(dpo: DpoConfig, data: DataConfig | None) -> bool:
    return bool(dpo.data) or (data is not None and data.pairs is not None)


def _rounds_change_something(recipe: Recipe) -> Iterator[Finding]:
    if recipe.loop.rounds > 1 and not recipe.trainings:
        expected = "must be 1, because the recipe trains nothing and every round would be the same"
        yield Finding((("loop", "rounds"), ("sft",), ("dpo",)), expected, "set `rounds: 1`, or add `sft`")


# --- steps --------------------------------------------------------------------------------------------------


def _steps_are_taken(recipe: Recipe) -> Iterator[Finding]:
    for path, config in _trainings(recipe):
        if config.max_steps == 0:
            expected = "must be -1, or at least 1: no step would be taken"
            yield Finding(((*path, "max_steps"),), expected, "max_steps: -1")


# --- losses -------------------------------------------------------------------------------------------------


def _losses_have_weights(recipe: Recipe) -> Iterator[Finding]:
    dpo = recipe.dpo
    if dpo is None:
        return
    path, count = ("dpo", "loss_weights"), len(dpo.loss_type)
    if not dpo.loss_type:
        yield Finding((("dpo", "loss_type"),), "must name at least one loss", "loss_type: [sigmoid]")
    elif dpo.loss_weights is not None and len(dpo.loss_weights) != count:
        expected = (
            f"must have one weight for each of the {count} losses in `loss_type`, but has "
            f"{len(dpo.loss_weights)}"
        )
        fix = f"loss_weights: [{', '.join(['1.0'] * count)}]"
        yield Finding((path, ("dpo", "loss_type")), expected, fix)
    elif dpo.loss_weights is not None:
        if min(dpo.loss_weights) < 0:
            expected = "must not be negative: that loss would be raised"
            yield Finding((path,), expected, "give each loss a weight above 0")
        elif not any(dpo.loss_weights):
            yield Finding((path,), "must not all be 0: nothing would be trained", "loss_weights: [1.0]")


def _smoothing_is_read(recipe: Recipe) -> Iterator[Finding]:
    dpo = recipe.dpo
    if dpo is None:
        return
    path: KeyPath = ("dpo", "label_smoothing")
    if "exo_pair" in dpo.loss_type and dpo.label_smoothing == 0:
        expected = "must be above 0 for the loss `exo_pair`"
        yield Finding((path, ("dpo", "loss_type")), expected, "label_smoothing: 0.001")
    unread = [name for name in dpo.loss_type if name not in SMOOTHED_LOSSES | CHOSEN_LOSSES]
    read = [name for name in dpo.loss_type if name in SMOOTHED_LOSSES]
    if dpo.label_smoothing > 0 and (unread or not read):
        names = " and ".join(f"`{name}`" for name in dict.fromkeys(unread or dpo.loss_type))
        expected = f"is not read by the loss {names}, only by {', '.join(sorted(SMOOTHED_LOSSES))}"
        yield Finding((path, ("dpo", "loss_type")), expected, "label_smoothing: 0.0, or loss_type: [sigmoid]")


def _batches_can_be_paired(recipe: Recipe) -> Iterator[Finding]:
    kto = recipe.kto
    if kto is not None and kto.loss_type == "kto" and min(kto.batch_size, kto.step_rows) < 2:
        expected = "must be at least 2: the loss `kto` compares the answers of a batch"
        yield Finding((("kto", "batch_size"), ("kto", "loss_type")), expected, "batch_size: 2")


# --- adapters -----------------------------------------------------------------------------------------------


def _modules_can_be_adapted(recipe: Recipe) -> Iterator[Finding]:
    for path, lora in _adapters(recipe):
        if problem := _unusable_modules(lora.target_modules):
            yield Finding(((*path, "target_modules"),), problem, "target_modules: all-linear")


def _unusable_modules(modules: str | tuple[str, ...]) -> str:
    """Why PEFT or TRL would refuse these; empty if they would not."""
    if not modules or not all(modules):
        return "must name at least one kind of module, and no empty one"
    if isinstance(modules, str):
        try:
            head = re.fullmatch(modules, "lm_head") is not None
        except re.error as error:
            return f"must be `all-linear` or a regular expression, but that is none: {error}"
    else:
        head = any(name.rpartition(".")[2] == "lm_head" for name in modules)
    if head:
        return "must not have `lm_head`: the losses read its weights directly, so an adapter would do nothing"
    return ""


def _quantized_weights_are_whole(recipe: Recipe) -> Iterator[Finding]:
    for path, lora in _adapters(recipe):
        if lora.quantization is not None and recipe.launch.sharding != "none":
            expected = "cannot be shared out over processes, as `launch.sharding` asks"
            paths: tuple[KeyPath, ...] = ((*path, "quantization"), ("launch", "sharding"))
            yield Finding(paths, expected, "sharding: none, or quantization: null")


def _engine_can_serve_the_adapter(recipe: Recipe) -> Iterator[Finding]:
    """An engine that serves adapters only gets one adapter over its weights, trained on from job to job."""
    engine = recipe.engine
    if engine is None or not engine.serves_adapters_only:
        return
    for path, config in _trainings(recipe):
        if config.lora is None:
            expected = "must be an adapter, because `engine.swap` is `adapter`"
            yield Finding(((*path, "lora"), ("engine", "swap")), expected, "lora: {}, or `swap: auto`")
    loras = list(_adapters(recipe))
    for path, lora in loras:
        if lora.dora:
            expected = "cannot be served as an adapter, which is what `engine.swap` asks for"
            yield Finding(((*path, "dora"), ("engine", "swap")), expected, "dora: false, or `swap: auto`")
        if isinstance(lora.train_tokens, tuple) and lora.train_tokens:
            expected = "changes the weights themselves, but with `swap: adapter` only adapters are served"
            fix = "train_tokens: none, or `swap: auto`"
            yield Finding(((*path, "train_tokens"), ("engine", "swap")), expected, fix)
    for path, lora in loras[1:]:
        for key in type(lora).model_fields:
            first, wanted = loras[0][0], getattr(loras[0][1], key)
            if getattr(lora, key) != wanted:
                expected = (
                    f"must be that of `{'.'.join(map(str, first))}`, which is {_written(wanted)}: with "
                    f"`swap: adapter` one adapter is trained on"
                )
                paths: tuple[KeyPath, ...] = ((*path, key), (*first, key), ("engine", "swap"))
                yield Finding(paths, expected, f"{key}: {_written(wanted)}")


def _engine_can_hold_the_rank(recipe: Recipe) -> Iterator[Finding]:
    engine = recipe.engine
    if engine is None or not engine.may_serve_adapters:
        return
    most = engine.adapter_rank or MAX_LORA_RANK
    for path, lora in _adapters(recipe):
        if lora.rank > most:
            expected = f"must be at most {most}, which is what the engine serves as an adapter"
            fix = f"rank: {most}, or `swap: weights`"
            yield Finding(((*path, "rank"), ("engine", "max_lora_rank")), expected, fix)


def _written(value: object) -> str:
    return str(list(value) if isinstance(value, tuple) else value)


def _trainings(recipe: Recipe) -> Iterator[tuple[tuple[str, ...], TrainingConfig]]:
    return ((tuple(path.split(".")), config) for path, config in recipe.trainings.items())


def _adapters(recipe: Recipe) -> Iterator[tuple[tuple[str, ...], LoraConfig]]:
    return (
        (((*path, "lora"), config.lora)) for path, config in _trainings(recipe) if config.lora is not None
    )


TRAINING_RULES: tuple[Callable[[Recipe], Iterator[Finding]], ...] = (
    _training_has_data,
    _rounds_change_something,
    _steps_are_taken,
    _losses_have_weights,
    _smoothing_is_read,
    _batches_can_be_paired,
    _modules_can_be_adapted,
    _quantized_weights_are_whole,
    _engine_can_serve_the_adapter,
    _engine_can_hold_the_rank,
)
