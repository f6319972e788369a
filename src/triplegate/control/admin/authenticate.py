"""Find out who calls the control plane: a bearer token, or the cookie of a sign-in."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send
from msgspec.structs import replace

from triplegate.control.admin.access import Caller
from triplegate.control.admin.tokens import caller_of
from triplegate.control.parts import Parts

COOKIE = "triplegate_sign_in"
SECURE_COOKIE = "__Host-triplegate_sign_in"

BACKGROUND = "x-background"
"""Header of calls that a page makes by itself; they keep nobody signed in."""


def cookie_name(scheme: str) -> str:
    """`__Host-` binds the cookie to host and TLS; without TLS (loopback) browsers do not take that name."""
    return SECURE_COOKIE if scheme == "https" else COOKIE


class Authenticate(ASGIMiddleware):
    """Sets `user` to the caller, or to None; whether that is enough is the guard's business."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Authenticate, then pass on."""
        scope["user"] = await authenticate(ASGIConnection(scope), self._parts)
        await next_app(scope, receive, send)


async def authenticate(connection: ASGIConnection[Any, Any, Any, Any], parts: Parts) -> Caller | None:
    """The caller of a connection; a bearer token that is wrong is not made good by a cookie."""
    authorization = connection.headers.get("authorization")
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        record = await parts.tokens.prove(token.strip()) if scheme.lower() == "bearer" else None
        return caller_of(record) if record is not None and not record.once else None
    cookie = connection.cookies.get(cookie_name(connection.url.scheme))
    by_hand = BACKGROUND not in connection.headers and "text/event-stream" not in connection.headers.get("accept", "")
    sign_in = parts.sign_ins.find(cookie, touch=by_hand) if cookie else None
    if sign_in is None:
        return None
    record = await parts.tokens.living(sign_in.token_id)
    return replace(caller_of(record), method="cookie", csrf=sign_in.csrf) if record is not None else None


async def still(caller: Caller, parts: Parts) -> bool:
    """Whether a caller may stay: the token lives and its sign-in is open; long answers ask now and then."""
    if caller.method == "cookie" and not parts.sign_ins.has(caller.csrf):
        return False
    return await parts.tokens.living(caller.token_id) is not None
