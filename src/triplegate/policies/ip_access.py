"""Let calls in by the address they come from."""

from functools import cached_property
from ipaddress import ip_network
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.policy import Policy, Stage
from triplegate.wire.client_address import TrustedProxies as Networks


def _network(value: str) -> str:
    try:
        return str(ip_network(value, strict=False))
    except ValueError:
        raise ValueError("must be an address or a network: 10.0.0.0/8") from None


Network = Annotated[str, AfterValidator(_network)]


class IpAccess(Policy):
    """Refuse clients by address: a denied one never passes, and where some are allowed nobody else does."""

    use: Literal["ip_access"] = "ip_access"
    stage: ClassVar = Stage.EDGE
    security: ClassVar = True
    allow: Annotated[tuple[Network, ...], Field(max_length=10_000)] = ()
    """Addresses and networks that may call; none written = all but the denied."""
    deny: Annotated[tuple[Network, ...], Field(max_length=10_000)] = ()
    """Addresses and networks that may not, even when they are allowed."""

    @model_validator(mode="after")
    def _somebody(self) -> "IpAccess":
        if not self.allow and not self.deny:
            raise ValueError("ip_access: write allow or deny, else everyone would pass")
        return self

    @cached_property
    def allowed(self) -> Networks:
        """Those of `allow`, with the verdicts on clients seen last."""
        return Networks(self.allow)

    @cached_property
    def denied(self) -> Networks:
        """Those of `deny`, likewise."""
        return Networks(self.deny)

    def decide(self, exchange: Exchange) -> Refusal | None:
        """403 for who may not; the client is whom trusted proxies name, else the peer."""
        client = exchange.inbound.client
        if (self.deny and client in self.denied) or (self.allow and client not in self.allowed):
            return Refusal("forbidden", "Calls from this address are not allowed.", reason=f"address {client}")
        return None
