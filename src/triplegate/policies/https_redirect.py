"""Send clients that came without TLS to the same place with it."""

from collections.abc import Awaitable
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from triplegate.core.exchange import Exchange, Proceed, Step
from triplegate.core.http import Inbound, OneFrame, Reply
from triplegate.core.policy import Policy, Stage
from triplegate.core.ports import Kit
from triplegate.wire.client_address import client_scheme


class HttpsRedirect(Policy):
    """Answer what came by http with a Location of https: same host, path and query."""

    use: Literal["https_redirect"] = "https_redirect"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.EDGE
    port: Annotated[int, Field(ge=1, le=65535)] = 443
    """Port that is asked by https; 443 is not written."""
    code: Literal[301, 302, 307, 308] = 308
    """Status of the answer; 307 and 308 keep method and body."""

    def location(self, inbound: Inbound) -> bytes:
        """Where to ask instead."""
        port = "" if self.port == 443 else f":{self.port}"
        url = f"https://{inbound.host}{port}{inbound.path if inbound.path != '*' else '/'}".encode("ascii")
        return url + b"?" + inbound.query if inbound.query else url

    def build(self, kit: Kit) -> Step:
        """A step that answers what came by http."""
        trusted, code = kit.trusted, self.code

        def step(exchange: Exchange, proceed: Proceed) -> Awaitable[Reply]:
            if client_scheme(exchange.inbound, trusted) == "https":
                return proceed(exchange)
            return self._send(exchange, code)

        return step

    async def _send(self, exchange: Exchange, code: int) -> Reply:
        headers = [(b"location", self.location(exchange.inbound)), (b"content-length", b"0")]
        return Reply(code, [*headers, (b"server", b"triplegate")], OneFrame(), source="local")
