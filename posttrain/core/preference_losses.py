"""The losses of preference optimization that TRL lacks, written as weighted sums of those that it has.

Place in the flow: a recipe's `dpo` section -> here -> `dpo`, which hands the sum to TRL's trainer. The one
rule: TRL computes every loss, so its log-probabilities, reference and metrics hold for all of them.

Conservative DPO (Mitchell 2023) takes a share e of the pairs to be the wrong way round. With the margin x =
beta * (log-ratio of chosen - log-ratio of rejected) it is

    -(1 - e) logsigmoid(x) - e logsigmoid(-x) = sigmoid(x) + e x,

where sigmoid(x) stands for TRL's loss of that name, which reads no smoothing. TRL's `robust` at the same e is
sigmoid(x) - e x / (1 - 2 e), so the sum is (2 - 2 e) sigmoid(x) - (1 - 2 e) robust(x).

`nll` is the mean over answers of -beta * log p(chosen): the chosen answer's reward, but for a constant. TRL's
`sft` is the mean over tokens instead, so beside a loss that adds up tokens its weight would have to grow with
the length of the answers. Its weight here is that of `nll` times beta and the tokens an answer of the batch.
"""

from typing import TYPE_CHECKING, NamedTuple

from synth.training_config import DpoConfig

if TYPE_CHECKING:
    from torch import Tensor


class LossTerm(NamedTuple):
    """One loss of TRL in the sum."""

    loss: str
    weight: float
    per_answer: bool = False
    """Whether the weight counts for an answer, of a loss that is a mean over tokens."""


def terms_of(config: DpoConfig) -> list[LossTerm]:
    """The recipe's losses as losses of TRL."""
    weights = config.loss_weights or (1.0,) * len(config.loss_type)
    terms: list[LossTerm] = []
    for name, weight in zip(config.loss_type, weights, strict=True):
        if name == "nll":
            terms.append(LossTerm("sft", weight * config.beta, per_answer=True))
        elif name == "sigmoid" and config.label_smoothing:
            smoothing = config.label_smoothing
            terms += [
                LossTerm("sigmoid", weight * (2 - 2 * smoothing)),
                LossTerm("robust", -weight * (1 - 2 * smoothing)),
            ]
        else:
            terms.append(LossTerm(name, weight))
    return terms


def weights_for(terms: list[LossTerm], completion_mask: "Tensor") -> list[float]:
    """The terms' weights for a batch. The mask has a row of 0 and 1 for each answer, the chosen ones in its
    first half."""
    chosen = completion_mask[: len(completion_mask) // 2, 1:]
    tokens = int(chosen.sum()) / len(chosen) if any(term.per_answer for term in terms) else 1.0
    return [term.weight * (tokens if term.per_answer else 1.0) for term in terms]
