"""Edit the fields of a request on its way to the service."""

from collections.abc import Iterable
from typing import ClassVar, Literal

from triplegate.config.header_edits import REQUEST_OWNED, HeaderEdits
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.outgoing import Outgoing
from triplegate.core.policy import Stage

_CREDENTIALS = frozenset({"authorization", "cookie", "x-api-key", "api-key", "x-goog-api-key"})


class RequestHeaders(HeaderEdits):
    """Remove, set and add request fields, in this order; framing, Host and the gateway's own fields stay."""

    use: Literal["request_headers"] = "request_headers"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.SHAPE
    gates: ClassVar = frozenset({"api"})
    per_backend: ClassVar = True
    owned: ClassVar = REQUEST_OWNED

    def doubts(self) -> Iterable[str]:
        """A credential in the configuration."""
        for name in sorted({*self.set, *self.add} & _CREDENTIALS):
            yield f"{name} stands here for all to read"

    def shape(self, outgoing: Outgoing, exchange: Exchange) -> None:
        """Note the edits; they are made where the request is written."""
        outgoing.edits.extend(self.edits)

    def decide(self, exchange: Exchange) -> Refusal | None:
        """Never refuses."""
        self.shape(exchange.shape(), exchange)
        return None
