"""What can be called: routes and the targets they resolve to."""

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from triplegate.core.admission import Claimant
from triplegate.core.identity import Principal
from triplegate.core.money import Price

if TYPE_CHECKING:
    from triplegate.core.policy import Policy


class Target(msgspec.Struct, frozen=True, eq=False):
    """What a route, model or tool resolves to."""

    kind: Literal["service", "deployment", "server", "route"]
    name: str
    policies: tuple["Policy", ...] = ()
    price: Price | None = None
    group: str = ""
    """Targets that share an upstream's account, and its own limit where `limit` says no other."""
    claimants: tuple[Claimant, ...] = ()
    """The policies among `policies` that claim; taken before each attempt."""
    wiring: Any = None
    """The gate's own compiled part: endpoints, credentials, addresses."""
    limit: str = ""
    """Quota group: targets that share an upstream's own limit; empty = as `group`."""


class Route(msgspec.Struct, frozen=True, eq=False):
    """A match that leads to a chain and targets; a model and an MCP server are routes of their gates."""

    name: str
    gate: str
    owner: str | None = None
    """The team that owns it: anonymous calls are booked there."""
    policies: tuple["Policy", ...] = ()
    targets: tuple[tuple[Target, int], ...] = ()
    """Targets and their weights."""
    price: Price | None = None
    records: Literal["rollup", "each"] = "rollup"
    """Unpriced traffic: minute rollups, or a row each."""
    anonymous: Principal | None = None
    """Who calls without credentials, when the route says `identity: none`."""
    origin: str = ""
    """file:line:column of the document."""

    billed: bool = False
    """Whether a call needs an intent before the first upstream byte; found out by itself."""

    def __post_init__(self) -> None:
        """Every call asks for it three times."""
        msgspec.structs.force_setattr(self, "billed", self.price is not None or self.gate != "api")
