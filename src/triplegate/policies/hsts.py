"""Tell browsers to come by https only (RFC 6797)."""

from typing import ClassVar, Literal

from pydantic import model_validator

from triplegate.core.duration import Duration
from triplegate.core.exchange import Exchange, Proceed, Step
from triplegate.core.http import Reply
from triplegate.core.policy import Policy, Stage
from triplegate.core.ports import Kit
from triplegate.wire.client_address import client_scheme

_FIELD = b"strict-transport-security"
_YEAR = 31_536_000.0


class Hsts(Policy):
    """Put Strict-Transport-Security on every answer by https, refusals included; a service's own gives way."""

    use: Literal["hsts"] = "hsts"
    mode: Literal["enforce"] = "enforce"
    stage: ClassVar = Stage.EDGE
    max_age: Duration = _YEAR
    """How long browsers keep to it."""
    include_subdomains: bool = False
    """Whether it holds for every host below this one too."""
    preload: bool = False
    """Whether browsers may have it built in; they want a year and include_subdomains."""

    @model_validator(mode="after")
    def _preloadable(self) -> "Hsts":
        if self.preload and (not self.include_subdomains or self.max_age < _YEAR):
            raise ValueError("hsts: preload needs include_subdomains: true and a max_age of 365d at least")
        return self

    @property
    def value(self) -> bytes:
        """The field's value."""
        text = f"max-age={int(self.max_age)}"
        text += "; includeSubDomains" if self.include_subdomains else ""
        return (text + ("; preload" if self.preload else "")).encode("ascii")

    def build(self, kit: Kit) -> Step:
        """A step that adds the field."""
        trusted, field = kit.trusted, (_FIELD, self.value)

        async def step(exchange: Exchange, proceed: Proceed) -> Reply:
            if client_scheme(exchange.inbound, trusted) != "https":
                return await proceed(exchange)
            exchange.reply_headers.append(field)
            reply = await proceed(exchange)
            if any(name == _FIELD for name, _ in reply.headers):  # browsers believe the first of two
                reply.headers = [line for line in reply.headers if line[0] != _FIELD]
            return reply

        return step
