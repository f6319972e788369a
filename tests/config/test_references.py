"""Names that lead nowhere, and names that lead in circles."""

from typing import ClassVar, Literal

import pytest

from triplegate.config.faults import Findings, Position
from triplegate.config.reader import read
from triplegate.config.references import REFERENCES, check_policy_names, check_references
from triplegate.config.types import TeamRef
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.policy import Policy, Stage


def faults(text: str) -> list[str]:
    findings = Findings()
    check_references(read(text, "x", findings)[0], findings, {"plan": ["free"], "provider": ["openai"]})
    return [fault.message for fault in findings.faults]


@pytest.mark.parametrize(("pattern", "kind"), REFERENCES, ids=[".".join(pattern) for pattern, _ in REFERENCES])
def test_every_reference_is_followed(pattern: tuple[str, ...], kind: str) -> None:
    text = "nowhere"
    for part in reversed(pattern):
        text = f"[{text}]" if part == "#" else f"{{{'n' if part == '*' else part}: {text}}}"
    assert f"unknown {kind} 'nowhere'" in " ".join(faults(text))


def test_what_is_shipped_is_offered_as_a_hint() -> None:
    assert faults("{orgs: {a: {teams: {t: {plan: fre}}}}}") == ["unknown plan 'fre' (did you mean 'free'?)"]


def test_names_that_lead_somewhere_say_nothing() -> None:
    assert not faults("""
services: {a: {}}
routes: {r: {service: a, services: [{service: a}], owner: t}}
orgs: {o: {teams: {t: {plan: p}}}}
plans: {p: {}}
models: {m: {fallback: [n], teams: [t]}, n: {}}
servers: {files: {}, other: {alias: disk}}
virtual_servers: {v: {tools: [files__read, disk__*, "*", "*__read"]}}
""")


@pytest.mark.parametrize(
    ("edges", "loop"),
    [
        ({"a": ["a"]}, "a → a"),
        ({"a": ["b"], "b": ["a"]}, "a → b → a"),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, "b → c → b"),
    ],
)
def test_a_fallback_in_a_circle_is_shown(edges: dict[str, list[str]], loop: str) -> None:
    import json

    found = faults(json.dumps({"models": {name: {"fallback": to} for name, to in edges.items()}}))
    assert f"fallback goes in a circle: {loop}" in found


def test_two_ways_to_the_same_fallback_are_no_circle() -> None:
    assert not faults("{models: {a: {fallback: [b, c]}, b: {fallback: [d]}, c: {fallback: [d]}, d: {}}}")


def test_an_alias_is_used_once_whether_written_or_implied() -> None:
    assert "alias 'a' is already used" in faults("{servers: {a: {}, b: {alias: a}}}")[0]
    assert "alias 'x' is already used" in faults("{servers: {a: {alias: x}, b: {alias: x}}}")[0]
    assert "needs an alias" in faults("{servers: {a__b: {}}}")[0]


def test_wrong_shapes_are_left_to_the_schema() -> None:
    assert not faults("{services: 5, routes: [1], models: {a: {fallback: 7}}, servers: {a: {alias: 5}}}")


TWO_ORGS = "orgs: {a: {teams: {web: {}, one: {}}}, b: {teams: {web: {}}}}\n"


@pytest.mark.parametrize("owner", ["a/web", "b/web", "one", "a/one"])
def test_a_team_is_named_with_its_org_or_alone_where_that_is_clear(owner: str) -> None:
    assert not faults(f"{TWO_ORGS}routes: {{r: {{owner: {owner}}}}}")


@pytest.mark.parametrize(
    ("owner", "said"),
    [
        ("web", "team 'web' is in several orgs: write a/web or b/web"),
        ("b/one", "unknown team 'b/one' (did you mean 'a/one'?)"),
        ("c/web", "unknown team 'c/web' (did you mean 'b/web'?)"),
    ],
)
def test_a_team_that_is_not_clear_is_refused(owner: str, said: str) -> None:
    assert faults(f"{TWO_ORGS}routes: {{r: {{owner: {owner}}}}}") == [said]


class Guard(Policy):
    """Names teams in every way that a policy can."""

    use: Literal["guard"] = "guard"
    stage: ClassVar = Stage.PERMIT
    teams: frozenset[TeamRef] = frozenset()
    team: TeamRef | None = None
    sure: TeamRef = "a/one"
    word: str = "nowhere"

    def decide(self, exchange: Exchange) -> Refusal | None:
        return None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"teams": {"a/web", "one"}, "team": "b/web"}, []),
        ({"teams": {"nowhere", "one"}}, ["guard: unknown team 'nowhere'"]),
        ({"team": "web"}, ["guard: team 'web' is in several orgs: write a/web or b/web"]),
        ({"sure": "b/one"}, ["guard: unknown team 'b/one' (did you mean 'a/one'?)"]),
    ],
)
def test_teams_that_policies_name_are_there(fields: dict[str, object], said: list[str]) -> None:
    findings = Findings()
    root = read(TWO_ORGS, "x", findings)[0]
    place = Position("x", 3, 7)
    placed = {("gateway", "policies"): (Guard.model_validate(fields),), ("policies", "c"): (Guard(team="nowhere"),)}
    check_policy_names(root, placed, lambda policy, path: place, findings)
    assert [(fault.position, fault.message) for fault in findings.faults] == [(place, one) for one in said]
