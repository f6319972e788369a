"""What all connections of one front share: bounds, certificates, servers behind, and what was counted."""

import asyncio
from collections import Counter
from typing import Protocol

from triplegate.core.ports import Supervisor
from triplegate.edge.front_certificates import Certificates
from triplegate.edge.front_facts import Table
from triplegate.wire.client_address import TrustedProxies


class Linked(Protocol):
    """One connection, as the front sees it."""

    def stop(self, *, hard: bool = False) -> None:
        """The process ends: what has not begun is cut, and with `hard` everything."""
        ...

    def sweep(self, seconds: float) -> None:
        """So much time has passed."""
        ...


class Terms:
    """Made once for each front."""

    def __init__(
        self,
        *,
        supervisor: Supervisor,
        certificates: Certificates | None = None,
        proxies: TrustedProxies | None = None,
        http2: bool = False,
        header_timeout: float = 10.0,
        write_idle: float = 60.0,
        connections: int = 16_384,
        per_address: int = 1_024,
    ) -> None:
        """`proxies`: those that begin each connection with a PROXY header; nobody else may connect then."""
        self.supervisor, self.certificates, self.proxies, self.http2 = supervisor, certificates, proxies, http2
        self.header_timeout, self.write_idle = header_timeout, write_idle
        self.connections, self.per_address = connections, per_address
        self.behind: dict[bool, tuple[int, Table]] = {}
        """HTTP/2 or not → the port of the server behind, and what it may know of our connections."""
        self.links: set[Linked] = set()
        self.watched: set[Linked] = set()
        """Those of HTTP/2."""
        self.addresses: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        """Connections that were ended by us, by reason."""
        self.closing = False
        self.empty = asyncio.Event()
        """Set when the last link ends while the front closes."""

    def gone(self, link: Linked) -> None:
        """A link has ended."""
        self.links.discard(link)
        self.watched.discard(link)
        if self.closing and not self.links:
            self.empty.set()
