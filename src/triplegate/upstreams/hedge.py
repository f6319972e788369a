"""A second attempt beside one that takes long: the first good head wins, the other is cancelled."""

import asyncio
from collections.abc import Callable, Coroutine
from math import log
from typing import Any

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt
from triplegate.core.policy import HedgeRules
from triplegate.core.ports import Supervisor
from triplegate.upstreams.retries import Failure, RetryBudget, drop

_SHORTEST = 0.0005
_STEP = log(2) / 4  # four buckets to a doubling: the time is known to a fifth
_BUCKETS = 80  # up to ten minutes
_ENOUGH = 20  # answers before which nothing is said
_FADE = 1_000  # answers after which the old ones count half

Run = Callable[[Attempt], Coroutine[Any, Any, Failure]]


class Times:
    """Answer times in buckets that grow; old ones fade."""

    __slots__ = ("_counts", "_total")

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self._total = 0

    def add(self, seconds: float) -> None:
        """An answer began after so long, or was not there by then."""
        place = int(log(seconds / _SHORTEST) / _STEP) + 1 if seconds > _SHORTEST else 0
        self._counts[min(place, _BUCKETS - 1)] += 1
        self._total += 1
        if self._total >= _FADE:
            self._counts = [count // 2 for count in self._counts]
            self._total = sum(self._counts)

    def within(self, share: float) -> float | None:
        """Seconds within which this share of the answers began; None while there are too few."""
        if self._total < _ENOUGH:
            return None
        left = share * self._total
        for place, count in enumerate(self._counts):
            left -= count
            if left <= 0:
                return float(_SHORTEST * 2.0 ** (place / 4))
        return None


class Hedging:
    """What an upstream's hedges go by; kept with its other spares over reloads."""

    __slots__ = ("_now", "_supervisor", "budget", "hedged", "times", "won")

    def __init__(self, supervisor: Supervisor, now: Callable[[], float]) -> None:
        self._supervisor, self._now = supervisor, now
        self.times = Times()
        self.budget = RetryBudget(floor=0.0)
        self.hedged = self.won = 0
        """Second attempts, and those that were first to answer."""

    def wait(self, rules: HedgeRules) -> float | None:
        """Seconds after which a second attempt is begun; None while that is not known."""
        if rules.after is not None:
            return rules.after
        usual = self.times.within(0.95)
        return None if usual is None else max(usual, rules.least)

    async def race(
        self,
        rules: HedgeRules,
        first: Attempt,
        another: Callable[[], Attempt | None],
        run: Run,
        good: Callable[[Failure], bool],
        report: Callable[[Attempt], None] | None,
    ) -> Failure:
        """The first good one of `first` and, if that takes too long, of `another`; else the last of them.

        `report` is told of one that failed while the other went on. Whoever is left when this ends is cancelled.
        """
        began, wait = self._now(), self.wait(rules)
        self.budget.called(began)
        if wait is None:
            found = await run(first)
        else:
            race = Race(self._supervisor, run, self._now)
            try:
                found = await self._run(race, rules, wait, (first, another), good, report)
            finally:
                race.end()
        self.times.add(self._now() - began)
        return found

    async def _run(
        self,
        race: "Race",
        rules: HedgeRules,
        wait: float,
        runners: tuple[Attempt, Callable[[], Attempt | None]],
        good: Callable[[Failure], bool],
        report: Callable[[Attempt], None] | None,
    ) -> Failure:
        first, another = runners
        if not race.start(first):
            return await race.alone(first)
        found = await race.next(wait)
        if found is None:
            second = another() if self.budget.allow(self._now(), rules.budget) else None
            if second is not None and race.start(second):
                self.hedged += 1
            found = await race.next()
        assert found is not None
        if race.running and not good(found):
            if report is not None:
                report(found.attempt)
            drop(found)
            found = await race.next()
            assert found is not None
        if found.attempt is not first and good(found):
            self.won += 1
        return found


class Race:
    """Attempts that run side by side, each in a task of the supervisor's; `end` leaves nothing behind."""

    __slots__ = ("_cancels", "_ended", "_error", "_found", "_now", "_run", "_supervisor", "_waiter", "running")

    def __init__(self, supervisor: Supervisor, run: Run, now: Callable[[], float]) -> None:
        self._supervisor, self._run, self._now = supervisor, run, now
        self._found: list[Failure] = []
        self._error: BaseException | None = None
        self._cancels: dict[int, tuple[Attempt, Callable[[], None]]] = {}
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False
        self.running = 0

    def start(self, attempt: Attempt) -> bool:
        """Run one more; False when there is no room for its task."""
        try:
            cancel = self._supervisor.spawn(self._carry(attempt), "hedged attempt")
        except Refusal:
            attempt.numbers.ended = attempt.started
            return False
        self._cancels[attempt.n] = (attempt, cancel)
        self.running += 1
        return True

    async def alone(self, attempt: Attempt) -> Failure:
        """Without a task: what there is when there is no room."""
        attempt.numbers.ended = 0.0
        return await self._run(attempt)

    async def _carry(self, attempt: Attempt) -> None:
        try:
            found = await self._run(attempt)
        except asyncio.CancelledError:
            if not self._ended:  # not by us: the supervisor ends
                self._error = Refusal("draining", "The gateway is shutting down.", retry_after=1.0)
                self._wake()
            raise
        except BaseException as error:  # noqa: BLE001 - it is raised where the call waits
            self._error = error
        else:
            if self._ended:
                drop(found)
                return
            self._found.append(found)
        self.running -= 1
        self._cancels.pop(attempt.n, None)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def next(self, seconds: float | None = None) -> Failure | None:
        """The next that ended; None when none has within `seconds`. Raises what one of them raised."""
        loop = asyncio.get_running_loop()
        timer = None if seconds is None else loop.call_later(seconds, self._wake)
        try:
            if not self._found and self._error is None:
                self._waiter = loop.create_future()
                await self._waiter
        finally:
            if timer is not None:
                timer.cancel()
        if self._error is not None:
            raise self._error
        return self._found.pop(0) if self._found else None

    def end(self) -> None:
        """Cancel who still runs, and give up what nobody will look at."""
        self._ended = True
        for attempt, cancel in self._cancels.values():
            cancel()
            attempt.numbers.ended = self._now()
            if attempt.hold is not None:
                attempt.hold.release()
        self._cancels.clear()
        for found in self._found:
            drop(found)
