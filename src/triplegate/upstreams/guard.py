"""May this address be called on someone else's word? The SSRF guard for URLs that reach us in requests or documents."""

import ipaddress
import re
from urllib.parse import urlsplit

import msgspec

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address

_PORTS = {"https": 443, "http": 80}
_NUMBER = re.compile(r"(.*\.)?(0[xX][0-9a-fA-F]*|[0-9]+)\.?")
"""A name whose last label is a number is an address to some readers (WHATWG URL, "ends in a number")."""
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_LOCAL_NAMES = (".localhost", ".local", ".internal", ".localdomain", ".home.arpa")
_EMBEDDING = tuple(
    (ipaddress.ip_network(network), shift)
    for network, shift in (
        ("::ffff:0:0/96", 0),  # IPv4-mapped
        ("::ffff:0:0:0/96", 0),  # IPv4-translated
        ("::/96", 0),  # IPv4-compatible
        ("64:ff9b::/96", 0),  # NAT64
        ("2002::/16", 80),  # 6to4
    )
)
_UNICAST6 = ipaddress.ip_network("2000::/3")
_REFUSED = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "168.63.129.16/32",  # Azure's platform address is global by the book
        "64:ff9b:1::/48",
        "2001::/23",  # Teredo, ORCHID and other protocol assignments
        "3fff::/20",
    )
)


class Destination(msgspec.Struct, frozen=True, gc=False):
    """A URL that may be called once its name has resolved to addresses that may."""

    scheme: str
    host: str
    port: int
    target: str
    """Path and query."""

    @property
    def authority(self) -> str:
        """For the Host field."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if _PORTS[self.scheme] == self.port else f"{host}:{self.port}"


def why_not(address: str | Ip) -> str | None:
    """Why an address may not be called; None for global unicast, also of what is embedded in it."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "not an IP address"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.scope_id is not None:
            return "a scoped address"
        for network, shift in _EMBEDDING:
            if ip in network:
                inner = why_not(ipaddress.IPv4Address((int(ip) >> shift) & 0xFFFFFFFF))
                return inner or "an IPv4 address in IPv6 form"
        if ip not in _UNICAST6:
            return "not a global unicast address"
    if any(ip in network for network in _REFUSED if network.version == ip.version):
        return "a reserved address"
    if ip.is_multicast or not ip.is_global or ip.is_unspecified:
        return "not a global unicast address"
    return None


def inspect(url: str, *, allow_private: bool = False, ports: frozenset[int] = frozenset({443})) -> Destination:
    """The destination of a URL, unresolved. Raises ValueError saying what is wrong with it.

    `allow_private` (the operator's own setting) also allows http and any port; numbers are read as dotted IPv4 only.
    """
    if len(url) > 2048 or any(
        character <= " " or character == "\x7f" or character in '\\"<>^`{|}' for character in url
    ):
        raise ValueError("characters that do not belong into a URL")
    if not url.isascii():
        raise ValueError("not ASCII: write the name in its xn-- form")
    parts = urlsplit(url)
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        raise ValueError("the scheme must be https")
    if "@" in parts.netloc:
        raise ValueError("credentials in a URL are not accepted")
    host = _host(parts.hostname or "", bracketed="[" in parts.netloc, allow_private=allow_private)
    port = parts.port if parts.port is not None else _PORTS[parts.scheme]
    if parts.netloc.endswith(":") or port == 0 or (port not in ports and not allow_private):
        raise ValueError("the port is not allowed")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Destination(parts.scheme, host, port, target)


def _host(host: str, *, bracketed: bool, allow_private: bool) -> str:
    if bracketed:
        reason = why_not(host)
        if reason == "not an IP address" or "%" in host or (reason is not None and not allow_private):
            raise ValueError(reason or "not an IP address")
        return host
    if _NUMBER.fullmatch(host):
        return _number(host, allow_private=allow_private)
    if not _NAME.fullmatch(host):
        raise ValueError("not a host name")
    if not allow_private and (host == "localhost" or host.endswith(_LOCAL_NAMES) or "." not in host):
        raise ValueError("a local name")
    return host


def _number(host: str, *, allow_private: bool) -> str:
    """Decimal, octal, hexadecimal and short forms mean different addresses to different readers."""
    try:
        ip = ipaddress.IPv4Address(host)
    except ValueError:
        raise ValueError("a number that is not a dotted IPv4 address") from None
    reason = why_not(ip)
    if reason is not None and not allow_private:
        raise ValueError(reason)
    return str(ip)
