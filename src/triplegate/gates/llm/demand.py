"""What a model call will want: tokens by its bytes and bound, corrected by what providers counted of others before."""

from collections.abc import Iterable

from triplegate.core.catalog import Target
from triplegate.core.demand import Counted, Reservation
from triplegate.core.identity import Principal
from triplegate.core.learned import Learned
from triplegate.core.money import Price
from triplegate.core.usage import Usage
from triplegate.gates.llm.call import LlmCall
from triplegate.gates.llm.metering import price_for
from triplegate.gates.llm.model import Model
from triplegate.gates.llm.sizing import defines, raw_tokens

TYPICAL_OUTPUT = 512
"""Tokens set aside for an answer whose like was not seen yet."""
LONGEST_OUTPUT = 16_384
"""Tokens that an answer without a bound is taken to have at most, where its model holds as many."""


class LlmDemand:
    """The estimates of one call; each is made when it is first asked for."""

    __slots__ = ("_behind", "_call", "_caller", "_input", "_learned", "_model", "_named", "_usual")

    def __init__(
        self, call: LlmCall, model: Model, learned: Learned, caller: Principal, behind: tuple[Model, ...] = ()
    ) -> None:
        """`behind`: other models that may answer it."""
        self._call, self._model, self._learned, self._caller, self._behind = call, model, learned, caller, behind
        self._input = 0
        """As it is set aside; 0: nobody asked yet."""
        self._usual = 0
        """What such calls mostly write; 0: nobody asked yet."""
        self._named: tuple[Target, str] | None = None
        """The deployment that was asked for last, and its name."""

    def tokens(self, dimension: Counted, reservation: Reservation) -> int:
        """Tokens to set aside; an empty call wants one, too, and one that is free none."""
        call = self._call
        if call.endpoint.free:
            return 0
        if call.endpoint.asked is not None:
            usage = call.endpoint.asked(call.look)
            return max(1, {"input": usage.input_total, "output": usage.output_total, "total": usage.total}[dimension])
        counted = 0 if dimension == "output" else self._input or self.input()
        if dimension != "input":
            counted += self._output(reservation)
        return max(1, counted)

    def money(self, target: Target | None, reservation: Reservation) -> int:
        """Units of money at `target`, or at the dearest deployment of the model; at least 1 where any may be spent."""
        call = self._call
        if call.endpoint.free:
            return 0
        prices = self._prices(self._model) if target is None else self._known([(target, 1)])
        units = self._dearest(prices, reservation) if prices else 0
        if units <= 0 and target is None:
            prices = [*prices, *[one for model in self._behind for one in self._prices(model)]]
        return units if units > 0 else int(any(price.costs for price in prices))

    def _prices(self, model: Model) -> list[Price]:
        """Of a model that the caller may use."""
        return self._known(model.route.targets) if model.open_to(self._caller) else []

    def _known(self, targets: Iterable[tuple[Target, int]]) -> list[Price]:
        found = []
        for target, _ in targets:
            price = price_for(target, self._call)
            if price is not None:
                found.append(price)
        return found

    def _dearest(self, prices: list[Price], reservation: Reservation) -> int:
        call = self._call
        if call.endpoint.asked is not None:
            usage = call.endpoint.asked(call.look)
            return max([price.cost(usage.tokens(), usage.tool_units) for price in prices])
        read, written = self._input or self.input(), self._output(reservation)
        return (
            max([price.plain(read, written) for price in prices]) if len(prices) > 1 else prices[0].plain(read, written)
        )

    def input(self) -> int:
        """Input tokens with a margin for the estimate's own error."""
        if not self._input:
            self._input = self._call.exact_tokens or self._corrected(sure=True)
        return self._input

    def count(self) -> int:
        """Input tokens without any margin: what a caller is told who only asks how many there are."""
        return self._call.exact_tokens or self._corrected(sure=False)

    def _corrected(self, *, sure: bool) -> int:
        """At the deployment that counts most of them."""
        raw, most = self._call.raw_tokens or raw_tokens(self._call), 0
        for target, _ in self._model.route.targets:
            most = max(most, self._learned.corrected(self._name(target), raw, sure=sure))
        return most or max(1, round(raw))

    def learn(self, target: Target, usage: Usage) -> None:
        """What a provider counted, of a call that was estimated before."""
        call = self._call
        if not self._input or usage.source != "provider":
            return
        if not usage.tool_units and not usage.audio_in and not usage.image_in:
            self._learned.learn_input(self._name(target), raw_tokens(call), usage.input_total)
        if call.endpoint.generates:
            self._learned.learn_output(self._model.route.name, _key_of(self._caller), usage.output_total)

    def _output(self, reservation: Reservation) -> int:
        call, bound = self._call, self._call.most_output
        if not call.endpoint.generates:
            return 0
        if reservation == "strict":
            return bound or self._longest()
        if not self._usual:
            usual = self._learned.output(self._model.route.name, _key_of(self._caller))
            self._usual = usual or TYPICAL_OUTPUT * getattr(call.look, "n", 1)
        return min(bound, self._usual) if bound else self._usual

    def _longest(self) -> int:
        windows = [target.wiring.window for target, _ in self._model.route.targets]
        most = max(windows, default=0) or LONGEST_OUTPUT
        return min(most, LONGEST_OUTPUT) * getattr(self._call.look, "n", 1)

    def _name(self, target: Target) -> str:
        """Under which name what was learned is kept: a vendor's model, with tools or without."""
        if self._named is None or self._named[0] is not target:
            name: str = target.wiring.model_for(self._call.model)
            self._named = target, f"{name} with tools" if defines(self._call) else name
        return self._named[1]


def _key_of(caller: Principal) -> str:
    return caller.key_id or f"{caller.team_ref}/{caller.consumer}"
