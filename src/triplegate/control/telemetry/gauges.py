"""Gauges of the running house: read through its view when somebody scrapes, never counted on the way."""

from collections.abc import Callable

from triplegate.control.view import EndpointView, GatewayView
from triplegate.core.meter_names import SESSIONS
from triplegate.core.meters import Meters, Points, Readings

_OUT = ("down", "ejected")
_REFUSED = ("down", "open")


def observe_house(meters: Meters, view: GatewayView) -> None:
    """Add what the house knows about itself to `meters`."""
    meters.observe(
        "http.server.active_requests",
        "{request}",
        "Exchanges open now.",
        ("triplegate.gate",),
        lambda: [((gate,), count) for gate, count in view.active().items()],
    )
    meters.observe(
        "triplegate.spool.entries",
        "{entry}",
        "Entries that wait for the ledger.",
        ("triplegate.spool",),
        lambda: [((name,), entries) for name, entries, _ in view.spool()],
    )
    meters.observe(
        "triplegate.spool.size",
        "By",
        "Bytes that wait for the ledger.",
        ("triplegate.spool",),
        lambda: [((name,), size) for name, _, size in view.spool()],
    )
    meters.observe(
        "triplegate.ledger.lag",
        "s",
        "Age of the oldest entry that the ledger does not have yet.",
        (),
        lambda: [((), view.ledger_lag())],
    )
    meters.observe(
        "triplegate.budget.drift.usd",
        "{USD}",
        "Counter minus ledger, by budget.",
        ("triplegate.budget",),
        lambda: [((budget,), drift) for budget, drift in view.budget_drift()],
    )
    _observe_configuration(meters, view)
    _observe_pools(meters, view)
    _observe_protection(meters, view)
    _observe_endpoints(meters, view)
    _observe_models(meters, view)
    _observe_sessions(meters, view)


def _observe_configuration(meters: Meters, view: GatewayView) -> None:
    def reloads() -> Readings:
        taken, refused = view.reloads()
        return [(("taken",), taken), (("refused",), refused)]

    meters.observe(
        "triplegate.config.reloads",
        "{reload}",
        "Configuration changes, by what became of them.",
        ("triplegate.result",),
        reloads,
        kind="counter",
    )
    meters.observe(
        "triplegate.config.generation",
        "{generation}",
        "Generation of the configuration in force.",
        (),
        lambda: [((), view.running().generation)],
    )
    meters.observe(
        "triplegate.config.loaded",
        "s",
        "Unix time at which the configuration in force was loaded.",
        (),
        lambda: [((), view.running().loaded_at)],
    )
    meters.observe(
        "triplegate.degraded.parts",
        "{part}",
        "Parts that work less well than promised; 1 while it lasts.",
        ("triplegate.part",),
        lambda: [((found.part,), 1) for found in view.degraded()],
    )


def _observe_protection(meters: Meters, view: GatewayView) -> None:
    def calls() -> Readings:
        for policy, inside, waiting in view.rooms():
            yield (policy, "inside"), inside
            yield (policy, "waiting"), waiting

    meters.observe(
        "triplegate.policy.calls",
        "{call}",
        "Calls under way, and calls that wait for a place, by the policy that bounds them.",
        ("triplegate.policy", "triplegate.state"),
        calls,
    )
    meters.observe(
        "triplegate.policy.found_limit",
        "{call}",
        "Calls at once that an upstream takes, as found by the policy.",
        ("triplegate.policy",),
        lambda: [((policy,), limit) for policy, limit in view.found_limits()],
    )
    meters.observe(
        "triplegate.breaker.open",
        "1",
        "1 while calls to the upstream are refused or only probed.",
        ("triplegate.upstream",),
        lambda: [((name,), int(state != "closed")) for name, state in view.breakers()],
    )


def _observe_pools(meters: Meters, view: GatewayView) -> None:
    def connections() -> Readings:
        for upstream, opened, idle, waiting in view.pools():
            yield (upstream, "used"), opened - idle
            yield (upstream, "idle"), idle
            yield (upstream, "waiting"), waiting

    meters.observe(
        "triplegate.pool.connections",
        "{connection}",
        "Connections to upstreams, and callers that wait for one.",
        ("triplegate.upstream", "triplegate.state"),
        connections,
    )
    meters.observe(
        "triplegate.upstream.up",
        "1",
        "1 when the upstream takes calls, 0 when it does not.",
        ("triplegate.upstream",),
        lambda: [((one.name,), int(one.state not in _REFUSED)) for one in view.upstreams()],
    )
    meters.observe(
        "triplegate.mirror.copies",
        "{request}",
        "Copies of calls, by what became of them.",
        ("triplegate.policy", "triplegate.result"),
        lambda: [((policy, outcome), count) for policy, outcome, count in view.mirrors()],
        kind="counter",
    )
    meters.observe(
        "triplegate.guard.verdicts",
        "{verdict}",
        "What guards that others run have said, or why nothing.",
        ("triplegate.policy", "triplegate.guard", "triplegate.verdict"),
        lambda: [((policy, guard, verdict), count) for policy, guard, verdict, count in view.verdicts()],
        kind="counter",
    )


def _observe_endpoints(meters: Meters, view: GatewayView) -> None:
    labels = ("triplegate.service", "triplegate.endpoint")

    def told(read: Callable[[EndpointView], float]) -> Callable[[], Readings]:
        return lambda: [((one.service, one.address), read(one)) for one in view.endpoints()]

    gauges: tuple[tuple[str, str, str, Callable[[EndpointView], float]], ...] = (
        ("up", "1", "1, or 0 while the endpoint is down or ejected.", lambda one: int(one.state not in _OUT)),
        ("active", "{request}", "Attempts under way at the endpoint.", lambda one: one.active),
        ("latency", "s", "Time to first byte as the balance by latency has it.", lambda one: one.latency),
    )
    counters: tuple[tuple[str, str, str, Callable[[EndpointView], float]], ...] = (
        ("calls", "{request}", "Attempts at the endpoint.", lambda one: one.calls),
        ("failures", "{request}", "Attempts at the endpoint that failed.", lambda one: one.failed),
        ("ejections", "{event}", "Times the endpoint was left alone.", lambda one: one.ejections),
    )
    for name, unit, text, read in gauges:
        meters.observe(f"triplegate.endpoint.{name}", unit, text, labels, told(read))
    for name, unit, text, read in counters:
        meters.observe(f"triplegate.endpoint.{name}", unit, text, labels, told(read), kind="counter")


def _observe_models(meters: Meters, view: GatewayView) -> None:
    labels = ("triplegate.kind", "triplegate.name")
    meters.observe(
        "triplegate.cooldown.active",
        "1",
        "1 while a quota group or a key of models is left alone because it said no.",
        labels,
        lambda: [((kind, name), int(active)) for kind, name, active, _ in view.cooldowns()],
    )
    meters.observe(
        "triplegate.cooldown.begun",
        "{event}",
        "Times a quota group or a key of models was left alone.",
        labels,
        lambda: [((kind, name), count) for kind, name, _, count in view.cooldowns()],
        kind="counter",
    )
    meters.observe(
        "triplegate.shadow.copies",
        "{request}",
        "Copies of model calls, by what became of them.",
        ("gen_ai.request.model", "triplegate.result"),
        lambda: [((model, outcome), count) for model, outcome, count in view.shadows()],
        kind="counter",
    )
    meters.observe(
        "triplegate.shadow.cost.usd",
        "{USD}",
        "What copies of model calls have cost.",
        ("gen_ai.request.model",),
        lambda: [((model,), cost) for model, cost in view.shadow_costs()],
        kind="counter",
    )


def _observe_sessions(meters: Meters, view: GatewayView) -> None:
    def told(side: str) -> Callable[[], Points]:
        return lambda: view.session_times(side)

    for side, (name, unit, text, labels, bounds) in SESSIONS.items():
        meters.gather(name, unit, text, labels, bounds, told(side))
