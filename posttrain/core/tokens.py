"""Turns conversations and texts into token ids with a mask of the trained tokens.

Place in the flow: rows of a data set -> here -> the trainers, which get ids and never tokenize. The one rule:
the prompt's ids, as the engine will compute them, are a prefix of the ids in training. So an answer is
tokenized separately from its prompt (a model also writes it after the prompt's last token), and text that
looks like a special token stays text.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from posttrain.core.chat_template import CHAT_TEMPLATE, FIM_MIDDLE, SPECIAL_TOKENS, TURN_START, render
from posttrain.core.template_proof import TemplateRefused, Turn, end_of_text, prove, render_turns
from synth.records import Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


_MARK = "\ufdd0"
"""Stands where a text that looks like a special token is cut; Unicode has no character there."""


class PrefixMismatch(ValueError):
    """The prompt's ids are not a prefix of the row's ids: a token would span the boundary."""


@dataclass(slots=True)
class TokenRow:
    """Token ids, and whether each is trained (the completion mask)."""

    ids: list[int] = field(default_factory=list)
    trained: list[bool] = field(default_factory=list)

    def add(self, ids: Sequence[int], trained: bool) -> None:
        self.ids.extend(ids)
        self.trained.extend([trained] * len(ids))

    @property
    def labels(self) -> list[int]:
        """The ids where trained, -100 (ignored by the loss) elsewhere."""
        return [token if trained else -100 for token, trained in zip(self.ids, self.trained, strict=True)]


class Encoder:
    """A tokenizer with our chat format: the only place where text becomes ids for training."""

    writes_tools = False
    """Whether rows with tools can be encoded."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        self._backend = tokenizer.backend_tokenizer
        self._backend.no_truncation()  # a tokenizer file may enable it, and it would cut silently
        self._backend.no_padding()
        self._turn_start, self._turn_end, self._end_of_text = tokenizer.convert_tokens_to_ids(
            [TURN_START, str(tokenizer.eos_token), end_of_text(tokenizer)]
        )
        self._middle = tokenizer.get_vocab().get(FIM_MIDDLE)
        special = {token for token in (*tokenizer.all_special_tokens, *SPECIAL_TOKENS) if len(token) > 1}
        self._special = re.compile(
            "|".join(re.escape(token) for token in sorted(special, key=len, reverse=True))
        )
        self._newline = self._plain("\n")
        self._answer_start = [self._turn_start, *self._plain("assistant\n")]

    def tool_conversation(
        self,
        turns: Sequence[Turn],
        tools: Sequence[Turn],
        first_trained: int = 0,
        untrained: Collection[int] = (),
    ) -> TokenRow:
        """As `conversation`, with tools, calls of them and their results. Only a model's own template writes
        those: see `writes_tools`."""
        raise NotImplementedError

    # --- rows -----------------------------------------------------------------------------------------------

    def conversation(
        self, messages: Sequence[Message], first_trained: int = 0, untrained: Collection[int] = ()
    ) -> TokenRow:
        """A whole conversation; every assistant turn from index `first_trained` on is trained, with its
        end of turn, but for those in `untrained`.

        The line break after an end of turn is not trained: the engine stops before it. Raises PrefixMismatch.
        """
        row = TokenRow()
        for index, message in enumerate(messages):
            if message.role == "assistant" and index >= first_trained and index not in untrained:
                self._check_prefix(row, messages[:index])
                row.add(self._answer_start, trained=False)
                row.add(self.answer(message.content), trained=True)
            else:
                row.add(
                    [self._turn_start, *self._plain(f"{message.role}\n{message.content}"), self._turn_end],
                    trained=False,
                )
            row.add(self._newline, trained=False)
        return row

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Ids of a prompt with the start of the answer, as an engine sees it (except that special-token text
        stays text here)."""
        return self.conversation(messages, first_trained=len(messages)).ids + self._answer_start

    def answer(self, content: str) -> list[int]:
        """Ids of an answer with its end of turn."""
        return [*self._plain(content), self._turn_end]

    def plain(self, text: str) -> TokenRow:
        """A plain text, trained whole; of a fill-in-the-middle text only the middle is trained.

        Prefix and suffix are other people's code. The policy should not learn to write it, and at several
        nats per token it would outweigh every answer in the batch.
        """
        ids = self.text(text)
        start = len(ids) - ids[::-1].index(self._middle) if self._middle in ids else 0
        return TokenRow(ids, [at >= start for at in range(len(ids))])

    def text(self, text: str) -> list[int]:
        """Ids of a whole plain text, ending with one `<|endoftext|>`. Special tokens in it count
        as such (FIM)."""
        ids = self._raw(text)
        return ids if ids[-1:] == [self._end_of_text] else [*ids, self._end_of_text]

    def plain_completion(self, prompt: str, completion: str) -> TokenRow:
        """A plain prompt and its completion, tokenized separately; the completion and its
        `<|endoftext|>` are trained."""
        row = TokenRow()
        row.add(self._raw(prompt), trained=False)
        row.add(self.text(completion), trained=True)
        return row

    # --- pieces ---------------------------------------------------------------------------------------------

    def _check_prefix(self, row: TokenRow, before: Sequence[Message]) -> None:
        """Compare with the ids that an engine computes for the rendered prompt. They differ if an earlier
        trained turn begins with white space, which merges with the template's line break, or if the tokenizer
        handles text next to special tokens differently."""
        hostile = any(self._special.search(message.content) for message in before)
        served = self.prompt(before) if hostile else self._raw(render(before, add_generation_prompt=True))
        if row.ids + self._answer_start != served:
            raise PrefixMismatch(
                "the prompt's tokens, as an engine makes them, are not a prefix of the row's tokens"
            )

    def _plain(self, text: str) -> list[int]:
        """Ids of text without special tokens: the text of a special token is split after two characters, and
        each part is tokenized separately."""
        return [token for part in self._cut(text) for token in self._raw(part)]

    def _cut(self, text: str) -> Iterator[str]:
        start = 0
        while found := self._special.search(text, start):
            cut = found.start() + 2 if len(found.group()) > 2 else found.start() + 1
            yield text[start:cut]
            start = cut
        yield text[start:]

    def _raw(self, text: str) -> list[int]:
        ids: list[int] = self._backend.encode(text, add_special_tokens=False).ids
        return ids


class TemplateEncoder(Encoder):
    """A tokenizer with a chat template of its own. What lies between answers is what the template writes
    there, as an engine tokenizes it; answers are tokenized apart, as a model writes them."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        super().__init__(tokenizer)
        self._tokenizer = tokenizer
        self.writes_tools = prove(tokenizer).writes_tools
        self._end = str(tokenizer.eos_token)

    def conversation(
        self, messages: Sequence[Message], first_trained: int = 0, untrained: Collection[int] = ()
    ) -> TokenRow:
        turns = [message.model_dump() for message in messages]
        return self.tool_conversation(turns, (), first_trained, untrained)

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        return self._prompt([message.model_dump() for message in messages], ())[1]

    def tool_conversation(
        self,
        turns: Sequence[Turn],
        tools: Sequence[Turn],
        first_trained: int = 0,
        untrained: Collection[int] = (),
    ) -> TokenRow:
        row = TokenRow()
        for index, turn in enumerate(turns):
            if turn["role"] != "assistant" or index < first_trained or index in untrained:
                continue
            asked, served = self._prompt(turns[:index], tools)
            told = self._render(turns[: index + 1], tools)
            answer, end, _ = told.removeprefix(asked).partition(self._end)
            if served[: len(row.ids)] != row.ids or not told.startswith(asked) or not end:
                raise PrefixMismatch(
                    "the prompt's tokens, as an engine makes them, are not a prefix of the row's tokens"
                )
            row.add(served[len(row.ids) :], trained=False)
            row.add([*self._marked(answer), self._turn_end], trained=True)
        return row

    def _prompt(self, turns: Sequence[Turn], tools: Sequence[Turn]) -> tuple[str, list[int]]:
        text = self._render(turns, tools, answer_follows=True)
        return text, self._marked(text)

    def _render(self, turns: Sequence[Turn], tools: Sequence[Turn], answer_follows: bool = False) -> str:
        """The conversation as text, with a mark inside of whatever in its contents looks like a special
        token."""
        try:
            return render_turns(self._tokenizer, self._split(turns), self._split(tools), answer_follows)
        except TemplateRefused as refused:
            raise PrefixMismatch(f"the chat template {refused}") from refused

    def _split(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, str):
            if _MARK in value:
                raise PrefixMismatch("has U+FDD0, which is no character of Unicode")
            return _MARK.join(self._cut(value)) if self._special.search(value) else value
        if isinstance(value, dict):
            return {key: self._split(inner) for key, inner in value.items()}
        return [self._split(inner) for inner in value] if isinstance(value, list | tuple) else value

    def _marked(self, text: str) -> list[int]:
        return [token for part in text.split(_MARK) for token in self._raw(part)]


def make_encoder(tokenizer: "PreTrainedTokenizerBase") -> Encoder:
    """The encoder for a prepared tokenizer's template."""
    return (Encoder if tokenizer.chat_template == CHAT_TEMPLATE else TemplateEncoder)(tokenizer)
