"""Against DNS rebinding: which Host names and browser origins may call the mcp gate."""

from collections.abc import Iterable
from ipaddress import ip_address

from triplegate.core.errors import Refusal
from triplegate.core.http import Inbound
from triplegate.gates.pages import LOOPBACK, Origins


class Doors:
    """Allow-lists as written; loopback names are always among the hosts.

    With none written, hosts are loopback names and plain addresses (a name that was made to point here is neither),
    and origins are those of pages served from loopback.
    """

    __slots__ = ("_hosts", "_origins", "_suffixes")

    def __init__(self, hosts: Iterable[str], origins: Iterable[str]) -> None:
        written = [host.lower() for host in hosts]
        self._hosts = frozenset(written)
        self._suffixes = tuple(host[1:] for host in written if host.startswith("*."))
        self._origins = Origins(origins)

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


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
