"""Only pages of this host may talk to the control plane: DNS rebinding and foreign origins end here."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from litestar.exceptions import HTTPException, PermissionDeniedException
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]"})


class KnownHosts(ASGIMiddleware):
    """Refuses a Host that is not on the list (421) and any Origin but the page's own (403)."""

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        self._hosts = LOCAL | {host.lower() for host in hosts}

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Check, then pass on."""
        self.check(str(scope.get("method", "GET")), scope["headers"])
        await next_app(scope, receive, send)

    def check(self, method: str, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Raises an HTTP exception with status 421 or 403."""
        found: dict[bytes, list[str]] = {}
        for name, value in headers:
            found.setdefault(name, []).append(value.decode("latin-1"))
        hosts = found.get(b"host", [])
        if len(hosts) != 1 or _name(hosts[0]) not in self._hosts:
            raise HTTPException(status_code=421, detail="The control plane is not served under this host.")
        site = found.get(b"sec-fetch-site", ["none"])[0]
        for origin in found.get(b"origin", []):
            # a page with `Referrer-Policy: no-referrer` posts its forms with `Origin: null`
            if not _same_origin(origin, hosts[0]) and (origin, site) != ("null", "same-origin"):
                raise PermissionDeniedException("This origin may not call the control plane.")
        visiting = method == "GET" and found.get(b"sec-fetch-mode", [""])[0] == "navigate"
        if site not in ("none", "same-origin") and not visiting:
            raise PermissionDeniedException("Another site may not call the control plane.")


def _name(host: str) -> str:
    """Host without port, lower-case; empty when it cannot be read."""
    try:
        split = urlsplit(f"//{host}")
        _ = split.port
    except ValueError:
        return ""
    if split.username is not None or split.path or split.query or split.fragment or not split.hostname:
        return ""
    return f"[{split.hostname}]" if ":" in split.hostname else split.hostname


def _same_origin(origin: str, host: str) -> bool:
    try:
        split = urlsplit(origin)
    except ValueError:
        return False
    return split.scheme in ("http", "https") and split.netloc.lower() == host.lower() and not split.path
