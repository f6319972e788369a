"""What a model call will want: tokens by its bytes and bound, corrected by what providers counted of others before."""

from collections.abc import Iterable

from triplegate.core.catalog import Target
from triplegate.core.demand import Counted, Reservation
from triplegate.core.identity import Principal
from triplegate.core.learned import Learned
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

    __slots__ = ("_behind", "_call", "_caller", "_cost", "_input", "_learned", "_model", "_named", "_usual")

    def __init__(
        self, call: LlmCall, model: Model, learned: Learned, caller: Principal, behind: tuple[Model, ...] = ()
    ) -> None:
        """`behind`: other models that may answer it."""
        self._call, self._model, self._learned, self._caller, self._behind = call, model, learned, caller, behind
        self._input = self._usual = self._cost = 0
        """Input as it is set aside, what such calls mostly write within their bound, and what such a one costs at the
        dearest deployment; 0: nobody asked yet.
        """
        self._named: tuple[Target, str] | None = None
        """The deployment that was asked for last, and its name."""

    def tokens(self, dimension: Counted, reservation: Reservation) -> int:
        """Tokens to set aside; an empty call wants one, too, and one that is free none."""
        endpoint = self._call.endpoint
        if endpoint.free:
            return 0
        if endpoint.asked is not None:
            usage = endpoint.asked(self._call.look)
            return max(1, {"input": usage.input_total, "output": usage.output_total, "total": usage.total}[dimension])
        counted = 0 if dimension == "output" else self._input or self.input()
        if dimension != "input":
            counted += self._output(reservation)
        return counted or 1

    def money(self, target: Target | None, reservation: Reservation) -> int:
        """Units of money at `target`, or at the dearest deployment of the model; at least 1 where any may be spent."""
        if target is not None:
            return self._dearest(((target, 1),), reservation)
        if reservation == "strict":
            return self._at_all(reservation)
        if not self._cost:
            self._cost = self._at_all(reservation)
        return self._cost

    def _at_all(self, reservation: Reservation) -> int:
        """At the dearest deployment of its model; where that costs nothing, something if another model may answer."""
        model = self._model
        units = self._dearest(model.route.targets, reservation) if self._may(model) else 0
        if units or self._call.endpoint.free:
            return units
        return int(any(self._costs(one) for one in self._behind if self._may(one)))

    def _may(self, model: Model) -> bool:
        return model.teams is None or model.open_to(self._caller)

    def _costs(self, model: Model) -> bool:
        prices = [price_for(target, self._call) for target, _ in model.route.targets]
        return any(price is not None and price.costs for price in prices)

    def _dearest(self, targets: Iterable[tuple[Target, int]], reservation: Reservation) -> int:
        call = self._call
        if call.endpoint.free:
            return 0
        asked = None if call.endpoint.asked is None else call.endpoint.asked(call.look)
        read = written = 0
        if asked is None:
            read, written = self._input or self.input(), self._output(reservation)
        most = 0
        for target, _ in targets:
            price = price_for(target, call)
            if price is not None:
                units = price.plain(read, written) if asked is None else price.cost(asked.tokens(), asked.tool_units)
                most = max(most, units or int(price.costs))
        return most

    def input(self) -> int:
        """Input tokens with a margin for the estimate's own error."""
        if not self._input:
            self._input = self._counted(sure=True)
        return self._input

    def count(self) -> int:
        """Input tokens without any margin: what a caller is told who only asks how many there are."""
        return self._counted(sure=False)

    def _counted(self, *, sure: bool) -> int:
        """Exactly, or at the deployment that counts most of them."""
        call = self._call
        if call.exact_tokens:
            return call.exact_tokens
        raw, most = call.raw_tokens or raw_tokens(call), 0
        for target, _ in self._model.route.targets:
            counted = self._learned.corrected(self._name(target), raw, sure=sure)
            most = max(most, counted)
        return most or max(1, round(raw))

    def learn(self, target: Target, usage: Usage) -> None:
        """What a provider counted, of a call that was estimated before."""
        call = self._call
        if not self._input or usage.source != "provider":
            return
        learned = self._learned
        if not usage.tool_units and not usage.audio_in and not usage.image_in:
            learned.learn_input(self._name(target), call.raw_tokens or raw_tokens(call), usage.input_total)
        if call.endpoint.generates:
            learned.learn_output(self._model.route.name, _key_of(self._caller), usage.output_total)

    def _output(self, reservation: Reservation) -> int:
        typical = reservation == "typical"
        if typical and self._usual:
            return self._usual
        call, bound = self._call, self._call.most_output
        if not call.endpoint.generates:
            return 0
        if not typical:
            return bound or self._longest()
        usual = self._learned.output(self._model.route.name, _key_of(self._caller))
        usual = usual or TYPICAL_OUTPUT * getattr(call.look, "n", 1)
        self._usual = bound if 0 < bound < usual else usual
        return self._usual

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
