"""One claim as it was taken: what its bucket needs to correct it later."""

from typing import TYPE_CHECKING

import msgspec

from triplegate.core.admission import Claim

if TYPE_CHECKING:
    from triplegate.stores.memory.holding import HoldingBucket
    from triplegate.stores.memory.rate import RateBucket

LARGEST = 2**53
"""Amounts are cut to 0 … this: what a double counts exactly, 900,719 USD in units of 10⁻¹⁰."""


class Part(msgspec.Struct, eq=False):
    """A taken claim. `amount` is what is set aside now; `fixed` of it was there before a top-up and stays."""

    claim: Claim
    bucket: "RateBucket | HoldingBucket"
    amount: int
    expires: float
    fixed: int = 0
    before: float = 0.0
    """TAT right before the admission."""
    new: float = 0.0
    """TAT right after the admission."""
    refunds: float = 0.0
    """Sum of the bucket's refunds at the admission."""
    admitted: float = 0.0
    period: int = 0
    """Number of the budget window that was open at the admission."""


def whole_amount(value: object, otherwise: int) -> int:
    """A usable amount: numbers below 0 are 0, what is no whole number is `otherwise`."""
    if type(value) is not int:
        return otherwise
    if value < 0:
        return 0
    return min(LARGEST, value)
