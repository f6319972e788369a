"""TLS of one connection as bytes in and bytes out: no socket, no waiting."""

import ssl
from contextlib import suppress

from triplegate.edge.front_certificates import Shown
from triplegate.edge.front_facts import Seen

_PIECE = 65_536


class Secured:
    """The server's side of one TLS connection."""

    __slots__ = ("_incoming", "_outgoing", "_shown", "_tls", "ended", "established")

    def __init__(self, shown: Shown) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._shown = shown
        self._tls = shown.wrap(self._incoming, self._outgoing)
        self.established = False
        self.ended = False
        """Whether the client said that nothing more comes."""

    def receive(self, content: bytes) -> bytes:
        """What the client meant; what it must be told is `pending`. Raises ssl.SSLError."""
        self._incoming.write(content)
        if not self.established:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                return b""
            self.established = True
        pieces: list[bytes] = []
        while True:
            try:
                piece = self._tls.read(_PIECE)
            except ssl.SSLWantReadError:
                break
            if not piece:
                self.ended = True
                break
            pieces.append(piece)
            if not self._incoming.pending and not self._tls.pending():
                break  # an exception less
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def send(self, content: bytes) -> bytes:
        """`content` as it goes to the client. Raises ssl.SSLError."""
        self._tls.write(content)
        return self._outgoing.read()

    @property
    def pending(self) -> bytes:
        """What the client must be told on TLS's own account."""
        return self._outgoing.read() if self._outgoing.pending else b""

    def close(self) -> bytes:
        """Tell the client that nothing more comes."""
        with suppress(ssl.SSLError):  # it would wait for the client's word
            self._tls.unwrap()
        return self._outgoing.read()

    @property
    def http2(self) -> bool:
        """Whether the two agreed on HTTP/2."""
        return self._tls.selected_alpn_protocol() == "h2"

    def seen(self) -> Seen:
        """The client's certificate, and which of ours it was shown for which name."""
        shown, tls = self._shown, self._tls
        several = bool(shown.exact or shown.wild) and tls.asked is not None
        certificate = tls.getpeercert(binary_form=True)
        return Seen(certificate, (shown, tls.context) if several else None, tls.asked or "")
