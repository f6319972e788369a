"""One policy: servers' allow and deny, teams, virtual servers."""

import httpx
import msgspec
import pytest
from tests.gates.mcp.conftest import TEAMS, read
from tests.gates.mcp.messages import bearer, initialize, legacy, modern
from tests.gates.mcp.offering import Offering

from triplegate.config.documents import Documents
from triplegate.core.errors import Refusal
from triplegate.core.identity import Principal
from triplegate.gates.mcp.access import Access
from triplegate.gates.mcp.call import Item, McpCall, OwnItem

WEB = Principal("acme", "web", "ci", team_ref="acme/web")
LAB = Principal("acme", "lab", "ci", team_ref="acme/lab")


def access(**documents):
    return Access(Documents.model_validate(documents))


def server(**more):
    return {"url": "http://127.0.0.1:1/mcp", **more}


def test_deny_wins_over_allow_and_an_empty_allow_list_allows_nothing():
    rules = access(
        servers={
            "a": server(tools={"allow": ["read_*"], "deny": ["read_secret"]}),
            "b": server(tools={"allow": []}),
        }
    )
    assert rules.selects("", "a", "tool", "read_file")
    assert not rules.selects("", "a", "tool", "read_secret")
    assert not rules.selects("", "a", "tool", "write")
    assert not rules.selects("", "b", "tool", "read_file")


def test_prompts_and_resources_are_filtered_by_the_servers_own_names():
    filters = {"allow": ["a*", "x:a*"], "deny": ["ab", "x:ab"]}
    rules = access(
        servers={"s": server(prompts={"allow": ["a*"], "deny": ["ab"]}, resources=filters)},
        virtual_servers={"v": {"tools": ["s__*"], "prompts": ["s__ac"], "resources": ["s__x:ac"]}},
    )
    for kind, prefix in (("prompt", ""), ("resource", "x:"), ("template", "x:")):
        assert rules.selects("", "s", kind, f"{prefix}ac")
        assert not rules.selects("", "s", kind, f"{prefix}ab")
        assert not rules.selects("", "s", kind, f"{prefix}b")
        assert rules.selects("v", "s", kind, f"{prefix}ac")
        assert not rules.selects("v", "s", kind, f"{prefix}ad")


def test_teams_are_named_bare_or_with_their_org_and_an_empty_list_is_nobody():
    rules = access(servers={"a": server(teams=["web"]), "b": server(teams=[]), "c": server()})
    assert rules.servers(WEB) == ("a", "c")
    assert rules.servers(LAB) == ("c",)


def test_a_virtual_server_matches_full_names_and_never_widens():
    rules = access(
        servers={"s": server(alias="files", tools={"deny": ["rm"]})},
        virtual_servers={"dev": {"tools": ["files__r*"], "teams": ["web"]}},
    )
    assert rules.selects("dev", "s", "tool", "read")
    assert not rules.selects("dev", "s", "tool", "rm")
    assert not rules.selects("dev", "s", "tool", "write")
    assert not rules.selects("dev", "s", "prompt", "read")
    assert not rules.selects("dev", "s", "resource", "read")
    assert rules.may_enter("dev", WEB)
    assert not rules.may_enter("dev", LAB)
    assert not rules.may_enter("none", WEB)
    assert rules.may_enter("", LAB)


# rules -------------------------------------------------------------------------------------------------------------
def principal(**more):
    return msgspec.structs.replace(WEB, **more)


class At:
    """Stands for a server."""

    def __init__(self, name):
        self.name = name


def call(server, tool, arguments=b"{}"):
    item = Item("tool", f"{server}__{tool}", At(server), OwnItem(tool, b"{}"), b"{}", b"", b"")
    return McpCall("request", method="tools/call", params={"arguments": msgspec.Raw(arguments)}, item=item)


RULED = {
    "servers": {
        "files": server(
            access=[
                {"tools": ["write_*"], "scopes": ["files.write"]},
                {"tools": ["write_*", "rm"], "roles": ["editor"]},
                {"tools": ["read_*"], "when": 'args.path.startsWith("/data/")'},
                {"prompts": ["*"], "consumers": ["acme/web/ada"]},
                {"resources": ["file:///private/*"], "deny": True},
            ]
        ),
        "web": server(access=[{"deny": True, "teams": ["lab"]}]),
    },
    "virtual_servers": {"v": {"tools": ["*__*"], "access": [{"tools": ["files__rm"], "scopes": ["v.rm"]}]}},
    "mcp": {"access": [{"tools": ["*__rm"], "scopes": ["rm"]}]},
}


def test_what_rules_hide_does_not_exist_for_whom_they_do_not_let_through():
    rules = access(**RULED)
    ci, editor = rules.of(WEB), rules.of(principal(roles=frozenset({"editor"})))
    assert not ci.permits("", "files", "tool", "write_file")
    assert editor.permits("", "files", "tool", "write_file")  # the scope is asked for when it is called
    assert ci.permits("", "files", "tool", "read_file")
    assert ci.permits("", "web", "tool", "search")
    assert not rules.of(LAB).permits("", "web", "tool", "search")
    assert not ci.permits("", "files", "prompt", "any")
    assert rules.of(principal(consumer="ada")).permits("", "files", "prompt", "any")
    assert not rules.of(principal(consumer="ada", team_ref="evil/web")).permits("", "files", "prompt", "any")


@pytest.mark.parametrize(
    "uri",
    [
        "file:///private/x",
        "FILE:///private/x",
        "file:///docs/../private/x",
        "file:///%70rivate/x",
        "file:///docs/%2e%2e/private/x",
        "file:///docs/%252e%252e/private/x",
        "file:///.//private/x",
        "file:///docs\\..\\private\\x",
    ],
)
def test_a_forbidden_uri_is_so_however_it_is_written(uri):
    rules = access(**RULED)
    assert not rules.of(WEB).permits("", "files", "resource", uri)
    assert rules.of(WEB).permits("", "files", "resource", "file:///docs/private/x")
    narrow = access(servers={"files": server(resources={"allow": ["file:///docs/*"]})})
    assert not narrow.selects("", "files", "resource", uri)


def test_callers_of_whom_rules_say_the_same_share_a_view():
    rules = access(**RULED)
    assert rules.of(WEB).standing == rules.of(principal(consumer="other")).standing
    assert rules.of(WEB).standing != rules.of(principal(consumer="ada")).standing
    assert access(servers={"a": server()}).of(WEB).standing == ()


def test_a_missing_scope_is_told_with_all_that_the_call_needs():
    rules, who = access(**RULED), principal(roles=frozenset({"editor"}), scopes=frozenset({"rm"}))
    with pytest.raises(Refusal, match="insufficient_scope") as caught:
        rules.require(who, "v", call("files", "rm"), frozenset({"base"}))
    assert caught.value.headers == [(b"www-authenticate", b'Bearer error="insufficient_scope", scope="base rm v.rm"')]
    rules.require(who, "", call("files", "rm"))
    assert rules.scopes("v", call("files", "rm").item) == {"rm", "v.rm"}
    rules.require(principal(scopes=frozenset({"rm", "v.rm", "base"})), "v", call("files", "rm"), frozenset({"base"}))
    with pytest.raises(Refusal, match="insufficient_scope"):
        access().require(WEB, "", McpCall(), frozenset({"base"}))


@pytest.mark.parametrize(
    ("arguments", "passes"),
    [
        (b'{"path":"/data/x"}', True),
        (b'{"path":"/etc/passwd"}', False),
        (b'{"path":7}', False),
        (b"{}", False),
        (b'{"path":null}', False),
        (b'{"Path":"/data/x"}', False),
        (b"{nonsense", False),
    ],
)
def test_arguments_are_judged_and_what_cannot_be_judged_is_refused(arguments, passes):
    rules = access(**RULED)
    if passes:
        rules.require(WEB, "", call("files", "read_file", arguments))
        return
    with pytest.raises(Refusal, match="arguments_forbidden") as caught:
        rules.require(WEB, "", call("files", "read_file", arguments))
    assert caught.value.rendering.jsonrpc == -32602


def test_a_rule_that_forbids_is_named_where_it_was_written(tmp_path):
    text = (
        "servers:\n  s:\n    url: http://h/mcp\n    access:\n    - {when: 'args.x == 1'}\n    - {when: 'args.y == 1'}\n"
    )
    with pytest.raises(Refusal, match="arguments_forbidden") as caught:
        Access(read(tmp_path, TEAMS + text)).require(WEB, "", call("s", "t", b'{"x":1}'))
    assert caught.value.reason == "the rule at triplegate.yaml:7:7"
    assert caught.value.policy == "access"


def test_what_is_remembered_of_callers_and_items_is_bounded(monkeypatch):
    from triplegate.gates.mcp import access as module

    monkeypatch.setattr(module, "_MOST", 4)
    rules = access(**RULED)
    kept = [principal(consumer=f"c{number}") for number in range(20)]
    for one in kept:
        for number in range(20):
            rules.of(one).permits("", "files", "tool", f"write_{number}")
    assert len(rules._known) <= 4
    assert len(rules._concerning) <= 4


# through the gate ----------------------------------------------------------------------------------------------------
OFFERED = {
    "tools": '{"name":"read"},{"name":"write"},{"name":"admin"}',
    "prompts": '{"name":"greet"},{"name":"secret"}',
    "resources": '{"uri":"file:///docs/a","name":"a"},{"uri":"file:///private/b","name":"b"}',
    "resourceTemplates": '{"uriTemplate":"file:///private/{x}","name":"t"}',
}
RULES = """
    alias: files
    access:
    - {tools: [admin], roles: [admin]}
    - {prompts: [secret], teams: [lab]}
    - {resources: ["file:///private/*"], deny: true}
    - {tools: [write], scopes: [files.write]}
    - {tools: [write], scopes: [files.append]}
    - {tools: [read], when: 'args.path.startsWith("/data/")'}
"""
DENIED = [
    ("tools/call", {"name": "files__admin"}, {"name": "files__nothing"}),
    ("prompts/get", {"name": "files__secret"}, {"name": "files__nothing"}),
    ("resources/read", {"uri": "file:///private/b"}, {"uri": "file:///private/c"}),
    (
        "completion/complete",
        {"ref": {"type": "ref/prompt", "name": "files__secret"}, "argument": {"name": "a", "value": "b"}},
        {"ref": {"type": "ref/prompt", "name": "files__nothing"}, "argument": {"name": "a", "value": "b"}},
    ),
    (
        "completion/complete",
        {"ref": {"type": "ref/resource", "uri": "file:///private/{x}"}, "argument": {"name": "x", "value": "b"}},
        {"ref": {"type": "ref/resource", "uri": "file:///private/nothing{x}"}, "argument": {"name": "x", "value": "b"}},
    ),
]
"""method, params of what is denied, params of what nobody has."""


async def ruled(house, serve, more=""):
    offered = Offering(completions=True, **{name: text.encode() for name, text in OFFERED.items()})
    server = await serve(offered)
    gate = await house(f"servers:\n  s:\n    url: {server.url}/mcp{RULES}{more}")
    return gate, offered


async def ask(http, gate, era, key, method, params, session=None):
    if era == "legacy":
        return await http.post(f"{gate.url}/mcp", **legacy(method, params, session=session), auth=Bearer(key))
    routed = {"mcp-name": params["uri"]} if "uri" in params else {}
    return await http.post(f"{gate.url}/mcp", **modern(method, params, headers=routed), auth=Bearer(key))


class Bearer(httpx.Auth):
    def __init__(self, key):
        self._key = key

    def auth_flow(self, request):
        request.headers["authorization"] = f"Bearer {self._key}"
        yield request


async def opened(http, gate, key):
    http.headers.update(bearer(key))
    try:
        return await initialize(http, f"{gate.url}/mcp")
    finally:
        del http.headers["authorization"]


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_what_is_denied_is_on_no_list_and_looks_unknown_by_every_way_there(house, serve, http, era):
    gate, offered = await ruled(house, serve)
    key = gate.key()
    session = await opened(http, gate, key) if era == "legacy" else None
    listed = []
    for method in ("tools/list", "prompts/list", "resources/list", "resources/templates/list"):
        answer = await ask(http, gate, era, key, method, {}, session)
        for members in answer.json()["result"].values():
            listed += [item.get("uri", item["name"]) for item in members] if isinstance(members, list) else []
    assert listed == ["files__read", "files__write", "files__greet", "file:///docs/a"]
    before = len(offered.asked)
    for method, denied, unknown in DENIED:
        refused = await ask(http, gate, era, key, method, denied, session)
        nobodys = await ask(http, gate, era, key, method, unknown, session)
        said, expected = refused.json()["error"], nobodys.json()["error"]
        assert (refused.status_code, said["code"]) == (nobodys.status_code, expected["code"])
        assert said["code"] in (-32602, -32002)
        for name in ("admin", "secret", "private/b", "private/{x}"):
            said["message"] = said["message"].replace(name, "nothing")
        for name in ("private/c", "private/nothing{x}"):
            expected["message"] = expected["message"].replace(name, "nothing")
        assert said["message"] == expected["message"]
    assert offered.methods[before:] == []
    assert not any(record.cost for record in gate.calls)


async def test_a_missing_scope_is_one_step_up_and_what_needs_it_stays_listed(house, serve, http):
    gate, offered = await ruled(house, serve, "    price: 0.5\n")
    poor, rich = gate.key(), gate.key(scopes=["files.write", "files.append"])
    refused = await ask(http, gate, "modern", poor, "tools/call", {"name": "files__write"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, -32001)
    wanted = 'Bearer error="insufficient_scope", scope="files.append files.write"'
    assert refused.headers["www-authenticate"] == wanted
    assert "tools/call" not in offered.methods
    await ask(http, gate, "modern", rich, "tools/call", {"name": "files__write"})
    assert offered.methods[-1] == "tools/call"
    assert [record.cost for record in gate.calls if record.outcome == "refused"] == [0]


async def test_rules_on_arguments_hold_before_the_server_sees_anything(house, serve, http):
    gate, offered = await ruled(house, serve, "    policies: [{use: tool_limit, calls: 1, window: 1h}]\n")
    key = gate.key()
    for arguments in ({"path": "/etc/passwd"}, {}, {"path": ["/data/"]}):
        call = {"name": "files__read", "arguments": arguments}
        refused = await ask(http, gate, "modern", key, "tools/call", call)
        assert refused.json()["error"]["code"] == -32602
        assert "arguments" in refused.json()["error"]["message"]
        assert "triplegate.yaml" not in refused.text  # where the rule stands is said in the log and by explain alone
    assert "tools/call" not in offered.methods
    good = {"name": "files__read", "arguments": {"path": "/data/x"}}  # and the one call of the limit is still there
    await ask(http, gate, "modern", key, "tools/call", good)
    assert offered.methods[-1] == "tools/call"
    assert (await ask(http, gate, "modern", key, "tools/call", good)).status_code == 429


async def test_a_change_of_rules_ends_what_they_forbid(house, serve, http):
    gate, _ = await ruled(house, serve)
    principal = msgspec.structs.replace(WEB, method="key")
    old = gate.gateway.snapshot.gates["mcp"]._reading
    item = await old._views.of("", principal).find("tool", "files__read")
    old.check(McpCall("request", item=item), principal, "")
    gate.reload(TEAMS + "servers: {s: {url: 'http://127.0.0.1:1/mcp', alias: files, access: [{deny: true}]}}\n")
    with pytest.raises(Refusal, match="tool_not_found"):
        gate.gateway.snapshot.gates["mcp"]._reading.check(McpCall("request", item=item), principal, "")
