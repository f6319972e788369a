"""From an address in a document to the pool that serves it, kept over reloads."""

from pathlib import Path

import msgspec

from triplegate.config.documents_base import Connections, Timeouts, Tls
from triplegate.core.policy import Dispatch
from triplegate.core.ports import Kit
from triplegate.upstreams.origin import parse
from triplegate.upstreams.pool import Pool, PoolLimits
from triplegate.upstreams.tls import TlsSettings, identity, shared_context


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


def reach(url: str, tls: Tls | None, connections: Connections, kit: Kit, *, credential: str = "") -> Reached:
    """The pool for `url`: one per origin, TLS identity and credential, whatever number of documents name it.

    Raises ValueError for an unusable URL, OSError or ssl.SSLError for unusable certificate files.
    """
    settings = _tls_settings(tls, kit)
    secure = url.startswith("https:")
    origin, base = parse(url, tls=identity(settings) if secure else "", credential=credential)

    def make() -> Pool:
        context = shared_context(kit, settings) if secure else None
        return Pool(origin, kit.supervisor, tls=context, sni=settings.sni)

    return Reached(
        kit.state(Pool, origin.key, make),
        base.encode("ascii"),
        PoolLimits(connections.max, connections.queue, connections.queue_timeout),
    )


def _tls_settings(tls: Tls | None, kit: Kit) -> TlsSettings:
    if tls is None:
        return TlsSettings()
    if not tls.verify:
        raise ValueError("tls.verify: false is not supported: name the authority in tls.ca instead")
    key = None
    if tls.key is not None:
        if not tls.key.startswith("file:") or kit.secrets.read(tls.key) is None:
            raise ValueError(f"tls.key: '{tls.key}' must be a readable file: reference")
        key = str(Path(tls.key.removeprefix("file:")))
    return TlsSettings(tls.ca, tls.certificate, key, tls.server_name)
