"""Pauses between attempts: growing, jittered, and never shorter than what the endpoint asks for."""

import email.utils
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_LIMITS = (
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ("ratelimit-remaining", "ratelimit-reset"),
)
"""What is left of a limit, and when it is full again."""


@dataclass(frozen=True, slots=True)
class Pauses:
    """Exponential back-off with jitter: the pause before retry k (from 0) lies between 50% and 100% of
    `first_s * 2**k`."""

    first_s: float = 0.5
    longest_s: float = 30.0
    asked_longest_s: float = 600.0
    """Longest wait on request that is honoured; longer ones are cut to this."""
    patience_s: float = 300.0
    """Seconds that one call waits in all for a rate limit, before that counts as a failed attempt."""
    random: Random = field(default_factory=Random)

    def before_retry(self, retry: int, asked_s: float = 0.0) -> float:
        """Seconds to wait."""
        full = min(self.longest_s, self.first_s * 2.0 ** min(retry, 32))
        own = full * (0.5 + 0.5 * self.random.random())
        return max(own, min(asked_s, self.asked_longest_s))


def asked_pause_s(headers: Mapping[str, str]) -> float:
    """Seconds that a refusal asks the caller to wait: its Retry-After, else until its limit is full again."""
    return retry_after_s(headers) or rate_limit_reset_s(headers)


def retry_after_s(headers: Mapping[str, str]) -> float:
    """Seconds that the endpoint asks for: Retry-After in seconds or as a date (RFC 9110, 10.2.3), or
    retry-after-ms; 0 if there is neither."""
    milliseconds, text = headers.get("retry-after-ms", ""), headers.get("retry-after", "").strip()
    for number, unit in ((milliseconds, 0.001), (text, 1.0)):
        try:
            return _sound(float(number) * unit)
        except ValueError:
            continue
    date = email.utils.parsedate_tz(text)
    return _sound(email.utils.mktime_tz(date) - time.time()) if date else 0.0


def rate_limit_reset_s(headers: Mapping[str, str]) -> float:
    """Seconds until a limit of which nothing is left is full again; 0 if no header says so."""
    longest = 0.0
    for remaining, reset in _LIMITS:
        if headers.get(remaining) in ("0", "0.0"):
            longest = max(longest, _until(headers.get(reset, "")))
    return longest


def _until(text: str) -> float:
    """Seconds from now to a moment: `6m0s`, seconds, a moment since 1970 in seconds or milliseconds, or a
    date."""
    text, now = text.strip(), time.time()
    parts = _DURATION.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return _sound(sum(float(number) * _UNITS[unit] for number, unit in parts))
    try:
        number = float(text)
    except ValueError:
        pass
    else:
        return _sound(number if number < 1e8 else (number / 1000 if number > 1e11 else number) - now)
    try:
        return _sound(datetime.fromisoformat(text).timestamp() - now)
    except ValueError:
        return 0.0


def _sound(seconds: float) -> float:
    """Never negative, endless or no number."""
    return seconds if 0 <= seconds < 1e9 else 0.0
