"""The worker process of `transformers_local`: reads one JSON order per line, writes one JSON reply per line.

Orders: `{"load": folder}`, and `{"rows": [{messages | prompt, is_rendered, seed}], "sampling": {...}, "stop":
[...]}`. The one rule: standard output carries only replies; anything that a library prints goes to the log.
It runs as a file and imports nothing from codemill.
"""

import json
import os
import sys
from typing import Any, BinaryIO

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, LogitsProcessor

_HIDDEN = -float("inf")


class SampleByNoise(LogitsProcessor):  # type: ignore[misc]  # transformers is not typed
    """Applies temperature and nucleus, then adds Gumbel noise from each row's own generator, so that the
    largest logit is a sample from the distribution.

    (Gumbel-max trick: Gumbel 1954; Maddison et al. 2014, arXiv 1411.0030.) So each row has its own seed,
    regardless of its batch.
    """

    def __init__(self, seeds: list[int], temperature: float, top_p: float) -> None:
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.temperature, self.top_p = temperature, top_p

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """`scores`: (rows, vocabulary) logits. Returns the noisy logits of the same shape."""
        scores = _keep_nucleus(scores.float() / self.temperature, self.top_p)
        uniform = torch.stack(
            [
                torch.rand(scores.shape[1], generator=generator, dtype=torch.float64)
                for generator in self.generators
            ]
        )
        noise = -torch.log(-torch.log(uniform.clamp(1e-300, 1 - 1e-16)))
        return scores + noise.to(scores)


def _keep_nucleus(scores: torch.Tensor, top_p: float) -> torch.Tensor:
    """Mask tokens outside the smallest set with probability `top_p` (Holtzman et al.
    2020, arXiv 1904.09751)."""
    if top_p >= 1:
        return scores
    ordered, order = scores.sort(dim=-1, descending=True)
    probabilities = ordered.softmax(dim=-1)
    outside = probabilities.cumsum(dim=-1) - probabilities >= top_p
    return scores.masked_fill(outside.scatter(1, order, outside), _HIDDEN)


class PolicyWorker:
    """One policy, on the GPU if there is one."""

    def __init__(self) -> None:
        self.model: Any = None
        self.tokenizer: Any = None

    def load(self, folder: str) -> dict[str, object]:
        """Load a policy; the old one is dropped only once the new one is loaded."""
        tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto").eval()
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        self.model, self.tokenizer = model.to("cuda" if torch.cuda.is_available() else "cpu"), tokenizer
        return {}

    @torch.inference_mode()  # type: ignore[untyped-decorator]  # torch is not followed
    def answer(self, order: dict[str, Any]) -> dict[str, object]:
        """Sample one answer per row. A row that does not fit the context gets its own error."""
        sampling, limit = order["sampling"], self.model.config.max_position_embeddings
        prompts = [self._encode(row) for row in order["rows"]]
        room = limit - sampling["max_tokens"]
        fits = [place for place, ids in enumerate(prompts) if 0 < len(ids) <= room]
        words = f"tokens of prompt and {sampling['max_tokens']} of answer do not fit the context of {limit}"
        answers: list[dict[str, object]] = [{"error": f"{len(ids)} {words}"} for ids in prompts]
        if fits:
            sampled = self._sample(
                [prompts[place] for place in fits], [order["rows"][place]["seed"] for place in fits], order
            )
            for place, answer in zip(fits, sampled, strict=True):
                answers[place] = answer
        return {"answers": answers}

    def _sample(
        self, prompts: list[list[int]], seeds: list[int], order: dict[str, Any]
    ) -> list[dict[str, object]]:
        sampling, stop = order["sampling"], order["stop"]
        batch = self.tokenizer.pad({"input_ids": prompts}, return_tensors="pt")
        noise = (
            [SampleByNoise(seeds, sampling["temperature"], sampling["top_p"])]
            if sampling["temperature"]
            else []
        )
        ends = self._end_ids()
        config = GenerationConfig(
            do_sample=False,
            max_new_tokens=sampling["max_tokens"],
            eos_token_id=ends,
            pad_token_id=self.tokenizer.pad_token_id,
            stop_strings=stop or None,
        )
        output = self.model.generate(
            **batch.to(self.model.device),
            generation_config=config,
            logits_processor=noise,
            tokenizer=self.tokenizer if stop else None,
        )
        width = batch["input_ids"].shape[1]
        answers = [self._read(ids, ends, stop) for ids in output[:, width:].tolist()]
        return [answer | {"prompt_tokens": len(ids)} for answer, ids in zip(answers, prompts, strict=True)]

    def _encode(self, row: dict[str, Any]) -> list[int]:
        """A raw text gets the tokens that the tokenizer puts before each text, as vLLM gives it; a chat has
        those that its template writes."""
        if not row["messages"]:
            found = self.tokenizer(row["prompt"], add_special_tokens=not row["is_rendered"])
        else:
            text = self.tokenizer.apply_chat_template(
                row["messages"], tokenize=False, add_generation_prompt=True
            )
            found = self.tokenizer(text, add_special_tokens=False)
        return list(found["input_ids"])

    def _end_ids(self) -> list[int]:
        named = self.model.generation_config.eos_token_id
        ids = named if isinstance(named, list) else [named]
        return [token for token in {*ids, self.tokenizer.eos_token_id} if token is not None]

    def _read(self, ids: list[int], ends: list[int], stop: list[str]) -> dict[str, object]:
        """The text up to the end-of-turn token or the first stop string, both left out."""
        end = next((place for place, token in enumerate(ids) if token in ends), None)
        kept = ids if end is None else ids[:end]
        text = self.tokenizer.decode(kept, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        cuts = [place for word in stop if (place := text.find(word)) >= 0]
        finished = end is not None or bool(cuts)
        text = text[: min(cuts)] if cuts else text
        return {
            "text": text,
            "finish": "stop" if finished else "length",
            "tokens": len(kept) + (end is not None),
        }


def serve(orders: BinaryIO, replies: BinaryIO) -> None:
    """Answer orders until the input ends. A failed order is answered with its error; the
    worker keeps running."""
    worker = PolicyWorker()
    for line in orders:
        order = json.loads(line)
        try:
            reply = worker.load(order["load"]) if "load" in order else worker.answer(order)
        except (RuntimeError, ValueError, OSError, KeyError, TypeError, ImportError) as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        replies.write(json.dumps(reply).encode() + b"\n")
        replies.flush()


if __name__ == "__main__":
    private = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, private)
