"""What a run has spent, over all its processes: tokens by role, money by the recipe's prices, and hours.

Place in the flow: the session watches its engines through it. The one rule: tokens are counted from the
journals, which hold everything that was paid for, so no total is lost with a process.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from synth.config import Recipe
from synth.errors import BudgetSpentError, Problem
from synth.generation.journal import JournalledEngine
from synth.generation.ledger import Usage
from synth.spending_config import BudgetConfig, PriceConfig

HOURS = Path("logs", "hours.jsonl")
"""In the run folder: how long each process has worked so far. The last line of a process counts."""
_NOTE_EVERY_S = 30.0


class Spending:
    """The account of a run. As long as its budget lasts, `admit` returns."""

    def __init__(self, recipe: Recipe, run: Path, clock: Callable[[], float] = time.time) -> None:
        self._budget = recipe.budget or BudgetConfig()
        self._prices = recipe.prices
        self._log, self._clock = run / HOURS, clock
        self._earlier_s = sum(_read_hours(self._log).values())
        self._started = self._noted = clock()
        self._engines: dict[str, JournalledEngine] = {}

    def watch(self, role: str, engine: JournalledEngine) -> None:
        """Count what this engine spends, and let it spend no more than the budget."""
        self._engines[role] = engine
        engine.admit = self.admit

    def admit(self) -> None:
        """Called before each call of an engine. Raises BudgetSpentError when a limit is reached."""
        if self._clock() - self._noted > _NOTE_EVERY_S:
            self.note_time()
        for problem in self._spent():
            raise BudgetSpentError(problem)

    def note_time(self) -> None:
        """Write down how long this process has worked."""
        self._noted = self._clock()
        self._log.parent.mkdir(exist_ok=True)
        with self._log.open("a", encoding="utf-8") as lines:
            line = {"process": self._started, "seconds": round(self._noted - self._started, 3)}
            lines.write(json.dumps(line) + "\n")

    def figures(self) -> dict[str, dict[str, float]]:
        """Tokens by role, and dollars where the recipe has prices."""
        return {
            role: usage_figures(engine.usage, self._price(role)) for role, engine in self._engines.items()
        }

    def _price(self, role: str) -> PriceConfig | None:
        return self._prices.of_role(role)

    def _spent(self) -> Iterator[Problem]:
        """What is spent, if anything is."""
        budget, usages = self._budget, {role: engine.usage for role, engine in self._engines.items()}
        if budget.tokens is not None:
            tokens = sum(usage.prompt_tokens + usage.completion_tokens for usage in usages.values())
            if tokens >= budget.tokens:
                yield _problem("tokens", f"{tokens:,} of {budget.tokens:,} tokens")
        if budget.usd is not None:
            usd = sum(price_of(usage, self._price(role)) or 0.0 for role, usage in usages.items())
            if usd >= budget.usd:
                yield _problem("usd", f"${usd:,.2f} of ${budget.usd:,.2f}")
        if budget.hours is not None:
            hours = (self._earlier_s + self._clock() - self._started) / 3600
            if hours >= budget.hours:
                yield _problem("hours", f"{hours:.2f} of {budget.hours:g} hours")


def usage_figures(usage: Usage, price: PriceConfig | None) -> dict[str, float]:
    """One role's line of figures."""
    figures: dict[str, float] = {
        "prompt_tokens": usage.prompt_tokens,
        "cached_tokens": usage.cached_tokens,
        "completion_tokens": usage.completion_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    }
    usd = price_of(usage, price)
    return figures | ({"usd": round(usd, 6)} if usd is not None else {})


def price_of(usage: Usage, price: PriceConfig | None) -> float | None:
    """US dollars; None without a price."""
    if price is None:
        return None
    cached = price.input if price.cached_input is None else price.cached_input
    fresh = usage.prompt_tokens - usage.cached_tokens
    return (fresh * price.input + usage.cached_tokens * cached + usage.completion_tokens * price.output) / 1e6


def _problem(key: str, spent: str) -> Problem:
    return Problem(
        where=f"budget.{key}",
        message=f"is spent: {spent}. What was asked is answered and stored",
        fix=f"raise budget.{key}, then rerun the same command: it goes on where it stopped",
        see="docs/recipes.md",
    )


def _read_hours(log: Path) -> dict[float, float]:
    """Seconds of each process. A line that a crash cut is skipped."""
    found: dict[float, float] = {}
    lines = log.read_text("utf-8").splitlines() if log.exists() else []
    for text in lines:
        with suppress(ValueError, KeyError, TypeError):
            line = json.loads(text)
            found[float(line["process"])] = float(line["seconds"])
    return found
