"""Documents become one snapshot; a swap is one assignment; answers and calls within calls."""

import asyncio

import msgspec
import pytest
from tests.builders import make_inbound
from tests.gates.built import always, answer, built
from tests.gates.llm.calls import OK, chat, one
from tests.hostile.scripted import Upstream

from triplegate.core.errors import Refusal
from triplegate.gates.mcp.call import McpCall
from triplegate.upstreams.pool import Pool

TEXT = """
services: {a: {endpoints: ["http://127.0.0.1:1"]}}
routes: {r: {service: a, match: {path: /r}, policies: [{use: key_auth}]}}
llm: {policies: [{use: key_auth}]}
mcp: {policies: [{use: key_auth}]}
"""


def text(port=1, limit=5):
    return TEXT.replace(':1"', f':{port}"').replace(
        "[{use: key_auth}]}}",
        f"[{{use: key_auth}}, {{use: rate_limit, name: few, requests: {limit}, window: 1h}}]}}}}",
        1,
    )


async def test_the_path_picks_the_gate_by_whole_elements(tmp_path):
    async with built(tmp_path, TEXT) as made:

        def gate(path):
            return made.gateway.gate_for(path).name

        assert {gate(path) for path in ("/v1/chat/completions", "/v1/embeddings", "/v1/models", "/v1/models/a/b")} == {
            "llm"
        }
        assert {gate(path) for path in ("/mcp", "/mcp/dev")} == {"mcp"}
        assert {gate(path) for path in ("/", "/v1", "/v1/modelsx", "/mcpx", "/v1/chat/completions/", "*")} == {"api"}


async def test_a_snapshot_has_the_hash_of_what_it_was_made_from(tmp_path):
    async with built(tmp_path, TEXT) as made:
        first = made.gateway.snapshot
        again = made.gateway.compile(first.documents)
        assert (first.generation, again.generation) == (1, 2)
        assert first.hash == again.hash == first.documents.digest()
        assert made.take(text()).hash != first.hash


async def test_compiling_changes_nothing_that_serves(tmp_path):
    async with built(tmp_path, TEXT) as made:
        before, told = made.gateway.snapshot, []
        made.gateway.on_swap.append(told.append)
        fresh = made.gateway.compile(before.documents)
        assert (made.gateway.snapshot, told) == (before, [])
        made.gateway.swap(fresh)
        assert (made.gateway.snapshot, told, made.gateway.taken) == (fresh, [fresh], 2)


async def test_a_refused_configuration_is_noted_until_a_good_one_comes(tmp_path):
    async with built(tmp_path, TEXT) as made:
        gateway = made.gateway
        before = gateway.snapshot
        gateway.keep("a.yaml:1:1 wrong")
        assert (gateway.last_error, gateway.refused, gateway.snapshot) == ("a.yaml:1:1 wrong", 1, before)
        assert gateway.last_error_at > 1_700_000_000
        made.take(text())
        assert (gateway.last_error, gateway.refused, gateway.taken) == ("", 1, 2)


async def test_what_was_spent_and_connected_outlives_swaps(tmp_path):
    async with Upstream(always(answer(b"{}"))) as upstream:
        port = upstream.url.rpartition(":")[2]
        async with built(tmp_path, text(port, 2)) as made:
            statuses = []
            for number in range(4):
                statuses.append((await made.serve("GET", "/r"))[1].status)
                made.take(text(port, 2) + f"gateway: {{policies: [{{use: timeout, total: {number + 1}s}}]}}\n")
            assert statuses == [200, 200, 429, 429]
            assert len(upstream.talks) == 1


async def test_what_two_snapshots_no_longer_use_is_closed(tmp_path):
    async with built(tmp_path, text(1)) as made:
        (old,) = made.kit.states.every(Pool)
        made.take(text(2))
        assert len(made.kit.states.every(Pool)) == 2  # calls under way may still be on it
        made.take(text(3))
        assert old not in made.kit.states.every(Pool)


async def test_a_call_under_way_finishes_on_the_chain_it_began_with(tmp_path):
    begun, go = asyncio.Event(), asyncio.Event()

    async def script(talk):
        await talk.head()
        begun.set()
        await go.wait()
        await talk.say(answer(b"{}"))

    async with Upstream(script) as upstream:
        port = upstream.url.rpartition(":")[2]
        async with built(tmp_path, text(port)) as made:
            call = asyncio.ensure_future(made.serve("GET", "/r"))
            await asyncio.wait_for(begun.wait(), 5)
            old = made.gateway.snapshot.hash
            made.take(TEXT.replace("path: /r", "path: /renamed"))
            go.set()
            exchange, wire = await asyncio.wait_for(call, 5)
            assert (wire.status, exchange.snapshot, made.records[-1].snapshot) == (200, old, old)
            assert made.open("GET", "/r").refusal.code == "route_not_found"


async def test_what_documents_name_and_is_not_there_is_a_fault_and_never_lets_pass(tmp_path):
    jwt = '[{use: jwt, issuer: "https://id.test", audience: a, keys: "file:nowhere.json"}]'
    async with built(
        tmp_path, TEXT.replace("path: /r}, policies: [{use: key_auth}]", f"path: /r}}, policies: {jwt}")
    ) as made:
        (fault,) = made.gateway.snapshot.faults
        assert fault.startswith("triplegate.yaml:3:")
        assert "jwt" in fault
        exchange, reply = await made.answer("GET", "/r")
        assert (reply.status, exchange.refusal.code) == (503, "policy_unavailable")
        assert (await made.answer("GET", "/v1/models"))[1].status == 200  # the rest serves on


async def test_a_refusal_is_rendered_by_its_gate_and_noted_with_its_policy(tmp_path):
    async with built(tmp_path, text(limit=1)) as made:
        await made.answer("GET", "/r")
        exchange, reply = await made.answer("GET", "/r")
        assert (reply.status, exchange.refusal.code) == (429, "quota_exceeded")
        assert exchange.decisions == [("few", "refuse", "quota_exceeded")]
        exchange, reply = await made.answer("POST", "/v1/chat/completions", body=b"{")
        assert b'"error"' in await anext(reply.frames)


# calls within calls ----------------------------------------------------------------------------------------
def within(path):
    return make_inbound("GET", path)


async def test_a_child_runs_the_whole_chain_as_its_parents_caller_and_is_closed(tmp_path):
    async with (
        Upstream(always(answer(b"child"))) as upstream,
        built(tmp_path, text(upstream.url.rpartition(":")[2])) as made,
    ):
        parent, _ = await made.answer("GET", "/r")
        parent.priority, parent.deadline = 2, made.kit.clock.now() + 0.2
        async with made.gateway.call(parent, within("/r")) as reply:
            assert (reply.status, await anext(reply.frames)) == (200, b"child")
        ended, child = made.house.telemetry.finished_exchanges[-1]
        assert (ended.priority, ended.deadline) == (2, parent.deadline)
        assert (child.parent, child.consumer, child.outcome, child.kind) == (parent.id, "ci", "ok", "final")
        assert child.exchange != parent.id


async def test_a_model_call_within_a_call_is_booked(tmp_path):
    async with Upstream(always(OK)) as upstream, built(tmp_path, one(upstream.url)) as made:
        parent, _ = await made.serve("POST", "/v1/chat/completions", body=chat())
        inbound = make_inbound("POST", "/v1/chat/completions", body=chat())
        async with made.gateway.call(parent, inbound) as reply:
            assert reply.status == 200
        assert made.records[-1].kind == "final"
        assert made.records[-1].cost == 20 * 10_000  # 10 tokens in at 1, 5 out at 2 dollars a million


async def test_a_bucket_that_an_ancestor_took_is_not_taken_again(tmp_path):
    async with (
        Upstream(always(answer(b"{}"))) as upstream,
        built(tmp_path, text(upstream.url.rpartition(":")[2], limit=2)) as made,
    ):
        parent, _ = await made.answer("GET", "/r")
        for _ in range(3):
            async with made.gateway.call(parent, within("/r")) as reply:
                assert reply.status == 200
        assert [(await made.serve("GET", "/r"))[1].status for _ in range(2)] == [200, 429]


async def test_calls_within_calls_end_at_the_third(tmp_path):
    async with built(tmp_path, TEXT) as made:
        parent, _ = await made.answer("GET", "/r")
        parent.depth = 3
        with pytest.raises(Refusal) as caught:
            async with made.gateway.call(parent, within("/r")):
                pass
        assert caught.value.code == "loop_detected"


async def test_a_child_stays_on_its_parents_snapshot_while_that_is_kept(tmp_path):
    async with built(tmp_path, TEXT) as made:
        parent, _ = await made.answer("GET", "/r")
        for number in range(3):
            made.take(TEXT.replace("path: /r", f"path: /other{number}"))
            async with made.gateway.call(parent, within("/r")) as reply:
                assert reply.status == 502  # it is there, and its service is down
        made.take(TEXT.replace("path: /r", "path: /last"))
        async with made.gateway.call(parent, within("/r")) as reply:
            assert reply.status == 404  # forgotten: the newest one serves


async def test_a_refused_child_is_refused_and_a_failed_one_failed(tmp_path):
    async with built(tmp_path, TEXT) as made:
        parent, _ = await made.answer("GET", "/r")
        async with made.gateway.call(parent, within("/nowhere")) as reply:
            assert reply.status == 404
        assert (made.records[-1].outcome, made.records[-1].refusal) == ("refused", "route_not_found")
        broken = msgspec.structs.replace(parent)
        with pytest.raises(ValueError, match="inside"):
            async with made.gateway.call(broken, within("/r")):
                raise ValueError("inside")


CHAT = b'{"model": "m", "stream": true, "user": "u7", "messages": []}'
LASTING = (
    TEXT.replace("mcp: {", "mcp: {allowed_hosts: [a.test], ")
    + """
providers: {p: {base_url: "http://127.0.0.1:1/v1", auth: null}}
models: {m: {deployments: [{provider: p, model: x}]}}
servers: {files: {url: "http://127.0.0.1:1/mcp"}}
"""
)


async def lasting(made, method, path, body=b""):
    """An exchange as it is once it was let in; nothing is sent anywhere."""
    exchange = made.open(method, path, body=body)
    exchange.call = McpCall("request") if path == "/mcp" else None
    await exchange.gate.check(exchange)
    return exchange


@pytest.mark.parametrize(
    ("method", "path", "body"), [("GET", "/r", b""), ("POST", "/v1/chat/completions", CHAT), ("POST", "/mcp", b"")]
)
async def test_whoever_is_let_in_no_more_may_not_go_on_at_any_gate(tmp_path, method, path, body):
    async with built(tmp_path, LASTING) as made:
        exchange = await lasting(made, method, path, body)
        await made.gateway.check(exchange)
        assert exchange.principal.consumer == "ci"
        made.kit.keys.by_id.clear()
        with pytest.raises(Refusal) as refused:
            await made.gateway.check(exchange)
        assert refused.value.code == "invalid_credentials"


async def test_a_model_that_is_taken_away_ends_its_answers_and_its_body_is_not_read_again(tmp_path):
    async with built(tmp_path, LASTING) as made:
        exchange = await lasting(made, "POST", "/v1/chat/completions", CHAT)
        assert exchange.principal.end_user == "u7"
        exchange.inbound.body.content = b"gone"
        made.take(LASTING + "gateway: {policies: []}\n")
        await made.gateway.check(exchange)
        made.take(LASTING.replace("models: {m: {", "models: {m: {teams: [ops], "))
        with pytest.raises(Refusal) as refused:
            await made.gateway.check(exchange)
        assert refused.value.code == "model_not_found"


async def test_a_path_that_leads_to_another_gate_ends_what_was_begun_there(tmp_path):
    async with built(tmp_path, LASTING) as made:
        exchange = await lasting(made, "POST", "/v1/chat/completions", CHAT)
        made.take(LASTING.replace("llm: {", "llm: {base_path: /models, ").replace("path: /r}", "path: /}"))
        with pytest.raises(Refusal) as refused:
            await made.gateway.check(exchange)
        assert refused.value.code == "route_not_found"
