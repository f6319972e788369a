"""Models by the names that their vendor has for them: what may be used of a group, and what it costs."""

from collections.abc import Callable, Iterable, Sequence

from triplegate.core.catalog import Target
from triplegate.core.exchange import Exchange
from triplegate.core.identity import Principal
from triplegate.core.money import Price
from triplegate.gates.llm.charged import place_of
from triplegate.gates.llm.deployment import Deployment
from triplegate.gates.llm.model import Model
from triplegate.gates.llm.stars import Pattern

Found = tuple[Model, Target]


class Vendors:
    """The deployments of one snapshot, looked at from their vendors' side."""

    __slots__ = ("_places",)

    def __init__(self, models: Sequence[Model]) -> None:
        self._places: list[Found] = [(model, target) for model in models for target, _ in model.route.targets]

    def usable(self, exchange: Exchange, principal: Principal, group: str) -> Callable[[str], bool]:
        """Whether a vendor's name is one of a model that the caller may use in `group`."""
        return _matching(
            target.wiring.model
            for model, target in self._places
            if target.group == group and model.stands_in(exchange, principal)
        )

    def forwarding(self, group: str) -> Callable[[str], bool]:
        """Whether MCP servers in calls of a vendor's name are left to it in `group`, by whichever model it is used."""
        refuses = _matching(
            target.wiring.model
            for model, target in self._places
            if target.group == group and model.mcp_elsewhere != "forward"
        )
        return lambda name: not refuses(name)

    def find(self, group: str, name: str) -> Found | None:
        """The deployment in `group` that a vendor's answer in this name comes from: vendors add dates and revisions."""
        best, found = 0, None
        for place in self._places:
            if place[1].group == group and (fit := _fit(place[1].wiring.model, name)) > best:
                best, found = fit, place
        return found

    def first(self, group: str) -> Found | None:
        """Any deployment in `group`."""
        return next((place for place in self._places if place[1].group == group), None)

    def at(self, place: str) -> Found | None:
        """The deployment with this short name (`charged.place_of`)."""
        return next((found for found in self._places if place_of(found[1]) == place), None)

    @staticmethod
    def price(target: Target, name: str) -> Price | None:
        """What the vendor's `name` costs there."""
        deployment: Deployment = target.wiring
        return target.price if deployment.by_name is None else deployment.by_name.of(name)


def _matching(names: Iterable[str]) -> Callable[[str], bool]:
    exact = frozenset(names)
    patterns = [Pattern(name) for name in exact if "*" in name]

    def fits(name: str) -> bool:
        return name in exact or any(pattern.star(name) is not None for pattern in patterns)

    return fits


def _fit(model: str, name: str) -> int:
    """How well a vendor's name fits: by as many letters as it has of the deployment's; 0 = not."""
    if "*" in model:
        return len(model) - 1 if Pattern(model).star(name) is not None else 0
    if name == model:
        return len(model) + 1
    return len(model) if name.startswith((f"{model}-", f"{model}@", f"{model}:")) else 0
