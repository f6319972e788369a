"""The control plane as one Litestar plugin: routes, guards, hosts, problems, pages and the document of it all."""

from collections.abc import Iterable
from typing import Any

from litestar import Request, Router
from litestar.config.app import AppConfig
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.plugins import InitPlugin
from litestar.types import Message, Scope

from triplegate import __version__
from triplegate.control.admin.access import EVERYONE, Caller, RefuseUndeclared, may_enter
from triplegate.control.admin.authenticate import Authenticate
from triplegate.control.admin.hosts import KnownHosts
from triplegate.control.admin.paths import (
    approvals,
    budgets,
    cache,
    configuration,
    entry,
    keys,
    limits,
    pins,
    prices,
    prompts,
    reports,
    tail,
    tenants,
    tokens,
    usage,
)
from triplegate.control.admin.problems import http_problem, refusal_problem, unexpected_problem
from triplegate.control.pages.site import assets, pages, template_config
from triplegate.control.parts import Parts
from triplegate.control.probes import probes
from triplegate.core.errors import Refusal

BASE = "/admin/v1"
_READABLE = {"role": EVERYONE, "tenant": "none"}
_BODY = 64 << 10
"""Bytes of a request body, where a path does not say otherwise."""
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_HEADERS = [
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
]
_PATHS = [
    entry.bootstrap,
    entry.whoami,
    tokens.list_tokens,
    tokens.issue_token,
    tokens.revoke_token,
    keys.list_keys,
    keys.create_key,
    keys.revoke_key,
    budgets.list_budgets,
    budgets.raise_budget,
    tenants.list_orgs,
    tenants.list_teams,
    tenants.list_consumers,
    configuration.running,
    configuration.validate,
    configuration.reload,
    configuration.status,
    configuration.routes,
    configuration.upstreams,
    configuration.endpoints,
    usage.usage,
    reports.chargeback_report,
    limits.limits,
    cache.list_namespaces,
    cache.purge_answers,
    prices.prices,
    prompts.list_prompts,
    pins.list_pins,
    pins.compare_pin,
    pins.decide_pin,
    approvals.list_approvals,
    approvals.decide_approval,
    tail.exchanges,
    tail.tail,
]


class ControlPlane(InitPlugin):
    """Adds the control plane to a Litestar application: `Triplegate(plugins=[ControlPlane(parts, hosts)])`.

    `hosts` are the names it is served under besides the machine's own loopback names.
    """

    def __init__(self, parts: Parts, hosts: Iterable[str] = ()) -> None:
        self._parts, self._hosts = parts, tuple(hosts)

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Called by Litestar while it is being made."""
        parts = self._parts
        app_config.route_handlers += [
            Router(BASE, route_handlers=_PATHS, request_max_body_size=_BODY),
            *pages(),
            assets(),
            *probes(),
        ]
        app_config.guards.append(may_enter)
        app_config.middleware += [KnownHosts(self._hosts), Authenticate(parts)]
        app_config.plugins.append(RefuseUndeclared())
        app_config.before_send.append(add_headers)
        app_config.exception_handlers[HTTPException] = http_problem
        app_config.exception_handlers[Refusal] = refusal_problem
        app_config.exception_handlers[Exception] = unexpected_problem
        app_config.dependencies |= {
            "parts": Provide(lambda: parts, sync_to_thread=False),
            "caller": Provide(_caller, sync_to_thread=False),
        }
        app_config.template_config = template_config()
        app_config.openapi_config = _document()
        return app_config


def _caller(request: Request[Any, Any, Any]) -> Caller:
    """Who calls; the guard has made sure that there is someone."""
    return request.scope["user"]  # type: ignore[no-any-return]


def _document() -> OpenAPIConfig:
    bearer = SecurityScheme(type="http", scheme="bearer", description="An admin token.")
    return OpenAPIConfig(
        title="triplegate admin API",
        version=__version__,
        description="Errors are problem+json (RFC 9457). Objects of other teams are answered with 404.",
        components=Components(security_schemes={"bearer": bearer}),
        security=[{"bearer": []}],
        # a router of its own, because Litestar's catches every unknown path below it with its own page
        render_plugins=[JsonRenderPlugin(path=["/", "/openapi.json"])],
        openapi_router=Router(f"{BASE}/openapi.json", route_handlers=[], include_in_schema=False, opt=_READABLE),
    )


async def add_headers(message: Message, scope: Scope) -> None:
    """The headers of S-4 on every answer, errors included; nothing but assets may be stored."""
    if message["type"] != "http.response.start":
        return
    headers = [*message["headers"], *_HEADERS]
    if not scope["path"].startswith("/assets/"):
        headers.append((b"cache-control", b"no-store"))
    message["headers"] = headers
