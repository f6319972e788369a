"""One table a team and path, made anew only when tools change."""

import msgspec
from tests.builders import make_kit

from triplegate.config.documents import Documents
from triplegate.core.clock import SetClock
from triplegate.core.identity import Principal
from triplegate.gates.mcp.access import Access
from triplegate.gates.mcp.call import OwnItem
from triplegate.gates.mcp.catalog import Catalog
from triplegate.gates.mcp.exposing import Showing
from triplegate.gates.mcp.methods.items import known_tool
from triplegate.gates.mcp.server import Server
from triplegate.gates.mcp.views import Views
from triplegate.upstreams.supervisor import TaskSupervisor

WEB = Principal("acme", "web", "ci", team_ref="acme/web")


def make(*, offline=False, **servers):
    documents = Documents.model_validate(
        {
            "servers": {name: {"url": f"http://127.0.0.1:{port}/mcp"} for name, port in servers.items()},
            "virtual_servers": {"v": {"tools": ["*__keep"]}},
        }
    )
    kit = make_kit(clock=SetClock(), supervisor=TaskSupervisor(), offline=offline)
    made = {name: Server(name, documents.servers[name], kit) for name in servers}
    for server in made.values():
        for listing in server.state.listings.values():
            listing.fresh_until = 1e9
    catalog, access = Catalog(kit), Access(documents)
    return Views(made, {"": Showing(), "v": Showing()}, access, catalog), made, catalog


def give(server, catalog, *names):
    server.state.listings["tool"].items = tuple(OwnItem(name, b'{"name":"%b"}' % name.encode()) for name in names)
    server.state.listings["tool"].loaded = True
    catalog.changes.note("tool")


async def test_tools_are_found_by_the_table_under_one_name_only():
    views, servers, catalog = make(b=2, a=1)
    give(servers["a"], catalog, "keep", "other")
    give(servers["b"], catalog, "keep")
    view = views.of("", WEB)
    assert list(view.table("tool")) == ["a__keep", "a__other", "b__keep"]
    found = await view.find("tool", "b__keep")
    assert (found.server.name, found.own.name, found.definition) == ("b", "keep", b'{"name":"b__keep"}')
    for name in ("keep", "b__other", "a__keep ", "A__keep", "", "a__", "c__keep"):
        assert await view.find("tool", name) is None
    assert list(views.of("v", WEB).table("tool")) == ["a__keep", "b__keep"]


def test_a_plain_name_is_known_as_it_is_said_and_every_other_takes_a_look():
    views, servers, catalog = make(a=1)
    give(servers["a"], catalog, "keep", "grün")
    view = views.of("", WEB)
    table = view.table("tool")
    assert known_tool(view, {"name": msgspec.Raw(b'"a__keep"')}) is table["a__keep"]
    assert known_tool(view, {"name": msgspec.Raw(b'"a__keep"'), "arguments": msgspec.Raw(b"{}")}) is table["a__keep"]
    for said in (b'"a__k\\u0065ep"', '"a__grün"'.encode(), b'"a__other"', b"1", b'"a__keep" '):
        assert known_tool(view, {"name": msgspec.Raw(said)}) is None
    for params in ({}, {"name": msgspec.Raw(b'"a__keep"'), "arguments": msgspec.Raw(b"[]")}):
        assert known_tool(view, params) is None
    give(servers["a"], catalog, "other")
    assert known_tool(view, {"name": msgspec.Raw(b'"a__keep"')}) is None
    assert known_tool(view, {"name": msgspec.Raw(b'"a__other"')}) is view.table("tool")["a__other"]


def test_the_table_is_kept_until_tools_change():
    views, servers, catalog = make(a=1)
    give(servers["a"], catalog, "keep")
    view = views.of("", WEB)
    first = view.table("tool")
    assert view.table("tool") is first
    assert views.of("", WEB) is view
    give(servers["a"], catalog, "keep", "more")
    assert list(view.table("tool")) == ["a__keep", "a__more"]
    assert view.table("tool")["a__keep"].name == "a__keep"


def test_views_are_bounded(monkeypatch):
    from triplegate.gates.mcp import views as module

    monkeypatch.setattr(module, "_MOST_VIEWS", 3)
    views, _, _ = make(a=1)
    for number in range(10):
        views.of("", Principal("acme", f"t{number}", "ci", team_ref=f"acme/t{number}"))
    assert len(views._made) <= 3


async def test_explaining_asks_no_server_and_judges_by_the_same_policy():
    views, servers, _ = make(offline=True, a=1)
    servers["a"].state.listings["tool"].fresh_until = 0.0
    found = await views.of("", WEB).find("tool", "a__other")
    assert (found.server.name, found.own.name) == ("a", "other")
    for name in ("a__", "other", "b__other"):
        assert await views.of("", WEB).find("tool", name) is None
    assert await views.of("v", WEB).find("tool", "a__other") is None
    assert (await views.of("v", WEB).find("tool", "a__keep")).own.name == "keep"
    assert await (view := views.of("", WEB)).all("tool", view.servers) == {}
