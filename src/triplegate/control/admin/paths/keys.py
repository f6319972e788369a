"""Keys of consumers: list, create, revoke."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from triplegate.config.documents_budgets import Budgets, budget_text, budgets_of_text
from triplegate.control.admin.access import EVERYONE, KEYS, Caller
from triplegate.control.admin.paths.tokens import moment
from triplegate.control.parts import Parts
from triplegate.core.identity import KeyRecord, digest_key, new_key

Label = Annotated[str, Field(max_length=100)]


class NewKey(BaseModel):
    """Whose key it is, and what it may do."""

    model_config = ConfigDict(extra="forbid")
    org: Annotated[str, Field(min_length=1, max_length=100)]
    team: Annotated[str, Field(min_length=1, max_length=100)]
    consumer: Annotated[str, Field(min_length=1, max_length=100)]
    name: Label = ""
    plan: Label = ""
    roles: Annotated[list[Label], Field(max_length=50)] = []
    scopes: Annotated[list[Label], Field(max_length=50)] = []
    expires: AwareDatetime | None = None
    env: Annotated[str, Field(pattern=r"^[a-z]{2,8}$")] = "live"
    """The middle of `tg_<env>_…`, so that test keys are told from live ones."""
    budget: Budgets = ()
    """What it may spend: {"money": 10, "per": "month"}, or several."""


class KeyView(msgspec.Struct):
    """A key without its secret."""

    key_id: str
    org: str
    team: str
    consumer: str
    name: str
    plan: str
    roles: list[str]
    scopes: list[str]
    created: datetime | None
    expires: datetime | None
    revoked: datetime | None
    budget: list[dict[str, Any]]
    """Its own budgets; those of its consumer, team and org hold, too."""


class CreatedKey(KeyView):
    """A key with its secret, shown this once."""

    key: str


def _view(record: KeyRecord, kind: type[KeyView], **more: str) -> KeyView:
    return kind(
        key_id=record.key_id,
        org=record.org,
        team=record.team,
        consumer=record.consumer,
        name=record.name,
        plan=record.plan,
        roles=sorted(record.roles),
        scopes=sorted(record.scopes),
        created=moment(record.created),
        expires=moment(record.expires),
        revoked=moment(record.revoked),
        budget=[one.model_dump(mode="json", exclude_defaults=True) for one in budgets_of_text(record.budget)],
        **more,
    )


@get("/keys", role=EVERYONE, tenant="own", summary="List keys")
async def list_keys(
    caller: NamedDependency[Caller], parts: NamedDependency[Parts], team: FromQuery[str | None] = None
) -> list[KeyView]:
    """Keys of the caller's teams, or of one of them; revoked ones included."""
    found = await parts.keys.list(team or caller.team or None)
    return [_view(one, KeyView) for one in found if caller.sees(one.org, one.team)]


@post("/keys", role=KEYS, tenant="own", summary="Create a key")
async def create_key(
    caller: NamedDependency[Caller], data: JSONBody[NewKey], parts: NamedDependency[Parts]
) -> CreatedKey:
    """Create a key for a consumer of the configuration; its secret is in this answer only."""
    known = any(
        (one.org, one.team) == (data.org, data.team) and data.consumer in one.consumers for one in parts.view.teams()
    )
    if not known or not caller.sees(data.org, data.team):
        raise NotFoundException("No such org, team or consumer.")
    if data.plan and data.plan not in parts.view.plans():
        raise NotFoundException("No such plan in this configuration.")
    key, key_id = new_key(data.env)
    record = KeyRecord(
        key_id,
        digest_key(parts.pepper, key),
        data.org,
        data.team,
        data.consumer,
        data.plan,
        frozenset(data.roles),
        frozenset(data.scopes),
        data.name,
        parts.clock.wall(),
        data.expires.timestamp() if data.expires is not None else None,
        budget=budget_text(data.budget),
    )
    await parts.keys.create(record)
    return _view(record, CreatedKey, key=key)  # type: ignore[return-value]


@delete("/keys/{key_id:str}", role=KEYS, tenant="own", summary="Revoke a key")
async def revoke_key(caller: NamedDependency[Caller], key_id: FromPath[str], parts: NamedDependency[Parts]) -> None:
    """Revoke a key; every worker sees it within 5 s."""
    found = [one for one in await parts.keys.list(None) if one.key_id == key_id]
    if not found or not caller.sees(found[0].org, found[0].team):
        raise NotFoundException("No such key.")
    await parts.keys.revoke(key_id, parts.clock.wall())
