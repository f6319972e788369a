"""Send some of a route's calls to another service."""

from hashlib import blake2b
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from triplegate.config.types import HeaderName, HeaderValue, ServiceRef
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.policy import Policy, Stage
from triplegate.wire.cookies import cookie
from triplegate.wire.query import Query

_PARTS = 1_000_000

Words = Annotated[dict[Annotated[str, Field(min_length=1, max_length=256)], str], Field(max_length=16)]


class Canary(Policy):
    """Send a call to `service` when a header, cookie, parameter or consumer says so, or by a share that stays put.

    Any one of the conditions is enough. Of several canaries on a route the last one that takes a call has it.
    """

    use: Literal["canary"] = "canary"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.PERMIT
    gates: ClassVar = frozenset({"api"})
    chooses: ClassVar = True
    service: ServiceRef
    """Service that gets these calls; when it fails, the route's own are tried as ever."""
    headers: Annotated[dict[HeaderName, HeaderValue], Field(max_length=16)] = Field(default_factory=dict)
    """Request fields of which one with this value is enough."""
    cookies: Words = Field(default_factory=dict)
    """Cookies of which one with this value is enough."""
    query: Words = Field(default_factory=dict)
    """Query parameters of which one with this decoded value is enough."""
    consumers: Annotated[tuple[str, ...], Field(max_length=1024)] = ()
    """Consumers whose calls all go there: `name`, `team/name` or `org/team/name`."""
    percent: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Share of the callers that go there besides."""
    by: Literal["consumer", "address", "cookie"] = "consumer"
    """What a caller is told by, so that each stays on one side; without a consumer or the cookie: the address."""
    cookie: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """Cookie for `by: cookie`."""

    @model_validator(mode="after")
    def _some(self) -> "Canary":
        if not (self.headers or self.cookies or self.query or self.consumers or self.percent):
            raise ValueError("canary: say which calls: headers, cookies, query, consumers or percent")
        if (self.by == "cookie") != (self.cookie is not None):
            raise ValueError("canary: by: cookie and the cookie's name come together")
        return self

    def takes(self, exchange: Exchange) -> bool:
        """Whether this call goes there."""
        return self._told(exchange) or (self.percent > 0 and self._place(exchange) < self.percent / 100 * _PARTS)

    def _told(self, exchange: Exchange) -> bool:
        inbound, principal = exchange.inbound, exchange.principal
        if any(inbound.header(name.encode()) == value.encode("latin-1") for name, value in self.headers.items()):
            return True
        if any(cookie(inbound.headers, name) == value for name, value in self.cookies.items()):
            return True
        if self.consumers and principal is not None and principal.method != "none":
            names = (principal.consumer, f"{principal.team}/{principal.consumer}")
            if any(name in self.consumers for name in (*names, f"{principal.team_ref}/{principal.consumer}")):
                return True
        asked = Query(inbound.query) if self.query else None
        return asked is not None and any(asked.get(name) == value for name, value in self.query.items())

    def _place(self, exchange: Exchange) -> int:
        """Where the caller stands among all callers; the same for each of its calls, another for each canary."""
        digest = blake2b(f"{self.label}|{self._caller(exchange)}".encode("utf-8", "replace"), digest_size=8).digest()
        return int.from_bytes(digest) % _PARTS

    def _caller(self, exchange: Exchange) -> str:
        principal = exchange.principal
        if self.by == "consumer" and principal is not None and principal.method != "none":
            return f"{principal.team_ref}/{principal.consumer}"
        if self.cookie is not None:
            value = cookie(exchange.inbound.headers, self.cookie)
            if value is not None:
                return value
        return exchange.inbound.client

    def decide(self, exchange: Exchange) -> Refusal | None:
        """Choose the service; never refuses."""
        if self.takes(exchange):
            exchange.shape().service = self.service
        return None
