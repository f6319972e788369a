"""MCP servers, their tools and pins, calls that need a yes, calls under way; and the decisions."""

from typing import Any
from urllib.parse import urlencode

from litestar import get, post
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException, NotFoundException, PermissionDeniedException
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template
from pydantic import ValidationError

from triplegate.control.admin.access import EVERYONE, OPERATE, Caller
from triplegate.control.admin.paths.approvals import ApprovalView, resolved, seen_approvals
from triplegate.control.admin.paths.pins import Decision, decided
from triplegate.control.admin.sign_ins import same
from triplegate.control.parts import Parts
from triplegate.control.tools.house import PinView

_FORM = 4 << 10
_SHOWN = 50
Form = URLEncodedBody[dict[str, str]]


@get("/tools", role=EVERYONE, tenant="own", include_in_schema=False)
async def show_tools(caller: NamedDependency[Caller], parts: NamedDependency[Parts]) -> Template:
    """The page; callers of one team see its calls and approvals only."""
    tail = parts.telemetry.tail.last(lambda one: one.gate == "mcp" and caller.sees(one.org, one.team), most=_SHOWN)
    context: dict[str, Any] = {
        "approvals": await _approvals(caller, parts),
        "under_way": [one for one in parts.tools.under_way() if caller.sees(one.org, one.team)],
        "sessions": [one for one in parts.tools.sessions() if caller.sees(one.org, one.team)][:_SHOWN],
        "last": tail[::-1],
        "may_decide": bool(caller.roles & OPERATE),
        "as_of": parts.clock.wall(),
        "caller": caller,
        "here": "/tools",
    }
    if not caller.bound:
        pins = await parts.tools.pins()
        context["waiting"] = [one for one in pins if one.standing == "new" and one.current]
        context["servers"], context["tools"] = parts.tools.servers(), parts.tools.tools()
    return Template("tools.html", context=context)


async def _approvals(caller: Caller, parts: Parts) -> list[ApprovalView]:
    """The rest of the page must not go away with the store."""
    try:
        return (await seen_approvals(caller, parts))[:_SHOWN]
    except Exception as error:
        if getattr(error, "remedy", None) is None:
            raise
        return []


@get("/tools/definition", role=EVERYONE, tenant="whole", include_in_schema=False)
async def show_definition(
    server: FromQuery[str],
    tool: FromQuery[str],
    fingerprint: FromQuery[str],
    caller: NamedDependency[Caller],
    parts: NamedDependency[Parts],
) -> Template:
    """One definition beside the one approved before it."""
    try:
        told = await parts.tools.compared(server, tool, fingerprint)
    except LookupError:
        raise NotFoundException("No such definition.") from None
    others = [one for one in await parts.tools.pins() if (one.server, one.tool) == (server, tool)]
    context = {"told": told, "others": others, "may_decide": bool(caller.roles & OPERATE), "caller": caller}
    return Template("definition.html", context={**context, "here": "/tools"})


@post(
    "/tools/definition",
    role=OPERATE,
    tenant="whole",
    form=True,
    include_in_schema=False,
    status_code=303,
    request_max_body_size=_FORM,
)
async def decide_definition(caller: NamedDependency[Caller], data: Form, parts: NamedDependency[Parts]) -> Redirect:
    """Approve or reject it, as it was shown."""
    _sent_from_here(caller, data)
    names = ("server", "tool", "fingerprint", "standing")
    try:
        wanted = Decision.model_validate({name: data.get(name, "") for name in names})
    except ValidationError:
        raise HTTPException(status_code=422, detail="The form says no decision.") from None
    await decided(caller, wanted, parts)
    return Redirect("/tools", status_code=303)


@post(
    "/tools/approvals/{approval_id:str}",
    role=OPERATE,
    tenant="own",
    form=True,
    include_in_schema=False,
    status_code=303,
    request_max_body_size=_FORM,
)
async def decide_call(
    approval_id: FromPath[str], caller: NamedDependency[Caller], data: Form, parts: NamedDependency[Parts]
) -> Redirect:
    """Let a call that waits be made, or not."""
    _sent_from_here(caller, data)
    await resolved(caller, approval_id, parts, approve=data.get("approve") == "yes")
    return Redirect("/tools", status_code=303)


def _sent_from_here(caller: Caller, data: dict[str, str]) -> None:
    if caller.method == "cookie" and not same(data.get("csrf", ""), caller.csrf):
        raise PermissionDeniedException("The form is not from this page.")


def pin_link(one: PinView) -> str:
    """Where a definition is shown whole."""
    asked = {"server": one.server, "tool": one.tool, "fingerprint": one.fingerprint}
    return f"/tools/definition?{urlencode(asked, errors='surrogatepass')}"
