"""Tokens of the control plane: list, issue, revoke."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, JSONBody
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from triplegate.control.admin.access import ADMINISTER, Caller, Role
from triplegate.control.parts import Parts
from triplegate.control.view import AdminToken

Label = Annotated[str, Field(max_length=100)]


class NewToken(BaseModel):
    """What a new token may do, and where."""

    model_config = ConfigDict(extra="forbid")
    roles: Annotated[list[Role], Field(min_length=1, max_length=6)]
    name: Label = ""
    org: Label = ""
    """Empty: all orgs."""
    team: Label = ""
    """Empty: all teams of the org."""
    expires: AwareDatetime | None = None


class TokenView(msgspec.Struct):
    """A token without its secret."""

    token_id: str
    name: str
    roles: list[str]
    org: str
    team: str
    created: datetime
    expires: datetime | None
    revoked: datetime | None


class IssuedToken(TokenView):
    """A token with its secret, shown this once."""

    token: str


def moment(seconds: float | None) -> datetime | None:
    """Unix seconds as a UTC time."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _fields(record: AdminToken) -> tuple[str, str, list[str], str, str, datetime, datetime | None, datetime | None]:
    created = datetime.fromtimestamp(record.created, UTC)
    roles = sorted(record.roles)
    return (
        record.token_id,
        record.name,
        roles,
        record.org,
        record.team,
        created,
        moment(record.expires),
        moment(record.revoked),
    )


@get("/tokens", role=ADMINISTER, tenant="own", summary="List admin tokens")
async def list_tokens(caller: NamedDependency[Caller], parts: NamedDependency[Parts]) -> list[TokenView]:
    """Tokens of the caller's org and team; revoked ones included."""
    found = await parts.tokens.store.list()
    return [TokenView(*_fields(one)) for one in found if caller.sees(one.org, one.team)]


@post("/tokens", role=ADMINISTER, tenant="own", summary="Issue an admin token")
async def issue_token(
    caller: NamedDependency[Caller], data: JSONBody[NewToken], parts: NamedDependency[Parts]
) -> IssuedToken:
    """Issue a token; its secret is in this answer only. Nobody hands out more than they have."""
    if "owner" in data.roles and "owner" not in caller.roles:
        raise PermissionDeniedException("Only an owner makes owners.")
    if not caller.sees(data.org, data.team):
        raise NotFoundException("No such org or team.")
    if data.team and not data.org:
        raise PermissionDeniedException("A token of a team names its org.")
    expires = data.expires.timestamp() if data.expires is not None else None
    token, record = await parts.tokens.issue(data.roles, org=data.org, team=data.team, name=data.name, expires=expires)
    return IssuedToken(*_fields(record), token)


@delete("/tokens/{token_id:str}", role=ADMINISTER, tenant="own", summary="Revoke an admin token")
async def revoke_token(caller: NamedDependency[Caller], token_id: FromPath[str], parts: NamedDependency[Parts]) -> None:
    """Revoke a token and end the sign-ins it opened."""
    found = await parts.tokens.store.find(token_id)
    if found is None or not caller.sees(found.org, found.team):
        raise NotFoundException("No such token.")
    if "owner" in found.roles and "owner" not in caller.roles:
        raise PermissionDeniedException("Only an owner revokes owners.")
    await parts.tokens.store.revoke(token_id, parts.clock.wall())
    parts.sign_ins.end_all(token_id)
