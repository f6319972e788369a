"""Realtime through the gateway, with OpenAI's own client: events both ways, refusals before it is open, the record."""

import asyncio
import json
import threading

import openai
import pytest
from tests.journeys.running import House, eventually, free_port, records, write
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

CONFIGURATION = """
providers:
  voice: {{base_url: "http://127.0.0.1:{port}/v1", speaks: [realtime], key: env:VOICE_KEY}}
  down: {{base_url: "http://127.0.0.1:{closed}/v1", speaks: [realtime], key: env:VOICE_KEY}}
  wrong: {{base_url: "http://127.0.0.1:{port}/refusing", speaks: [realtime], key: env:VOICE_KEY}}
  silent: {{base_url: "http://127.0.0.1:{port}/v1", key: env:VOICE_KEY}}
models:
  talk: {{deployments: [{{provider: voice, model: gpt-voice, price: {price}}}]}}
  safe:
    strategy: priority
    deployments:
    - {{provider: down, model: gpt-voice, price: {price}}}
    - {{provider: wrong, model: gpt-voice, price: {price}}}
    - {{provider: silent, model: gpt-voice, price: {price}}}
    - {{provider: voice, model: gpt-voice, price: {price}}}
  mute: {{deployments: [{{provider: silent, model: gpt-voice, price: {price}}}]}}
  theirs: {{deployments: [{{provider: voice, model: gpt-voice, price: {price}}}], teams: [acme/other]}}
  few:
    deployments: [{{provider: voice, model: gpt-voice, price: {price}}}]
    policies: [{{use: rate_limit, name: few, requests: 1, window: 1h}}]
llm:
  policies: [{{use: key_auth}}]
  realtime: {{allowed_origins: ["https://page.example.com"]}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}, page: {{}}}}}}, other: {{}}}}}}}}
"""
PRICE = "{input: 4, cache_read: 0.4, audio_in: 32, output: 16, audio_out: 64}"
USAGE = {
    "total_tokens": 160,
    "input_tokens": 100,
    "output_tokens": 60,
    "input_token_details": {
        "text_tokens": 70,
        "audio_tokens": 30,
        "cached_tokens": 20,
        "cached_tokens_details": {"text_tokens": 20, "audio_tokens": 0},
    },
    "output_token_details": {"text_tokens": 10, "audio_tokens": 50},
}
COST = 50 * 4 + 20 * 0.4 + 30 * 32 + 10 * 16 + 50 * 64
"""Of one response, in dollars for a million."""


class Provider:
    """A provider of Realtime: answers each `response.create` with a word, and says what it has heard."""

    def __init__(self):
        self.heads, self.heard = [], []
        self._ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        assert self._ready.wait(10)

    async def _serve(self):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with serve(self._talk, "127.0.0.1", 0, process_request=self._look, ping_interval=None) as server:
            self.port = server.sockets[0].getsockname()[1]
            self._ready.set()
            await self._stop.wait()

    def close(self):
        self._loop.call_soon_threadsafe(self._stop.set)

    def _look(self, connection, request):
        self.heads.append((request.path, {name.lower(): value for name, value in request.headers.raw_items()}))
        return connection.respond(503, "not now") if request.path.startswith("/refusing") else None

    async def _talk(self, client):
        try:
            await client.send(json.dumps({"type": "session.created", "event_id": "e0", "session": {}}))
            async for message in client:
                event = json.loads(message)
                self.heard.append(event)
                if event["type"] == "response.create":
                    await self._answer(client, unfinished=bool(event.get("response")))
                else:
                    await client.send(json.dumps({"type": "session.updated", "event_id": "e1", "session": {}}))
        except ConnectionClosed:
            pass

    async def _answer(self, client, *, unfinished):
        def said(kind, **more):
            return client.send(json.dumps({"type": kind, "event_id": "e", **more}))

        await said("response.created", response={"id": "r", "object": "realtime.response"})
        await said("response.output_text.delta", delta="Hello", item_id="i", response_id="r")
        if not unfinished:
            await said("response.done", response={"id": "r", "status": "completed", "usage": USAGE})


@pytest.fixture(scope="module")
def provider():
    provider = Provider()
    yield provider
    provider.close()


@pytest.fixture(scope="module", params=["granian", "loop"])
def house(request, tmp_path_factory, provider):
    folder = tmp_path_factory.mktemp("realtime")
    write(folder, CONFIGURATION.format(port=provider.port, closed=free_port(), price=PRICE))
    with House(folder, TRIPLEGATE_TRANSPORT=request.param, VOICE_KEY="the-gateways-own") as house:
        house.ci = house.key()
        house.ws = house.url.replace("http:", "ws:") + "/v1/realtime"
        yield house


def talking(house, model, key=None):
    client = openai.AsyncOpenAI(base_url=f"{house.url}/v1", api_key=key or house.ci)
    return client.realtime.connect(model=model)


async def until(connection, kind):
    async with asyncio.timeout(10):
        async for event in connection:
            if event.type == kind:
                return event
    raise AssertionError(f"{kind} never came")


def rows_of(house, model, number):
    def rows():
        house.usage("route")
        found = records(house.directory, f"route = '{model}' and kind = 'final'")
        return found if len(found) >= number else None

    return eventually(rows)


async def test_a_conversation_is_relayed_and_each_response_is_counted(house, provider):
    async with talking(house, "talk") as connection:
        for _ in range(2):
            await connection.response.create()
            assert (await until(connection, "response.output_text.delta")).delta == "Hello"
            done = await until(connection, "response.done")
            assert done.response.usage.total_tokens == 160
    (row,) = rows_of(house, "talk", 1)
    assert (row["outcome"], row["status"], row["usage_source"]) == ("ok", 101, "provider")
    assert [row[name] for name in ("input_uncached", "cache_read", "audio_in", "output_text", "audio_out")] == [
        100, 40, 60, 20, 100,
    ]  # fmt: skip
    assert row["cost"] == pytest.approx(2 * COST * 10_000, abs=2)
    assert row["streamed"]


async def test_the_provider_gets_the_gateways_credential_and_nothing_of_the_clients(house, provider):
    key = house.key(consumer="page")
    offered = ["realtime", f"openai-insecure-api-key.{key}", "openai-beta.realtime-v1"]
    headers = {"cookie": "a=b", "x-mine": "1", "origin": "https://page.example.com"}
    async with connect(f"{house.ws}?model=talk", subprotocols=offered, additional_headers=headers) as client:
        assert client.subprotocol == "realtime"
        assert json.loads(await client.recv())["type"] == "session.created"
    path, seen = provider.heads[-1]
    assert path == "/v1/realtime?model=gpt-voice"
    assert seen["authorization"] == "Bearer the-gateways-own"
    assert seen["openai-beta"] == "realtime=v1"
    assert not {"cookie", "x-mine", "origin", "sec-websocket-protocol", "sec-websocket-extensions"} & set(seen)
    assert key not in str(seen)
    assert all(key not in line for line in house.lines)


async def test_another_model_is_refused_in_band_and_the_connection_stays(house, provider):
    heard = len(provider.heard)
    async with talking(house, "talk") as connection:
        await connection.session.update(session={"type": "realtime", "model": "gpt-dear"}, event_id="mine")
        error = (await until(connection, "error")).error
        assert (error.code, error.param, error.event_id) == ("unsupported_parameter", "session.model", "mine")
        await connection.session.update(session={"type": "realtime", "model": "talk"})
        await until(connection, "session.updated")
    assert [event["session"]["model"] for event in provider.heard[heard:]] == ["gpt-voice"]


async def test_deployments_are_tried_until_one_accepts(house):
    async with talking(house, "safe") as connection:
        await until(connection, "session.created")
    (row,) = rows_of(house, "safe", 1)
    assert (row["target"], row["outcome"]) == ("voice/gpt-voice", "ok")


async def test_refusals_come_before_it_is_open_in_openais_shape(house):
    async with connect(f"{house.ws}?model=few", additional_headers={"authorization": f"Bearer {house.ci}"}):
        pass
    ours = {"authorization": f"Bearer {house.ci}"}
    for query, headers, status, code in (
        ("?model=talk", {}, 401, "unauthenticated"),
        ("?model=talk", {"authorization": "Bearer tg_nonsense"}, 401, "invalid_credentials"),
        ("?model=nothing", ours, 404, "model_not_found"),
        ("?model=theirs", ours, 404, "model_not_found"),
        ("?model=mute", ours, 404, "unsupported_endpoint"),
        ("?model=few", ours, 429, "quota_exceeded"),
        ("", ours, 400, "invalid_body"),
        ("?model=talk&intent=transcription", ours, 400, "unsupported_parameter"),
    ):
        with pytest.raises(InvalidStatus) as caught:
            await connect(house.ws + query, additional_headers=headers)
        answer = caught.value.response
        assert (answer.status_code, json.loads(answer.body)["error"]["code"]) == (status, code), query


async def test_a_client_that_leaves_in_the_middle_pays_for_what_came(house):
    before = len(rows_of(house, "talk", 1))
    async with talking(house, "talk") as connection:
        await connection.response.create()
        await until(connection, "response.done")
        await connection.response.create(response={"instructions": "never end"})
        await until(connection, "response.output_text.delta")
    row = max(rows_of(house, "talk", before + 1), key=lambda row: row["started"])
    assert row["usage_source"] == "partial"
    assert (row["audio_out"], row["output_text"]) == (50, 11)


async def test_whoever_is_revoked_is_told_at_once(house):
    key = house.key(consumer="page")
    async with talking(house, "talk", key) as connection:
        await until(connection, "session.created")
        assert house.admin("DELETE", f"/keys/{key.split('_')[2]}").status_code < 300
        with pytest.raises(ConnectionClosed) as caught:
            async with asyncio.timeout(10):
                await connection.recv_bytes()
    assert caught.value.rcvd.code == 1008
