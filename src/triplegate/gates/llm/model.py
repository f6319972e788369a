"""A model as clients know it: a route whose targets are deployments in tiers, and what comes after them."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import msgspec

from triplegate.core.catalog import Route
from triplegate.core.exchange import Exchange
from triplegate.core.http import OnGone
from triplegate.core.identity import Principal
from triplegate.core.policy import Policy
from triplegate.gates.llm.canary import Canary
from triplegate.gates.llm.deployment import Deployment
from triplegate.gates.llm.exact import Exact
from triplegate.gates.llm.facts import Facts
from triplegate.gates.llm.strategy import Place, Strategy

if TYPE_CHECKING:
    from triplegate.gates.llm.shadow import Shadow

Tried = Collection[tuple[str, str]]
"""Name and quota group of each target that was tried."""


class Model(msgspec.Struct, frozen=True, eq=False):
    """One name with its deployments."""

    route: Route
    places: tuple[Place, ...]
    """Its deployments as written."""
    tiers: tuple[tuple[Place, ...], ...]
    """The same, those to be tried first first."""
    strategy: Strategy
    deployments: tuple[Deployment, ...]
    fallback: tuple[str, ...]
    """Models tried after all deployments, in this order."""
    teams: frozenset[str] | None
    """Teams that may use it; None = all."""
    guards: tuple[Policy, ...] = ()
    """What decides about access to it, for calls that come by way of another model."""
    on_gone: OnGone = "cancel"
    """What becomes of a stream whose client left."""
    larger: tuple[str, ...] = ()
    """Models for requests that are larger than a model can hold."""
    lenient: tuple[str, ...] = ()
    """Models for requests that a content policy forbids."""
    canary: Canary | None = None
    """Which of its calls go to another model first."""
    shadow: "Shadow | None" = None
    """Which of its calls are copied to another model."""
    exact: Exact | None = None
    """Counts its calls' tokens where estimates do not suffice."""
    mcp_elsewhere: str = "refuse"
    """What becomes of MCP servers in its calls that are none of the gateway's; None = as the gate says."""

    @property
    def listed(self) -> bool:
        """Whether it is a model of one name, not a pattern of names."""
        return "*" not in self.route.name

    @property
    def others(self) -> tuple[str, ...]:
        """Models that may answer its calls."""
        if self.canary is not None:
            return (self.canary.model, *self.fallback, *self.larger, *self.lenient)
        return self.fallback + self.larger + self.lenient

    def open_to(self, principal: Principal) -> bool:
        """Whether this principal may use it."""
        return self.teams is None or principal.team in self.teams or principal.team_ref in self.teams

    def stands_in(self, exchange: Exchange, principal: Principal) -> bool:
        """Whether a call that another model could not answer may be answered by this one."""
        return self.open_to(principal) and all(guard.decide(exchange) is None for guard in self.guards)

    def pick(
        self, facts: Facts, now: float, tried: Tried = (), fits: Callable[[Place], bool] | None = None
    ) -> Place | None:
        """Whose turn it is in the first tier that has a usable deployment whose name and group were not tried.

        The name alone does not tell: two models may have the same vendor's model with credentials of their own.
        """
        for tier in self.tiers:
            able = [
                place
                for place in tier
                if (not tried or (place.name, place.target.group) not in tried)
                and not place.bar(facts, now)
                and (fits is None or fits(place))
            ]
            chosen = self.strategy.pick(able, facts, now) if able else None
            if chosen is not None:
                return chosen
        return None


def tiers_of(places: tuple[Place, ...]) -> tuple[tuple[Place, ...], ...]:
    """The places by tier, lower numbers first, each as written."""
    return tuple(tuple(one for one in places if one.tier == tier) for tier in sorted({one.tier for one in places}))
