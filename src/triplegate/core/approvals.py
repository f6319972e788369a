"""A call that waits for a person's yes, and what became of it."""

from typing import Literal, Protocol

import msgspec

Asked = Literal["caller", "admin"]
ApprovalState = Literal["waiting", "approved", "declined", "expired"]


class Approval(msgspec.Struct, frozen=True):
    """One question whether a call may be made. Times in Unix seconds."""

    approval_id: str
    server: str
    tool: str
    """By the name its caller uses."""
    org: str
    team: str
    consumer: str
    key_id: str
    digest: str
    """SHA-256 of the arguments."""
    arguments: str
    """The arguments, for whoever decides; kept only while it waits, and empty where the caller decides."""
    ask: Asked
    asked: float
    until: float
    state: ApprovalState = "waiting"
    actor: str = ""
    """Who decided."""
    decided: float = 0.0


class Approvals(Protocol):
    """Questions and decisions, durable; each is decided on once."""

    async def begin(self, approval: Approval) -> bool:
        """Note that it is asked; False where that cannot be done now, or where this caller has too many that wait."""
        ...

    async def decide(self, approval_id: str, state: ApprovalState, actor: str) -> bool:
        """Note what became of it; False when it does not wait any more, or that cannot be noted now."""
        ...

    async def is_approved(self, approval_id: str, digest: str) -> bool:
        """Whether it was approved, for these very arguments."""
        ...
