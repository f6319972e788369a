"""From an address in a document to the pool that serves it, kept over reloads."""

from pathlib import Path
from typing import Any

import msgspec

from triplegate.config.documents_base import Connections, Timeouts, Tls
from triplegate.core.errors import Refusal
from triplegate.core.http import Reply
from triplegate.core.policy import Dispatch
from triplegate.core.ports import Kit
from triplegate.upstreams.http1 import Connection
from triplegate.upstreams.origin import Origin, parse
from triplegate.upstreams.pool import Pool, PoolLimits
from triplegate.upstreams.resolve import Resolver
from triplegate.upstreams.tls import TlsSettings, identity, shared_trust


class Reached(msgspec.Struct, frozen=True, eq=False):
    """A pool, the path before a request's own, and the bounds a call brings along."""

    pool: Pool
    base: bytes
    limits: PoolLimits

    def dispatch(self, waits: Timeouts | None) -> Dispatch:
        """The document's times and bounds; a chain's policies may change them."""
        waits = waits or Timeouts()
        return Dispatch(
            connect=waits.connect,
            first_byte=waits.first_byte,
            idle=waits.idle,
            total=waits.total,
            tuned={"pool": self.limits},
        )


class Unusable(Pool):
    """Stands where certificate files cannot be used: each call is refused, the rest of the gateway serves on."""

    __slots__ = ("_reason",)

    def __init__(self, origin: Origin, kit: Kit, reason: str) -> None:
        plain = Origin("http", origin.host, origin.port)
        super().__init__(plain, kit.supervisor)
        self.origin = origin
        self._reason = reason

    def twin(self) -> Pool:
        """Itself: it has no connection to share."""
        return self

    async def acquire(self, *_: Any, **__: Any) -> Connection:
        """Raises Refusal no_backend."""
        raise self._refusal()

    async def send(self, *_: Any, **__: Any) -> Reply:
        """Raises Refusal no_backend."""
        raise self._refusal()

    def _refusal(self) -> Refusal:
        return Refusal("no_backend", "The upstream's TLS settings cannot be used.", reason=self._reason)


def reach(url: str, tls: Tls | None, connections: Connections, kit: Kit, *, credential: str = "") -> Reached:
    """The pool for `url`: one per origin, TLS identity and credential, whatever number of documents name it.

    Unusable certificate files do not refuse the configuration: calls there are refused, and the snapshot says so.
    Raises ValueError for an unusable URL.
    """
    limits = PoolLimits(
        connections.max,
        connections.queue,
        connections.queue_timeout,
        connections.idle,
        connections.max_requests,
        connections.max_age,
    )
    resolver = kit.state(Resolver, "upstreams", lambda: Resolver(now=kit.clock.now, supervisor=kit.supervisor))
    secure = url.startswith("https:")
    plain, base = parse(url, credential=credential)
    try:
        settings = tls_settings(tls, kit)
        origin = msgspec.structs.replace(plain, tls=identity(settings)) if secure else plain
        context = shared_trust(kit, settings) if secure else None
    except (OSError, ValueError) as error:
        kit.faults.append(f"{url}: {error}")
        return Reached(Unusable(plain, kit, str(error)), base.encode("ascii"), limits)

    def make() -> Pool:
        return Pool(origin, kit.supervisor, tls=context, sni=settings.sni, resolver=resolver)

    return Reached(kit.state(Pool, origin.key, make), base.encode("ascii"), limits)


def tls_settings(tls: Tls | None, kit: Kit) -> TlsSettings:
    """How a document says an upstream is checked; file names start at the configuration."""
    if tls is None:
        return TlsSettings()

    def place(name: str | None) -> str | None:
        return None if name is None else str(Path(kit.base, name.removeprefix("file:")))

    return TlsSettings(place(tls.ca), place(tls.certificate), place(tls.key), tls.server_name)
