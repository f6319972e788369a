"""Against DNS rebinding: which Host names and browser origins may call the mcp gate, and what their browsers need."""

from collections.abc import Iterable
from ipaddress import ip_address

from triplegate.core.errors import Refusal
from triplegate.core.http import Headers, Inbound, OneFrame, Reply
from triplegate.gates.mcp.oauth import Oauth
from triplegate.gates.pages import LOOPBACK, Origins

_OWN = b"access-control-"
_VARY = (b"vary", b"Origin")
_EXPOSED = (
    _OWN + b"expose-headers",
    b"Mcp-Session-Id, Mcp-Protocol-Version, WWW-Authenticate, X-Request-Id, Retry-After, RateLimit, RateLimit-Policy",
)
_METHODS = b"GET, POST, DELETE"
_ASKED = frozenset(
    {b"authorization", b"x-api-key", b"content-type", b"accept", b"last-event-id", b"traceparent", b"tracestate"}
    | {b"baggage", b"x-request-id", b"cache-control"}
)
_PREFIX = b"mcp-"


class Doors:
    """Allow-lists as written; loopback names are always among the hosts.

    With none written, hosts are loopback names and plain addresses (a name that was made to point here is neither),
    and origins are those of pages served from loopback.
    """

    __slots__ = ("_hosts", "_origins", "_suffixes", "oauth")

    def __init__(self, hosts: Iterable[str], origins: Iterable[str], oauth: Oauth | None = None) -> None:
        written = [host.lower() for host in hosts]
        self._hosts = frozenset(written)
        self._suffixes = tuple(host[1:] for host in written if host.startswith("*."))
        self._origins = Origins(origins)
        self.oauth = oauth
        """What clients with tokens are told, where there are any."""

    def check(self, inbound: Inbound) -> Refusal | None:
        """Refusal forbidden_origin when Host or Origin is not allowed."""
        if not self._host_fits(inbound.host):
            return Refusal("forbidden_origin", "This host name is not served here.", reason=f"Host {inbound.host}")
        return self._origins.check(inbound)

    def _host_fits(self, host: str) -> bool:
        if host in LOOPBACK or "*" in self._hosts:
            return True
        if self._hosts:
            return host in self._hosts or host.endswith(self._suffixes)
        return _is_address(host)


def promised(inbound: Inbound) -> Headers:
    """What a browser needs to let the page of an allowed origin read an answer (Fetch §3.2); no page, nothing."""
    origin = inbound.header(b"origin")
    return [] if origin is None else [(_OWN + b"allow-origin", origin), _EXPOSED, _VARY]


def preflight(inbound: Inbound) -> Reply | None:
    """The answer to a browser that asks beforehand, as an allowed origin; None when that is not what it asks."""
    if inbound.method != "OPTIONS" or inbound.header(_OWN + b"request-method") is None:
        return None
    wanted = [name.strip().lower() for name in (inbound.header(_OWN + b"request-headers") or b"").split(b",")]
    allowed = b", ".join([name for name in wanted if name in _ASKED or name.startswith(_PREFIX)])
    headers: Headers = [
        (_OWN + b"allow-methods", _METHODS),
        (_OWN + b"max-age", b"600"),
        (b"vary", b"Access-Control-Request-Method, Access-Control-Request-Headers"),
        (b"server", b"triplegate"),
    ]
    if allowed:
        headers.append((_OWN + b"allow-headers", allowed))
    return Reply(204, headers, OneFrame(), source="local")


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
