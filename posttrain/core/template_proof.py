"""Whether a model's own chat template can be trained with, and what is particular to it.

Place in the flow: `prepare_tokenizer` asks for the proof -> the template is kept, and `TemplateEncoder`
encodes with it -> the engine serves with it; or ours takes its place, with the reason said.

The one rule: a template is kept only if the prompt that an engine will see is a prefix of what is trained, as
text and as ids, with and without a system turn, and also once more turns follow. That is tried out on
conversations; a row for which it fails is rejected on its own, when it is encoded.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Turn = dict[str, Any]

_TEXT_ENDS = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|end▁of▁sentence|>")
_SYSTEM: Turn = {"role": "system", "content": "Answer in one line of code."}
_QUESTIONS: tuple[Turn, ...] = (
    {"role": "user", "content": "Add two numbers:\n\n    a + b"},
    {"role": "user", "content": "And now three?"},
)
_ANSWERS: tuple[Turn, ...] = (
    {"role": "assistant", "content": "```python\ndef add(a, b):\n    return a + b\n```"},
    {"role": "assistant", "content": "Use `sum`."},
)
_TOOL: Turn = {
    "type": "function",
    "function": {
        "name": "run_tests",
        "description": "Runs the tests of a file.",
        "parameters": {
            "type": "object",
            "properties": {"path": {"type": "string", "description": "The file."}},
            "required": ["path"],
        },
    },
}
_CALL: Turn = {
    "role": "assistant",
    "content": "",
    "tool_calls": [
        {"type": "function", "function": {"name": "run_tests", "arguments": {"path": "add_test.py"}}}
    ],
}
_RESULT: Turn = {"role": "tool", "name": "run_tests", "content": "3 of 3 tests passed"}


class TemplateRefused(ValueError):
    """The template cannot be trained with; the text says why."""


class TemplateFacts(NamedTuple):
    """What is particular to a template that was proven."""

    turn_end: str
    """The special token that ends an answer."""
    markers: tuple[str, ...]
    """The special tokens that begin and end a turn."""
    writes_tools: bool
    """Whether it writes tools, calls of them and their results."""


def render_turns(
    tokenizer: "PreTrainedTokenizerBase",
    turns: Sequence[Turn],
    tools: Sequence[Turn] = (),
    answer_follows: bool = False,
) -> str:
    """The text of a conversation in the tokenizer's template. Raises TemplateRefused where it fails."""
    from jinja2 import TemplateError

    try:
        text = tokenizer.apply_chat_template(
            list(turns), tools=list(tools) or None, tokenize=False, add_generation_prompt=answer_follows
        )
    except (TemplateError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise TemplateRefused(
            f"does not take {_what(turns)}: {' '.join(str(error).split())[:200]}"
        ) from error
    return str(text)


def _what(turns: Sequence[Turn]) -> str:
    return "a conversation of the turns " + ", ".join(str(turn.get("role")) for turn in turns)


def end_of_text(tokenizer: "PreTrainedTokenizerBase") -> str:
    """The token that ends a text without turns."""
    vocabulary = tokenizer.get_vocab()
    return next((token for token in _TEXT_ENDS if token in vocabulary), str(tokenizer.eos_token))


def prove(tokenizer: "PreTrainedTokenizerBase") -> TemplateFacts:
    """What is particular to the tokenizer's template. Raises TemplateRefused with the reason if it cannot be
    trained with."""
    template = tokenizer.chat_template
    if not isinstance(template, str):
        raise TemplateRefused("is not one template but several")
    if "strftime_now" in template:
        raise TemplateRefused("writes today's date, so the same prompt differs from day to day")
    ends = set()
    for before in ((), (_SYSTEM,)):
        first = [*before, _QUESTIONS[0]]
        ends.add(_prove_turn(tokenizer, first, _ANSWERS[0]))
        then = [*first, _ANSWERS[0], _QUESTIONS[1]]
        _prove_history(tokenizer, first, then, ends)
        ends.add(_prove_turn(tokenizer, then, _ANSWERS[1]))
    if len(ends) != 1:
        raise TemplateRefused(f"ends answers in different ways: {', '.join(sorted(ends))}")
    (turn_end,) = ends
    markers = _special(tokenizer, render_turns(tokenizer, [_QUESTIONS[0]], answer_follows=True))
    return TemplateFacts(
        turn_end, tuple(dict.fromkeys((*markers, turn_end))), _writes_tools(tokenizer, turn_end)
    )


def _prove_turn(tokenizer: "PreTrainedTokenizerBase", prompt: Sequence[Turn], answer: Turn) -> str:
    """The token that ends this answer."""
    asked = render_turns(tokenizer, prompt, answer_follows=True)
    for turn in prompt:
        if turn["content"] not in asked:
            raise TemplateRefused(f"leaves out what a turn of role {turn['role']} says")
    told = render_turns(tokenizer, [*prompt, answer])
    if not told.startswith(asked):
        raise TemplateRefused("writes a prompt otherwise once it has an answer")
    written = told[len(asked) :]
    if not written.startswith(answer["content"]):
        raise TemplateRefused(f"writes {_shown(written, answer)} before an answer")
    found = _special(tokenizer, written[len(answer["content"]) :], at_start=True)
    if not found:
        raise TemplateRefused("ends an answer with no special token, so an engine cannot stop there")
    return found[0]


def _shown(written: str, answer: Turn) -> str:
    return repr(written.partition(answer["content"])[0][:60])


def _prove_history(
    tokenizer: "PreTrainedTokenizerBase", first: Sequence[Turn], then: Sequence[Turn], ends: set[str]
) -> None:
    asked = render_turns(tokenizer, first, answer_follows=True)
    again = render_turns(tokenizer, then, answer_follows=True)
    answer = _ANSWERS[0]["content"]
    end = next((end for end in ends if again.startswith(asked + answer + end)), None)
    if end is None:
        raise TemplateRefused("writes an earlier answer otherwise than it was generated")
    parts = [_ids(tokenizer, part) for part in (asked, answer, end)]
    generated = [token for part in parts for token in part]
    if _ids(tokenizer, again)[: len(generated)] != generated:
        raise TemplateRefused("lets the tokens of a prompt grow together with those of an answer")


def _ids(tokenizer: "PreTrainedTokenizerBase", text: str) -> list[int]:
    found: list[int] = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids
    return found


def _writes_tools(tokenizer: "PreTrainedTokenizerBase", turn_end: str) -> bool:
    """Whether tools, calls and results are written, and the prefix holds around them."""
    try:
        asked = render_turns(tokenizer, [_QUESTIONS[0]], [_TOOL], answer_follows=True)
        called = render_turns(tokenizer, [_QUESTIONS[0], _CALL], [_TOOL])
        told = render_turns(tokenizer, [_QUESTIONS[0], _CALL, _RESULT], [_TOOL], answer_follows=True)
    except TemplateRefused:
        return False
    call = called.removeprefix(asked).partition(turn_end)[0]
    names = ("run_tests" in asked, "run_tests" in call, "add_test.py" in call, _RESULT["content"] in told)
    return called.startswith(asked) and told.startswith(asked + call + turn_end) and all(names)


def _special(tokenizer: "PreTrainedTokenizerBase", text: str, at_start: bool = False) -> list[str]:
    """The special tokens in the text, in order; only one that it begins with, if so asked."""
    tokens = [str(token) for token in tokenizer.added_tokens_decoder.values() if token.special]
    pattern = re.compile(
        "|".join(re.escape(token) for token in sorted(tokens, key=len, reverse=True)) or "(?!)"
    )
    if at_start:
        found = pattern.match(text)
        return [found[0]] if found else []
    return pattern.findall(text)
