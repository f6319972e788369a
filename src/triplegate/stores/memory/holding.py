"""Budgets and concurrency: amounts held for calls under way, each with an expiry, and what was spent of a window."""

from triplegate.core.admission import Claim, Limit, Standing
from triplegate.stores.memory.part import Part

ASK_AGAIN = 1.0
"""Seconds after which a refused call may ask for a free place again; nobody knows when one is given back."""


def period_of(limit: Limit, wall: float) -> tuple[int, float]:
    """Number of the window that is open at `wall`, and the seconds until it closes; concurrency has one for ever."""
    if limit.family == "concurrent":
        return 0, 0.0
    number = int(wall // limit.window)
    return number, (number + 1) * limit.window - wall


class HoldingBucket:
    """Spent and held units of one window. A hold that is not settled in time frees itself."""

    __slots__ = ("held", "holds", "period", "soonest", "spent", "until")

    def __init__(self) -> None:
        self.period = -1
        self.spent = 0
        self.held = 0
        self.holds: dict[Part, None] = {}
        self.soonest = 0.0
        """No hold expires before."""
        self.until = 0.0

    def refresh(self, limit: Limit, now: float, wall: float) -> float:
        """Open the window of `wall` (never an earlier one) and drop expired holds; seconds until it closes."""
        number, left = period_of(limit, wall)
        if number > self.period:
            self.period, self.spent, self.held, self.holds = number, 0, 0, {}
        if self.holds and self.soonest <= now:
            for part in [part for part in self.holds if part.expires <= now]:
                self._drop(part)
            self.soonest = min((part.expires for part in self.holds), default=now)
        self.until = max(self.until, now + left)
        return left

    def wait(self, claim: Claim, amount: int, now: float, wall: float) -> float:
        """0.0 when `amount` fits now, else the seconds after which it can."""
        limit = claim.limit
        left = self.refresh(limit, now, wall)
        if self.spent + self.held + amount <= limit.quota:
            return 0.0
        if limit.family == "concurrent":
            return self._until_a_hold_ends(now, ASK_AGAIN)
        if self.spent + amount > limit.quota:
            return left
        return self._until_a_hold_ends(now, left)

    def take(self, claim: Claim, amount: int, now: float, expires: float) -> Part:
        """Hold without asking; `wait` was 0.0."""
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
        if part.claim.limit.family == "budget" and part.period == self.period:
            self.spent += actual

    def release(self, part: Part, now: float) -> None:
        """Give everything back."""
        self._drop(part)

    def lacking(self, part: Part, amount: int, now: float, wall: float) -> int:
        """Units that must be held so that the part has `amount`: all of it when it had expired."""
        self.refresh(part.claim.limit, now, wall)
        if part.period != self.period:
            return 0
        return amount - part.amount if part in self.holds else amount

    def prolong(self, part: Part, expires: float) -> None:
        """The call is still running: a living hold lives on."""
        if part in self.holds:
            part.expires = expires
            self.until = max(self.until, expires)

    def top_up(self, part: Part, amount: int, now: float) -> None:
        """Hold `amount`, which fits; nothing is held in a window that has closed."""
        if part.period != self.period:
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

    def _until_a_hold_ends(self, now: float, at_most: float) -> float:
        return min(at_most, max(0.001, self.soonest - now)) if self.holds else at_most

    def _drop(self, part: Part) -> None:
        if part in self.holds:
            del self.holds[part]
            self.held -= part.amount
