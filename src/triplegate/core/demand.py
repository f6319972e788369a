"""What a call will want of token limits and budgets, as far as that can be known before it is made."""

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from triplegate.core.catalog import Target
    from triplegate.core.exchange import Exchange
    from triplegate.core.usage import Usage

Counted = Literal["input", "output", "total"]
Reservation = Literal["typical", "strict"]
"""How much output is set aside: what such calls mostly write, or all that they may write."""


class Demand(Protocol):
    """Estimates of one call; asked only where a policy claims tokens or money."""

    def tokens(self, dimension: Counted, reservation: Reservation) -> int:
        """Tokens to set aside, at least 1 where the call may use any."""
        ...

    def learn(self, target: "Target", usage: "Usage") -> None:
        """What was really used at `target`: estimates of later calls go by it."""
        ...

    def money(self, target: "Target | None", reservation: Reservation) -> int:
        """Units of 10⁻¹⁰ US dollar to set aside: at `target`, or (None) at the dearest one that may be tried first."""
        ...


def tokens_wanted(exchange: "Exchange", dimension: Counted, reservation: Reservation = "typical") -> int:
    """Tokens that a call will use; 0 where the gate counts none."""
    demand = exchange.demand
    return 0 if demand is None else demand.tokens(dimension, reservation)


def money_wanted(exchange: "Exchange", target: "Target | None", reservation: Reservation = "typical") -> int:
    """Units of money that a call will cost: its gate's estimate, else its own price or its route's for every call."""
    demand = exchange.demand
    if demand is not None:
        return demand.money(target, reservation)
    price = exchange.price
    if price is None:
        price = None if exchange.route is None else exchange.route.price
    return 0 if price is None else price.call
