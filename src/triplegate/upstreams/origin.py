"""Where an upstream lives, and what makes two addresses the same pool."""

from urllib.parse import urlsplit

import msgspec

_PORTS = {"http": 80, "https": 443}


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Scheme, host, port, and the identity under which connections may be shared."""

    scheme: str
    host: str
    """Lower-case name or bare address, without brackets."""
    port: int
    tls: str = ""
    """Identity of the TLS settings (`tls.identity`): CA, client certificate, SNI."""
    credential: str = ""
    """Label of the credential that connections are made for; never the credential itself."""

    @property
    def key(self) -> str:
        """Name of the pool: connections with another TLS identity, credential or SNI are never shared (RS-13)."""
        return f"{self}|{self.tls}|{self.credential}"

    @property
    def authority(self) -> bytes:
        """What belongs into the Host field (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (host if _PORTS[self.scheme] == self.port else f"{host}:{self.port}").encode()

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse(url: str, *, tls: str = "", credential: str = "") -> tuple[Origin, str]:
    """Origin and base path (no trailing slash) of an upstream's URL. Raises ValueError saying what is wrong."""
    if any(character <= " " or character == "\x7f" for character in url):
        raise ValueError("an upstream URL has no spaces or control characters")
    parts = urlsplit(url)
    if parts.scheme not in _PORTS:
        raise ValueError("an upstream URL begins with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("credentials do not belong into an upstream URL")
    if parts.query or parts.fragment:
        raise ValueError("an upstream URL has neither query nor fragment")
    if not parts.hostname:
        raise ValueError("an upstream URL names a host")
    host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    port = parts.port if parts.port is not None else _PORTS[parts.scheme]
    if port == 0:
        raise ValueError("port 0 cannot be dialled")
    return Origin(parts.scheme, host, port, tls, credential), parts.path.rstrip("/")
