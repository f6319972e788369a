"""A share of one model's calls goes to another model; a consumer, or each call, is on one side."""

from hashlib import blake2b

import msgspec

from triplegate.config.documents_routing import CanaryDocument
from triplegate.core.exchange import Exchange

_PARTS = 1_000_000


class Canary(msgspec.Struct, frozen=True, eq=False):
    """Who goes there."""

    name: str
    """The model whose calls these are: each model draws anew."""
    model: str
    """The model that gets them."""
    parts: int
    """Of a million."""
    by_consumer: bool

    @classmethod
    def of(cls, name: str, document: CanaryDocument | None) -> "Canary | None":
        """As written; None where nothing is."""
        if document is None:
            return None
        return cls(name, document.model, round(document.percent / 100 * _PARTS), document.by == "consumer")

    def takes(self, exchange: Exchange) -> bool:
        """Whether this call goes there; the same for each of a consumer's calls."""
        return place_of(self.name, exchange, by_consumer=self.by_consumer) < self.parts


def place_of(name: str, exchange: Exchange, *, by_consumer: bool) -> int:
    """Where a call stands among a million, by its consumer where there is one that has a name."""
    principal = exchange.principal
    who = exchange.id
    if by_consumer and principal is not None and principal.method != "none":
        who = f"{principal.team_ref}/{principal.consumer}"
    return int.from_bytes(blake2b(f"{name}|{who}".encode("utf-8", "replace"), digest_size=8).digest()) % _PARTS
