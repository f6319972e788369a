"""Calls that wait for a person's yes: list them, approve, decline."""

from datetime import UTC, datetime

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_409_CONFLICT
from pydantic import BaseModel, ConfigDict

from triplegate.control.admin.access import EVERYONE, OPERATE, Caller
from triplegate.control.parts import Parts
from triplegate.core.approvals import Approval, ApprovalState, Asked


class ApprovalView(msgspec.Struct, frozen=True):
    """One question whether a call may be made."""

    id: str
    """The call's own id, as in the ledger."""
    server: str
    tool: str
    org: str
    team: str
    consumer: str
    key_id: str
    digest: str
    """SHA-256 of the arguments."""
    arguments: str
    """What the tool would be given, hidden characters written out; only while an admin is asked."""
    ask: Asked
    """Who decides: the caller, or an admin."""
    asked: datetime
    until: datetime
    state: ApprovalState
    actor: str
    decided: datetime | None


class Verdict(BaseModel):
    """Yes or no."""

    model_config = ConfigDict(extra="forbid")
    approve: bool


def approval_view(one: Approval) -> ApprovalView:
    """As it is shown."""
    told = msgspec.structs.asdict(one)
    moments = {name: datetime.fromtimestamp(told.pop(name), UTC) for name in ("asked", "until")}
    decided = datetime.fromtimestamp(one.decided, UTC) if one.decided else None
    return ApprovalView(id=told.pop("approval_id"), **{**told, **moments, "decided": decided})


@get(
    "/mcp/approvals", role=EVERYONE, tenant="own", summary="List calls that wait for approval, and those decided lately"
)
async def list_approvals(caller: NamedDependency[Caller], parts: NamedDependency[Parts]) -> list[ApprovalView]:
    """Of the caller's teams; those that wait first."""
    return await seen_approvals(caller, parts)


async def seen_approvals(caller: Caller, parts: Parts) -> list[ApprovalView]:
    """Those of the teams that a caller sees. Raises DatabaseUnavailable."""
    return [approval_view(one) for one in await parts.approvals.newest() if caller.sees(one.org, one.team)]


@post(
    "/mcp/approvals/{approval_id:str}",
    role=OPERATE,
    tenant="own",
    status_code=HTTP_200_OK,
    summary="Approve or decline a call that waits for an admin",
)
async def decide_approval(
    caller: NamedDependency[Caller],
    approval_id: FromPath[str],
    data: JSONBody[Verdict],
    parts: NamedDependency[Parts],
) -> ApprovalView:
    """The call goes on at once, on whatever node it waits; noted in the audit log."""
    return await resolved(caller, approval_id, parts, approve=data.approve)


async def resolved(caller: Caller, approval_id: str, parts: Parts, *, approve: bool) -> ApprovalView:
    """Decide. Raises NotFoundException, ClientException 409 when it waits no more, DatabaseUnavailable."""
    found = await parts.approvals.find(approval_id)
    if found is None or found.ask != "admin" or not caller.sees(found.org, found.team):
        raise NotFoundException("No such approval.")
    if not await parts.approvals.resolve(approval_id, approve=approve, actor=f"{caller.name} {caller.token_id}"):
        raise ClientException("It does not wait any more.", status_code=HTTP_409_CONFLICT)
    decided = await parts.approvals.find(approval_id)
    assert decided is not None
    return approval_view(decided)
