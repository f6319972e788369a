"""Every policy in force, wherever it was placed."""

from pathlib import Path

from tests.config.policies import REGISTRY

from triplegate.config.load import load
from triplegate.config.placed import every_policy

TEXT = """
gateway: {policies: [{use: key_auth}]}
llm: {policies: [{use: timeout, name: llm}]}
mcp: {policies: [{use: timeout, name: mcp}]}
services: {s: {endpoints: [http://h], policies: [{use: timeout, name: service}]}}
routes: {r: {service: s, match: {}, policies: [{use: timeout, name: route}]}}
providers: {p: {base_url: http://h, policies: [{use: timeout, name: provider}]}}
models: {m: {policies: [{use: timeout, name: model}],
  deployments: [{provider: p, model: x, policies: [{use: timeout, name: deployment}]}]}}
servers: {f: {url: http://h/mcp, policies: [{use: timeout, name: server}]}}
virtual_servers: {v: {tools: ["*"], policies: [{use: timeout, name: virtual}]}}
orgs: {o: {teams: {t: {policies: [{use: timeout, name: team}]}}}}
plans: {l: {policies: [{use: timeout, name: plan}]}}
policies: {unused: [{use: timeout, name: chain}]}
"""


def test_all_places_are_visited_and_unused_chains_are_not(tmp_path: Path) -> None:
    (tmp_path / "triplegate.yaml").write_text(TEXT)
    found = sorted(policy.label for policy in every_policy(load(tmp_path, REGISTRY, environment={}).documents))
    names = "llm mcp service route provider model deployment server virtual team plan"
    assert found == sorted(["gateway/key_auth", *names.split()])
