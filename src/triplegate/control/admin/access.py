"""Roles, and the rule that every route of the control plane says who may enter; what says nothing is refused."""

from typing import Any, Literal, get_args

import msgspec
from litestar.connection import ASGIConnection, Request
from litestar.exceptions import ImproperlyConfiguredException, NotAuthorizedException, PermissionDeniedException
from litestar.handlers.base import BaseRouteHandler
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute

Role = Literal["owner", "admin", "operator", "developer", "viewer", "auditor"]
ROLES: tuple[Role, ...] = get_args(Role)

EVERYONE = frozenset(ROLES)
"""Any role."""
OPERATE = frozenset({"owner", "admin", "operator"})
"""Configuration and the running house."""
ADMINISTER = frozenset({"owner", "admin"})
"""Credentials of the control plane."""
OWNERS = frozenset({"owner"})
"""Money that nobody had planned."""
KEYS = frozenset({"owner", "admin", "developer"})
"""Keys of consumers."""
OPEN = "open"
"""Nobody has to say who they are."""
LOOPBACK = "loopback"
"""Open to the machine itself; from elsewhere any role is needed."""

Tenant = Literal["none", "own", "whole"]
"""none: the answer holds nothing of any team. own: the handler shows and changes only what the caller sees.
whole: only for callers who are not bound to an org."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_LOCAL = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})


class Caller(msgspec.Struct, frozen=True):
    """Who is at the control plane, and of which org and team (empty: all)."""

    token_id: str
    name: str
    roles: frozenset[str]
    org: str = ""
    team: str = ""
    method: Literal["token", "cookie"] = "token"
    csrf: str = ""
    """What a cookie's holder must repeat in `x-csrf-token` or the form field `csrf` to change anything."""

    @property
    def bound(self) -> bool:
        """Whether the caller belongs to one org or team only."""
        return bool(self.org or self.team)

    def sees(self, org: str, team: str = "") -> bool:
        """Whether something of that org and team is the caller's. Deny by default: no org means the operator's."""
        if self.org and self.org != org:
            return False
        return not self.team or self.team == team


def may_enter(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The guard of every route. Raises 401, 403 or 415 as HTTP exceptions."""
    role, tenant = declared(handler)
    caller: Caller | None = connection.scope.get("user")
    if role == OPEN:
        return
    if role == LOOPBACK and connection.client is not None and connection.client.host in _LOCAL:
        return
    if caller is None:
        raise NotAuthorizedException("Send an admin token as a bearer token, or sign in.")
    needed = EVERYONE if role == LOOPBACK else role
    if not caller.roles & frozenset(needed):
        raise PermissionDeniedException(f"This needs one of the roles: {', '.join(sorted(needed))}.")
    if tenant == "whole" and caller.bound:
        raise PermissionDeniedException("This is not for callers of one team.")
    if isinstance(connection, Request) and connection.method not in _SAFE:
        _may_change(connection, caller, handler)


def _may_change(request: Request[Any, Any, Any], caller: Caller, handler: BaseRouteHandler) -> None:
    """A browser brings its cookie to every call, so a cookie alone proves no will (S-4)."""
    if handler.opt.get("form"):
        return  # the handler compares the form's own field
    if caller.method == "cookie" and request.headers.get("x-csrf-token", "") != caller.csrf:
        raise PermissionDeniedException("The header x-csrf-token is missing or wrong.")


def declared(handler: BaseRouteHandler) -> tuple[frozenset[str] | str, Tenant]:
    """What the route says of itself. Raises ImproperlyConfiguredException when it does not."""
    role, tenant = handler.opt.get("role"), handler.opt.get("tenant")
    known = role in (OPEN, LOOPBACK) or (isinstance(role, frozenset) and bool(role) and role <= EVERYONE)
    if not known or tenant not in get_args(Tenant):
        raise ImproperlyConfiguredException(
            f"The route {handler} does not declare who may enter: it needs role=… and tenant=…."
        )
    return role, tenant  # type: ignore[return-value]  # checked above


class RefuseUndeclared(ReceiveRoutePlugin):
    """Fails the start when a route of the control plane says nothing about role or tenant."""

    def receive_route(self, route: BaseRoute) -> None:
        """Look at the handlers of one route as it is registered; automatic OPTIONS answers hold nothing."""
        if isinstance(route, HTTPRoute):
            handlers: list[BaseRouteHandler] = [one for one in route.route_handlers if one.http_methods != {"OPTIONS"}]
        else:
            handlers = [route.route_handler]  # type: ignore[attr-defined]
        for handler in handlers:
            declared(handler)
