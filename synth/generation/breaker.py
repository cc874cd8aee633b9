"""A breaker between the stages and an engine: tells an outage from a request that fails on its own.

Place in the flow: `journal.py` sends every request through it. A request that fails after all its retries is
asked again, and has failed for good at the third time if another was answered meanwhile. After `failures` in
a row, or when the `share` of recent requests has failed, it is an outage: one request at a time is sent,
after growing pauses, and all others wait and are asked again. An outage that lasts longer than `patience_s`
ends all of them with an OutageError. The one rule: no request is given up while nothing else is answered,
unless the user says that the engine is well.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from synth.errors import CodemillError, EngineError, OutageError, Problem, RequestRefusedError
from synth.outage_config import OutageConfig

T = TypeVar("T")
Say = Callable[[str], None]
"""Takes one line for people."""

RECENT: Final = 50
TRIES: Final = 3


def ignore_words(_: str) -> None:
    """For callers that show nothing."""


class Breaker:
    """Sends the requests to one engine. `name` is what messages call it: `engine (openai_api)`."""

    def __init__(
        self,
        name: str,
        config: OutageConfig,
        say: Say = ignore_words,
        *,
        is_well: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`is_well`: what fails at three tries has failed, although nothing else is answered."""
        self.name, self._config, self._say, self._clock = name, config, say, clock
        self._is_well = is_well
        self._failures = self._answers = 0
        """In a row, up to now."""
        self._answered = 0
        """In all."""
        self._recent: deque[bool] = deque(maxlen=RECENT)
        self._pause_s = config.first_pause_s
        self._sick_since: float | None = None
        """Start of the outage; None after as many answers in a row as failures make one."""
        self._is_paused = self._is_probing = False
        self._ended: OutageError | None = None
        self._change = asyncio.Event()

    async def ask(self, send: Callable[[], Awaitable[T]]) -> T:
        """What `send` returns. Raises its EngineError if it cannot be retried or has failed for good, and
        OutageError when patience is at an end."""
        tries = answered = 0
        while True:
            if self._is_paused:
                tries = 0
            probes = await self._wait_for_turn()
            if not tries:
                answered = self._answered
            try:
                answer = await send()
            except RequestRefusedError:
                self._note_answer()  # an engine that refuses is there
                raise
            except EngineError as error:
                if not error.retryable:
                    raise
                tries += 1
                self._note_failure(error, probes, counts=tries == 1 or not self._is_well)
                if self._is_paused:
                    continue
                if tries >= TRIES and (self._is_well or self._answered > answered):
                    raise
            else:
                self._note_answer()
                return answer
            finally:
                if probes:
                    self._is_probing = False
                    self._announce()
            await asyncio.sleep(min(self._config.first_pause_s * 2**tries, self._config.longest_pause_s))

    async def _wait_for_turn(self) -> bool:
        """Wait while there is an outage. Returns whether this request is the one that goes first."""
        while self._is_paused:
            if self._ended is not None:
                raise self._ended
            if self._is_probing:
                await self._change.wait()
                continue
            self._is_probing = True
            try:
                await asyncio.sleep(self._pause_s)
            except BaseException:
                self._is_probing = False
                self._announce()
                raise
            return True
        return False

    def _note_failure(self, error: EngineError, probes: bool, counts: bool) -> None:
        """`counts`: as one more in a row. Of an engine that is well, a request counts once."""
        self._failures, self._answers = self._failures + counts, 0
        self._recent.append(True)
        if self._is_paused:
            if probes:
                self._pause_longer(error)
        elif self._is_outage():
            self._is_paused = True
            self._pause_longer(error)

    def _is_outage(self) -> bool:
        most = len(self._recent) == RECENT and sum(self._recent) >= self._config.share * RECENT
        return most or self._failures >= self._config.failures

    def _pause_longer(self, error: EngineError) -> None:
        now, config = self._clock(), self._config
        if self._sick_since is None:
            self._sick_since = now
        else:
            self._pause_s = min(2 * self._pause_s, config.longest_pause_s)
        lasted = now - self._sick_since
        if lasted >= config.patience_s:
            self._ended = outage_error(self.name, lasted, error)
        else:
            self._say(
                f"{self.name} fails: {describe(error)}; asking again in {self._pause_s:.0f} s, giving up in "
                f"{config.patience_s - lasted:.0f} s"
            )
        self._announce()

    def _note_answer(self) -> None:
        self._failures, self._answers, self._answered = 0, self._answers + 1, self._answered + 1
        self._recent.append(False)
        if self._is_paused and self._ended is None:
            self._is_paused = False
            self._recent.clear()
            self._say(f"{self.name} answers again")
        if self._answers >= self._config.failures:
            self._sick_since, self._pause_s = None, self._config.first_pause_s
        self._announce()

    def _announce(self) -> None:
        self._change.set()
        self._change = asyncio.Event()


def outage_error(name: str, seconds: float, error: CodemillError) -> OutageError:
    """The end of a run whose engine or sandbox has failed for so long."""
    return OutageError(
        Problem(
            where=name,
            message=f"has failed for {seconds:.0f} s, and no unit was decided meanwhile. {describe(error)}",
            fix=(
                "mend it, then give the same command again: answered requests are kept. If it is well and "
                "only these requests fail, add --accept-failures"
            ),
            see="docs/architecture/loop.md",
        )
    )


def describe(error: CodemillError) -> str:
    """Where and what, in one line."""
    found = error.problems[0]
    return " ".join(f"{found.where}: {found.message}".split())[:300]
