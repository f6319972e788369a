"""What comes before HTTP on a new connection: a PROXY header, the TLS handshake, and which HTTP it will be."""

import ssl

from triplegate.core.http import Peer
from triplegate.edge.front_facts import Facts
from triplegate.edge.front_terms import Terms
from triplegate.edge.front_tls import Secured
from triplegate.wire.http2_frames import PREFACE
from triplegate.wire.proxy_protocol import read_proxy


class Unfit(Exception):
    """This connection is not served; the text is its reason."""


class Opening:
    """Bytes in, and at last the answer whether it is HTTP/2: no socket, no waiting."""

    __slots__ = ("_terms", "_waits_for_proxy", "held", "http2", "peer", "tls")

    def __init__(self, terms: Terms, address: str, port: int) -> None:
        self._terms = terms
        self.peer = Peer(address.partition("%")[0].removeprefix("::ffff:"), port)
        """Whom we talk with; with a PROXY header, whom the proxy does."""
        if terms.proxies is not None and self.peer.address not in terms.proxies:
            raise Unfit("not a trusted proxy")
        self._waits_for_proxy = terms.proxies is not None
        self.tls = None if terms.certificates is None else Secured(terms.certificates.shown)
        self.held = b""
        """Plain bytes that nobody has read yet."""
        self.http2: bool | None = None
        """None until it is known."""

    @property
    def named(self) -> bool:
        """Whether the peer is known."""
        return not self._waits_for_proxy

    def feed(self, content: bytes) -> None:
        """More bytes. Raises Unfit; what the client must be told is pending in `tls`."""
        if self._waits_for_proxy:
            content = self._read_proxy(content)
            if self._waits_for_proxy:
                return
        if self.tls is not None:
            content = self._read_tls(self.tls, content)
        self.held += content
        if self.held:
            self._tell()

    def _read_proxy(self, content: bytes) -> bytes:
        self.held += content
        try:
            found = read_proxy(self.held)
        except ValueError:
            raise Unfit("malformed PROXY header") from None
        if found is None:
            return b""
        source, length = found
        if source is not None:
            self.peer = Peer(*source)
        rest, self.held, self._waits_for_proxy = self.held[length:], b"", False
        return rest

    def _read_tls(self, tls: Secured, content: bytes) -> bytes:
        try:
            content = tls.receive(content)
        except ssl.SSLError:
            raise Unfit("TLS handshake") from None
        if tls.ended and not content:
            raise Unfit("left")
        return content

    def _tell(self) -> None:
        held, size = self.held, len(PREFACE)
        if self.tls is not None:
            self.http2 = self.tls.http2
        elif not self._terms.http2 or held[:size] != PREFACE[: len(held)]:
            self.http2 = False
        elif len(held) >= size:
            self.http2 = True

    def facts(self) -> Facts:
        """What the server behind may know."""
        if self.tls is None:
            return Facts(self.peer, "http")
        seen = self.tls.seen()
        return Facts(Peer(self.peer.address, self.peer.port, seen.certificate), "https", seen)
