"""What the front knows of a connection, and the server behind it does not: peer, scheme, certificates."""

import ssl

import msgspec

from triplegate.core.http import Peer
from triplegate.edge.front_certificates import Shown

LOOPBACK = "127.0.0.1"
"""Where the servers behind fronts listen."""


class Seen(msgspec.Struct, frozen=True):
    """What TLS found out."""

    certificate: bytes | None
    """DER of the client's certificate, verified."""
    chosen: tuple[Shown, ssl.SSLContext] | None
    """All of our certificates and the one that was shown; None when the client asked for no name."""
    asked: str = ""
    """The name that the client asked for (SNI, lower-case); empty: none."""


class Facts(msgspec.Struct, frozen=True, eq=False):
    """One connection."""

    peer: Peer
    scheme: str
    seen: Seen | None = None

    @property
    def asked(self) -> str:
        """The name that the connection was opened for; empty when it says none."""
        return "" if self.seen is None else self.seen.asked

    def misdirected(self, host: str) -> bool:
        """Whether a request for `host` should have come by a connection of its own: it has another certificate."""
        chosen = None if self.seen is None else self.seen.chosen
        return chosen is not None and chosen[0].find(host) not in (None, chosen[1])


Table = dict[int, Facts]
"""Local port of our connection to the server behind, which it sees as its peer's → what is known of the client's."""
