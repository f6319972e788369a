"""Verdicts that were given a while ago, by what they were about: never its text."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

from triplegate.wire.guards.told import Piece, Told

_MOST = 4096


class Remembered:
    """One guard's; kept over reloads, bounded, the oldest go first."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, tuple[float, Told]] = OrderedDict()

    def find(self, key: bytes, now: float) -> Told | None:
        """What was said of it, if that still counts."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept[0] <= now:
            del self._kept[key]
            return None
        return kept[1]

    def keep(self, key: bytes, told: Told, until: float) -> None:
        """Until then."""
        self._kept[key] = (until, told)
        self._kept.move_to_end(key)
        if len(self._kept) > _MOST:
            self._kept.popitem(last=False)


def key_of(about: bytes, tenant: str, pieces: Sequence[Piece]) -> bytes:
    """Equal for equal pieces of one tenant under one guard as written: no tenant learns what another one asked."""
    digest = hashlib.sha256(about)
    for part in (tenant, *[part for piece in pieces for part in (piece.where, piece.text)]):
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(raw))
        digest.update(raw)
    return digest.digest()
