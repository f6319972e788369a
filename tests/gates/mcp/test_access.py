"""One policy: servers' allow and deny, teams, virtual servers."""

import pytest

from triplegate.config.documents import Documents
from triplegate.core.identity import Principal
from triplegate.gates.mcp.access import Access, glob

WEB = Principal("acme", "web", "ci", team_ref="acme/web")
LAB = Principal("acme", "lab", "ci", team_ref="acme/lab")


def access(**documents):
    return Access(Documents.model_validate(documents))


def server(**more):
    return {"url": "http://127.0.0.1:1/mcp", **more}


@pytest.mark.parametrize(
    ("patterns", "name", "fits"),
    [
        (["*"], "a.b", True),
        (["read_*"], "read_file", True),
        (["read_*"], "spread_file", False),
        (["read"], "read_file", False),
        (["a.b"], "axb", False),
        (["x", "y*z"], "y.z", True),
        (["*"], "line\nend", True),
        ([], "a", False),
    ],
)
def test_patterns_fit_whole_names(patterns, name, fits):
    assert glob(patterns)(name) is fits


def test_deny_wins_over_allow_and_an_empty_allow_list_allows_nothing():
    rules = access(
        servers={
            "a": server(tools={"allow": ["read_*"], "deny": ["read_secret"]}),
            "b": server(tools={"allow": []}),
        }
    )
    assert rules.permits("", "a", "tool", "read_file")
    assert not rules.permits("", "a", "tool", "read_secret")
    assert not rules.permits("", "a", "tool", "write")
    assert not rules.permits("", "b", "tool", "read_file")


def test_teams_are_named_bare_or_with_their_org_and_an_empty_list_is_nobody():
    rules = access(servers={"a": server(teams=["web"]), "b": server(teams=[]), "c": server()})
    assert rules.servers(WEB) == ("a", "c")
    assert rules.servers(LAB) == ("c",)


def test_a_virtual_server_matches_full_names_and_never_widens():
    rules = access(
        servers={"s": server(alias="files", tools={"deny": ["rm"]})},
        virtual_servers={"dev": {"tools": ["files__r*"], "teams": ["web"]}},
    )
    assert rules.permits("dev", "s", "tool", "read")
    assert not rules.permits("dev", "s", "tool", "rm")
    assert not rules.permits("dev", "s", "tool", "write")
    assert not rules.permits("dev", "s", "prompt", "read")
    assert not rules.permits("dev", "s", "resource", "read")
    assert rules.may_enter("dev", WEB)
    assert not rules.may_enter("dev", LAB)
    assert not rules.may_enter("none", WEB)
    assert rules.may_enter("", LAB)
