"""The answers of endpoints that speak the OpenAI protocol, read from their bodies: texts, endings, reasoning
and token counts, in the spellings that endpoints are known to use.

The one rule: an answer without text is still an answer, because it was paid for. Only what holds no answer
at all is malformed, which is asked again.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from synth.generation.ledger import Usage
from synth.generation.protocol import Completion

Finish = Literal["stop", "length", "refused"]
_CUT = frozenset({"length", "max_tokens", "max_output_tokens", "max_completion_tokens", "model_length"})
_REFUSED = frozenset(
    {
        "content_filter",
        "content-filter",
        "content_filtered",
        "safety",
        "recitation",
        "blocklist",
        "prohibited_content",
        "spii",
        "sensitive",
        "refusal",
        "guardrail_intervened",
    }
)
_BROKEN = frozenset(
    {"error", "abort", "aborted", "cancelled", "network_error", "timeout", "insufficient_system_resource"}
)
_THOUGHT = re.compile(r"\s*<think(?:ing)?>(.*?)(?:</think(?:ing)?>|\Z)", re.DOTALL)
_THOUGHT_END = re.compile(r"</think(?:ing)?>")


class Answers(NamedTuple):
    """The answers that one call, or all calls of one request, brought."""

    completions: tuple[Completion, ...]
    usage: Usage

    @property
    def prompt_tokens(self) -> int:
        return self.usage.prompt_tokens


class MalformedError(Exception):
    """An answer that cannot be read; the text says what was found, `usage` what it cost."""

    def __init__(self, found: str, usage: Usage | None = None) -> None:
        super().__init__(found)
        self.usage = usage or Usage()


class FilteredError(Exception):
    """An answer without choices, because the prompt was filtered."""

    def __init__(self, found: str, usage: Usage) -> None:
        super().__init__(found)
        self.usage = usage


class RequestShape(NamedTuple):
    """What an answer must fit: how many choices were asked for, and how."""

    n: int
    max_tokens: int
    is_chat: bool
    stop: tuple[str, ...] = ()
    """Stop texts that the endpoint does not take; texts are cut here instead."""


class _Choice(NamedTuple):
    text: str
    reasoning: str
    finish: str
    token_ids: int | None
    refused: bool


def read_json(data: bytes) -> Any:  # noqa: ANN401 - a foreign document
    """The document. Raises MalformedError for anything but JSON."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        found = f"Invalid JSON ({error}); the body begins {shorten(data[:400].decode('utf-8', 'replace'))!r}"
        raise MalformedError(found) from None


def read_answers(document: Any, shape: RequestShape) -> Answers:  # noqa: ANN401 - a foreign document
    """The choices in order. Raises MalformedError, or FilteredError for a prompt that was filtered."""
    if not isinstance(document, dict):
        raise MalformedError(f"{shorten(json.dumps(document))!r} in place of an object")
    usage = _read_usage(document.get("usage"))
    choices = document.get("choices")
    if not isinstance(choices, list) or not choices:
        begins = f"the body begins {shorten(json.dumps(document))!r}"
        if _prompt_was_filtered(document):
            raise FilteredError(f"the prompt was filtered; {begins}", usage)
        raise MalformedError(f"no choices; {begins}", usage)
    found = [_read_choice(one, place, shape, usage) for place, one in enumerate(_in_order(choices))]
    found = found[: shape.n]
    counts = _token_counts(found, usage)
    return Answers(
        tuple(
            Completion(
                text=one.text, finish=_finish(one, count, shape), tokens=count, reasoning=one.reasoning
            )
            for one, count in zip(found, counts, strict=True)
        ),
        usage,
    )


def _in_order(choices: list[Any]) -> list[Any]:
    def place(choice: object) -> int:
        index = choice.get("index") if isinstance(choice, dict) else None
        return index if isinstance(index, int) else 0

    return sorted(choices, key=place) if len(choices) > 1 else choices


def _read_choice(choice: Any, place: int, shape: RequestShape, usage: Usage) -> _Choice:  # noqa: ANN401
    where = f"choices.{place}"
    if not isinstance(choice, dict):
        raise MalformedError(f"{where}: not an object", usage)
    finish = str(choice.get("finish_reason") or choice.get("stop_reason") or "").lower()
    if choice.get("error") or finish in _BROKEN:
        found = shorten(json.dumps(choice.get("error") or finish))
        raise MalformedError(f"{where}: ended by an error of the endpoint ({found})", usage)
    message = choice.get("message") if shape.is_chat else {"content": choice.get("text")}
    if not isinstance(message, dict):
        raise MalformedError(f"{where}.message: not an object", usage)
    text, reasoning = _read_content(message.get("content"), f"{where}.message.content", usage)
    reasoning = reasoning or _read_reasoning(message)
    if shape.is_chat and not reasoning and "think" in text:
        text, reasoning = _split_thought(text)
    refusal = message.get("refusal")
    refused = finish in _REFUSED or (isinstance(refusal, str) and bool(refusal))
    if refused and not text and isinstance(refusal, str):
        text = refusal
    token_ids = choice.get("token_ids")
    for stop in shape.stop:
        text, found_stop, _ = text.partition(stop)
        finish = "stop" if found_stop else finish
    return _Choice(text, reasoning, finish, len(token_ids) if isinstance(token_ids, list) else None, refused)


def _read_content(content: object, where: str, usage: Usage) -> tuple[str, str]:
    """Text and reasoning of a message's content: a text, nothing, or a list of typed pieces."""
    if content is None:
        return "", ""
    if isinstance(content, str):
        return content, ""
    if not isinstance(content, list):
        raise MalformedError(f"{where}: {type(content).__name__} in place of a text", usage)
    texts: list[str] = []
    thoughts: list[str] = []
    for piece in content:
        if isinstance(piece, str):
            texts.append(piece)
        elif isinstance(piece, dict):
            is_thought = str(piece.get("type", "")) in ("thinking", "reasoning", "redacted_thinking")
            (thoughts if is_thought else texts).append(_text_of(piece))
    return "".join(texts), "".join(thoughts)


def _text_of(piece: dict[str, Any]) -> str:
    for key in ("text", "thinking", "reasoning", "summary", "content"):
        inner = piece.get(key)
        if isinstance(inner, str):
            return inner
        if isinstance(inner, list):
            return "".join(_text_of(one) if isinstance(one, dict) else str(one) for one in inner)
    return ""


def _read_reasoning(message: dict[str, Any]) -> str:
    for key in ("reasoning_content", "reasoning", "thinking", "reasoning_details"):
        found = message.get(key)
        if isinstance(found, str) and found:
            return found
        if isinstance(found, dict):
            return _text_of(found)
        if isinstance(found, list) and found:
            return "".join(_text_of(one) for one in found if isinstance(one, dict))
    return ""


def _split_thought(text: str) -> tuple[str, str]:
    """Text and reasoning of an answer whose reasoning stands in the text itself, as from a server without a
    parser for it. A chat template may have written the opening tag into the prompt."""
    opened = _THOUGHT.match(text)
    if opened is not None:
        return text[opened.end() :].lstrip(), opened[1].strip()
    closed = _THOUGHT_END.search(text) if "<think" not in text else None
    if closed is None:
        return text, ""
    return text[closed.end() :].lstrip(), text[: closed.start()].strip()


def _finish(choice: _Choice, tokens: int, shape: RequestShape) -> Finish:
    """How it ended. An endpoint that says nothing known ended it, unless it reached the token limit."""
    if choice.refused:
        return "refused"
    if choice.finish in _CUT:
        return "length"
    is_silent = choice.finish in ("", "null", "none", "unknown")
    return "length" if is_silent and tokens >= shape.max_tokens else "stop"


def _prompt_was_filtered(document: dict[str, Any]) -> bool:
    feedback = document.get("promptFeedback") or document.get("prompt_feedback")
    if isinstance(feedback, dict) and (feedback.get("blockReason") or feedback.get("block_reason")):
        return True
    return '"filtered": true' in json.dumps(document.get("prompt_filter_results", ""))


def _read_usage(usage: Any) -> Usage:  # noqa: ANN401 - a foreign document
    """Tokens, whichever names they have. Some count reasoning only in the total."""
    if not isinstance(usage, dict):
        return Usage()
    prompt = _count(usage, "prompt_tokens", "input_tokens")
    answer = _count(usage, "completion_tokens", "output_tokens")
    total = _count(usage, "total_tokens")
    cached = reasoning = 0
    if len(usage) > 3 or total == 0:  # beside the three counts that every endpoint gives
        details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
        cached = _count(details, "cached_tokens") or _count(usage, "prompt_cache_hit_tokens", "cached_tokens")
        details = usage.get("completion_tokens_details") or usage.get("output_tokens_details")
        reasoning = _count(details, "reasoning_tokens") or _count(usage, "reasoning_tokens")
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=max(answer, total - prompt),
        cached_tokens=min(cached, prompt),
        reasoning_tokens=reasoning,
    )


def _count(counts: Any, *names: str) -> int:  # noqa: ANN401 - a foreign document
    for name in names:
        found = counts.get(name) if isinstance(counts, dict) else None
        if isinstance(found, (int, float)) and not isinstance(found, bool) and 0 <= found < 1 << 53:
            return int(found)
    return 0


def _token_counts(choices: Sequence[_Choice], usage: Usage) -> list[int]:
    """Tokens of each choice: exact if the endpoint gives token ids or a single choice, else the total split
    in proportion to the text lengths."""
    exact = [choice.token_ids for choice in choices if choice.token_ids is not None]
    if len(exact) == len(choices):
        return exact
    if len(choices) == 1:
        return [usage.completion_tokens]
    weights = [len(choice.text) + len(choice.reasoning) + 1 for choice in choices]
    total = usage.completion_tokens
    ends = [round(total * sum(weights[: place + 1]) / sum(weights)) for place in range(len(weights))]
    return [end - before for before, end in zip([0, *ends], ends, strict=False)]


def shorten(text: str, limit: int = 200) -> str:
    """The start of a foreign text on one line, with everything that could control a terminal as an escape."""
    line = " ".join(text[: 4 * limit].split())
    line = line if len(line) <= limit else line[:limit] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)
