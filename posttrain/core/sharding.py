"""FSDP2: weights, gradients and optimizer shared out over the processes of a training.

Place in the flow: a job's `sharding` -> here -> TRL's arguments and the trainer's accelerator. The one rule:
what is saved is whole (FULL_STATE_DICT), so a policy is the same files however it was trained. Sharding is
accelerate's; on CPUs, where accelerate does not offer it, the same plugin is put in its place.
"""

from typing import Any

from posttrain.core.jobs import TrainingJob


def sharding_arguments(job: TrainingJob) -> dict[str, Any]:
    """What TRL's arguments say of it. Each layer of the model is a unit, and so are its embeddings. Gradient
    checkpointing stays transformers' own: FSDP's renames layers, and PEFT then saves nothing of them."""
    if job.sharding == "none":
        return {}
    settings = {
        "version": 2,
        "reshard_after_forward": True,
        "auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
        "state_dict_type": "FULL_STATE_DICT",
    }
    return {"fsdp": True, "fsdp_config": settings}


def whole_weights(model: Any) -> dict[str, Any]:  # noqa: ANN401
    """The sharded weights gathered, on the CPU of the first process; the others, which take part, get none.
    Of a model with adapters, what belongs to these: the frozen base is on the disk."""
    import torch

    adapters = getattr(model, "peft_config", ())
    whole = {}
    for name, value in model.state_dict().items():
        if adapters and not any(f".{adapter}." in f"{name}." for adapter in adapters):
            continue
        gathered = value.full_tensor() if hasattr(value, "full_tensor") else value
        if torch.distributed.get_rank() == 0:
            whole[name] = gathered.detach().cpu()
    return whole


def shard(trainer: Any) -> None:  # noqa: ANN401 - TRL's
    """After the trainer has made its accelerator: shard with gloo as with NCCL, and gather what is saved."""
    import accelerate  # type: ignore[import-untyped]

    state, settings = trainer.accelerator.state, trainer.args.fsdp_plugin_args
    if settings is None:
        return
    trainer.accelerator.get_state_dict = lambda model, unwrap=True: whole_weights(model)
    if state.device.type == "cpu":
        plugin = accelerate.FullyShardedDataParallelPlugin(**settings)
        if trainer.args.bf16:
            plugin.set_mixed_precision("bf16")
        state.distributed_type, state.fsdp_plugin = accelerate.DistributedType.FSDP, plugin
        shared = accelerate.PartialState._shared_state  # which new states copy
        shared["distributed_type"] = state.distributed_type
        trainer.is_fsdp_enabled = True
