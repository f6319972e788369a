"""Who may enter: every route by every role and tenant, generated from the routes themselves."""

from typing import Any

import pytest
from litestar.routes import HTTPRoute

from triplegate.control.admin.access import EVERYONE, LOOPBACK, OPEN, ROLES, Caller, declared

# What each route declares; a new route without a line here fails.
EXPECTED = {
    ("POST", "/admin/v1/bootstrap"): ("open", "none"),
    ("GET", "/admin/v1/whoami"): ("everyone", "none"),
    ("GET", "/admin/v1/tokens"): ("owner admin", "own"),
    ("POST", "/admin/v1/tokens"): ("owner admin", "own"),
    ("DELETE", "/admin/v1/tokens/{token_id:str}"): ("owner admin", "own"),
    ("GET", "/admin/v1/keys"): ("everyone", "own"),
    ("POST", "/admin/v1/keys"): ("owner admin developer", "own"),
    ("DELETE", "/admin/v1/keys/{key_id:str}"): ("owner admin developer", "own"),
    ("GET", "/admin/v1/budgets"): ("everyone", "own"),
    ("POST", "/admin/v1/budgets/{budget_id:str}/raise"): ("owner", "own"),
    ("GET", "/admin/v1/orgs"): ("everyone", "own"),
    ("GET", "/admin/v1/teams"): ("everyone", "own"),
    ("GET", "/admin/v1/consumers"): ("everyone", "own"),
    ("GET", "/admin/v1/config"): ("everyone", "whole"),
    ("POST", "/admin/v1/config/validate"): ("owner admin operator", "whole"),
    ("POST", "/admin/v1/config/reload"): ("owner admin operator", "whole"),
    ("GET", "/admin/v1/status"): ("everyone", "whole"),
    ("GET", "/admin/v1/routes"): ("everyone", "own"),
    ("GET", "/admin/v1/upstreams"): ("everyone", "whole"),
    ("GET", "/admin/v1/endpoints"): ("everyone", "whole"),
    ("GET", "/admin/v1/usage"): ("everyone", "own"),
    ("GET", "/admin/v1/reports/chargeback"): ("everyone", "own"),
    ("GET", "/statement"): ("everyone", "own"),
    ("GET", "/admin/v1/mcp/pins"): ("everyone", "whole"),
    ("GET", "/admin/v1/mcp/pins/diff"): ("everyone", "whole"),
    ("POST", "/admin/v1/mcp/pins"): ("owner admin operator", "whole"),
    ("GET", "/admin/v1/mcp/approvals"): ("everyone", "own"),
    ("POST", "/admin/v1/mcp/approvals/{approval_id:str}"): ("owner admin operator", "own"),
    ("GET", "/admin/v1/limits"): ("everyone", "own"),
    ("GET", "/admin/v1/cache"): ("everyone", "own"),
    ("POST", "/admin/v1/cache/purge"): ("owner", "own"),
    ("GET", "/admin/v1/prices"): ("everyone", "whole"),
    ("GET", "/admin/v1/prompts"): ("everyone", "whole"),
    ("GET", "/admin/v1/exchanges"): ("everyone", "own"),
    ("GET", "/admin/v1/tail"): ("everyone", "own"),
    ("GET", "/admin/v1/openapi.json"): ("everyone", "none"),
    ("GET", "/admin/v1/openapi.json/openapi.json"): ("everyone", "none"),
    ("GET", "/admin/v1/openapi.json/{path:str}"): ("everyone", "none"),
    ("GET", "/"): ("everyone", "own"),
    ("GET", "/costs"): ("everyone", "own"),
    ("GET", "/costs.csv"): ("everyone", "own"),
    ("GET", "/costs.json"): ("everyone", "own"),
    ("GET", "/calls"): ("everyone", "own"),
    ("GET", "/calls/{exchange:str}"): ("everyone", "own"),
    ("GET", "/budgets"): ("everyone", "own"),
    ("GET", "/budgets/{budget_id:str}"): ("everyone", "own"),
    ("POST", "/budgets/{budget_id:str}"): ("owner", "own"),
    ("GET", "/tools"): ("everyone", "own"),
    ("GET", "/tools/definition"): ("everyone", "whole"),
    ("POST", "/tools/definition"): ("owner admin operator", "whole"),
    ("POST", "/tools/approvals/{approval_id:str}"): ("owner admin operator", "own"),
    ("GET", "/limits"): ("everyone", "own"),
    ("GET", "/cache"): ("everyone", "own"),
    ("GET", "/prices"): ("everyone", "whole"),
    ("GET", "/sign-in"): ("open", "none"),
    ("POST", "/sign-in"): ("open", "none"),
    ("POST", "/sign-out"): ("everyone", "none"),
    ("GET", "/livez"): ("loopback", "none"),
    ("GET", "/readyz"): ("loopback", "none"),
    ("GET", "/metrics"): ("loopback", "none"),
    ("GET", "/assets/{file_path:path}"): ("open", "none"),
}
STREAMS = {"/admin/v1/tail"}


def found(stage: Any) -> dict[tuple[str, str], tuple[Any, str]]:
    routes = {}
    for route in stage.app.routes:
        assert isinstance(route, HTTPRoute)
        for handler in route.route_handlers:
            for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                routes[method, route.path] = declared(handler)
    return routes


def roles_of(words: str) -> Any:
    if words in (OPEN, LOOPBACK):
        return words
    return EVERYONE if words == "everyone" else frozenset(words.split())


def test_every_route_declares_exactly_what_the_table_says(stage: Any) -> None:
    assert found(stage) == {route: (roles_of(words), tenant) for route, (words, tenant) in EXPECTED.items()}


def concrete(path: str) -> str:
    return (
        path.replace("{token_id:str}", "nobody")
        .replace("{key_id:str}", "nobody")
        .replace("{file_path:path}", "x")
        .replace("{path:str}", "x")
    )


@pytest.mark.parametrize("role", ROLES)
async def test_the_matrix_of_routes_and_roles_holds(stage: Any, role: str) -> None:
    token = await stage.token(role)
    async with stage.client(token) as client:
        for (method, path), (words, _) in EXPECTED.items():
            if path in STREAMS or words in (OPEN, LOOPBACK):
                continue
            answer = await client.request(method, concrete(path), follow_redirects=False)
            allowed = words == "everyone" or role in words.split()
            assert (answer.status_code != 403) == allowed, (method, path, role, answer.status_code)
            assert answer.status_code != 401


async def test_without_a_token_only_the_open_routes_answer(stage: Any) -> None:
    async with stage.client(address="203.0.113.5") as client:
        for (method, path), (words, _) in EXPECTED.items():
            answer = await client.request(method, concrete(path))
            expected = words != OPEN or (method, path) == ("POST", "/sign-in")  # which says itself that nothing came
            assert (answer.status_code == 401) == expected, (method, path)


async def test_a_caller_of_one_team_may_not_see_the_whole(stage: Any) -> None:
    token = await stage.token("owner", org="acme", team="web")
    async with stage.client(token) as client:
        for (method, path), (_, tenant) in EXPECTED.items():
            if tenant == "whole":
                assert (await client.request(method, path)).status_code == 403, (method, path)


async def test_probes_are_open_to_the_machine_itself_and_to_tokens(stage: Any) -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        async with stage.client(address="127.0.0.1") as local, stage.client(address="203.0.113.5") as remote:
            assert (await local.get(path)).status_code == 200
            assert (await remote.get(path)).status_code == 401
        async with stage.client(await stage.token("viewer"), address="203.0.113.5") as known:
            assert (await known.get(path)).status_code == 200


@pytest.mark.parametrize(
    ("org", "team", "expected"),
    [
        ("", "", {("acme", "web"), ("acme", "ops"), ("umbrella", "books"), ("", "")}),
        ("acme", "", {("acme", "web"), ("acme", "ops")}),
        ("acme", "web", {("acme", "web")}),
        ("other", "", set()),
    ],
)
def test_a_caller_sees_its_own_org_and_team_only(org: str, team: str, expected: set[tuple[str, str]]) -> None:
    caller = Caller("id", "x", frozenset({"viewer"}), org, team)
    everything = [("acme", "web"), ("acme", "ops"), ("umbrella", "books"), ("", "")]
    assert {one for one in everything if caller.sees(*one)} == expected
