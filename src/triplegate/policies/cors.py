"""Let pages of other origins call, and tell their browsers so."""

import re
from collections.abc import Awaitable, Iterable
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from triplegate.config.documents_api import Method
from triplegate.config.types import HeaderName, Worded
from triplegate.core.duration import Duration
from triplegate.core.exchange import Exchange, Proceed, Step
from triplegate.core.http import Headers, OneFrame, Reply
from triplegate.core.policy import Policy, Stage
from triplegate.core.ports import Kit

_DEFAULT_PORTS = {"http": "80", "https": "443"}
_VARY = (b"vary", b"Origin")
_VARY_PREFLIGHT = (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
_OWN = b"access-control-"


def _as_sent(value: str) -> str:
    """As browsers write it: without the scheme's own port."""
    scheme, _, rest = value.partition("://")
    host, colon, port = rest.rpartition(":")
    return f"{scheme}://{host}" if colon and port == _DEFAULT_PORTS.get(scheme) else value


AllowedOrigin = Annotated[
    str,
    Worded(
        r"\*|[a-z][a-z0-9+.-]*://(?:\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::\d{1,5})?",
        "*, an origin such as https://app.example.com, or https://*.example.com",
        longest=512,
        lower=True,
    ),
    AfterValidator(_as_sent),
]
"""`*`, an origin, or one whose host begins with `*.` (any number of labels)."""


class Cors(Policy):
    """Answer preflights before anyone is known, and let browsers read answers on allowed origins (Fetch §3.2)."""

    use: Literal["cors"] = "cors"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.EDGE
    gates: ClassVar = frozenset({"api"})
    allow_origins: Annotated[tuple[AllowedOrigin, ...], Field(min_length=1, max_length=64)]
    """Origins whose pages may call: `*` for any, `https://*.example.com` for all below a name."""
    allow_credentials: bool = False
    """Whether browsers may send cookies and read the answer; then no answer says `*`."""
    allow_methods: Annotated[tuple[Method | Literal["*"], ...], Field(max_length=64)] = ("GET", "HEAD", "POST")
    """Methods that a preflight allows; `*` for any."""
    allow_headers: Annotated[tuple[HeaderName, ...], Field(max_length=64)] = ()
    """Request fields that a preflight allows besides the safe ones; `*` for any."""
    expose_headers: Annotated[tuple[HeaderName, ...], Field(max_length=64)] = ()
    """Answer fields that pages may read besides the safe ones; `*` for any."""
    max_age: Duration = 5.0
    """How long a browser may remember a preflight."""

    def doubts(self) -> Iterable[str]:
        """Any page may act for its users."""
        if "*" in self.allow_origins and self.allow_credentials:
            yield "pages of any origin may call with their users' cookies and read the answers"

    @cached_property
    def origins(self) -> "re.Pattern[str]":
        """All allowed origins but `*`, as one expression."""
        return re.compile("|".join(_expression(one) for one in self.allow_origins if one != "*") or r"(?!)")

    def allowed(self, origin: bytes) -> bytes | None:
        """The value of Access-Control-Allow-Origin; None for an origin that may not call."""
        text = origin.decode("latin-1").lower()
        if "*" in self.allow_origins:
            return origin if self.allow_credentials else b"*"
        return origin if self.origins.fullmatch(text) is not None else None

    def headers(self, origin: bytes) -> Headers:
        """Fields of every answer, refusals included; none for an origin that may not call."""
        value = self.allowed(origin)
        if value is None:
            return []
        found = [(_OWN + b"allow-origin", value)]
        if self.allow_credentials:
            found.append((_OWN + b"allow-credentials", b"true"))
        return found

    def preflight(self, origin: bytes, method: bytes, wanted: bytes) -> Headers:
        """Fields that answer a preflight; with credentials `*` means nothing to a browser, so what it asks is told."""
        found = self.headers(origin)
        if not found:
            return found
        told = self.allow_credentials
        methods, names = self.told_methods, self.told_headers
        if methods == b"*" and told:
            methods = method
        if names == b"*" and told:
            names = wanted
        found.append((_OWN + b"allow-methods", methods))
        if names:
            found.append((_OWN + b"allow-headers", names))
        found.append((_OWN + b"max-age", b"%d" % self.max_age))
        return found

    @cached_property
    def told_methods(self) -> bytes:
        """Access-Control-Allow-Methods."""
        return _listed(self.allow_methods)

    @cached_property
    def told_headers(self) -> bytes:
        """Access-Control-Allow-Headers."""
        return _listed(self.allow_headers)

    @cached_property
    def told_exposed(self) -> bytes:
        """Access-Control-Expose-Headers."""
        return _listed(self.expose_headers)

    def build(self, kit: Kit) -> Step:
        """A step that answers preflights, and promises its fields to every other answer."""

        def step(exchange: Exchange, proceed: Proceed) -> Awaitable[Reply]:
            inbound = exchange.inbound
            origin = inbound.header(b"origin")
            if origin is None:
                exchange.reply_headers.append(_VARY)
                return proceed(exchange)
            method = inbound.header(_OWN + b"request-method")
            if inbound.method == "OPTIONS" and method is not None:
                wanted = inbound.header(_OWN + b"request-headers") or b""
                return _answer([*self.preflight(origin, method, wanted), _VARY_PREFLIGHT])
            promised = self.headers(origin)
            if promised and self.told_exposed:
                promised.append((_OWN + b"expose-headers", self.told_exposed))
            exchange.reply_headers += [*promised, _VARY]
            return _without_theirs(proceed(exchange))

        return step


def _expression(origin: str) -> str:
    scheme, _, rest = origin.partition("://")
    if rest.startswith("*"):
        host, colon, port = rest[1:].partition(":")
        return rf"{re.escape(scheme)}://[a-z0-9_-]+(?:\.[a-z0-9_-]+)*{re.escape(host + colon + port)}"
    return re.escape(origin)


def _listed(values: tuple[str, ...]) -> bytes:
    return b"*" if "*" in values else ", ".join(values).encode("ascii")


async def _answer(headers: Headers) -> Reply:
    return Reply(204, [*headers, (b"server", b"triplegate")], OneFrame(), source="local")


async def _without_theirs(waiting: Awaitable[Reply]) -> Reply:
    """The answer without the service's own word on the matter: two words are none to a browser."""
    reply = await waiting
    reply.headers = [line for line in reply.headers if not line[0].startswith(_OWN)]
    return reply
