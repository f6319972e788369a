"""WebSockets through the gateway, from a real client to a real service: messages, ends, bounds and refusals."""

import asyncio
import json
import ssl

import pytest
from tests.certificates import Authority
from tests.journeys.running import House, free_port, records, write
from tests.journeys.websocket_upstream import Service, Told
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

CONFIGURATION = """
services:
  chat: {{endpoints: ["http://127.0.0.1:{service}"], websocket: {{max_message: 2MiB}}}}
  brief: {{endpoints: ["http://127.0.0.1:{service}"], websocket: {{idle: 300ms, max_message: 1000}}}}
  guarded: {{endpoints: ["http://127.0.0.1:{service}"], websocket: {{origins: ["https://app.example.com"]}}}}
  plain: {{endpoints: ["http://127.0.0.1:{service}"]}}
  down: {{endpoints: ["http://127.0.0.1:{closed}"], websocket: true}}
  told: {{endpoints: ["http://127.0.0.1:{told}"], websocket: true}}
routes:
  chat: {{service: chat, match: {{path: /chat}}, records: each, policies: [{{use: key_auth}}]}}
  few:
    service: chat
    match: {{path: /few}}
    policies: [{{use: key_auth}}, {{use: rate_limit, name: few, requests: 2, window: 1h}}]
  open: {{service: chat, match: {{path: /}}, records: each, owner: web, identity: none}}
  brief: {{service: brief, match: {{path: /brief}}, records: each, owner: web, identity: none}}
  guarded: {{service: guarded, match: {{path: /guarded}}, owner: web, identity: none}}
  plain: {{service: plain, match: {{path: /plain}}, owner: web, identity: none}}
  down: {{service: down, match: {{path: /down}}, owner: web, identity: none}}
  told: {{service: told, match: {{path: /told}}, records: each, owner: web, identity: none}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}, other: {{}}}}}}}}}}}}
"""

OK = b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: <ACCEPT>\r\n"
HEADS = {
    "/told/wrong": OK.replace(b"<ACCEPT>", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") + b"\r\n",
    "/told/none": b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "/told/other": OK.replace(b"websocket", b"h2c") + b"\r\n",
    "/told/extension": OK + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    "/told/protocol": OK + b"Sec-WebSocket-Protocol: never-offered\r\n\r\n",
    "/told/garbage": b"\x00\x01\x02 what\r\n\r\n",
    "/told/200": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-From: service\r\n\r\nhello",
    "/told/early": OK + b"\r\n\x81\x05early",
    "/told/broken": OK + b"\r\n\x81\x05first\xff\xff\xff",
}


@pytest.fixture(scope="module")
def service():
    service = Service()
    yield service
    service.close()


@pytest.fixture(scope="module", params=["granian", "loop"])
def house(request, tmp_path_factory, service):
    folder = tmp_path_factory.mktemp("websocket")
    told = Told(HEADS)
    text = CONFIGURATION.format(service=service.port, closed=free_port(), told=told.port)
    write(folder, text)
    service.closed.clear()
    with House(folder, TRIPLEGATE_TRANSPORT=request.param) as house:
        house.ws = house.url.replace("http:", "ws:")
        house.ci = house.key()
        yield house
    told.close()


def dial(house, path, key=None, **more):
    headers = {"authorization": f"Bearer {key}"} if key else {}
    more.setdefault("additional_headers", headers)
    return connect(house.ws + path, compression=None, max_size=None, open_timeout=10, **more)


async def refused(house, path, key=None, **more):
    with pytest.raises(InvalidStatus) as caught:
        await dial(house, path, key, **more)
    return caught.value.response


async def ended(client):
    """Code and reason that the client is told."""
    async with asyncio.timeout(10):
        await client.wait_closed()
    return client.close_code, client.close_reason


async def until(true):
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.02)


async def test_messages_of_both_kinds_go_both_ways(house):
    async with dial(house, "/chat", house.ci) as client:
        for message in ("hällo", b"\x00\xff", "", b"", "x" * 70_000):
            await client.send(message)
            assert await client.recv() == message
        await client.send(["in ", "three ", "pieces"])
        assert await client.recv() == "in three pieces"
        await (await client.ping())


async def test_ten_megabytes_each_way_with_a_service_that_reads_late(house, service):
    async with dial(house, "/push/10") as client:
        got = [await client.recv() for _ in range(10)]
    assert got == [b"%08d" % number * 125_000 for number in range(10)]
    before = service.received
    async with dial(house, "/hungry/0.5") as client:
        for number in range(11):
            await client.send(b"%08d" % number * 125_000)
        await until(lambda: service.received - before >= 10_000_000)


async def test_the_service_sees_one_hop_and_its_choice_of_subprotocol_is_passed_on(house):
    async with dial(house, "/head", subprotocols=["v3.orders", "v1.orders"]) as client:
        assert client.subprotocol == "v1.orders"
        seen = json.loads(await client.recv())
    headers = {name.lower(): value for name, value in seen["headers"]}
    assert headers["sec-websocket-protocol"].replace(" ", "") == "v3.orders,v1.orders"
    assert "sec-websocket-extensions" not in headers
    assert headers["sec-websocket-version"] == "13"
    assert headers["via"] == "1.1 triplegate"
    assert headers["x-forwarded-for"] == "127.0.0.1"
    async with dial(house, "/head") as client:
        assert client.subprotocol is None


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 3000, 4999])
async def test_a_close_of_either_side_is_told_to_the_other(house, service, code):
    async with dial(house, f"/close/{code}") as client:
        assert await ended(client) == (code, "as told")
    async with dial(house, f"/quiet/{code}") as client:
        await client.close(code, "enough")
    await until(lambda: any(path == f"/quiet/{code}" for path, *_ in service.closed))
    assert next(at for path, at, _ in service.closed if path == f"/quiet/{code}") == code


async def test_a_service_that_leaves_without_a_word_is_1011(house):
    async with dial(house, "/leave") as client:
        assert (await ended(client))[0] == 1011


async def test_a_client_that_leaves_without_a_word_ends_the_service_s_side(house, service):
    client = await dial(house, "/quiet/gone")
    await until(lambda: service.open)
    client.transport.abort()
    await until(lambda: any(path == "/quiet/gone" for path, *_ in service.closed))


async def test_refusals_come_before_anything_is_open(house):
    for path, key, status, code in (
        ("/chat", None, 401, "unauthenticated"),
        ("/chat", "nonsense", 401, "invalid_credentials"),
        ("/plain", None, 400, "websocket_not_served"),
        ("/v1/chat/completions", None, 400, "websocket_not_served"),
        ("/mcp", None, 400, "called without WebSocket"),
        ("/down", None, 502, "upstream_unreachable"),
        ("/told/wrong", None, 502, "upstream_malformed"),
        ("/told/none", None, 502, "upstream_malformed"),
        ("/told/other", None, 502, "upstream_malformed"),
        ("/told/extension", None, 502, "upstream_malformed"),
        ("/told/protocol", None, 502, "upstream_malformed"),
        ("/told/garbage", None, 502, "upstream_malformed"),
    ):
        answer = await refused(house, path, key)
        assert answer.status_code == status, path
        assert code.replace("_", "-").encode() in bytes(answer.body).replace(b"_", b"-"), (path, answer.body)
        assert answer.headers["x-request-id"]
        assert answer.headers["connection"].split(", ")[-1] == "close"


async def test_whoever_is_revoked_is_told_at_once_and_nobody_else_notices(house):
    key = house.key(consumer="other")
    async with dial(house, "/chat/stays", house.ci) as stays, dial(house, "/chat/goes", key) as goes:
        await goes.send("x")
        assert await goes.recv() == "x"
        answer = house.admin("DELETE", f"/keys/{key.split('_')[2]}")
        assert answer.status_code < 300, answer.text
        assert await ended(goes) == (1008, "The key is not valid.")
        await stays.send("still")
        assert await stays.recv() == "still"


async def test_a_spent_limit_is_429_with_its_fields(house):
    for _ in range(2):
        async with dial(house, "/few", house.ci):
            pass
    answer = await refused(house, "/few", house.ci)
    assert answer.status_code == 429
    assert answer.headers["retry-after"]
    assert answer.headers["ratelimit"]


async def test_a_web_page_of_another_origin_is_refused(house):
    answer = await refused(house, "/guarded", origin="https://evil.example.com")
    assert (answer.status_code, b"forbidden-origin" in answer.body) == (403, True)
    for origin in ("https://app.example.com", None):
        async with dial(house, "/guarded", origin=origin) as client:
            await client.send("x")
            assert await client.recv() == "x"


async def test_an_answer_that_is_no_101_is_the_answer(house):
    answer = await refused(house, "/told/200")
    assert (answer.status_code, bytes(answer.body), answer.headers["x-from"]) == (200, b"hello", "service")


async def test_what_a_service_says_with_its_101_is_not_lost(house):
    async with dial(house, "/told/early") as client:
        assert await client.recv() == "early"


async def test_a_service_that_breaks_the_protocol_is_1011_after_what_was_whole(house):
    async with dial(house, "/told/broken") as client:
        assert await client.recv() == "first"
        assert (await ended(client))[0] == 1011


async def test_messages_that_are_too_large_end_both_sides(house, service):
    async with dial(house, "/brief") as client:
        await client.send(b"x" * 1001)
        assert (await ended(client))[0] == 1009
    async with dial(house, "/brief/large") as client:
        await client.send(b"x" * 1000)
        assert len(await client.recv()) == 1000


async def test_silence_ends_both_sides(house, service):
    async with dial(house, "/brief/idle") as client:
        code, reason = await ended(client)
    assert (code, reason) == (1001, "no message for 0.3 s")
    await until(lambda: any(path == "/brief/idle" for path, *_ in service.closed))
    assert next(at for path, at, _ in service.closed if path == "/brief/idle") == 1001


async def test_fifty_that_leave_in_every_way_leave_nothing_behind(house, service):
    await until(lambda: service.open == 0)
    before = len(service.closed)

    async def visit(number):
        client = await dial(house, f"/visit/{number}", additional_headers={"x-request-id": f"visit-{number}"})
        if number % 3 == 0:
            client.transport.abort()
            return
        await client.send("x")
        if number % 3 == 1:
            await client.recv()
            await client.close()
        else:
            client.transport.abort()

    await asyncio.gather(*(visit(number) for number in range(50)))
    await until(lambda: len(service.closed) - before == 50 and service.open == 0)


def test_each_has_one_record_that_tells_how_it_ended(house):
    house.usage("route")  # the ledger is drained
    told = {record["refusal"] for record in records(house.directory, "route = 'told' and kind = 'final'")}
    assert told == {"upstream_malformed", ""}
    opened = records(house.directory, "route in ('open', 'brief', 'chat') and status = 101")
    assert len({record["exchange"] for record in opened}) == len(opened) > 70
    assert {record["outcome"] for record in opened} - {"gone"} == {"ok", "failed", "refused"}
    (large,) = [record for record in opened if record["refusal"] == "message_too_large"]
    assert (large["outcome"], large["bytes_in"]) == ("failed", 1001)
    pushed = [record for record in opened if record["bytes_out"] == 10_000_000]
    assert len(pushed) == 1
    assert pushed[0]["streamed"]


SECURE = """
services:
  secure:
    endpoints: ["https://127.0.0.1:{port}"]
    websocket: true
    tls: {{ca: ours.pem, certificate: gateway.pem, key: "file:gateway.key"}}
  strange: {{endpoints: ["https://127.0.0.1:{port}"], websocket: true, tls: {{ca: other.pem}}}}
  unknown: {{endpoints: ["https://127.0.0.1:{port}"], websocket: true, tls: {{ca: ours.pem}}}}
routes:
  secure: {{service: secure, match: {{path: /}}, owner: web, identity: none}}
  strange: {{service: strange, match: {{path: /strange}}, owner: web, identity: none}}
  unknown: {{service: unknown, match: {{path: /unknown}}, owner: web, identity: none}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}}}}}}}
"""


async def test_a_service_behind_tls_is_verified_and_so_is_the_gateway(tmp_path):
    ours, _ = Authority(tmp_path, "ours"), Authority(tmp_path, "other")
    served = ours.sign("service", "127.0.0.1")
    ours.sign("gateway", "gateway.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(served.certificate, served.key)
    context.load_verify_locations(ours.path)
    context.verify_mode = ssl.CERT_REQUIRED
    service = Service(context)
    write(tmp_path, SECURE.format(port=service.port))
    try:
        with House(tmp_path) as house:
            house.ws = house.url.replace("http:", "ws:")
            async with dial(house, "/echo", subprotocols=["v1.orders"]) as client:
                assert client.subprotocol == "v1.orders"
                for message in ("hällo", b"\x00" * 100_000):
                    await client.send(message)
                    assert await client.recv() == message
            async with dial(house, "/close/4000") as client:
                assert await ended(client) == (4000, "as told")
            for path in ("/strange", "/unknown"):
                answer = await refused(house, path)
                assert answer.status_code == 502, path
            assert not {path for path, *_ in service.closed} & {"/strange", "/unknown"}
    finally:
        service.close()


@pytest.mark.parametrize("transport", ["granian", "loop"])
async def test_the_drain_tells_each_client_before_the_process_ends(tmp_path, service, transport):
    write(tmp_path, CONFIGURATION.format(service=service.port, closed=free_port(), told=free_port()))
    house = House(tmp_path, TRIPLEGATE_TRANSPORT=transport).start()
    try:
        house.ws = house.url.replace("http:", "ws:")
        clients = [await dial(house, "/echo") for _ in range(5)]
        stopping = asyncio.get_running_loop().run_in_executor(None, house.stop)
        for client in clients:
            assert await ended(client) == (1001, "The gateway is shutting down.")
        assert await stopping == 0
    finally:
        house.stop()
    kept = records(tmp_path, "route = 'open'")
    assert [record["refusal"] for record in kept] == ["draining"] * 5
