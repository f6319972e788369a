"""Which server a call would go to, and what leaves it alone: for `explain`."""

from triplegate.config.documents_mcp_ends import ServerHealth
from triplegate.core.exchange import Exchange
from triplegate.core.policy import BreakerRules
from triplegate.gates.mcp.server import Server


def weigh(exchange: Exchange) -> list[str]:
    """The server with its breaker and the questions about its health; nothing for what the gate answers itself."""
    route = exchange.route
    if route is None or not route.targets:
        return []
    server: Server = route.targets[0][0].wiring
    missing = f"cannot be called: {server.missing}" if server.missing else ""
    said = (missing, _breaker(server.dispatch(exchange.chain).breaker), _asked(server.health.rules))
    return [f"{server.name}: {server.place.partition('|')[2]}", *[f"{server.name}: {one}" for one in said if one]]


def _breaker(rules: BreakerRules | None) -> str:
    if rules is None:
        return "no breaker"
    causes = [f"{rules.failures} failures in a row"] if rules.failures is not None else []
    if rules.rate is not None:
        causes.append(f"{rules.rate:.0%} of its calls failed in {rules.window:g} s")
    if rules.slow is not None:
        causes.append(f"{rules.slow_rate:.0%} of its calls took longer than {rules.slow:g} s")
    return f"left alone for {rules.open_for:g} s after {' or '.join(causes)}"


def _asked(rules: ServerHealth | None) -> str:
    if rules is None:
        return "its health is not asked"
    return f"asked every {rules.interval:g} s whether it is well, left alone after {rules.unhealthy} bad answers"
