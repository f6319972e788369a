"""Claims as arguments of the scripts, and the scripts' answers as standings."""

from typing import Any

from triplegate.core.admission import Claim, Limit, Standing
from triplegate.core.calendar import Calendar, Rolling
from triplegate.stores.memory.admission import bucket_kind
from triplegate.stores.memory.part import LARGEST
from triplegate.stores.redis.pipeline import Argument

_MOST_LIMITS = 10_000
_DAYS = {"day": 1, "week": 7, "month": 30, "quarter": 91, "year": 365}
"""How the scripts tell units of the calendar apart."""


class Packer:
    """Writes claims; what depends on the limit alone is written once."""

    __slots__ = ("_limits", "_prefix", "key_space", "mark")

    def __init__(self, namespace: str) -> None:
        # One hash tag for all: the keys of one request must lie in one slot of a cluster.
        self.key_space = namespace
        self._prefix = "{" + namespace + "}:a:"
        self.mark = "{" + namespace + "}:budgets"
        """Key that says that what was spent of budgets is known here."""
        self._limits: dict[Limit, tuple[bytes, int, int, int]] = {}

    def limit(self, claim: Claim) -> tuple[bytes, int, int, int]:
        """Family letter, quota, window and burst as the scripts read them.

        Raises Refusal policy_unavailable for what nobody counts.
        """
        known = self._limits.get(claim.limit)
        if known is None:
            bucket_kind(claim)
            limit = claim.limit
            if len(self._limits) >= _MOST_LIMITS:
                self._limits.clear()
            known = (limit.family[0].encode(), limit.quota, *_window(limit))
            self._limits[limit] = known
        return known

    def key(self, claim: Claim) -> str:
        """The bucket's key; the family stands in it, so that a limit that changes its family starts anew."""
        return f"{self._prefix}{claim.limit.family[0]}:{claim.bucket}"

    def claims(self, claims: tuple[Claim, ...]) -> tuple[list[Argument], list[Argument]]:
        """Keys and arguments of `take` and `peek`."""
        keys: list[Argument] = []
        arguments: list[Argument] = []
        for claim in claims:
            family, quota, window, burst = self.limit(claim)
            keys.append(self.key(claim))
            amount = claim.amount
            arguments += (family, mode_of(claim), quota, window, burst, min(amount, LARGEST) if amount > 0 else 0)
        return keys, arguments


def mode_of(claim: Claim) -> int:
    """1 enforced, 0 observed, 2 passes while anything is left."""
    if claim.mode != "enforce":
        return 0
    return 2 if claim.last else 1


def _window(limit: Limit) -> tuple[int, int]:
    window = limit.window
    if isinstance(window, Calendar):
        return -_DAYS[window.unit], window.fiscal_start
    if isinstance(window, Rolling):
        return round(window.slice * 1e6), window.slices
    return round(window * 1e6), limit.burst if limit.family == "rate" else 0


def standings_of(claims: tuple[Claim, ...], answer: list[Any]) -> tuple[Standing, ...]:
    """How the buckets stand by the answer of `take` or `peek`."""
    refused = not answer[0]
    standings = []
    at = 2
    for claim in claims:
        denied = answer[at + 2] > 0 and (not refused or claim.mode == "enforce")
        standings.append(Standing(claim, answer[at], answer[at + 1] / 1e6, denied))
        at += 4
    return tuple(standings)
