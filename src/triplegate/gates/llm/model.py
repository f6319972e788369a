"""A model as clients know it: a route whose targets are deployments, and what comes after them."""

import msgspec

from triplegate.core.catalog import Route, Target
from triplegate.core.exchange import Attempt, Exchange, Role
from triplegate.core.http import OnGone
from triplegate.core.identity import Principal
from triplegate.core.policy import Policy
from triplegate.gates.llm.deployment import Deployment
from triplegate.upstreams.balance import Weighted


class Model(msgspec.Struct, frozen=True, eq=False):
    """One name with its deployments by weight."""

    route: Route
    choice: Weighted[Target]
    deployments: tuple[Deployment, ...]
    fallback: tuple[str, ...]
    """Models tried after all deployments, in this order."""
    teams: frozenset[str] | None
    """Teams that may use it; None = all."""
    guards: tuple[Policy, ...] = ()
    """What decides about access to it, for calls that come by way of another model."""
    on_gone: OnGone = "cancel"
    """What becomes of a stream whose client left."""

    def open_to(self, principal: Principal) -> bool:
        """Whether this principal may use it."""
        return self.teams is None or principal.team in self.teams or principal.team_ref in self.teams

    def stands_in(self, exchange: Exchange, principal: Principal) -> bool:
        """Whether a call that another model could not answer may be answered by this one."""
        return self.open_to(principal) and all(guard.decide(exchange) is None for guard in self.guards)

    def other(self, tried: set[tuple[str, str]]) -> Target | None:
        """A usable deployment whose name and quota group were not tried; None when there is none.

        The name alone does not tell: two models may have the same vendor's model with credentials of their own.
        """
        skipped = [target.name for target, _ in self.route.targets if (target.name, target.group) in tried]
        while True:
            target = self.choice.other(skipped)
            if target is None or not target.wiring.missing:
                return target
            skipped.append(target.name)


class Order:
    """In which order one call tries: a deployment of the model by weight, its others, then the fallback models."""

    __slots__ = ("_models",)

    def __init__(self, models: list[Model]) -> None:
        self._models = models

    def pick(self, tried: list[Attempt]) -> tuple[Target, Role] | None:
        """The next target; the same one again as a retry when there is no other."""
        known = {(attempt.target.name, attempt.target.group) for attempt in tried}
        for model in self._models:
            target = model.other(known)
            if target is not None:
                return target, "fallback" if tried else "first"
        if not tried:
            # nothing is usable: the first one says why
            return self._models[0].choice.next(), "first"
        return tried[-1].target, "retry"
