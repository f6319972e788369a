"""Tell the client to ask elsewhere."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from triplegate.config.documents_api import ExactHost, MatchPath
from triplegate.core.exchange import Exchange, Proceed, Step
from triplegate.core.http import Inbound, OneFrame, Reply
from triplegate.core.policy import Policy, Stage
from triplegate.core.ports import Kit
from triplegate.wire.replace import replace_prefix

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Redirect(Policy):
    """Answer with a Location instead of calling a service; what is not written stays as the client had it."""

    use: Literal["redirect"] = "redirect"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.EDGE
    gates: ClassVar = frozenset({"api"})
    answers: ClassVar = True
    scheme: Literal["http", "https"] | None = None
    """Scheme of the new URL."""
    hostname: ExactHost | None = None
    """Host of the new URL."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Port of the new URL; else the scheme's own when a scheme is written, else the client's."""
    path: MatchPath | None = None
    """Path of the new URL."""
    prefix: MatchPath | None = None
    """What takes the place of the matched path."""
    code: Literal[301, 302, 303, 307, 308] = 302
    """Status of the answer."""

    @model_validator(mode="after")
    def _somewhere(self) -> "Redirect":
        if self.path is not None and self.prefix is not None:
            raise ValueError("redirect: write path or prefix, not both")
        if all(part is None for part in (self.scheme, self.hostname, self.port, self.path, self.prefix)):
            raise ValueError("redirect: write where to: scheme, hostname, port, path or prefix")
        return self

    def location(self, inbound: Inbound, matched: str) -> bytes:
        """The new URL; the query stays. Raises Refusal when the path would leave its prefix (P-13)."""
        scheme = self.scheme or inbound.scheme
        port = self.port or (inbound.port if self.scheme is None else None)
        authority = self.hostname or inbound.host
        if port is not None and port != _DEFAULT_PORTS[scheme]:
            authority = f"{authority}:{port}"
        path = self.path or inbound.path
        if self.prefix is not None:
            path = replace_prefix(inbound.path, matched, self.prefix)
        url = f"{scheme}://{authority}{path}".encode("ascii")
        return url + b"?" + inbound.query if inbound.query else url

    def build(self, kit: Kit) -> Step:
        """A step that answers and never proceeds."""
        code = self.code

        async def step(exchange: Exchange, proceed: Proceed) -> Reply:
            location = self.location(exchange.inbound, exchange.matched)
            headers = [(b"location", location), (b"content-length", b"0"), (b"server", b"triplegate")]
            return Reply(code, headers, OneFrame(), source="local")

        return step
