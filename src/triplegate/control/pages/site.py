"""Sign in, see how the house stands, sign out."""

from pathlib import Path
from typing import Any

import jinja2
from litestar import Request, Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException, PermissionDeniedException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, URLEncodedBody
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Redirect, Template
from litestar.static_files import create_static_files_router
from litestar.template import TemplateConfig

from triplegate import __version__
from triplegate.control.admin.access import EVERYONE, OPEN, Caller
from triplegate.control.admin.authenticate import cookie_name
from triplegate.control.admin.paths.entry import attempt, spend
from triplegate.control.admin.sign_ins import ABSOLUTE, same
from triplegate.control.pages.budgets import raise_one, show_budget, show_budgets, whole_of
from triplegate.control.pages.cache import show_cache
from triplegate.control.pages.costs import download, show_call, show_calls, show_costs
from triplegate.control.pages.home import home
from triplegate.control.pages.limits import show_limits
from triplegate.control.pages.prices import show_prices
from triplegate.control.pages.shown import clock, dollars, moment
from triplegate.control.pages.statements import show_statement
from triplegate.control.pages.tools import decide_call, decide_definition, pin_link, show_definition, show_tools
from triplegate.control.parts import Parts
from triplegate.core.money import plain, to_dollars
from triplegate.core.usage import CLASSES

_HERE = Path(__file__).parent
_FORM = 4 << 10
PAGES = (
    ("/", "Overview"),
    ("/costs", "Costs"),
    ("/budgets", "Budgets"),
    ("/statement", "Statement"),
    ("/tools", "Tools"),
    ("/limits", "Limits"),
    ("/cache", "Cache"),
    ("/prices", "Prices"),
)
"""What every page leads to."""
Form = URLEncodedBody[dict[str, str]]
AnyRequest = Request[Any, Any, Any]


def template_config() -> TemplateConfig[JinjaTemplateEngine]:
    """Templates with autoescape; a name that does not exist is an error, not an empty string."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"version": __version__, "pages": PAGES, "classes": CLASSES}
    environment.filters |= {"clock": clock, "plain": plain, "dollars": dollars, "moment": moment, "units": to_dollars}
    environment.filters |= {"whole": whole_of, "pin_link": pin_link}
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment))


def assets() -> Router:
    """Style sheet and script: ours, and the only ones the pages may load."""
    return create_static_files_router("/assets", [_HERE / "assets"], opt={"role": OPEN, "tenant": "none"})


@get("/", role=EVERYONE, tenant="own", include_in_schema=False)
async def show_home(caller: NamedDependency[Caller], parts: NamedDependency[Parts]) -> Template:
    """The page."""
    return Template("home.html", context={"home": await home(caller, parts), "caller": caller, "here": "/"})


@get("/sign-in", role=OPEN, tenant="none", include_in_schema=False)
async def show_sign_in(
    request: AnyRequest, parts: NamedDependency[Parts], once: FromQuery[str | None] = None
) -> Response[Any]:
    """The form; whoever is signed in goes on to the page. `once` is a link's text: it is spent here, good or not."""
    if once is not None:
        return await _follow(request, once[:200], parts)
    if request.scope["user"] is not None:
        return Redirect("/", status_code=303)
    return _form()


async def _follow(request: AnyRequest, once: str, parts: Parts) -> Response[Any]:
    """Sign in by a one-time link; the answer leads away from its address, and no page's address is ever sent on."""
    address = request.client.host if request.client is not None else ""
    wait = parts.throttle.charge(address)
    if wait:
        return _form("Too many attempts from this address.", 429, {"retry-after": str(int(wait) + 1)})
    record = await parts.tokens.follow_link(once)
    if record is None and request.scope["user"] is not None:
        return Redirect("/", status_code=303)
    if record is None:
        return _form("This link was used before, or is older than 15 minutes.", 401)
    parts.throttle.clear(address)
    return _signed_in(Redirect("/", status_code=303), request, parts.sign_ins.open(record.token_id))


@post("/sign-in", role=OPEN, tenant="none", include_in_schema=False, status_code=200, request_max_body_size=_FORM)
async def sign_in(request: AnyRequest, data: Form, parts: NamedDependency[Parts]) -> Response[Any]:
    """Trade a token for a cookie; a bootstrap token is traded for the first owner token, shown once."""
    try:
        record = await attempt(request, data.get("token", "").strip()[:200], parts)
    except HTTPException as error:
        return _form(error.detail, error.status_code, dict(error.headers or {}))
    if not record.once:
        return _signed_in(Redirect("/", status_code=303), request, parts.sign_ins.open(record.token_id))
    issued = await spend(record, "first owner", parts)
    if issued is None:
        return _form("This token is not good.", 401)
    token, kept = issued
    shown = Template("first_owner.html", context={"token": token})
    return _signed_in(shown, request, parts.sign_ins.open(kept.token_id))


@post(
    "/sign-out",
    role=EVERYONE,
    tenant="none",
    form=True,
    include_in_schema=False,
    status_code=303,
    request_max_body_size=_FORM,
)
async def sign_out(
    request: AnyRequest, caller: NamedDependency[Caller], data: Form, parts: NamedDependency[Parts]
) -> Response[Any]:
    """End the sign-in here and in the browser."""
    if caller.method == "cookie" and not same(data.get("csrf", ""), caller.csrf):
        raise PermissionDeniedException("The form is not from this page.")
    name = cookie_name(request.url.scheme)
    parts.sign_ins.end(request.cookies.get(name, ""))
    gone = Redirect("/sign-in", status_code=303)
    gone.set_cookie(_cookie(name, "", 0))
    return gone


def pages() -> list[HTTPRouteHandler]:
    """Handlers of all pages."""
    money: list[HTTPRouteHandler] = [show_costs, download, show_calls, show_call, show_budgets, show_budget, raise_one]
    tools: list[HTTPRouteHandler] = [show_tools, show_definition, decide_definition, decide_call]
    return [
        show_home,
        *money,
        *tools,
        show_statement,
        show_limits,
        show_cache,
        show_prices,
        show_sign_in,
        sign_in,
        sign_out,
    ]


def _form(trouble: str = "", status: int = 200, headers: dict[str, str] | None = None) -> Template:
    return Template("sign_in.html", context={"trouble": trouble}, status_code=status, headers=headers)


def _signed_in(reply: Response[Any], request: AnyRequest, value: str) -> Response[Any]:
    reply.set_cookie(_cookie(cookie_name(request.url.scheme), value, int(ABSOLUTE)))
    return reply


def _cookie(name: str, value: str, seconds: int) -> Cookie:
    return Cookie(name, "/", value, seconds, httponly=True, samesite="strict", secure=name.startswith("__Host-"))
