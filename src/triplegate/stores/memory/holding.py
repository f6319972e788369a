"""Budgets and concurrency: amounts held for calls under way, each with an expiry, and what was spent of a window."""

from math import inf
from typing import NamedTuple

from triplegate.core.admission import Claim, Limit, Standing
from triplegate.core.calendar import Calendar, Rolling
from triplegate.stores.memory.part import Part

ASK_AGAIN = 1.0
"""Seconds after which a refused call may ask for a free place again; nobody knows when one is given back."""


class Period(NamedTuple):
    """A window, or a slice of a rolling one, in Unix seconds."""

    number: int
    begin: float
    end: float


def period_of(limit: Limit, wall: float) -> Period:
    """The one that is open at `wall`; concurrency has one for ever."""
    if limit.family == "concurrent":
        return _FOR_EVER
    window = limit.window
    if isinstance(window, Calendar | Rolling):
        return Period(*window.at(wall))
    number = int(wall // window)
    return Period(number, number * window, (number + 1) * window)


_FOR_EVER = Period(0, -inf, inf)


class HoldingBucket:
    """Spent and held units of one window. A hold that is not settled in time frees itself."""

    __slots__ = (
        "_begin",
        "_end",
        "_opened",
        "_seen",
        "held",
        "holds",
        "limit",
        "period",
        "slices",
        "soonest",
        "spent",
        "turn",
        "until",
    )

    def __init__(self) -> None:
        self.limit: Limit | None = None
        """The last one that was found to be countable here."""
        self._opened: Limit | None = None
        """Whose window was looked up last, and from when to when it is the same: days are not reckoned each time."""
        self._begin = self._end = 0.0
        self._seen = -inf
        """When that was, in monotonic seconds: whoever asks twice in an instant finds nothing new."""
        self.turn = 0
        """Of the store's takes, the last one that named it."""
        self.period = -1
        self.spent = 0
        self.held = 0
        self.holds: dict[Part, None] = {}
        self.soonest = 0.0
        """No hold expires before."""
        self.until = 0.0
        self.slices: dict[int, int] = {}
        """What was spent in each slice of a rolling window, the oldest first where it matters."""

    def refresh(self, limit: Limit, now: float, wall: float) -> float:
        """Open the window of `wall` (never an earlier one) and drop expired holds; seconds until it closes."""
        if limit is not self._opened or not self._begin <= wall < self._end:
            self._open(limit, wall)
        elif now == self._seen:
            return self._end - wall if self._end < inf else 0.0
        self._seen = now
        if self.holds and self.soonest <= now:
            for part in [part for part in self.holds if part.expires <= now]:
                self._drop(part)
            self.soonest = min((part.expires for part in self.holds), default=now)
        left = self._end - wall if self._end < inf else 0.0
        until = now + left if type(limit.window) is not Rolling else now + left + limit.window.length
        self.until = max(self.until, until)
        return left

    def _open(self, limit: Limit, wall: float) -> None:
        number, self._begin, self._end = period_of(limit, wall)
        self._opened = limit
        if number <= self.period:
            return
        if type(limit.window) is Rolling:
            self._roll(limit.window.first(number))
        else:
            self.spent, self.held, self.holds = 0, 0, {}
        self.period = number

    def wait(self, claim: Claim, amount: int, now: float, wall: float) -> float:
        """0.0 when `amount` fits now, else the seconds after which it can."""
        limit = claim.limit
        left = self.refresh(limit, now, wall)
        if self.spent + self.held + amount <= limit.quota:
            return 0.0
        if limit.family == "concurrent":
            return self._until_a_hold_ends(now, ASK_AGAIN)
        if claim.last and self.spent + self.held < limit.quota:
            return 0.0
        if self.spent + amount > limit.quota:
            return left if type(limit.window) is not Rolling else self._until_it_leaves(limit, amount, left)
        return self._until_a_hold_ends(now, left)

    def grant(
        self, claim: Claim, amount: int, now: float, wall: float, expires: float, parts: list[Part]
    ) -> Standing | None:
        """`wait`, `take` and `standing` in one step where the amount just fits; None, and nothing taken, where not."""
        limit, holds = claim.limit, self.holds
        if limit is self._opened and self._begin <= wall < self._end and (self.soonest > now or not holds):
            left = self._end - wall  # as `refresh` would find it
        else:
            left, holds = self.refresh(limit, now, wall), self.holds
        remaining = limit.quota - self.spent - self.held - amount
        if remaining < 0:
            return None
        if not holds or expires < self.soonest:
            self.soonest = expires
        part = Part(claim, self, amount, expires, 0, 0.0, 0.0, 0.0, 0.0, self.period)
        parts.append(part)
        holds[part] = None
        self.held += amount
        if expires > self.until:  # noqa: PLR1730 - `max` costs a call of every call
            self.until = expires
        if limit.family == "concurrent":
            left = ASK_AGAIN
        until = self.soonest - now
        return Standing(claim, remaining, left if until > left else max(0.001, until))

    def take(self, claim: Claim, amount: int, now: float, expires: float) -> Part:
        """Hold without asking; `wait` was 0.0, or the claim is only observed."""
        if claim.last:
            amount = min(amount, max(0, claim.limit.quota - self.spent - self.held))
        part = Part(claim, self, amount, expires, period=self.period)
        if not self.holds or expires < self.soonest:
            self.soonest = expires
        self.holds[part] = None
        self.held += amount
        self.until = max(self.until, expires)
        return part

    def undo(self, part: Part) -> None:
        """Take back what `take` did in this very call."""
        self._drop(part)

    def settle(self, part: Part, actual: int, now: float) -> None:
        """Spend `actual` in the window of the admission; a place is simply given back. Late is not too late."""
        if part in self.holds:  # as `_drop` does it
            del self.holds[part]
            self.held -= part.amount
        limit = part.claim.limit
        if limit.family == "budget":
            self.spend(limit, part.period, actual)

    def spend(self, limit: Limit, period: int, amount: int) -> bool:
        """Spend (or, below 0, give back) in a window; False when that one is over."""
        if period != self.period and not self.counts(limit, period):
            return False
        self.spent = max(0, self.spent + amount)
        if type(limit.window) is Rolling:
            self.slices[period] = max(0, self.slices.get(period, 0) + amount)
        return True

    def release(self, part: Part, now: float) -> None:
        """Give everything back."""
        self._drop(part)

    def lacking(self, part: Part, amount: int, now: float, wall: float) -> int:
        """Units that must be held so that the part has `amount`: all of it when it had expired."""
        self.refresh(part.claim.limit, now, wall)
        if not self.counts(part.claim.limit, part.period):
            return 0
        return amount - part.amount if part in self.holds else amount

    def prolong(self, part: Part, expires: float) -> None:
        """The call is still running: a living hold lives on."""
        if part in self.holds:
            part.expires = expires
            self.until = max(self.until, expires)

    def top_up(self, part: Part, amount: int, now: float) -> None:
        """Hold `amount`, which fits; nothing is held in a window that has closed."""
        if not self.counts(part.claim.limit, part.period):
            return
        self.held += amount - part.amount if part in self.holds else amount
        self.soonest = min(self.soonest, part.expires) if self.holds else part.expires
        self.holds[part] = None
        part.amount = amount

    def standing(self, claim: Claim, now: float, wall: float, *, denied: bool) -> Standing:
        """Units neither spent nor held, and the seconds until there may be more."""
        limit = claim.limit
        left = self.refresh(limit, now, wall)
        remaining = max(0, limit.quota - self.spent - self.held)
        if not self.spent and not self.held:
            return Standing(claim, remaining, 0.0, denied)
        until = self._until_a_hold_ends(now, ASK_AGAIN if limit.family == "concurrent" else left)
        return Standing(claim, remaining, until, denied)

    def forgettable(self, now: float) -> bool:
        """The window is over and every hold has expired."""
        return self.until <= now

    def counts(self, limit: Limit, period: int) -> bool:
        """Whether what was admitted in `period` counts in what is open now."""
        if type(limit.window) is Rolling:
            return period >= limit.window.first(self.period)
        return period == self.period

    def _roll(self, first: int) -> None:
        """Let slices before `first` go."""
        for number in [number for number in self.slices if number < first]:
            self.spent -= self.slices.pop(number)

    def _until_it_leaves(self, limit: Limit, amount: int, left: float) -> float:
        """Seconds until so many of the oldest slices are gone that `amount` fits; at most until all are."""
        window = limit.window
        assert isinstance(window, Rolling)
        over, last = self.spent + amount - limit.quota, window.first(self.period)
        for number in sorted(self.slices):
            last, over = number, over - self.slices[number]
            if over <= 0:
                break
        return left + (last - window.first(self.period)) * window.slice

    def _until_a_hold_ends(self, now: float, at_most: float) -> float:
        return min(at_most, max(0.001, self.soonest - now)) if self.holds else at_most

    def _drop(self, part: Part) -> None:
        if part in self.holds:
            del self.holds[part]
            self.held -= part.amount
