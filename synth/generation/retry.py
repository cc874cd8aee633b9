"""Pauses between attempts: growing, jittered, and never shorter than the endpoint's Retry-After."""

import email.utils
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random


@dataclass(frozen=True, slots=True)
class Pauses:
    """Exponential back-off with jitter: the pause before retry k (from 0) lies between 50% and 100% of
    `first_s * 2**k`."""

    first_s: float = 0.5
    longest_s: float = 30.0
    asked_longest_s: float = 600.0
    """Longest Retry-After that is honoured; longer ones are cut to this."""
    random: Random = field(default_factory=Random)

    def before_retry(self, retry: int, headers: Mapping[str, str] | None = None) -> float:
        """Seconds to wait."""
        full = min(self.longest_s, self.first_s * 2.0 ** min(retry, 32))
        own = full * (0.5 + 0.5 * self.random.random())
        asked = retry_after_s(headers or {})
        return max(own, min(asked, self.asked_longest_s))


def retry_after_s(headers: Mapping[str, str]) -> float:
    """Seconds that the endpoint asks for: Retry-After in seconds or as a date (RFC 9110, 10.2.3), or
    retry-after-ms; 0 if there is neither."""
    milliseconds, text = headers.get("retry-after-ms", ""), headers.get("retry-after", "").strip()
    for number, unit in ((milliseconds, 0.001), (text, 1.0)):
        try:
            return max(0.0, float(number) * unit)
        except ValueError:
            continue
    date = email.utils.parsedate_tz(text)
    return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else 0.0
