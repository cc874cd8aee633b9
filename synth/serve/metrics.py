"""What the server counts, as the text that Prometheus reads.

Place in the flow: the endpoints count here, `/metrics` shows it. The one rule: a fixed set of names and
labels, so that the page does not grow with what clients send.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


@dataclass(slots=True)
class Histogram:
    """Durations in seconds, by bucket."""

    counts: list[int] = field(default_factory=lambda: [0] * len(BUCKETS_S))
    count: int = 0
    total_s: float = 0.0

    def add(self, seconds: float) -> None:
        self.count += 1
        self.total_s += seconds
        for at, bound in enumerate(BUCKETS_S):
            if seconds <= bound:
                self.counts[at] += 1

    def lines(self, name: str, labels: str) -> list[str]:
        """In the text format: buckets are cumulative."""
        pairs = [*zip(map(str, BUCKETS_S), self.counts, strict=True), ("+Inf", self.count)]
        found = [f'{name}_bucket{{{labels},le="{bound}"}} {count}' for bound, count in pairs]
        return [
            *found,
            f"{name}_sum{{{labels}}} {self.total_s:.6f}",
            f"{name}_count{{{labels}}} {self.count}",
        ]


class Metrics:
    """The counters of one server."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        """By endpoint and HTTP status; status 0 is a client that went away."""
        self.programs: Counter[tuple[str, str]] = Counter()
        """By endpoint and how the program ended."""
        self.seconds = {"/run_code": Histogram(), "/verify": Histogram()}

    @property
    def faults(self) -> int:
        """Programs that could not be judged through a fault of ours."""
        return sum(
            count
            for (_, outcome), count in self.programs.items()
            if outcome in ("infrastructure", "SandboxError")
        )

    def text(self, gauges: Mapping[str, float]) -> str:
        """The whole page."""
        lines = _family(
            "codemill_requests_total", "counter", "Requests by endpoint and status, 0 if the client left."
        )
        lines += [
            f'codemill_requests_total{{path="{path}",status="{status}"}} {count}'
            for (path, status), count in sorted(self.requests.items())
        ]
        lines += _family("codemill_programs_total", "counter", "Programs by endpoint and how they ended.")
        lines += [
            f'codemill_programs_total{{path="{path}",outcome="{outcome}"}} {count}'
            for (path, outcome), count in sorted(self.programs.items())
        ]
        lines += _family(
            "codemill_faults_total", "counter", "Programs that say nothing, by a fault of the server."
        )
        lines.append(f"codemill_faults_total {self.faults}")
        lines += _family("codemill_program_seconds", "histogram", "From a program's arrival to its answer.")
        for path, histogram in self.seconds.items():
            lines += histogram.lines("codemill_program_seconds", f'path="{path}"')
        for name, value in gauges.items():
            lines += [*_family(name, "gauge", "Now."), f"{name} {value:g}"]
        return "\n".join(lines) + "\n"


def _family(name: str, kind: str, about: str) -> list[str]:
    return [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
