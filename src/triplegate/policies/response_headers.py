"""Edit the fields of a service's answer on its way to the client."""

from typing import ClassVar, Literal

from triplegate.config.header_edits import REPLY_OWNED, HeaderEdits
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.outgoing import Outgoing
from triplegate.core.policy import Stage


class ResponseHeaders(HeaderEdits):
    """Remove, set and add fields of the service's answer, in this order; the gateway's own refusals stay."""

    use: Literal["response_headers"] = "response_headers"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.SHAPE
    gates: ClassVar = frozenset({"api"})
    per_backend: ClassVar = True
    owned: ClassVar = REPLY_OWNED

    def shape(self, outgoing: Outgoing, exchange: Exchange) -> None:
        """Note the edits; they are made when the answer has come."""
        outgoing.replies.extend(self.edits)

    def decide(self, exchange: Exchange) -> Refusal | None:
        """Never refuses."""
        self.shape(exchange.shape(), exchange)
        return None
