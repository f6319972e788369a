"""Pinned tool definitions: list them, see what changed, decide."""

from typing import Annotated

from litestar import get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery, JSONBody
from litestar.status_codes import HTTP_200_OK
from pydantic import BaseModel, ConfigDict, Field

from triplegate.control.admin.access import EVERYONE, OPERATE, Caller
from triplegate.control.parts import Parts
from triplegate.control.tools.house import Comparison, PinView
from triplegate.core.pins import Standing

_Word = Annotated[str, Field(min_length=1, max_length=512)]


class Decision(BaseModel):
    """What is to become of one definition; its fingerprint says that it is the one that was looked at."""

    model_config = ConfigDict(extra="forbid")
    server: _Word
    tool: Annotated[str, Field(min_length=1, max_length=2100)]
    """A tool's name at the server, or what the list of pins calls a prompt, resource or template."""
    fingerprint: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    standing: Standing
    """approved, rejected, or new: it waits again."""


@get("/mcp/pins", role=EVERYONE, tenant="whole", summary="List definitions and what was decided on them")
async def list_pins(parts: NamedDependency[Parts], standing: FromQuery[Standing | None] = None) -> list[PinView]:
    """Those that wait for a decision first."""
    return [one for one in await parts.tools.pins() if standing in (None, one.standing)]


@get("/mcp/pins/diff", role=EVERYONE, tenant="whole", summary="Compare a tool definition with the one approved before")
async def compare_pin(
    server: FromQuery[str], tool: FromQuery[str], fingerprint: FromQuery[str], parts: NamedDependency[Parts]
) -> Comparison:
    """Place by place, with hidden characters written out."""
    try:
        return await parts.tools.compared(server, tool, fingerprint)
    except LookupError:
        raise NotFoundException("No such definition.") from None


@post("/mcp/pins", role=OPERATE, tenant="whole", status_code=HTTP_200_OK, summary="Approve or reject a tool definition")
async def decide_pin(
    caller: NamedDependency[Caller], data: JSONBody[Decision], parts: NamedDependency[Parts]
) -> PinView:
    """In force on every node within 5 s, and noted in the audit log."""
    return await decided(caller, data, parts)


async def decided(caller: Caller, wanted: Decision, parts: Parts) -> PinView:
    """Decide. Raises NotFoundException, DatabaseUnavailable."""
    actor = f"{caller.name} {caller.token_id}"
    try:
        return await parts.tools.decide(wanted.server, wanted.tool, wanted.fingerprint, wanted.standing, actor)
    except LookupError:
        raise NotFoundException("No such definition.") from None
