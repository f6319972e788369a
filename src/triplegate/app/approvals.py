"""Approvals of one node: kept in the database, noted in the audit log, told to whichever node the call waits on."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from triplegate.core.approvals import Approval, ApprovalState
from triplegate.core.clock import Clock
from triplegate.core.ports import Mailbox
from triplegate.gates.mcp.approvals import decision
from triplegate.gates.mcp.talking import BOX, KEPT

if TYPE_CHECKING:
    from triplegate.stores.sql.store import SqlStore


class NodeApprovals:
    """The port `core.approvals.Approvals`, and what admins decide."""

    def __init__(self, store: "SqlStore[Any]", mailbox: Mailbox, pepper: bytes, clock: Clock) -> None:
        from triplegate.stores.sql.approvals import SqlApprovals
        from triplegate.stores.sql.audit import SqlAuditLog

        self._rows = SqlApprovals(store.database)
        self._audit = SqlAuditLog(store.database, pepper, clock)
        self._mailbox, self._clock = mailbox, clock

    async def begin(self, approval: Approval) -> bool:
        """Note that it is asked; False while the database is away, or where the caller has too many."""
        from triplegate.stores.sql.errors import DatabaseUnavailable

        try:
            return await self._rows.begin(approval)
        except DatabaseUnavailable:
            return False

    async def decide(self, approval_id: str, state: ApprovalState, actor: str) -> bool:
        """Note what became of it; False when it does not wait any more, or while the database is away."""
        from triplegate.stores.sql.errors import DatabaseUnavailable

        try:
            done = await self._rows.decide(approval_id, state, actor, self._clock.wall())
            if done and state != "expired":
                await self._note(approval_id, state, actor)
        except DatabaseUnavailable:
            return False
        return done

    async def is_approved(self, approval_id: str, digest: str) -> bool:
        """Whether it was approved, for these very arguments."""
        from triplegate.stores.sql.errors import DatabaseUnavailable

        try:
            found = await self._rows.find(approval_id)
        except DatabaseUnavailable:
            return False
        return found is not None and (found.state, found.digest) == ("approved", digest)

    async def _note(self, approval_id: str, state: ApprovalState, actor: str) -> None:
        one = await self._rows.find(approval_id)
        assert one is not None
        who = f"{one.org}/{one.team}/{one.consumer}"
        await self._audit.append(
            actor, f"mcp.call.{state}", f"{one.server}/{one.tool}", f"{approval_id} {who} {one.digest}"
        )

    async def newest(self) -> Sequence[Approval]:
        """Those that wait, then what was decided lately. Raises DatabaseUnavailable."""
        now = self._clock.wall()
        return [one for one in await self._rows.newest() if one.state != "waiting" or one.until > now]

    async def find(self, approval_id: str) -> Approval | None:
        """One of them. Raises DatabaseUnavailable."""
        return await self._rows.find(approval_id)

    async def resolve(self, approval_id: str, *, approve: bool, actor: str) -> bool:
        """Decide as an admin, and tell the call that waits. Raises DatabaseUnavailable."""
        state: ApprovalState = "approved" if approve else "declined"
        if not await self._rows.decide(approval_id, state, actor, self._clock.wall()):
            return False
        await self._note(approval_id, state, actor)
        await self._mailbox.append(BOX + approval_id, decision(approval_id, approve=approve), KEPT)
        return True
