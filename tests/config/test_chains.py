"""Lists of policies: named chains expanded, each policy labelled by its place."""

import time

import pytest
from tests.config.policies import REGISTRY

from triplegate.config.chains import MAX_POLICIES, Chains, owner, walk
from triplegate.config.documents import Path
from triplegate.config.faults import Findings
from triplegate.config.reader import read
from triplegate.core.policy import Policy


def settled(text: str) -> tuple[dict[Path, tuple[Policy, ...]], list[str], set[Path]]:
    findings = Findings()
    root = read(text, "x.yaml", findings)[0]
    named = root.value["policies"].value if "policies" in root.value else {}
    chains = Chains(REGISTRY, named, findings)
    return chains.settle(root), [str(fault) for fault in findings.faults], chains.broken


TREE = """
gateway: {policies: [{use: key_auth}]}
routes: {orders: {policies: [{use: rate_limit, requests: 1}, slow, {use: rate_limit, requests: 3, name: mine}]}}
models: {smart: {deployments: [
  {provider: p, model: m, policies: [{use: timeout}]},
  {provider: p, model: m, policies: [{use: timeout}]},
  {name: own, policies: [{use: timeout}]}]}}
orgs: {acme: {teams: {web: {policies: [slow]}}}}
policies: {slow: [{use: rate_limit, requests: 2}]}
"""


def test_labels_name_owner_and_tag_and_number_repeats() -> None:
    placed, faults, _ = settled(TREE)
    assert not faults
    labels = {path: [policy.label for policy in policies] for path, policies in placed.items()}
    assert labels[("gateway", "policies")] == ["gateway/key_auth"]
    assert labels[("routes", "orders", "policies")] == ["route:orders/rate_limit", "route:orders/rate_limit#2", "mine"]
    assert [labels[("models", "smart", "deployments", index, "policies")] for index in range(3)] == [
        ["deployment:smart/p/m/timeout"],
        ["deployment:smart/p/m#2/timeout"],
        ["deployment:smart/own/timeout"],
    ]
    assert labels[("orgs", "acme", "teams", "web", "policies")] == ["team:acme/web/rate_limit"]
    assert labels[("policies", "slow")] == ["chain:slow/rate_limit"]


def test_copies_of_a_chain_know_where_it_was_written() -> None:
    placed, _, _ = settled(TREE)
    assert placed[("routes", "orders", "policies")][1].origin == "x.yaml:9:19"
    assert placed[("orgs", "acme", "teams", "web", "policies")][0].origin == "x.yaml:9:19"


def test_the_same_mistake_in_a_chain_is_told_once_and_breaks_each_place() -> None:
    _, faults, broken = settled("""
routes: {a: {policies: [c]}, b: {policies: [c]}, d: {policies: [{use: key_auth}]}}
policies: {c: [{use: rate_limit}, {use: nothing}]}
""")
    assert faults == ["x.yaml:3:16 field 'requests' is missing", "x.yaml:3:41 unknown policy 'nothing'"]
    assert broken == {("routes", "a", "policies"), ("routes", "b", "policies"), ("policies", "c")}


def test_the_same_object_used_by_alias_is_placed_in_each_place() -> None:
    placed, faults, _ = settled("routes:\n  a: &a {policies: [{use: key_auth}]}\n  b: *a\n")
    assert not faults
    assert [policies[0].label for policies in placed.values()] == ["route:a/key_auth", "route:b/key_auth"]


@pytest.mark.parametrize("inner", ["[]", "[{use: key_auth}]"])
def test_chains_that_multiply_are_bounded(inner: str) -> None:
    rows = [f"  z: {inner}"]
    rows += [f"  {this}: [{', '.join([last] * 9)}]" for last, this in zip("zabcdefghi", "abcdefghij", strict=True)]
    begun = time.perf_counter()
    _, faults, _ = settled("policies:\n" + "\n".join(rows) + "\ngateway: {policies: [j]}\n")
    assert any(f"at most {MAX_POLICIES}" in fault for fault in faults)
    assert time.perf_counter() - begun < 5


def test_walking_passes_over_what_is_not_there() -> None:
    root = read("{a: [{b: 1}, {c: 2}, 3], d: null}", "x", Findings())[0]
    assert [(path, node.value) for path, node in walk(root, ("a", "#", "b"))] == [(("a", 0, "b"), 1)]
    assert not list(walk(root, ("d", "*", "x")))


def test_owners_are_named_in_the_singular() -> None:
    root = read("{}", "x", Findings())[0]
    assert owner(("virtual_servers", "dev", "policies"), root) == "virtual_server:dev"
    assert owner(("llm", "policies"), root) == "llm"
