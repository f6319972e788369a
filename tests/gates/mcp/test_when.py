"""A question in CEL is asked of a call and its caller; one that cannot be answered has no answer."""

import pytest

from triplegate.core.identity import Principal
from triplegate.gates.mcp.when import When, about

ADA = Principal("acme", "web", "ada", "k1", roles=frozenset({"dev"}), scopes=frozenset({"b", "a"}), claims={"level": 3})


@pytest.mark.parametrize(
    ("text", "args", "said"),
    [
        ("args.amount > 100", {"amount": 101}, True),
        ("args.amount > 100", {"amount": 100.5}, True),
        ("args.amount > 100", {"amount": 100}, False),
        ("args.amount > 100", {"amount": "101"}, None),
        ("args.amount > 100", {}, None),
        ("args.amount > 100", None, None),
        ("args.amount > claims.level", {"amount": 4}, True),
        ("has(args.amount) && args.amount > 100", {}, False),
        ('!("dev" in roles)', {}, False),
        ("claims.nothing > 1", {}, None),
    ],
)
def test_it_says_yes_no_or_nothing(text, args, said):
    asked = about(ADA) | {"args": args}
    found = When(text).says(asked)
    assert found is said or (said is None and not isinstance(found, bool))


def test_it_is_known_whether_it_depends_on_the_call():
    assert When("args.x == claims.y").asks_arguments
    assert not When("claims.y == 1").asks_arguments


def test_of_a_caller_it_may_ask_what_identity_found():
    assert about(ADA) == {
        "claims": {"level": 3},
        "org": "acme",
        "team": "web",
        "consumer": "ada",
        "roles": ["dev"],
        "scopes": ["a", "b"],
        "key_id": "k1",
    }
