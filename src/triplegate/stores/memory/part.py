"""One claim as it was taken: what its bucket needs to correct it later."""

from typing import TYPE_CHECKING

from triplegate.core.admission import Claim

if TYPE_CHECKING:
    from triplegate.stores.memory.holding import HoldingBucket
    from triplegate.stores.memory.rate import RateBucket

LARGEST = 2**53
"""Amounts are cut to 0 … this: what a double counts exactly, 900,719 USD in units of 10⁻¹⁰."""


class Part:
    """A taken claim. `amount` is what is set aside now; `fixed` of it was there before a top-up and stays."""

    __slots__ = ("admitted", "amount", "before", "bucket", "claim", "expires", "fixed", "new", "period", "refunds")

    def __init__(self, claim: Claim, bucket: "RateBucket | HoldingBucket", amount: int, expires: float) -> None:
        self.claim = claim
        self.bucket = bucket
        self.amount = amount
        self.expires = expires
        self.fixed = 0
        self.before = 0.0
        """TAT right before the admission."""
        self.new = 0.0
        """TAT right after the admission."""
        self.refunds = 0.0
        """Sum of the bucket's refunds at the admission."""
        self.admitted = 0.0
        self.period = 0
        """Number of the budget window that was open at the admission."""


def whole_amount(value: object, otherwise: int) -> int:
    """A usable amount: numbers below 0 are 0, what is no whole number is `otherwise`."""
    if type(value) is not int:
        return otherwise
    return 0 if value < 0 else min(value, LARGEST)
