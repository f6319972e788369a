"""Whose allowance a call takes of: the name of a key, a consumer, a team … as limits count them."""

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from triplegate.core.catalog import Target
    from triplegate.core.exchange import Exchange
    from triplegate.core.identity import Principal

By = Literal["key", "consumer", "team", "org", "plan", "route", "model", "deployment", "address"]

_OF_ROUTES = frozenset({"route", "model", "deployment"})


def subject_of(exchange: "Exchange", by: By, target: "Target | None" = None) -> str:
    """The subject of one call, or of one attempt at `target`; never fails, so that no call is without a limit.

    Callers who are not known are told apart by address, wherever callers are counted.
    """
    principal = exchange.principal
    if by == "consumer" and principal is not None and principal.method != "none":  # as most are counted
        return f"{principal.team_ref}/{principal.consumer}"
    if by == "deployment" and target is not None:
        return target.name
    if by in _OF_ROUTES:
        return exchange.route.name if exchange.route is not None else ""
    if principal is None or by == "address":
        return address_block(exchange.inbound.client)
    return _of_caller(exchange, principal, by)


def _of_caller(exchange: "Exchange", principal: "Principal", by: By) -> str:
    if by == "team":
        return principal.team_ref
    if by == "org":
        return principal.org
    if by == "plan":
        return principal.plan
    if by == "key" and principal.key_id:
        return principal.key_id
    if principal.method == "none":
        return address_block(exchange.inbound.client)
    return f"{principal.team_ref}/{principal.consumer}"


def address_block(address: str) -> str:
    """The address itself, or its /64 for IPv6: one customer has that many (RL-7)."""
    if ":" not in address:
        return address
    try:
        return str(ip_network((ip_address(address.partition("%")[0]), 64), strict=False))
    except ValueError:
        return address


def strange_by(by: By, gate: str) -> str:
    """Why a limit that counts `by` makes no sense on that gate: models and deployments are the llm gate's."""
    return f"by: {by} counts on llm only; say by: route" if by in ("model", "deployment") and gate != "llm" else ""
