"""Budgets and concurrency: amounts held for calls under way, each with an expiry, and what was spent of a window."""

from triplegate.core.admission import Claim, Limit, Standing
from triplegate.core.calendar import Calendar, Rolling
from triplegate.stores.memory.part import Part

ASK_AGAIN = 1.0
"""Seconds after which a refused call may ask for a free place again; nobody knows when one is given back."""


def period_of(limit: Limit, wall: float) -> tuple[int, float]:
    """Number of the window that is open at `wall`, and the seconds until it closes; concurrency has one for ever."""
    if limit.family == "concurrent":
        return 0, 0.0
    window = limit.window
    if isinstance(window, Calendar | Rolling):
        number, _, end = window.at(wall)
        return number, end - wall
    number = int(wall // window)
    return number, (number + 1) * window - wall


class HoldingBucket:
    """Spent and held units of one window. A hold that is not settled in time frees itself."""

    __slots__ = ("held", "holds", "period", "slices", "soonest", "spent", "until")

    def __init__(self) -> None:
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
        number, left = period_of(limit, wall)
        rolling = limit.window if type(limit.window) is Rolling else None
        if number > self.period:
            if rolling is None:
                self.period, self.spent, self.held, self.holds = number, 0, 0, {}
            else:
                self._roll(rolling.first(number))
                self.period = number
        if self.holds and self.soonest <= now:
            for part in [part for part in self.holds if part.expires <= now]:
                self._drop(part)
            self.soonest = min((part.expires for part in self.holds), default=now)
        self.until = max(self.until, now + left + (rolling.length if rolling is not None else 0.0))
        return left

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

    def take(self, claim: Claim, amount: int, now: float, expires: float) -> Part:
        """Hold without asking; `wait` was 0.0, or the claim is only observed."""
        if claim.last:
            amount = min(amount, max(0, claim.limit.quota - self.spent - self.held))
        part = Part(claim, self, amount, expires)
        part.period = self.period
        self.soonest = min(self.soonest, expires) if self.holds else expires
        self.holds[part] = None
        self.held += amount
        self.until = max(self.until, expires)
        return part

    def undo(self, part: Part) -> None:
        """Take back what `take` did in this very call."""
        self._drop(part)

    def settle(self, part: Part, actual: int, now: float) -> None:
        """Spend `actual` in the window of the admission; a place is simply given back. Late is not too late."""
        self._drop(part)
        if part.claim.limit.family == "budget":
            self.spend(part.claim.limit, part.period, actual)

    def spend(self, limit: Limit, period: int, amount: int) -> bool:
        """Spend (or, below 0, give back) in a window; False when that one is over."""
        if not self.counts(limit, period):
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
