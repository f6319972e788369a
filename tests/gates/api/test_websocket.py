"""A WebSocket through the gate: which services take one."""

import msgspec
from tests.builders import make_inbound
from tests.gates.built import always, answer, built
from tests.hostile.scripted import Upstream

from triplegate.edge.serve import open_exchange

PLAIN = """
services: {chat: {endpoints: ["http://127.0.0.1:1"]}, talk: {endpoints: ["http://127.0.0.1:1"], websocket: {
  origins: ["https://app.example.com"]}}}
routes:
  plain: {service: chat, match: {path: /plain}, owner: web, identity: none}
  both: {services: [{service: talk}, {service: chat}], match: {path: /both}, owner: web, identity: none}
  talk: {service: talk, match: {path: /talk}, owner: web, identity: none}
"""


async def code(made, path, *headers):
    inbound = msgspec.structs.replace(make_inbound(path=path, headers=headers), protocol="websocket")
    exchange = open_exchange(made.gateway.gate_for(path), inbound)
    await made.gateway.answer(exchange.gate, exchange)
    return exchange


async def test_each_service_of_the_route_must_take_one(tmp_path):
    async with built(tmp_path, PLAIN) as made:
        for path in ("/plain", "/both"):
            exchange = await code(made, path)
            assert (exchange.refusal.code, exchange.attempts) == ("websocket_not_served", [])


async def test_a_page_of_another_origin_reaches_no_service(tmp_path):
    async with built(tmp_path, PLAIN) as made:
        exchange = await code(made, "/talk", (b"origin", b"https://evil.example.com"))
        assert (exchange.refusal.code, exchange.attempts) == ("forbidden_origin", [])
        for headers in ((), ((b"origin", b"https://App.example.com"),)):
            exchange = await code(made, "/talk", *headers)
            assert exchange.refusal.code == "upstream_unreachable"


async def test_one_service_of_a_route_may_have_its_own_rewrite(tmp_path):
    async with Upstream(always(answer(b"no", status=b"404 No"))) as upstream:
        own = "services: [{service: talk, policies: [{use: rewrite, prefix: /own, host: own.test}]}]"
        written = PLAIN.replace("http://127.0.0.1:1", upstream.url).replace("talk: {service: talk", "talk: {" + own)
        async with built(tmp_path, written) as made:
            exchange = await code(made, "/talk/x")
            exchange.close("ok")
        received = upstream.talks[0].received
    assert received.startswith(b"GET /own/x HTTP/1.1\r\n")
    assert b"\r\nhost: own.test\r\n" in received.lower()
