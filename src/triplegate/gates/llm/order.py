"""In which order one call tries: the model's deployments, then the models to fall back to, as the last failure says."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt, Exchange, Role
from triplegate.gates.llm.call import LlmCall
from triplegate.gates.llm.facts import Facts
from triplegate.gates.llm.model import Model
from triplegate.gates.llm.strategy import Place

Fits = Callable[[Place], bool]


class Order:
    """One call's."""

    __slots__ = ("_larger", "_lenient", "facts", "models", "now")

    def __init__(
        self, facts: Facts, models: Sequence[Model], larger: Sequence[Model] = (), lenient: Sequence[Model] = ()
    ) -> None:
        self.facts, self.models, self._larger, self._lenient = facts, models, larger, lenient
        self.now = facts.exchange.house.clock.now

    def pick(self, tried: list[Attempt]) -> tuple[Target, Role] | None:
        """The next target; the same one again as a retry when there is no other.

        Raises Refusal upstream_rate_limited, upstream_credentials_exhausted, no_deployment when nothing can be tried.
        """
        now = self.now()
        if not tried:
            for model in self.models:
                place = model.pick(self.facts, now)
                if place is not None:
                    return place.target, "first"
            return self._nothing(now), "first"
        known = {(attempt.target.name, attempt.target.group) for attempt in tried}
        for model, fits in self._after(tried):
            place = model.pick(self.facts, now, known, fits)
            if place is not None:
                return place.target, "fallback"
        return tried[-1].target, "retry"

    def _after(self, tried: list[Attempt]) -> Iterator[tuple[Model, Fits | None]]:
        """The models that may still help, with what their deployments must be."""
        classes = {attempt.error_class for attempt in tried}
        if "content_policy" in classes:
            for model in self._lenient:
                yield model, None
        elif "context_window" in classes:
            held = max(window(one.target) for one in tried if one.error_class == "context_window")
            for model in self._larger:
                yield model, lambda place: not held or not window(place.target) or window(place.target) > held
            for model in self.models:
                yield model, lambda place: 0 < held < window(place.target)
        else:
            for model in self.models:
                yield model, None

    def _nothing(self, now: float) -> Target:
        """Why nothing can be tried; a deployment that cannot be called at all says so itself."""
        places = [place for model in self.models for place in model.places if place.weight]
        usable = [place for place in places if not place.target.wiring.missing]
        for_it = [place for place in usable if place.when is None or place.when.holds(self.facts)]
        if usable and not for_it:
            raise Refusal("no_deployment", "No deployment of the model takes such a call.")
        alive = [place for place in for_it if not place.health.key.left(now)]
        if alive:
            waits = [place.health.group.left(now) or self._unfit(place, now) for place in alive]
            raise Refusal(
                "upstream_rate_limited",
                "The providers' own limits are reached.",
                reason="; ".join(f"{place.name}: {place.bar(self.facts, now) or 'does not fit'}" for place in alive),
                retry_after=min(waits),
            )
        if for_it:
            raise Refusal(
                "upstream_credentials_exhausted",
                "No credential of the model's providers is accepted.",
                reason="; ".join(f"{place.name}: {place.bar(self.facts, now)}" for place in for_it),
            )
        return places[0].target

    def _unfit(self, place: Place, now: float) -> float:
        facts = self.facts
        return place.health.quotas.wait(facts.tokens, facts.call.most_output, now)


def order_of(exchange: Exchange, call: LlmCall, model: Model, models: Mapping[str, Model]) -> Order:
    """The order of one call to `model`: other models only where the caller may use them."""
    facts = Facts(exchange, call)
    if not model.others:
        return Order(facts, (model,))

    def usable(names: Sequence[str]) -> list[Model]:
        principal = exchange.principal
        assert principal is not None
        found = [models[name] for name in names]
        return [one for one in found if one.stands_in(exchange, principal)]

    first = usable([model.canary.model]) if model.canary is not None and model.canary.takes(exchange) else []
    return Order(facts, [*first, model, *usable(model.fallback)], usable(model.larger), usable(model.lenient))


def window(target: Target) -> int:
    """Most tokens its model can hold; 0: nobody said."""
    return target.wiring.window  # type: ignore[no-any-return]  # a Deployment
