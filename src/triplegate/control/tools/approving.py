"""Calls that wait for a person's yes, as the control plane needs them."""

from collections.abc import Sequence
from typing import Protocol

from triplegate.core.approvals import Approval


class ApprovalHouse(Protocol):
    """Shows them, and takes an admin's decision."""

    async def newest(self) -> Sequence[Approval]:
        """Those that wait, then what was decided lately. Raises DatabaseUnavailable."""
        ...

    async def find(self, approval_id: str) -> Approval | None:
        """One of them. Raises DatabaseUnavailable."""
        ...

    async def resolve(self, approval_id: str, *, approve: bool, actor: str) -> bool:
        """Decide; the call that waits hears of it. False when it does not wait any more. Raises DatabaseUnavailable."""
        ...


class NoApprovals:
    """A house where nobody asks."""

    async def newest(self) -> Sequence[Approval]:
        """None."""
        return []

    async def find(self, approval_id: str) -> Approval | None:
        """There is none."""
        return None

    async def resolve(self, approval_id: str, *, approve: bool, actor: str) -> bool:
        """There is none."""
        return False
