"""Which web pages may call, by the origin that their browser tells."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from triplegate.core.errors import Refusal
from triplegate.core.http import Inbound

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})


class Origins:
    """An allow-list as written; with none, pages served from loopback. Who sends no Origin is no browser and may."""

    __slots__ = ("_any", "_written")

    def __init__(self, written: Iterable[str]) -> None:
        self._written = frozenset(origin.lower().rstrip("/") for origin in written)
        self._any = "*" in self._written

    def check(self, inbound: Inbound) -> Refusal | None:
        """Refusal forbidden_origin when Origin is not allowed."""
        for name, value in inbound.headers:
            if name == b"origin" and not self._fits(value.decode("latin-1").lower()):
                return Refusal("forbidden_origin", "This origin may not call.", reason=f"Origin {value[:256]!r}")
        return None

    def _fits(self, origin: str) -> bool:
        if self._written:
            return self._any or origin in self._written
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and parts.hostname in LOOPBACK
