"""MultiPL-E: base models continue the prompt up to the problem's stop tokens; instruct models get it in a
fence, as in the Qwen2.5-Coder report, and the format fits the function of their answer to the tests.

The frame of the chat is that of Qwen2.5-Coder's evaluation, which follows DeepSeek-Coder's, Copyright (c)
DeepSeek, MIT.
"""

from typing import Final

from synth.protocols.protocol import BenchmarkPrompt, Protocol, sample_row, user
from synth.verify.formats.multipl_e import FORMAT, language_of
from synth.verify.formats.spec import Fields, need, texts

_INSTRUCTION: Final = (
    "Please continue to complete the function and return all completed code in a codeblock. Here is the "
    "given code to do completion:"
)
_TAGS: Final = {"py": "python"}


def _complete(problem: Fields) -> BenchmarkPrompt:
    return BenchmarkPrompt(prompt=need(problem, "prompt").strip(), stop=tuple(texts(problem, "stop_tokens")))


def _chat(problem: Fields) -> BenchmarkPrompt:
    stated = need(problem, "language")
    tag = _TAGS.get(stated, stated)
    return BenchmarkPrompt(messages=user(f"{_INSTRUCTION}\n```{tag}\n{need(problem, 'prompt').strip()}\n```"))


def _sample(problem: Fields, prompt: BenchmarkPrompt, text: str) -> Fields:
    return sample_row(
        FORMAT, problem, **({"raw_generation": text} if prompt.messages else {"completion": text})
    )


PROTOCOLS: Final = (
    Protocol(
        suite="multipl-e",
        format=FORMAT.name,
        column="MultiPL-E",
        title="MultiPL-E",
        max_tokens=1024,
        complete=_complete,
        chat=_chat,
        sample=_sample,
        language=language_of,
        source="MultiPL-E (arXiv 2208.08227), github.com/nuprl/MultiPL-E: automodel_vllm.py, "
        "multipl_e/completions.py; BSD-3-Clause with a clause on machine learning. The chat and greedy "
        "answers: github.com/QwenLM/Qwen2.5-Coder, qwencoder-eval/instruct/multipl_e, after "
        "github.com/deepseek-ai/DeepSeek-Coder; MIT",
    ),
)
