"""Send a request to another host name or path than the client named."""

from typing import ClassVar, Literal

from pydantic import model_validator

from triplegate.config.documents_api import MatchPath, SentHost
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.outgoing import Outgoing
from triplegate.core.policy import Policy, Stage
from triplegate.wire.replace import replace_prefix


class Rewrite(Policy):
    """Replace the Host header, the whole path, or the part of the path that the route's match names."""

    use: Literal["rewrite"] = "rewrite"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.SHAPE
    gates: ClassVar = frozenset({"api"})
    per_backend: ClassVar = True
    host: SentHost | None = None
    """Host to send, with port where one is meant; `upstream` and `keep` have no meaning here."""
    path: MatchPath | None = None
    """Path to send in place of all of the client's."""
    prefix: MatchPath | None = None
    """What takes the place of the matched path: /v1 for /api makes /v1/orders of /api/orders."""

    @model_validator(mode="after")
    def _one_path(self) -> "Rewrite":
        if self.path is not None and self.prefix is not None:
            raise ValueError("rewrite: write path or prefix, not both")
        if self.path is None and self.prefix is None and self.host is None:
            raise ValueError("rewrite: write host, path or prefix")
        if self.host in ("keep", "upstream"):
            raise ValueError("rewrite: host is the name to send; keep and upstream are said on the service")
        return self

    def shape(self, outgoing: Outgoing, exchange: Exchange) -> None:
        """Note host and path. Raises Refusal when the path would leave its prefix (P-13)."""
        if self.host is not None:
            outgoing.host = self.host.encode("ascii")
        if self.path is not None:
            outgoing.path = self.path
        elif self.prefix is not None:
            outgoing.path = replace_prefix(exchange.inbound.path, exchange.matched, self.prefix)

    def decide(self, exchange: Exchange) -> Refusal | None:
        """Never refuses what its route has matched."""
        self.shape(exchange.shape(), exchange)
        return None
