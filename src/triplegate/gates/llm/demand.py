"""What a model call will want: tokens by its size and bound, money at the dearest deployment that is tried first."""

from triplegate.core.catalog import Target
from triplegate.core.demand import Counted, Reservation
from triplegate.core.money import Price
from triplegate.core.usage import Usage
from triplegate.gates.llm.call import LlmCall
from triplegate.gates.llm.metering import estimate, price_for
from triplegate.gates.llm.model import Model

TYPICAL_OUTPUT = 512
"""Tokens set aside for an answer whose like was not seen yet."""


class LlmDemand:
    """The estimates of one call; each is made when it is first asked for."""

    __slots__ = ("_call", "_model")

    def __init__(self, call: LlmCall, model: Model) -> None:
        self._call, self._model = call, model

    def tokens(self, dimension: Counted, reservation: Reservation) -> int:
        """Tokens to set aside; an empty call wants one, too."""
        usage = self._usage(reservation)
        counted = {"input": usage.input_total, "output": usage.output_total, "total": usage.total}[dimension]
        return max(1, counted)

    def money(self, target: Target | None, reservation: Reservation) -> int:
        """Units of money at `target`, or at the dearest deployment of the model."""
        if self._call.endpoint.free:
            return 0
        targets = [one for one, _ in self._model.route.targets] if target is None else [target]
        prices = [price for price in (price_for(one, self._call) for one in targets) if price is not None]
        if not prices:
            return 0
        usage = self._usage(reservation)
        return max([_cost(price, usage) for price in prices])

    def _usage(self, reservation: Reservation) -> Usage:
        call = self._call
        if not call.endpoint.generates:
            output = 0
        elif reservation == "strict":
            output = call.most_output or TYPICAL_OUTPUT
        else:
            output = min(call.most_output or TYPICAL_OUTPUT, TYPICAL_OUTPUT)
        return estimate(call, output, "estimated")


def _cost(price: Price, usage: Usage) -> int:
    return price.cost(usage.tokens(), usage.tool_units)
