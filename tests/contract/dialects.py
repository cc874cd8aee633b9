"""Four endpoints on the loopback interface that speak the OpenAI protocol each in its own way, with words
drawn from question, seed and place in the place of a model."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from random import Random

from tests.generation.mock_endpoint import Body, MockEndpoint, Played, mock_endpoint

_LONGEST = 5000


def _draw(body: Body) -> list[str]:
    """Letters, one a token."""
    question = body["messages"][-1]["content"] if "messages" in body else body["prompt"]
    random = Random(f"{question} {body.get('seed')}")
    return ["".join(random.choice("abcdefgh") for _ in range(60)) for _ in range(body.get("n", 1))]


def _limit(body: Body) -> int:
    return int(body.get("max_completion_tokens") or body.get("max_tokens") or 60)


def _refuse(body: Body) -> Played | None:
    """What every endpoint refuses."""
    if len(str(body.get("messages", body.get("prompt")))) <= _LONGEST:
        return None
    error = {
        "message": "This model's maximum context length is 1024 tokens.",
        "code": "context_length_exceeded",
    }
    return Played(400, {"error": error})


def _answer(body: Body, thought: int = 0, shows_thought: bool = False) -> Played:
    """Answers cut at the token limit, after a thought of so many tokens."""
    limit, is_chat = _limit(body), "messages" in body
    thought = thought if is_chat else 0
    choices, total = [], 0
    for index, text in enumerate(_draw(body)):
        cut = text[: max(0, limit - thought)]
        tokens = min(limit, thought) + len(cut)
        total += tokens
        choice: Body = {"index": index, "finish_reason": "length", "text": cut}
        if is_chat:
            content = cut if limit > thought else None
            choice["message"] = {"role": "assistant", "content": content}
            if shows_thought:
                choice["message"]["reasoning_content"] = "hm " * min(limit, thought)
        if shows_thought:
            choice["token_ids"] = list(range(tokens))
        choices.append(choice)
    details = {"reasoning_tokens": min(limit, thought) * len(choices)}
    usage = {"prompt_tokens": 20, "completion_tokens": total, "completion_tokens_details": details}
    return Played(body={"choices": choices, "usage": usage})


def _play_reasoning_api(endpoint: MockEndpoint, body: Body) -> Played:
    """Thinks unseen, and takes neither `max_tokens` nor a temperature."""
    for key, more in (("max_tokens", " Use 'max_completion_tokens' instead."), ("temperature", "")):
        if key in body and body[key] != 1.0 and "messages" in body:
            message = f"Unsupported parameter: '{key}' is not supported with this model.{more}"
            return Played(400, {"error": {"message": message, "param": key, "code": "unsupported_parameter"}})
    return _refuse(body) or _answer(body, thought=4)


def _play_one_choice(endpoint: MockEndpoint, body: Body) -> Played:
    """Takes n = 1 only."""
    if body.get("n", 1) > 1:
        return Played(400, {"type": "error", "error": {"type": "x", "message": "n must be exactly 1"}})
    return _refuse(body) or _answer(body)


def _play_strict_keys(endpoint: MockEndpoint, body: Body) -> Played:
    """Refuses each key that it does not know, all in one answer. It knows no seed."""
    known = {"model", "messages", "prompt", "max_tokens", "temperature", "n"}
    detail = [
        {"loc": ["body", key], "msg": "Extra inputs are not permitted", "type": "extra_forbidden"}
        for key in body.keys() - known
    ]
    return Played(422, {"detail": detail}) if detail else _refuse(body) or _answer(body)


def _play_thinking_vllm(endpoint: MockEndpoint, body: Body) -> Played:
    """Shows its thoughts beside the text, unless the template is told not to think."""
    thinks = body.get("chat_template_kwargs", {}).get("enable_thinking", True)
    return _refuse(body) or _answer(body, thought=5 if thinks else 0, shows_thought=True)


DIALECTS: Mapping[str, Callable[[MockEndpoint, Body], Played]] = {
    "reasoning_api": _play_reasoning_api,
    "one_choice": _play_one_choice,
    "strict_keys": _play_strict_keys,
    "thinking_vllm": _play_thinking_vllm,
}


@contextmanager
def dialect_endpoint(name: str) -> Iterator[MockEndpoint]:
    """The endpoint of that name, while the block runs."""
    with mock_endpoint() as endpoint:
        endpoint.behaviour = DIALECTS[name]
        yield endpoint
