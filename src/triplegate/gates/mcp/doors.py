"""Against DNS rebinding: which Host names and browser origins may call the mcp gate."""

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from triplegate.core.errors import Refusal
from triplegate.core.http import Inbound

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})


class Doors:
    """Allow-lists as written; loopback names are always among the hosts.

    With none written, hosts are loopback names and plain addresses (a name that was made to point here is neither),
    and origins are those of pages served from loopback.
    """

    __slots__ = ("_any_origin", "_hosts", "_origins", "_suffixes")

    def __init__(self, hosts: Iterable[str], origins: Iterable[str]) -> None:
        written = [host.lower() for host in hosts]
        self._hosts = frozenset(written)
        self._suffixes = tuple(host[1:] for host in written if host.startswith("*."))
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)
        self._any_origin = "*" in self._origins

    def check(self, inbound: Inbound) -> Refusal | None:
        """Refusal forbidden_origin when Host or Origin is not allowed."""
        if not self._host_fits(inbound.host):
            return Refusal("forbidden_origin", "This host name is not served here.", reason=f"Host {inbound.host}")
        for name, value in inbound.headers:
            if name == b"origin" and not self._origin_fits(value.decode("latin-1").lower()):
                return Refusal("forbidden_origin", "This origin may not call.", reason=f"Origin {value[:256]!r}")
        return None

    def _host_fits(self, host: str) -> bool:
        if host in _LOOPBACK or "*" in self._hosts:
            return True
        if self._hosts:
            return host in self._hosts or host.endswith(self._suffixes)
        return _is_address(host)

    def _origin_fits(self, origin: str) -> bool:
        if self._origins:
            return self._any_origin or origin in self._origins
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and parts.hostname in _LOOPBACK


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
