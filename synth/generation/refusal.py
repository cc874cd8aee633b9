"""What an endpoint's refusal means: for this one request, for the way it was asked, or for all of them.

The one rule: only what makes every request fail (a wrong key, an empty account, an unknown model or address)
may stop a run.
"""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple

from synth.generation.wire import MalformedError, read_json, shorten


class Meaning(Enum):
    """What to do about a refusal."""

    WRONG_KEY = "wrong key"
    EMPTY_ACCOUNT = "empty account"
    UNKNOWN_MODEL = "unknown model"
    WRONG_ADDRESS = "wrong address"
    TOO_LONG = "request_too_long"
    FILTERED = "request_filtered"
    REFUSED = "request_refused"
    RATE_LIMIT = "rate limit"
    OVERLOADED = "overloaded"


_EMPTY = re.compile(
    r"insufficient[ _-]?(quota|balance|credits?|funds)|exceeded your current quota|credit balance is too low"
    r"|(no|out of|not enough|more) credits?\b|billing (hard )?limit|payment required|account .{0,30}arrears",
    re.IGNORECASE,
)
_LONG = re.compile(
    r"context[ _-]?(length|window|size)|maximum (context|input|prompt|model|sequence)|max_model_len"
    r"|(prompt|input|request|message)s?( is| are)? too (long|large)|too many (input |prompt )?tokens"
    r"|token count .{0,40}exceeds|exceeds? .{0,40}(token|length) limit|string_above_max_length"
    r"|reduce the length|larger than the maximum|max_tokens.{0,20}(too large|must be less|exceeds)"
    r"|at most \d+ (completion|output) tokens",
    re.IGNORECASE | re.DOTALL,
)
_FILTERED = re.compile(
    r"content[ _-]?(filter|management|policy)|responsible ?ai|moderation|flagged"
    r"|safety (system|policy|filter)|data_inspection_failed|inappropriate content"
    r"|sensitive (words|content)|usage polic",
    re.IGNORECASE,
)
_MODEL = re.compile(
    r"model[_ ]not[_ ](found|exist)|(invalid|unknown|unsupported)[_ ]model\b|no such model|not a valid model"
    r"|model\b.{0,120}\b(does not exist|not found|not exist|is not available|has been deprecated|not served)",
    re.IGNORECASE | re.DOTALL,
)
_BUSY = re.compile(
    r"overload|capacity|try again|too many requests|temporar|unavailable|loading", re.IGNORECASE
)


class Refusal(NamedTuple):
    """An answer that is an error, in whatever shape it came."""

    status: int
    message: str
    code: str
    names: tuple[str, ...]
    """Keys of the request that the error's own fields name."""

    @property
    def text(self) -> str:
        return f"{self.code} {self.message}"

    def meaning(self) -> Meaning:
        """What it means, for a request that was asked in a way that the endpoint takes."""
        status, text = self.status, self.text
        if status in (200, 400, 402, 403, 429) and _EMPTY.search(text):
            return Meaning.EMPTY_ACCOUNT
        match status:
            case 401:
                return Meaning.WRONG_KEY
            case 402:
                return Meaning.EMPTY_ACCOUNT
            case 403:
                return Meaning.FILTERED if _FILTERED.search(text) else Meaning.WRONG_KEY
            case 413:
                return Meaning.TOO_LONG
            case 429:
                return Meaning.RATE_LIMIT
            case 408 | 409 | 425:
                return Meaning.OVERLOADED
        if status == 404 and _MODEL.search(text):
            return Meaning.UNKNOWN_MODEL
        if status in (404, 405) or 300 <= status < 400:
            return Meaning.WRONG_ADDRESS
        if status >= 500 and status != 501 and not _FILTERED.search(self.code):
            return Meaning.OVERLOADED
        if _LONG.search(text):
            return Meaning.TOO_LONG
        if _FILTERED.search(text):
            return Meaning.FILTERED
        if _MODEL.search(text):
            return Meaning.UNKNOWN_MODEL
        if status == 200 or (status == 498 or _BUSY.search(text)):
            return Meaning.OVERLOADED
        return Meaning.REFUSED


def read_refusal(status: int, data: bytes) -> Refusal:
    """The error in a body: that of OpenAI, of Anthropic, of FastAPI, of Google, or text."""
    try:
        document = read_json(data)
    except MalformedError:
        return Refusal(status, shorten(data[:1000].decode("utf-8", "replace")) or "an empty body", "", ())
    found = find_error(document) or Refusal(status, shorten(str(document)), "", ())
    return found._replace(status=status)


def find_error(document: Any) -> Refusal | None:  # noqa: ANN401 - a foreign document
    """The error that a document holds, with the status that it names itself, else 200."""
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    if not isinstance(document, dict):
        return None
    error = next(
        (document[key] for key in ("error", "detail", "errors", "message") if document.get(key)), None
    )
    if error is None:
        return None
    if isinstance(error, list):
        return Refusal(200, shorten("; ".join(map(_words, error)), 500), "", tuple(_names(error)))
    if not isinstance(error, dict):
        own = document.get("code") or document.get("type") or ""
        return Refusal(_status(own), shorten(str(error), 500), str(own), ())
    code = error.get("code") or error.get("type") or error.get("status") or ""
    param = error.get("param")
    inner = error.get("innererror") or error.get("metadata") or ""
    message = str(error.get("message") or error.get("msg") or error)
    return Refusal(
        _status(error.get("code")),
        shorten(message, 500),
        shorten(f"{code} {error.get('type') or ''} {error.get('status') or ''} {inner}", 300),
        (param.rpartition(".")[2],) if isinstance(param, str) and param else (),
    )


def _status(code: object) -> int:
    number = int(code) if isinstance(code, (int, str)) and str(code).isdecimal() else 0
    return number if 400 <= number < 600 else 200


def _words(error: object) -> str:
    if not isinstance(error, dict):
        return str(error)
    where = ".".join(map(str, error.get("loc") or ()))
    return f"{where}: {error.get('msg') or error.get('message') or error} ({error.get('type', '')})"


def _names(errors: list[Any]) -> Iterator[str]:
    for error in errors:
        place = error.get("loc") if isinstance(error, dict) else None
        if isinstance(place, (list, tuple)):
            yield from (str(name) for name in place if name != "body")
