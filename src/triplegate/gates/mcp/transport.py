"""How a server is reached: whatever is behind it, it looks like an MCP endpoint over streamable HTTP."""

from abc import ABC, abstractmethod
from typing import ClassVar

from triplegate.config.types import is_reference
from triplegate.core.exchange import Exchange
from triplegate.core.http import Headers, Reply
from triplegate.core.policy import Dispatch
from triplegate.core.ports import Kit
from triplegate.wire.mcp_era import Era


class Transport(ABC):
    """The far end of a server. It speaks one era, and opens sessions, answers and streams as HTTP servers do."""

    __slots__ = ("missing",)
    patience: ClassVar[float] = 3.0
    """Seconds that it has to answer a question that it may not know."""
    first_list: ClassVar[float] = 10.0
    """Seconds that a list waits for such a server which has never listed anything."""
    known_era: ClassVar[Era | None] = None
    """The era that all such servers have; None: it is asked."""
    network: ClassVar[str] = "tcp"
    """OpenTelemetry's network.transport; empty: none, it is within the process."""
    missing: str
    """Why nothing can be sent, such as a secret that is not there; empty when it can."""
    place: str
    """Names what is reached: what is known of a server is kept for as long as this stays the same."""

    def _value(self, value: str, kit: Kit) -> str:
        """What a document says, or the secret that it refers to; `missing` says when that is not there."""
        if not is_reference(value):
            return value
        secret = kit.secrets.read(value)
        if secret is None:
            self.missing = f"nothing at {value}"
        return secret or ""

    @property
    def local(self) -> bool:
        """Whether its sessions are known to this node only."""
        return False

    @property
    def owned(self) -> bool:
        """Whether it wants to know the owner of every request, whatever the era."""
        return False

    async def older(self) -> bool:
        """Whether the server, which takes no POST, speaks an older way: it is spoken to so from now on."""
        return False

    @abstractmethod
    def dispatch(self) -> Dispatch:
        """The server's own times and bounds; a chain's policies may change a copy of them."""

    @abstractmethod
    async def send(
        self,
        method: str,
        headers: Headers,
        body: bytes,
        dispatch: Dispatch,
        deadline: float | None,
        exchange: Exchange | None,
        owner: str,
    ) -> Reply:
        """One HTTP request's reply: POST a message, GET a stream, DELETE a session. Raises Refusal upstream_*.

        `exchange`: the call it is sent for; None: a question of our own. `owner`: whose session or process it is
        for, where that is not told by the session's id; empty: ours.
        """
