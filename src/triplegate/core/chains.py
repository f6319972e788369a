"""The chains of one gate in one snapshot: outer ones per route, inner ones folded at first use and kept."""

from collections.abc import Mapping

from triplegate.core.admission import Taker
from triplegate.core.catalog import Route
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange, Gate, Proceed
from triplegate.core.fold import Chain, fold, split
from triplegate.core.http import OneFrame, Reply
from triplegate.core.identity import Principal
from triplegate.core.policy import Policy, Stage
from triplegate.core.ports import Kit

Policies = tuple[Policy, ...]


class Chains:
    """Merges gateway → gate → route → target → plan → team into chains (design: one order, stage first)."""

    __slots__ = (
        "_accesses",
        "_budgeted",
        "_common",
        "_folded",
        "_gate",
        "_identities",
        "_kit",
        "_last",
        "_name",
        "_plans",
        "_targets_claim",
        "_teams",
        "_traced",
    )

    def __init__(
        self,
        name: str,
        common: Policies,
        plans: Mapping[str, Policies],
        teams: Mapping[str, Policies],
        kit: Kit,
        *,
        traced: bool = False,
        last: Proceed | None = None,
    ) -> None:
        """`name` of the gate; `last` stands in for the gate's forward, where nothing may be sent (explain, test)."""
        self._common, self._plans, self._teams, self._kit, self._traced = common, plans, teams, kit, traced
        self._last = last
        self._name = name
        self._folded: dict[tuple[str, str, str], Chain] = {}
        self._budgeted: dict[tuple[str, str, str], Chain] = {}
        self._identities: dict[str, Proceed] = {}
        self._accesses: dict[tuple[str, str, str], Proceed] = {}
        self._gate: Gate | None = None
        self._targets_claim = False

    def bind(self, gate: Gate) -> None:
        """The gate that reads and forwards; called once, by the gate's own constructor."""
        self._gate = gate

    def outer(self, policies: Policies) -> Proceed:
        """The chain by head only, of a route with these policies; behind it the call is read."""
        outer, _ = split(self._fitting(self._common + policies))
        return fold(outer, self._enter, self._kit, traced=self._traced).proceed

    def edge(self, last: Proceed) -> Proceed:
        """What runs before anyone is known, and `last` behind it: for what everybody may ask."""
        early = tuple(policy for policy in self._fitting(self._common) if policy.stage < Stage.IDENTIFY)
        return fold(early, last, self._kit, traced=self._traced).proceed

    async def _enter(self, exchange: Exchange) -> Reply:
        """Between the chains: somebody must be known by now; then the call is read and its own chain found."""
        gate = self._gate
        assert gate is not None
        principal = exchange.principal
        if principal is None:
            principal = exchange.principal = _anonymous(exchange)
        await gate.read(exchange)
        chain = (self._budgeted if principal.budgets else self._folded).get(exchange.scope)
        if chain is None:
            assert exchange.route is not None
            chain = self._fold(exchange.route, exchange.scope, budgeted=bool(principal.budgets))
        exchange.chain = chain
        if self._targets_claim:
            # for the attempts; a call that has claims itself replaces it at its admission
            exchange.admission = Taker(self._kit.admission, (), exchange)
        return await chain.proceed(exchange)

    def of(self, route: Route, principal: Principal) -> Chain:
        """The inner chain of a call of this principal's to `route`. Raises Refusal policy_unavailable."""
        scope = (route.name, principal.plan, principal.team_ref)
        return self._folded.get(scope) or self._fold(route, scope)

    async def check(self, exchange: Exchange) -> None:
        """Would an open exchange still be let in? Raises the Refusal that it would meet at identity or access.

        Nothing is taken and nothing forwarded: limits hold for the beginning of a call.
        """
        route = exchange.route
        assert route is not None
        identity = self._identities.get(route.name)
        if identity is None:
            policies = self._standing(self._common + route.policies, Stage.IDENTIFY)
            identity = self._identities[route.name] = fold(policies, self._check_access, self._kit).proceed
        await identity(exchange)

    async def _check_access(self, exchange: Exchange) -> Reply:
        gate, route = self._gate, exchange.route
        assert gate is not None
        assert route is not None
        if exchange.principal is None:
            exchange.principal = _anonymous(exchange)
        await gate.read(exchange)
        access = self._accesses.get(exchange.scope)
        if access is None:
            policies = self._standing(self._merged(route, exchange.scope), Stage.PERMIT)
            access = self._accesses[exchange.scope] = fold(policies, _let_in, self._kit).proceed
        return await access(exchange)

    def _standing(self, policies: Policies, stage: Stage) -> Policies:
        return tuple(policy for policy in self._fitting(policies) if policy.stage is stage)

    def prepare(self, route: Route) -> None:
        """Fold the route's chain now: what cannot be built is found, and its state counts as used."""
        self._targets_claim |= any(target.claimants for target, _ in route.targets)
        self._fold(route, (route.name, "", ""))

    def prepare_people(self) -> None:
        """Build the policies of plans and teams once, for the same two reasons."""
        for policies in (*self._plans.values(), *self._teams.values()):
            fold(self._fitting(policies), self._enter, self._kit)

    def _fitting(self, policies: Policies) -> Policies:
        """Those that make sense on this gate: gateway, plans and teams may hold policies of one gate only."""
        return tuple(policy for policy in policies if policy.holds_on(self._name))

    def _fold(self, route: Route, scope: tuple[str, str, str], *, budgeted: bool = False) -> Chain:
        gate = self._gate
        assert gate is not None
        _, inner = split(self._fitting(self._merged(route, scope)))
        kept = self._budgeted if budgeted else self._folded
        chain = kept[scope] = fold(inner, self._last or gate.forward, self._kit, traced=self._traced, budgeted=budgeted)
        return chain

    def _merged(self, route: Route, scope: tuple[str, str, str]) -> Policies:
        """Gateway → route → target → plan → team. Raises Refusal policy_unavailable."""
        _, plan, team = scope
        if plan and plan not in self._plans:  # without the limits that somebody agreed to, there would be none
            reason = f"plan '{plan}' of the caller's key is not configured"
            raise Refusal("policy_unavailable", "The plan of this caller is not configured.", reason=reason)
        plans, teams = self._plans.get(plan, ()), self._teams.get(team, ())
        return self._common + route.policies + of_targets(route) + plans + teams


async def _let_in(exchange: Exchange) -> Reply:
    return Reply(200, [], OneFrame(), source="local")


def of_targets(route: Route) -> Policies:
    """What the targets of a route add to its chain; their own limits are taken before each attempt instead.

    Which of several targets answers is not known yet, so what one of them refuses is refused for all: never less
    strict than written. How one of several is called (`tune`) stays with that one.
    """
    if len(route.targets) == 1:
        return tuple(policy for policy in route.targets[0][0].policies if policy.form != "claims")
    found: dict[int, Policy] = {}
    for target, _ in route.targets:
        found.update({id(policy): policy for policy in target.policies if policy.form in ("decide", "build")})
    return tuple(found.values())


def _anonymous(exchange: Exchange) -> Principal:
    route = exchange.route
    if route is not None and route.anonymous is not None:
        return route.anonymous
    for name, _ in exchange.inbound.headers:
        if name in (b"authorization", b"x-api-key"):
            raise Refusal("invalid_credentials", "The credentials are not valid.")
    raise Refusal("unauthenticated", "Credentials are required: Authorization: Bearer <key>, or x-api-key.")
