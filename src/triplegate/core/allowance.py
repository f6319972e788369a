"""A budget as it is counted: how much may be spent in a window, by whom, and what one call claims of it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import msgspec

from triplegate.core.admission import Claim, Limit
from triplegate.core.calendar import Calendar, Rolling, Window
from triplegate.core.demand import Reservation, money_wanted, tokens_wanted

if TYPE_CHECKING:
    from triplegate.core.catalog import Target
    from triplegate.core.exchange import Exchange

Holder = Literal["key", "consumer", "team", "org", "model", "route", "plan"]
SOFT = (0.5, 0.8, 1.0)
"""Shares of a budget whose crossing is told, where nothing else is said."""


class Allowance(msgspec.Struct, frozen=True):
    """One budget in one place of the configuration, or of one key. Each of its holders has a bucket of its own."""

    label: str
    """Where it stands: `team:acme/web`, or the name that it was given."""
    limit: Limit
    by: Holder
    mode: Literal["enforce", "observe"] = "enforce"
    reservation: Reservation = "typical"
    last: bool = False
    """While anything is left a call may pass, though it may want more than that."""
    soft: tuple[float, ...] = SOFT
    """Shares of it whose crossing is told."""
    cutoff: bool = False
    """Answers that are still being written end when it is spent."""
    ending: str = ""
    """How the names of its buckets end; made by itself."""

    def __post_init__(self) -> None:
        """A budget whose window becomes another one begins anew: the window is part of the name."""
        msgspec.structs.force_setattr(self, "ending", f"|{window_text(self.limit.window)}")

    def claims(self, exchange: "Exchange", target: "Target | None") -> tuple[Claim, ...]:
        """What a call (or, with a target, one attempt there) takes of it; nothing where the call has no price."""
        subject = holder_of(exchange, self.by)
        if subject is None:
            return ()
        demand = exchange.demand
        if self.limit.dimension != "money":
            amount = tokens_wanted(exchange, "total", self.reservation)
        elif demand is not None:
            amount = demand.money(target, self.reservation)
        else:
            amount = money_wanted(exchange, target, self.reservation)
        if amount <= 0:
            return ()
        bucket = f"{self.label}|{subject}{self.ending}"
        return (Claim(bucket, self.limit, amount, self.mode, self.last, self.cutoff),)

    def bucket(self, subject: str) -> str:
        """The bucket of one holder."""
        return f"{self.label}|{subject}{self.ending}"


PARTS: dict[Holder, tuple[str, ...]] = {
    "key": ("key", "org", "team", "consumer"),
    "consumer": ("org", "team", "consumer"),
    "team": ("org", "team"),
    "org": ("org",),
    "model": ("gate", "route"),
    "route": ("gate", "route"),
    "plan": ("plan",),
}
"""What the ledger must say of a call so that one knows whose it was."""


def holder_named(by: Holder, parts: Mapping[str, str]) -> str | None:
    """The holder of a call of which the ledger says `parts`; the same name as `holder_of` has for it."""
    if by == "model":
        return parts["route"] if parts["gate"] == "llm" else None
    if by == "route":
        return f"{parts['gate']}:{parts['route']}"
    if by == "plan":
        return parts["plan"] or None
    if by == "key" and parts["key"]:
        return parts["key"]
    names = ("org", "team", "consumer") if by == "key" else PARTS[by]
    return "/".join([parts[name] for name in names])


def holder_of(exchange: "Exchange", by: Holder) -> str | None:
    """Who spends; None where the call is nothing of that kind."""
    if by == "route" or by == "model":
        if exchange.route is None or (by == "model" and exchange.gate.name != "llm"):
            return None
        return exchange.route.name if by == "model" else f"{exchange.gate.name}:{exchange.route.name}"
    principal = exchange.principal
    if principal is None:
        return None
    if by == "team":
        return principal.team_ref
    if by == "org":
        return principal.org
    if by == "plan":
        return principal.plan or None
    if by == "key" and principal.key_id:
        return principal.key_id
    return f"{principal.team_ref}/{principal.consumer}"


def window_text(window: Window) -> str:
    """A window in a word: month, quarter:4 (years begin in April), 30d."""
    if isinstance(window, Calendar):
        return window.unit if window.fiscal_start == 1 else f"{window.unit}:{window.fiscal_start}"
    return _span(window.length if isinstance(window, Rolling) else window)


def _span(seconds: float) -> str:
    for length, letter in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= length and seconds % length == 0:
            return f"{int(seconds // length)}{letter}"
    return f"{seconds:g}s"
