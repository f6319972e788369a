"""Who the client is behind trusted proxies: the first untrusted address from the right (P-28)."""

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

from triplegate.core.http import Headers, Inbound
from triplegate.core.ports import Trusts

_PAIR = re.compile(rb'([A-Za-z]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;,\s"]*)')
_ELEMENTS = re.compile(rb'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_PORTED_V4 = re.compile(r"([0-9.]+):[0-9]+")


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """An address as proxies write it (`1.2.3.4:80`, `[::1]:80`, `::ffff:1.2.3.4`), or None."""
    text = text.strip(' \t"')
    if text[:1] == "[" and "]" in text:
        text = text[1:].partition("]")[0]
    elif (ported := _PORTED_V4.fullmatch(text)) is not None:
        text = ported[1]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def client_scheme(inbound: Inbound, trusted: Trusts) -> str:
    """The scheme that the client used: what a trusted proxy says of it, else that of the connection."""
    if inbound.peer.address in trusted:
        for name, value in inbound.headers:
            if name == b"x-forwarded-proto":
                return "https" if value.strip().lower() == b"https" else "http"
    return inbound.scheme


class TrustedProxies:
    """The networks whose forwarding headers are believed; remembers a bounded number of verdicts."""

    __slots__ = ("_networks", "_seen", "_source")

    def __init__(
        self, networks: Iterable[str], source: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"
    ) -> None:
        """`networks` in CIDR form; raises ValueError for what is none. `source` is the header the proxies write."""
        self._networks: Sequence[IPv4Network | IPv6Network] = [ip_network(network) for network in networks]
        self._source = source.encode("ascii")
        self._seen: dict[str, bool] = {}

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, address: str) -> bool:
        known = self._seen.get(address)
        if known is None:
            if len(self._seen) >= 1024:
                self._seen.clear()
            parsed = parse_address(address)
            known = self._seen[address] = parsed is not None and self._trusts(parsed)
        return known

    def _trusts(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._networks)

    def client(self, peer: str, headers: Headers) -> str:
        """The client's address: the peer's, unless the peer is trusted and named somebody else.

        Walking stops at the first entry that is no address: what stands left of it was written by nobody we trust.
        """
        if not self._networks or peer not in self:
            return peer
        client = peer
        for text in reversed(self._named(headers)):
            address = parse_address(text)
            if address is None:
                break
            client = str(address)
            if not self._trusts(address):
                break
        return client

    def _named(self, headers: Headers) -> list[str]:
        """Every hop the source header names, left to right, over all its lines."""
        lines = [value for name, value in headers if name == self._source]
        if not lines:
            return []
        value = b",".join(lines)
        if self._source == b"x-forwarded-for":
            return value.decode("latin-1").split(",")
        return [_node(element) for element in _ELEMENTS.findall(value)]


def _node(element: bytes) -> str:
    """The `for` of one element of Forwarded, or nothing."""
    for pair in _PAIR.finditer(element):
        if pair[1].lower() == b"for":
            return pair[2].decode("latin-1")
    return ""
