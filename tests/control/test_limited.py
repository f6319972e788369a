"""Limits as they stand: every one is told, with those who use it now, the fullest first."""

from tests.gates.built import built

from triplegate.control.limited import limit_views
from triplegate.core.identity import KeyRecord

TEXT = """
gateway: {policies: [{use: rate_limit, name: all, requests: 10, window: 1m, by: consumer}]}
services: {a: {endpoints: ["http://127.0.0.1:1"]}}
routes:
  r:
    {service: a, match: {path: /r}, identity: none, policies: [{use: rate_limit, name: here, requests: 5, by: route}]}
models:
  m:
    deployments:
      - {provider: p, model: x, policies: [{use: token_limit, name: at-x, total: 9, by: deployment}]}
providers: {p: {base_url: "http://127.0.0.1:2/v1", auth: null}}
llm: {policies: [{use: key_auth}, {use: concurrency_limit, name: few, at_once: 3, by: key}]}
mcp: {policies: [{use: key_auth}, {use: tool_limit, name: tools, calls: 4, by: team}]}
plans: {free: {policies: [{use: token_limit, name: free, input: 100, total: 200, by: team, mode: observe}]}}
orgs: {acme: {teams: {web: {plan: free, consumers: {ci: {}, shop: {}}}, ops: {consumers: {bot: {}}}}}}
"""
KEYS = (KeyRecord("k1", b"", "acme", "web", "ci"), KeyRecord("k2", b"", "acme", "web", "ci", revoked=1.0))


async def look(made):
    documents = made.gateway.snapshot.documents
    return await limit_views(documents, KEYS, made.gateway.kit.admission)


def policy_of(made, name):
    from triplegate.config.placed import every_policy

    return next(one for one in every_policy(made.gateway.snapshot.documents) if one.label == name)


async def take(made, name, subject, times=1):
    for _ in range(times):
        for claim in policy_of(made, name).buckets(subject):
            await made.gateway.kit.admission.take((claim,), 60.0)


async def test_an_unused_limit_is_told_once_for_each_thing_it_counts(tmp_path):
    async with built(tmp_path, TEXT) as made:
        found = await look(made)
    assert sorted((one.policy, one.unit, one.quota) for one in found) == [
        ("all", "requests", 10),
        ("at-x", "total", 9),
        ("few", "at once", 3),
        ("free", "input", 100),
        ("free", "total", 200),
        ("here", "requests", 5),
        ("tools", "tools", 4),
    ]
    assert {one.subject for one in found} == {""}
    assert next(one for one in found if one.policy == "free").mode == "observe"


async def test_those_who_use_a_limit_are_told_with_what_is_left_the_fullest_first(tmp_path):
    async with built(tmp_path, TEXT) as made:
        await take(made, "all", "acme/web/ci", 2)
        await take(made, "all", "acme/ops/bot", 7)
        await take(made, "few", "k1")
        await take(made, "here", "r")
        await take(made, "at-x", "p/x")
        found = [one for one in await look(made) if one.subject]
    assert [(one.policy, one.subject, one.org, one.team, one.used, one.remaining) for one in found] == [
        ("all", "acme/ops/bot", "acme", "ops", 7, 3),
        ("all", "acme/web/ci", "acme", "web", 2, 8),
        ("few", "k1", "acme", "web", 1, 2),
        ("here", "r", "", "", 1, 4),
        ("at-x", "p/x", "", "", 1, 8),
    ]


async def test_looking_takes_nothing(tmp_path):
    async with built(tmp_path, TEXT) as made:
        await take(made, "few", "k1")
        assert await look(made) == await look(made)
