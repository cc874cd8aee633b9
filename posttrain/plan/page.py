"""A plan in the terminal: a line for each phase, and what its figures rest on.

Place in the flow: `forecast` -> here -> the terminal. The one rule: a bound has a sign, an estimate has
another, and what is not known is a question mark; the words below the table say why.
"""

from collections.abc import Callable, Iterator

from posttrain.plan.amounts import Amount, Sureness
from posttrain.plan.forecast import Forecast, PlannedPhase

HEADS = (
    "phase",
    "rows",
    "steps",
    "calls",
    "tokens in",
    "tokens out",
    "memory",
    "disk",
    "states",
    "time",
    "US$",
)
NUMBERS = HEADS[1:]
KEY = "no sign: exact    ≤ at most    ~ an estimate    ? not known"
_SIGNS: dict[Sureness, str] = {"exact": "", "at most": "≤ ", "estimate": "~ ", "unknown": "? "}
_UNITS = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def rows_of(forecast: Forecast) -> list[list[str]]:
    """The cells of the table."""
    return [_row(phase) for phase in forecast.phases]


def _row(phase: PlannedPhase) -> list[str]:
    rows = _count(phase.rows)
    if phase.held_out is not None and phase.held_out.value:
        rows += f" + {_count(phase.held_out)} held out"
    return [
        f"{f'round {phase.round}, ' if phase.round else ''}{phase.name}",
        rows,
        _count(phase.steps),
        _count(phase.calls),
        _count(phase.trained_tokens or phase.prompt_tokens),
        _count(phase.completion_tokens),
        _bytes(phase.memory),
        _bytes(phase.disk),
        f"{_count(phase.states)} ({_bytes(phase.disk_while)})" if phase.states is not None else "",
        _time(phase.seconds),
        _money(phase.usd),
    ]


def words_of(forecast: Forecast) -> Iterator[str]:
    """What the estimates rest on, each sentence once, and the notes."""
    said: dict[str, None] = {}
    for phase in forecast.phases:
        for name in PlannedPhase.model_fields:
            amount = getattr(phase, name)
            if isinstance(amount, Amount) and amount.basis:
                said.setdefault(f"{name.replace('_', ' ')}: {amount.basis}")
    yield from said
    yield from forecast.notes


def _count(amount: Amount | None) -> str:
    return _shown(amount, lambda value: f"{value:,.0f}")


def _bytes(amount: Amount | None) -> str:
    return _shown(amount, in_bytes)


def in_bytes(value: float) -> str:
    """1.5 GB; the unit is a power of ten."""
    return next((f"{value / size:.3g} {unit}" for unit, size in _UNITS if value >= size), f"{value:.0f} B")


def _time(amount: Amount | None) -> str:
    return _shown(amount, in_time)


def in_time(seconds: float) -> str:
    """3 h 5 min, 5 min or 12 s."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _money(amount: Amount | None) -> str:
    return _shown(amount, lambda value: f"{value:,.2f}")


def _shown(amount: Amount | None, write: Callable[[float], str]) -> str:
    if amount is None:
        return ""
    if amount.value is None:
        return "?"
    return _SIGNS[amount.sureness] + write(amount.value)
