"""On which terms a route is served: who may call, who owns it, which of our policies stand on it (annotations)."""

from collections.abc import Callable, Collection, Sequence

import msgspec

from triplegate.config.kubernetes.objects import DOMAIN, Object
from triplegate.core.policy import Policy, Stage

ChainOf = Callable[[str], Sequence[Policy] | str]
"""The policies of a named chain; a sentence when it cannot be used."""


class Terms(msgspec.Struct, frozen=True):
    """What annotations of a route and of its gateway come to."""

    open: bool
    owner: str | None
    chains: tuple[str, ...]


class Trouble(msgspec.Struct, frozen=True):
    """Why a route cannot be served."""

    reason: str
    message: str


class Native(msgspec.Struct, frozen=True):
    """What the documents around the manifests say."""

    identified: bool
    """An identity policy stands on the gateway document."""
    teams: Collection[str]
    chain_of: ChainOf


def terms_of(route: Object, gateway: Object, native: Native) -> Terms | Trouble:
    """The terms of a route that attached to `gateway`; none is open that does not say so."""
    chains: list[str] = []
    identified = native.identified
    for one in (gateway, route):
        for name in _names(one.annotation("policies")):
            policies = native.chain_of(name)
            if isinstance(policies, str):
                return Trouble("UnsupportedValue", f"annotation {DOMAIN}/policies of {one.kind} {one.name}: {policies}")
            identified = identified or any(policy.stage == Stage.IDENTIFY for policy in policies)
            chains.append(name)
    opens = _opens(route, gateway)
    if isinstance(opens, Trouble):
        return opens
    if not identified and not opens:
        message = (
            "nothing identifies callers: put an identity policy on the gateway document or into a chain that the"
            f" annotation {DOMAIN}/policies names, or annotate the route or its Gateway with {DOMAIN}/identity: none"
        )
        return Trouble("IdentityRequired", message)
    owner = route.annotation("owner") or gateway.annotation("owner")
    if owner is not None and owner not in native.teams:
        return Trouble("UnsupportedValue", f"annotation {DOMAIN}/owner: unknown team '{owner}'")
    return Terms(opens, owner, tuple(chains))


def _names(written: str | None) -> list[str]:
    return [name.strip() for name in (written or "").split(",") if name.strip()]


def _opens(route: Object, gateway: Object) -> bool | Trouble:
    """The nearer annotation counts."""
    for one in (route, gateway):
        said = one.annotation("identity")
        if said == "none":
            return True
        if said is not None and said != "required":
            message = f"annotation {DOMAIN}/identity of {one.kind} {one.name}: none or required, not '{said}'"
            return Trouble("UnsupportedValue", message)
        if said == "required":
            return False
    return False
