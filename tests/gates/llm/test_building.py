"""Models as written become models that route."""

import pytest
from tests.gates.built import always, built
from tests.gates.llm.calls import OK, chat
from tests.hostile.scripted import Upstream

KEYS = """
providers: {p: {base_url: "http://127.0.0.1:1/v1", models: {x: {input: 1, output: 2, context: 8000}}}}
models:
  m:
    deployments:
      - {provider: p, model: x, weight: 2, keys: [{key: "env:A", weight: 3}, {key: "file:b"}]}
      - {provider: p, model: y, name: own, key: "env:C", tier: 1}
    strategy: quota
    fallback_on: {context_window: [n], content_policy: [n]}
  n: {deployments: [{provider: p, model: x, key: "env:A"}]}
llm: {policies: [{use: key_auth}]}
"""


async def test_each_key_is_a_deployment_of_its_own_with_its_share_health_and_group(tmp_path):
    async with built(tmp_path, KEYS, secrets={"env:A": "a", "file:b": "b", "env:C": "c"}) as made:
        models = made.gateway.snapshot.gates["llm"]._models
        first, second, own = models["m"].places
        assert [(one.name, one.weight, one.tier) for one in models["m"].places] == [
            ("p/x", 6, 0),
            ("p/x#2", 2, 0),
            ("own", 1, 1),
        ]
        assert [one.target.group for one in (first, second)] == ["p:env:A", "p:file:b"]
        assert first.health.key is not second.health.key
        assert first.health.key is models["n"].places[0].health.key
        assert (first.target.wiring.window, own.target.wiring.window) == (8000, 0)
        assert (models["m"].larger, models["m"].lenient) == (("n",), ("n",))


@pytest.mark.parametrize(
    ("strategy", "kind"),
    [
        ("weighted", "ByWeight"),
        ("priority", "InOrder"),
        ("least_busy", "OfTwo"),
        ("latency", "OfTwo"),
        ("cost", "ByCost"),
        ("quota", "ByQuota"),
        ("sticky", "Sticky"),
    ],
)
async def test_a_model_has_its_strategy(tmp_path, strategy, kind):
    async with built(tmp_path, KEYS.replace("strategy: quota", f"strategy: {strategy}")) as made:
        model = made.gateway.snapshot.gates["llm"]._models["m"]
        assert type(model.strategy).__name__ == kind


STARS = """
providers:
  p: {{base_url: "{url}/v1", auth: null, models: {{gpt-4o: {{input: 1}}, gpt-4o-mini: {{input: 2}}, o3: {{input: 3}}}}}}
models:
  "gpt-4*": {{deployments: [{{provider: p, model: "gpt-4*"}}], aliases: [four]}}
  "p/*": {{deployments: [{{provider: p, model: "*"}}], teams: [ops]}}
  gpt-4o: {{deployments: [{{provider: p, model: o3}}], aliases: [best, org/best]}}
llm: {{policies: [{{use: key_auth}}]}}
"""


@pytest.fixture
async def stars(tmp_path):
    async with Upstream(always(OK)) as upstream, built(tmp_path, STARS.format(url=upstream.url)) as made:
        made.upstream = upstream
        yield made


async def sent(made, name):
    """What the vendor was asked for; the status where it was not."""
    before = sum(len(talk.received) for talk in made.upstream.talks)
    _, wire = await made.serve("POST", "/v1/chat/completions", body=chat(name))
    received = b"".join(bytes(talk.received) for talk in made.upstream.talks)[before:]
    return received.rpartition(b'"model": "')[2].partition(b'"')[0].decode() if wire.status == 200 else wire.status


async def test_a_star_carries_the_clients_name_to_the_vendor(stars):
    assert await sent(stars, "gpt-4-turbo") == "gpt-4-turbo"
    assert await sent(stars, "gpt-4o-mini") == "gpt-4o-mini"
    assert await sent(stars, "gpt-4o") == "o3"  # one of that very name goes before
    assert await sent(stars, "best") == await sent(stars, "org/best") == "o3"
    for name in ("GPT-4o", "Best", "gpt-3", "gpt-4*", "gpt-4../x", "gpt-4 o", "p/o3"):
        assert await sent(stars, name) == 404


async def test_only_names_that_lead_to_a_known_model_are_listed(stars):
    _, wire = await stars.serve("GET", "/v1/models")
    assert [
        name for name in (b"gpt-4o", b"gpt-4o-mini", b"four", b"best", b"*", b"o3") if b'"%b"' % name in wire.content
    ] == [
        b"gpt-4o",
        b"gpt-4o-mini",
    ]
    names = [model.route.name for model in stars.gateway.snapshot.gates["llm"]._listed]
    assert names == ["gpt-4o", "gpt-4o-mini", "p/gpt-4o", "p/gpt-4o-mini", "p/o3", "gpt-4*", "p/*"]


async def test_a_name_that_fits_a_pattern_has_its_vendors_price(stars):
    gate = stars.gateway.snapshot.gates["llm"]
    assert gate._models["gpt-4o-mini"].route.price.input == 20_000_000_000
    assert gate._models["gpt-4-turbo"].route.price.version == "none"


async def test_calls_go_where_they_are_meant_to_and_a_call_that_nobody_takes_is_told_so(tmp_path):
    pytest.importorskip("cel")
    text = """
providers: {{p: {{base_url: "{url}/v1", auth: null}}}}
models:
  m:
    deployments:
      - {{provider: p, model: large, when: "prompt_tokens > 100 || tools > 0"}}
      - {{provider: p, model: small, when: "prompt_tokens <= 100 && tools == 0 && !stream"}}
llm: {{policies: [{{use: key_auth}}]}}
"""
    long = [{"role": "user", "content": "x" * 1000}]
    async with Upstream(always(OK)) as upstream, built(tmp_path, text.format(url=upstream.url)) as made:

        async def told(**more):
            _, wire = await made.serve("POST", "/v1/chat/completions", body=chat(**more))
            return wire.field(b"x-triplegate-deployment") or wire.content

        assert await told(messages=long) == await told(tools=[{"type": "function"}]) == b"p/large"
        assert await told() == b"p/small"
        assert b'"code":"no_deployment"' in await told(stream=True)
