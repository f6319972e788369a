"""The way in: spend a bootstrap token, ask who one is."""

from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException, TooManyRequestsException
from litestar.params import JSONBody
from litestar.status_codes import HTTP_201_CREATED
from pydantic import BaseModel, ConfigDict, Field

from triplegate.control.admin.access import EVERYONE, OPEN, Caller
from triplegate.control.parts import Parts
from triplegate.control.view import AdminToken


class Bootstrap(BaseModel):
    """The one-time token from the bootstrap file."""

    model_config = ConfigDict(extra="forbid")
    token: Annotated[str, Field(max_length=200)]
    name: Annotated[str, Field(max_length=100)] = "first owner"


class FirstOwner(msgspec.Struct):
    """The owner's token; it is never shown again."""

    token: str
    token_id: str
    roles: list[str]


class Whoami(msgspec.Struct):
    """Who a credential speaks for; empty org or team means all of them."""

    token_id: str
    name: str
    roles: list[str]
    org: str
    team: str


AnyConnection = ASGIConnection[Any, Any, Any, Any]


async def attempt(connection: AnyConnection, token: str, parts: Parts) -> AdminToken:
    """Prove a token that somebody typed. Raises 429 with Retry-After, or 401 with one message for every reason."""
    address = connection.client.host if connection.client is not None else ""
    wait = parts.throttle.charge(address)
    if wait:
        headers = {"retry-after": str(int(wait) + 1)}
        raise TooManyRequestsException("Too many attempts from this address.", headers=headers)
    record = await parts.tokens.prove(token)
    if record is None:
        raise NotAuthorizedException("This token is not good.")
    parts.throttle.clear(address)
    return record


async def spend(record: AdminToken, name: str, parts: Parts) -> tuple[str, AdminToken] | None:
    """An owner token for a bootstrap token; the file goes with it."""
    issued = await parts.tokens.redeem(record, name)
    if issued is not None and parts.bootstrap is not None:
        parts.bootstrap.unlink(missing_ok=True)
    return issued


@post("/bootstrap", role=OPEN, tenant="none", status_code=HTTP_201_CREATED, summary="Spend the bootstrap token")
async def bootstrap(
    request: Request[Any, Any, Any], data: JSONBody[Bootstrap], parts: NamedDependency[Parts]
) -> FirstOwner:
    """Trade the one-time bootstrap token for an owner token."""
    record = await attempt(request, data.token, parts)
    issued = await spend(record, data.name, parts)
    if issued is None:
        raise NotAuthorizedException("This token is not good.")
    token, kept = issued
    return FirstOwner(token, kept.token_id, sorted(kept.roles))


@get("/whoami", role=EVERYONE, tenant="none", summary="Who am I?")
async def whoami(caller: NamedDependency[Caller]) -> Whoami:
    """The caller's own token, roles, org and team."""
    return Whoami(caller.token_id, caller.name, sorted(caller.roles), caller.org, caller.team)
