"""The gateway's own price of a call that is charged by what was moved and counted, known when it ends."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from triplegate.core.money import BYTES, Price
from triplegate.core.usage import Usage

if TYPE_CHECKING:
    from triplegate.core.exchange import Exchange

_NO_TOKENS = Usage().tokens()


def charge_at_end(exchange: "Exchange", price: Price, units: Mapping[str, int]) -> None:
    """Book bytes and `units` at `price` when the exchange ends, beside the price of the call."""
    priced = price.per_unit or {}

    def charge(ended: "Exchange") -> None:
        numbers = ended.numbers
        counted = {name: count for name, count in units.items() if name in priced}
        if BYTES in priced:
            counted[BYTES] = numbers.bytes_in + numbers.bytes_out
        ended.usage.tool_units = msgspec.json.encode(counted, order="sorted").decode() if counted else ""
        numbers.own_cost = numbers.list_cost = price.flat(_NO_TOKENS, ended.usage.tool_units)

    exchange.on_close(charge)
