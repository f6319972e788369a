"""One access rule: whom it lets through, and that it never errs towards letting through."""

import pytest

from triplegate.config.documents_access import AccessRule
from triplegate.core.identity import Principal
from triplegate.gates.mcp.rules import Rule, compiled
from triplegate.gates.mcp.when import about

ADA = Principal(
    "acme", "web", "ada", "k1", team_ref="acme/web", roles=frozenset({"dev"}), scopes=frozenset({"a", "b"}),
    claims={"level": 3},
)  # fmt: skip


def rule(**fields):
    return Rule(AccessRule.model_validate(fields))


@pytest.mark.parametrize(
    ("fields", "hidden"),
    [
        ({"teams": ["web"]}, False),
        ({"teams": ["acme/web"]}, False),
        ({"teams": ["lab"]}, True),
        ({"teams": ["lab"], "roles": ["dev"]}, False),
        ({"consumers": ["ada"]}, False),
        ({"consumers": ["web/ada"]}, False),
        ({"consumers": ["acme/web/ada"]}, False),
        ({"consumers": ["lab/ada", "evil/web/ada"]}, True),
        ({"roles": ["admin"]}, True),
        ({"scopes": ["zzz"]}, False),
        ({"when": "claims.level > 2"}, False),
        ({"when": "claims.level > 3"}, True),
        ({"when": "claims.nothing > 3"}, True),
        ({"when": "claims.level"}, True),
        ({"when": "args.x == 1"}, False),
        ({"when": "args.x == 1", "teams": ["lab"]}, True),
        ({"deny": True}, True),
        ({"deny": True, "teams": ["lab"]}, False),
        ({"deny": True, "teams": ["web"]}, True),
        ({"deny": True, "scopes": ["a", "b"]}, True),
        ({"deny": True, "scopes": ["a", "c"]}, False),
        ({"deny": True, "when": "claims.level > 3"}, False),
        ({"deny": True, "when": "claims.nothing > 3"}, True),
        ({"deny": True, "when": "args.x == 1"}, False),
        ({"when": '"dev" in roles && "a" in scopes && org == "acme" && team == "web" && consumer == "ada"'}, False),
        ({"when": 'key_id == "k2"'}, True),
    ],
)
def test_whom_it_hides_things_from(fields, hidden):
    assert rule(**fields).hides(ADA) is hidden


@pytest.mark.parametrize(
    ("fields", "args", "refused"),
    [
        ({"when": "args.x == 1"}, {"x": 1}, False),
        ({"when": "args.x == 1"}, {"x": 2}, True),
        ({"when": "args.x == 1"}, {}, True),
        ({"when": "args.x == 1"}, None, True),
        ({"when": "args.x"}, {"x": 1}, True),
        ({"when": "args.x < claims.level"}, {"x": 2}, False),
        ({"deny": True, "when": "args.x == 1"}, {"x": 1}, True),
        ({"deny": True, "when": "args.x == 1"}, {"x": 2}, False),
        ({"deny": True, "when": "args.x == 1"}, {}, True),
        ({"deny": True, "when": "args.x == 1", "teams": ["lab"]}, {"x": 1}, False),
        ({"deny": True}, {}, False),
        ({"teams": ["lab"]}, {}, False),
    ],
)
def test_what_calls_it_refuses(fields, args, refused):
    assert rule(**fields).refuses(ADA, about(ADA) | {"args": args}) is refused


def test_only_needed_scopes_can_be_lacking():
    assert rule(scopes=["a", "c"]).lacks(ADA)
    assert not rule(scopes=["a", "b"]).lacks(ADA)
    assert not rule(scopes=["c"], deny=True).lacks(ADA)
    assert rule(scopes=["c"]).scopes == {"c"}
    assert rule(scopes=["c"], deny=True).scopes == frozenset()


def test_it_concerns_what_it_names_and_everything_where_it_names_nothing():
    named = rule(tools=["files__read_*"], deny=True)
    assert named.concerns("tool", "read_x", "files__")
    assert not named.concerns("tool", "write_x", "files__")
    assert not named.concerns("prompt", "read_x", "files__")
    assert not named.concerns("resource", "read_x", "files__")
    uris = rule(resources=["file:///a/*"], deny=True)
    assert uris.concerns("template", "file:///a/{x}")
    assert uris.concerns("resource", "file:///b/../a/x")
    assert not uris.concerns("tool", "file:///a/x")
    (everything,) = compiled([AccessRule(deny=True)])
    assert everything.concerns("tool", "x")
    assert everything.concerns("resource", "x:y")
