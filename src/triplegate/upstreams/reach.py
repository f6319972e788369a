"""From an address in a document to the pool that serves it, kept over reloads."""

from math import inf
from pathlib import Path

import msgspec

from triplegate.config.documents_base import Connections, Timeouts, Tls
from triplegate.core.policy import Dispatch
from triplegate.core.ports import Kit
from triplegate.upstreams.origin import parse
from triplegate.upstreams.pool import Pool, PoolLimits
from triplegate.upstreams.resolve import Resolver
from triplegate.upstreams.tls import PEM, TlsSettings, shared_trust


class Reached(msgspec.Struct, frozen=True, eq=False):
    """A pool, the path before a request's own, and the bounds a call brings along."""

    pool: Pool
    base: bytes
    limits: PoolLimits

    def dispatch(self, waits: Timeouts | None) -> Dispatch:
        """The document's times and bounds; a chain's policies may change them."""
        dispatch = dispatch_of(waits)
        dispatch.tuned["pool"] = self.limits
        return dispatch


def dispatch_of(waits: Timeouts | None) -> Dispatch:
    """A document's times; a chain's policies may change a copy."""
    waits = waits or Timeouts()
    return Dispatch(
        connect=waits.connect,
        first_byte=waits.first_byte,
        idle=waits.idle,
        total=waits.total,
        stream=inf if waits.stream is None else waits.stream,
    )


def reach(url: str, tls: Tls | None, connections: Connections, kit: Kit, *, credential: str = "") -> Reached:
    """The pool for `url`: one per origin, TLS identity and credential, whatever number of documents name it.

    Unusable certificate files do not refuse the configuration: calls there are refused until they are good, and the
    snapshot says so. Raises ValueError for an unusable URL.
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
    plain, base = parse(url, credential=credential)
    if not url.startswith("https:"):
        pool = kit.state(Pool, plain.key, lambda: Pool(plain, kit.supervisor, resolver=resolver))
        return Reached(pool, base.encode("ascii"), limits)
    trust = shared_trust(kit, tls_settings(tls, kit))
    if trust.trouble:
        kit.faults.append(f"{url}: {trust.trouble}")
    settings = trust.settings
    origin = msgspec.structs.replace(plain, tls=settings.label)

    def make() -> Pool:
        return Pool(origin, kit.supervisor, trust=trust, sni=settings.sni, resolver=resolver)

    return Reached(kit.state(Pool, origin.key, make), base.encode("ascii"), limits)


def tls_settings(tls: Tls | None, kit: Kit) -> TlsSettings:
    """How a document says an upstream is checked; file names start at the configuration."""
    if tls is None:
        return TlsSettings()

    def place(name: str | None) -> str | None:
        if name is None or name.startswith(PEM):
            return name
        return str(Path(kit.base, name.removeprefix("file:")))

    return TlsSettings(place(tls.ca), place(tls.certificate), place(tls.key), tls.server_name, tls.san, tls.min_version)
