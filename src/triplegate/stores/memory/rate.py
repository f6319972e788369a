"""A request or token rate as GCRA: one theoretical arrival time (TAT) and the sum of its refunds."""

from triplegate.core.admission import Claim, Limit, Standing
from triplegate.stores.memory.part import Part

FURTHEST = 86_400.0
"""Seconds that a debt may reach beyond the bucket: absurd usage never blocks a caller for longer."""


SLACK = 1e-6
"""Seconds by which a call may come too early: more than doubles lose in a window, and it does not add up."""


def left_of(per_unit: float, depth: float, ahead: float) -> int:
    """Whole units that fit; a microsecond, but at most a hundredth of a unit, is taken for a rounding."""
    if depth <= ahead:
        return 0
    slack = per_unit / 100
    return int((depth - ahead + (slack if slack < SLACK else SLACK)) / per_unit)  # noqa: FURB136 - so often asked


class RateBucket:
    """GCRA in seconds of the monotonic clock; parameters come with each claim, the bucket holds numbers only.

    A double resolves 2 ns after four months of uptime: rates up to some 10⁸ units a second are counted exactly.
    """

    __slots__ = ("limit", "refunds", "tat", "turn", "until")

    def __init__(self) -> None:
        self.limit: Limit | None = None
        """The last one that was found to be countable here."""
        self.turn = 0
        """Of the store's takes, the last one that named it."""
        self.tat = 0.0
        self.refunds = 0.0
        self.until = 0.0
        """Holds may still be settled until then: the bucket is not forgotten before."""

    def wait(self, claim: Claim, amount: int, now: float, wall: float) -> float:
        """0.0 when `amount` fits now, else the seconds until it does."""
        limit = claim.limit
        if limit.quota <= 0:
            return limit.window or 1.0  # type: ignore[return-value]  # rates count in seconds
        ahead = self.tat - now if self.tat > now else 0.0
        cost = amount * limit.per_unit
        missing = ahead + cost - limit.depth
        if missing <= SLACK:
            return 0.0
        if cost > limit.depth + SLACK:  # larger than the bucket: passes when the bucket is full, else it never could
            return ahead if ahead > SLACK else 0.0
        return missing

    def grant(
        self, claim: Claim, amount: int, now: float, wall: float, expires: float, parts: list[Part]
    ) -> Standing | None:
        """`wait`, `take` and `standing` in one step where the amount just fits; None, and nothing taken, where not."""
        limit, before = claim.limit, self.tat
        per_unit, depth = limit.per_unit, limit.depth
        # `max` and `min` are calls, and this is the path of every call: three of them were a fifth of it
        new = (before if before > now else now) + amount * per_unit  # noqa: FURB136
        ahead = new - now
        if ahead > depth or not per_unit:
            return None
        self.tat = new
        if expires > self.until:  # noqa: PLR1730
            self.until = expires
        parts.append(Part(claim, self, amount, expires, 0, before, new, self.refunds, now))
        left = left_of(per_unit, depth, ahead)
        reset = (left + 1) * per_unit - depth + ahead
        return Standing(claim, left, reset if reset > 0.0 else 0.0)  # noqa: FURB136

    def take(self, claim: Claim, amount: int, now: float, expires: float) -> Part:
        """Take without asking; `wait` was 0.0."""
        limit, before = claim.limit, self.tat
        new = max(before, now) + amount * limit.per_unit
        self.tat = new = min(new, now + limit.depth + FURTHEST)
        self.until = max(self.until, expires)
        return Part(claim, self, amount, expires, 0, before, new, self.refunds, now)

    def undo(self, part: Part) -> None:
        """Take back what `take` did in this very call: nobody saw it."""
        self.tat = part.before

    def settle(self, part: Part, actual: int, now: float) -> None:
        """Charge `actual` instead of what was claimed.

        A refund never returns what has leaked out since (reference: bounded settle); more than claimed is a debt.
        """
        amount, limit = part.amount, part.claim.limit
        if actual == amount:
            return
        per_unit = limit.per_unit
        if actual > amount:
            owed = max(self.tat, part.admitted) + (actual - amount) * per_unit
            self.tat = min(owed, now + limit.depth + FURTHEST)
        elif now < part.expires:
            fixed, new = part.fixed, part.new
            used = actual - fixed if actual > fixed else 0
            refund = (amount - fixed - used) * per_unit
            leaked = new - (self.refunds - part.refunds) - now
            charged = new - part.admitted - used * per_unit  # of a claim so large that it was not charged whole
            refund = min(refund, leaked, charged)
            if refund > 0:
                self.tat -= refund
                self.refunds += refund

    def release(self, part: Part, now: float) -> None:
        """Give everything back that can be."""
        self.settle(part, 0, now)

    def lacking(self, part: Part, amount: int, now: float, wall: float) -> int:
        """Units that must be taken so that the part has `amount`."""
        return max(0, amount - part.amount)

    def prolong(self, part: Part, expires: float) -> None:
        """The call is still running."""
        part.expires = expires
        self.until = max(self.until, expires)

    def top_up(self, part: Part, amount: int, now: float) -> None:
        """Take up to `amount`, which fits; what was there before can no longer be refunded."""
        if amount > part.amount:
            more = self.take(part.claim, amount - part.amount, now, part.expires)
            part.fixed, part.amount = part.amount, amount
            part.new, part.refunds, part.admitted = more.new, more.refunds, more.admitted

    def standing(self, claim: Claim, now: float, wall: float, *, denied: bool) -> Standing:
        """Units left now, and the seconds until there is one more."""
        limit = claim.limit
        if limit.quota <= 0:
            return Standing(claim, 0, limit.window, denied)  # type: ignore[arg-type]  # rates count in seconds
        per_unit, depth = limit.per_unit, limit.depth
        ahead = self.tat - now if self.tat > now else 0.0
        left = left_of(per_unit, depth, ahead)
        reset = (left + 1) * per_unit - depth + ahead if ahead else 0.0
        return Standing(claim, left, reset if reset > 0 else 0.0, denied)

    def forgettable(self, now: float) -> bool:
        """A full bucket nobody holds a part of is as good as none."""
        return self.tat <= now and self.until <= now
