"""Models behind the llm gate, called with OpenAI's own client: scripted providers, and a real model."""

import asyncio
import collections
import contextlib
import json
import os
import socket
import threading
import time
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import anthropic
import httpx
import openai
import pytest
from tests.journeys.running import House, eventually, free_port, journal, records, write

from triplegate.samples.model import start_model
from triplegate.samples.start import start_samples

CONFIGURATION = """
providers:
  scripted:
    base_url: http://127.0.0.1:{llm}/v1
    auth: null
    models:
      scripted: {{input: 1, output: 2, cache_read: 0.1}}
      scripted-slow-first: {{input: 1, output: 2}}
      scripted-embeddings: {{input: 0.02}}
  closed: {{base_url: "http://127.0.0.1:{closed}/v1", auth: null}}
  recorder: {{base_url: "http://127.0.0.1:{recorder}/v1", key: "env:PROVIDER_KEY", headers: {{x-version: "7"}}}}
  unready: {{base_url: "http://127.0.0.1:{llm}/v1", key: "env:NOWHERE"}}
  real:
    base_url: http://127.0.0.1:{model}/v1
    auth: null
    models: {{smollm2: {{input: 0.1, output: 0.4}}}}
models:
  plain: {{deployments: [{{provider: scripted, model: scripted}}]}}
  embed: {{deployments: [{{provider: scripted, model: scripted-embeddings}}]}}
  recorded: {{deployments: [{{provider: recorder, model: vendor-name}}]}}
  smollm2: {{deployments: [{{provider: real, model: smollm2}}]}}
  after-429: {{deployments: [{{provider: scripted, model: scripted-429, group: other}}], fallback: [plain]}}
  after-500: {{deployments: [{{provider: scripted, model: scripted-500}}], fallback: [plain]}}
  after-401: {{deployments: [{{provider: scripted, model: scripted-401}}], fallback: [plain]}}
  after-closed: {{deployments: [{{provider: closed, model: any}}], fallback: [plain]}}
  after-unready: {{deployments: [{{provider: unready, model: any}}], fallback: [plain]}}
  only-401: {{deployments: [{{provider: scripted, model: scripted-401}}]}}
  only-429: {{deployments: [{{provider: scripted, model: scripted-429}}]}}
  only-unready: {{deployments: [{{provider: unready, model: any}}]}}
  html: {{deployments: [{{provider: scripted, model: scripted-html}}]}}
  broken: {{deployments: [{{provider: scripted, model: scripted-inband-error}}]}}
  slow-first: {{deployments: [{{provider: scripted, model: scripted-slow-first}}]}}
  narrow:
    deployments:
      - provider: scripted
        model: scripted
        name: narrow
        group: narrow
        policies: [{{use: rate_limit, name: narrow-limit, requests: 1, window: 1h}}]
    fallback: [second]
  second:
    deployments:
      - provider: scripted
        model: scripted
        name: second
        group: second
        policies: [{{use: rate_limit, name: second-limit, requests: 2, window: 1h}}]
  limited:
    deployments: [{{provider: scripted, model: scripted}}]
    policies: [{{use: rate_limit, name: few, requests: 5, window: 1m}}]
  drained: {{deployments: [{{provider: scripted, model: scripted}}], on_gone: drain}}
  hidden: {{deployments: [{{provider: scripted, model: scripted}}], teams: [ops]}}
llm: {{policies: [{{use: key_auth}}]}}
orgs:
  acme: {{teams: {{web: {{consumers: {{ci: {{}}, books: {{}}, crowd: {{}}}}}}, ops: {{consumers: {{ci: {{}}}}}}}}}}
"""

REPLY = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"vendor-name","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}'
)


class Recorder:
    """A provider that keeps the very bytes it was sent."""

    def __init__(self):
        kept = self.kept = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                kept.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(REPLY)))
                self.end_headers()
                self.wfile.write(REPLY)

            def log_message(self, *words):
                """Not a word."""

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, address):
                """We are left in the middle of some answers."""

        self.server = Quiet(("127.0.0.1", free_port()), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Llm:
    """The gateway, a key, and OpenAI's client with it."""

    def __init__(self, house, samples, log, recorder, missing):
        self.house, self.samples, self.log, self.recorder, self.missing = house, samples, log, recorder, missing
        self.base = f"{house.url}/v1"
        self.key = house.key()
        self.client = self.of(self.key)

    def of(self, key):
        return openai.OpenAI(base_url=self.base, api_key=key, max_retries=0, timeout=20)

    @contextlib.asynccontextmanager
    async def aio(self):
        async with openai.AsyncOpenAI(base_url=self.base, api_key=self.key, max_retries=0, timeout=20) as client:
            yield client

    def latch(self, name, **query):
        return httpx.get(f"{self.samples.url('llm')}/control/latch/{name}", params=query, timeout=20).json()

    def release(self, name, pieces=1):
        httpx.post(f"{self.samples.url('llm')}/control/latch/{name}", params={"release": pieces}, timeout=20)

    def calls(self, number):
        """What the provider saw of one call."""
        return [line for line in journal(self.log) if line["id"] == number]

    def rows(self, number):
        self.house.usage("team")  # brings the ledger up to date
        return records(self.house.directory, f"exchange = '{number}'")

    def rows_of(self, model):
        self.house.usage("team")
        return records(self.house.directory, f"route = '{model}'")


@pytest.fixture(scope="module")
def llm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llm")
    log = folder / "journal.jsonl"
    model, missing = start_model()
    recorder = Recorder()
    try:
        with start_samples(journal=log) as samples:
            ports = {
                "llm": samples.ports["llm"],
                "closed": free_port(),
                "recorder": recorder.port,
                "model": model.ports["model"] if model is not None else samples.ports["llm"],
            }
            write(folder, CONFIGURATION.format(**ports))
            with House(folder, PROVIDER_KEY="sk-vendor-secret") as house:
                made = Llm(house, samples, log, recorder, missing)
                yield made
                made.client.close()
    finally:
        recorder.close()
        if model is not None:
            model.stop()


def says(text="one two three", **more):
    """A message that scripts the provider."""
    return [{"role": "user", "content": json.dumps({"script": {"text": text, **more}})}]


HELLO = [{"role": "user", "content": "hello"}]


# the official client, both ways -------------------------------------------------------------------------------
def test_a_chat_is_answered_whole_with_its_cost(llm):
    raw = llm.client.chat.completions.with_raw_response.create(model="plain", messages=says("one two three", cached=2))
    answer = raw.parse()
    assert answer.choices[0].message.content == "one two three"
    usage = answer.usage
    expected = (
        Decimal(usage.prompt_tokens - 2) * 1 + Decimal(2) * Decimal("0.1") + Decimal(usage.completion_tokens) * 2
    ) / 1_000_000
    assert Decimal(raw.headers["x-triplegate-cost"]) == expected
    assert raw.headers["x-triplegate-deployment"] == "scripted/scripted"
    assert raw.headers["server"] == "triplegate"


async def test_the_async_client_chats_and_streams(llm):
    async with llm.aio() as client:
        answer = await client.chat.completions.create(model="plain", messages=says("a b"))
        assert answer.choices[0].message.content == "a b"
        stream = await client.chat.completions.create(model="plain", messages=says("a b c"), stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        assert text == "a b c"


def test_chunks_arrive_as_they_are_made(llm):
    stream = llm.client.chat.completions.create(
        model="plain", messages=says("one two three", latch="steps"), stream=True
    )
    words = []
    for chunk in stream:
        word = chunk.choices[0].delta.content
        if word:
            words.append(word)
            assert llm.latch("steps")["passed"] == len(words)  # the next one is not made yet
            llm.release("steps")
    assert words == ["one ", "two ", "three"]
    assert llm.latch("steps", wait=5)["outcome"] == "answered"


@pytest.mark.parametrize("asked", [True, False])
def test_the_usage_chunk_is_shown_only_to_those_who_asked_and_always_counted(llm, asked):
    more = {"stream_options": {"include_usage": True}} if asked else {}
    with llm.client.chat.completions.with_streaming_response.create(
        model="plain", messages=says("one two"), stream=True, **more
    ) as raw:
        number = raw.headers["x-request-id"]
        chunks = list(raw.parse())
    shown = [chunk.usage for chunk in chunks if chunk.usage]
    assert len(shown) == (1 if asked else 0)
    (row,) = llm.rows(number)
    assert (row["usage_source"], row["output_text"], row["streamed"]) == ("provider", 2, 1)
    assert row["cost"] == (row["input_uncached"] * 10_000 + row["output_text"] * 20_000)


def test_embeddings(llm):
    raw = llm.client.embeddings.with_raw_response.create(model="embed", input=["a b", "c"])
    answer = raw.parse()
    assert [len(one.embedding) for one in answer.data] == [576, 576]
    assert Decimal(raw.headers["x-triplegate-cost"]) == Decimal(3) * Decimal("0.02") / 1_000_000


def test_only_usable_models_are_listed(llm):
    names = [model.id for model in llm.client.models.list()]
    assert "plain" in names
    assert "hidden" not in names
    assert llm.client.models.retrieve("plain").owned_by == "scripted"
    with pytest.raises(openai.NotFoundError):
        llm.client.models.retrieve("hidden")
    with llm.of(llm.house.key(team="ops")) as other:
        assert "hidden" in [model.id for model in other.models.list()]


def test_the_real_model_chats_streams_and_embeds(llm):
    if llm.missing:
        if os.environ.get("TRIPLEGATE_MODEL") == "required":
            pytest.fail(llm.missing)
        pytest.skip(llm.missing)
    more = {"model": "smollm2", "max_tokens": 12, "temperature": 0, "messages": HELLO}
    whole = llm.client.chat.completions.with_raw_response.create(**more)
    answer = whole.parse()
    assert answer.choices[0].message.content
    usage = answer.usage
    cached = (usage.prompt_tokens_details.cached_tokens or 0) if usage.prompt_tokens_details else 0
    assert (
        Decimal(whole.headers["x-triplegate-cost"])
        == (Decimal(usage.prompt_tokens) * Decimal("0.1") + Decimal(usage.completion_tokens) * Decimal("0.4"))
        / 1_000_000
    ), cached
    parts = [chunk.choices[0].delta.content or "" for chunk in llm.client.chat.completions.create(**more, stream=True)]
    assert "".join(parts) == answer.choices[0].message.content
    assert len([part for part in parts if part]) > 1
    near = llm.client.embeddings.create(model="smollm2", input="hello")
    assert len(near.data[0].embedding) == 576


@pytest.mark.parametrize("streamed", [False, True])
def test_the_real_model_answers_the_clients_of_other_dialects_the_same(llm, streamed):
    if llm.missing:
        if os.environ.get("TRIPLEGATE_MODEL") == "required":
            pytest.fail(llm.missing)
        pytest.skip(llm.missing)
    chat = llm.client.chat.completions.create(model="smollm2", max_tokens=16, temperature=0, messages=HELLO)
    more = {"model": "smollm2", "max_output_tokens": 16, "temperature": 0, "input": "hello"}
    if streamed:
        events = list(llm.client.responses.create(**more, stream=True))
        response = events[-1].response
        pieces = [event.delta for event in events if event.type == "response.output_text.delta"]
        assert len(pieces) > 1
        assert "".join(pieces) == response.output_text
    else:
        response = llm.client.responses.create(**more)
    assert response.output_text == chat.choices[0].message.content
    assert (response.usage.input_tokens, response.usage.output_tokens) == (
        chat.usage.prompt_tokens,
        chat.usage.completion_tokens,
    )
    with anthropic.Anthropic(base_url=llm.house.url, auth_token=llm.key, max_retries=0, timeout=20) as client:
        asked = {"model": "smollm2", "max_tokens": 16, "extra_body": {"temperature": 0}, "messages": HELLO}
        if streamed:
            with client.messages.stream(**asked) as stream:
                pieces = list(stream.text_stream)
                message = stream.get_final_message()
            assert len(pieces) > 1
            assert "".join(pieces) == message.content[0].text
        else:
            message = client.messages.create(**asked)
    assert message.content[0].text == chat.choices[0].message.content
    assert message.usage.output_tokens == chat.usage.completion_tokens
    assert (message.stop_reason == "max_tokens") == (chat.choices[0].finish_reason == "length")


# refusals in OpenAI's own shape -------------------------------------------------------------------------------
def test_a_wrong_key_is_an_authentication_error(llm):
    with llm.of("tg_live_wrong") as stranger, pytest.raises(openai.AuthenticationError) as caught:
        stranger.chat.completions.create(model="plain", messages=HELLO)
    assert (caught.value.status_code, caught.value.code) == (401, "invalid_credentials")
    assert caught.value.type == "authentication_error"


def test_the_401_comes_before_any_of_the_body(llm):
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", llm.house.port), timeout=5) as wire:
        wire.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n")
        answer = wire.recv(65536)
    assert answer.startswith(b"HTTP/1.1 401")
    assert b'"error":' in answer
    assert time.monotonic() - begun < 1


def test_an_unknown_model_is_told_which_ones_there_are(llm):
    for name in ("nothing", "hidden"):
        with pytest.raises(openai.NotFoundError) as caught:
            llm.client.chat.completions.create(model=name, messages=HELLO)
        assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
        assert "plain, embed, recorded" in caught.value.message
        assert ", hidden" not in caught.value.message


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"messages":[]}', b'{"model":1}', b'{"model":"plain","model":"x"}', b"\xff"]
)
def test_a_body_that_cannot_be_read_is_an_invalid_request(llm, body):
    answer = httpx.post(
        f"{llm.base}/chat/completions", content=body, headers={"authorization": f"Bearer {llm.key}"}, timeout=10
    )
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_a_body_that_is_too_large_is_told_before_it_is_read(llm):
    with socket.create_connection(("127.0.0.1", llm.house.port), timeout=5) as wire:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {llm.key}\r\n"
        wire.sendall(f"{head}Content-Length: 90000000\r\n\r\n".encode())
        answer = wire.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b'"code":"body_too_large"' in answer


def test_wrong_methods_and_paths_are_told_in_the_same_shape(llm):
    headers = {"authorization": f"Bearer {llm.key}"}
    wrong = httpx.get(f"{llm.base}/chat/completions", headers=headers, timeout=10)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert wrong.json()["error"]["code"] == "method_not_supported"
    assert httpx.post(f"{llm.base}/models", headers=headers, timeout=10).status_code == 405


def test_a_models_limit_is_told_as_openai_does(llm):
    first = llm.client.chat.completions.with_raw_response.create(model="limited", messages=says())
    assert (first.headers["x-ratelimit-limit-requests"], first.headers["x-ratelimit-remaining-requests"]) == ("5", "4")
    assert first.headers["x-ratelimit-reset-requests"].endswith("s")
    for _ in range(4):
        llm.client.chat.completions.create(model="limited", messages=says())
    with pytest.raises(openai.RateLimitError) as caught:
        llm.client.chat.completions.create(model="limited", messages=says())
    told = caught.value.response.headers
    assert 1 <= int(told["retry-after"]) <= 13
    assert told["x-ratelimit-remaining-requests"] == "0"
    assert (caught.value.code, caught.value.type) == ("quota_exceeded", "rate_limit_error")


# fallback -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("trouble", ["429", "500", "401", "closed", "unready"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_failure_before_the_first_byte_is_never_seen(llm, trouble, stream):
    raw = llm.client.chat.completions.with_raw_response.create(model=f"after-{trouble}", messages=HELLO, stream=stream)
    answer = raw.parse()
    if stream:
        text = "".join(chunk.choices[0].delta.content or "" for chunk in answer)
    else:
        text = answer.choices[0].message.content
    assert raw.status_code == 200
    assert text.startswith("This is triplegate's scripted sample provider")
    assert raw.headers["x-triplegate-deployment"] == "scripted/scripted"
    (row,) = llm.rows(raw.headers["x-request-id"])
    assert (row["outcome"], row["route"], row["target"]) == ("ok", f"after-{trouble}", "scripted/scripted")


def test_a_fallbacks_own_limit_is_taken_before_it_is_tried(llm):
    def call():
        raw = llm.client.chat.completions.with_raw_response.create(model="narrow", messages=says())
        return raw.headers["x-triplegate-deployment"], raw.headers["x-request-id"]

    assert call()[0] == "narrow"
    name, number = call()
    assert name == "second"  # the first one's limit is spent
    assert len([line for line in llm.calls(number) if line["event"] == "request"]) == 1  # and it was not called
    assert call()[0] == "second"
    with pytest.raises(openai.RateLimitError) as caught:
        call()
    refused = caught.value.response
    assert int(refused.headers["retry-after"]) > 1000
    assert llm.calls(refused.headers["x-request-id"]) == []
    (row,) = llm.rows(refused.headers["x-request-id"])
    assert (row["outcome"], row["refusal"], row["cost"], row["list_cost"]) == ("refused", "quota_exceeded", 0, 0)


def test_our_own_credential_is_never_the_clients_business(llm):
    for model, code in (("only-401", "upstream_credentials_exhausted"), ("only-unready", "upstream_credentials")):
        with pytest.raises(openai.InternalServerError) as caught:
            llm.client.chat.completions.create(model=model, messages=HELLO)
        assert (caught.value.status_code, caught.value.code) == (502, code)
        assert "NOWHERE" not in caught.value.message
        (row,) = llm.rows(caught.value.response.headers["x-request-id"])
        assert (row["outcome"], row["cost"], row["list_cost"]) == ("failed", 0, 0)


def test_a_providers_own_limit_stays_a_rate_limit_error(llm):
    with pytest.raises(openai.RateLimitError) as caught:
        llm.client.chat.completions.create(model="only-429", messages=HELLO)
    assert caught.value.response.headers["retry-after"] == "1"
    (row,) = llm.rows(caught.value.response.headers["x-request-id"])
    assert (row["status"], row["cost"], row["list_cost"]) == (429, 0, 0)


# bytes --------------------------------------------------------------------------------------------------------
def test_the_provider_gets_the_clients_bytes_but_for_the_models_name(llm):
    body = (
        b'{ "model" : "recorded",\n "messages":[{"role":"user","content":"h\\u00e9llo \\ud83d\\ude00"}],'
        b' "temperature": 1.0e0, "vendor_field": {"b":1, "a":[ ]}, "seed":12345678901234567890 }'
    )
    answer = httpx.post(
        f"{llm.base}/chat/completions",
        content=body,
        headers={
            "authorization": f"Bearer {llm.key}",
            "content-type": "application/json",
            "x-api-key": "tg_live_x",
            "openai-organization": "org-1",
            "cookie": "a=b",
        },
        timeout=10,
    )
    assert (answer.status_code, answer.content) == (200, REPLY)
    path, headers, kept = llm.recorder.kept[-1]
    assert (path, kept) == ("/v1/chat/completions", body.replace(b'"recorded"', b'"vendor-name"'))
    assert (headers["authorization"], headers["x-version"]) == ("Bearer sk-vendor-secret", "7")
    assert not {"cookie", "x-api-key", "openai-organization"} & set(headers)
    assert llm.key not in str(headers)
    assert headers["x-request-id"] == answer.headers["x-request-id"]


def test_a_streamed_calls_only_other_edit_is_to_ask_for_usage(llm):
    body = b'{"model":"recorded","stream":true, "stream_options" : {"x":1},"messages":[]}'
    headers = {"authorization": f"Bearer {llm.key}"}
    httpx.post(f"{llm.base}/chat/completions", content=body, headers=headers, timeout=10)
    kept = llm.recorder.kept[-1][2]
    assert json.loads(kept) == {
        **json.loads(body),
        "model": "vendor-name",
        "stream_options": {"x": 1, "include_usage": True},
    }
    assert kept.startswith(b'{"model":"vendor-name","stream":true, "stream_options" : {')


# trouble after the first byte ---------------------------------------------------------------------------------
@pytest.mark.parametrize("fault", ["error", "cut", "reset"])
def test_a_stream_that_breaks_raises_in_the_client_and_never_ends_well(llm, fault):
    with llm.client.chat.completions.with_streaming_response.create(
        model="plain", messages=says("one two three four", fault=fault), stream=True
    ) as raw:
        number = raw.headers["x-request-id"]
        text = []
        with pytest.raises(openai.APIError):
            text.extend(chunk.choices[0].delta.content or "" for chunk in raw.parse())
    (row,) = eventually(lambda: llm.rows(number))  # the client raises at the event, before the stream has ended
    assert row["outcome"] == "failed"
    assert (row["usage_source"], row["cost"] > 0) == ("partial", True)


def test_a_key_that_is_revoked_ends_its_stream_in_band(llm):
    key = llm.house.key()
    client = llm.of(key).with_options(max_retries=0)
    with client.chat.completions.with_streaming_response.create(
        model="plain", messages=says(tokens=10_000, pace=0.05), stream=True
    ) as raw:
        number, chunks = raw.headers["x-request-id"], iter(raw.parse())
        assert next(chunks)
        assert llm.house.admin("DELETE", f"/keys/{key.split('_')[2]}").status_code < 300
        with pytest.raises(openai.APIError, match="The key is not valid"):
            list(chunks)
    (row,) = eventually(lambda: llm.rows(number))
    assert (row["outcome"], row["refusal"], row["usage_source"]) == ("failed", "invalid_credentials", "partial")


def test_no_end_marker_follows_an_error(llm):
    with httpx.stream(
        "POST",
        f"{llm.base}/chat/completions",
        json={"model": "plain", "stream": True, "messages": says(fault="cut")},
        headers={"authorization": f"Bearer {llm.key}"},
        timeout=10,
    ) as answer:
        text = answer.read()
    assert b"[DONE]" not in text
    last = text.strip().rpartition(b"\n\n")[2]
    assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == "upstream_reset"


@pytest.mark.parametrize(
    ("fault", "stream"), [("cut", False), ("reset", False), ("error", False), ("html", False), ("html", True)]
)
def test_what_is_no_answer_before_the_first_byte_is_a_real_status(llm, fault, stream):
    with pytest.raises(openai.InternalServerError) as caught:
        llm.client.chat.completions.create(model="plain", messages=says(fault=fault), stream=stream)
    assert caught.value.status_code == 502
    (row,) = llm.rows(caught.value.response.headers["x-request-id"])
    assert (row["outcome"], row["status"]) == ("failed", 502)


def test_a_client_that_leaves_is_one_record_and_ends_the_call_at_the_provider(llm):
    with llm.client.chat.completions.with_streaming_response.create(
        model="plain", messages=says("one two three", latch="left"), stream=True
    ) as raw:
        number = raw.headers["x-request-id"]
        for chunk in raw.parse():
            if chunk.choices[0].delta.content:
                break
        time.sleep(0.25)  # the sweep watches what has outlived one of its rounds
        raw.close()
        left = time.time_ns()
    assert llm.latch("left", wait=5)["outcome"] == "gone"
    ended = next(line for line in llm.calls(number) if line["event"] == "gone")
    assert (ended["ns"] - left) / 1e9 < 0.25
    (row,) = eventually(lambda: llm.rows(number))
    assert (row["outcome"], row["usage_source"], row["kind"]) == ("gone", "partial", "final")
    assert row["output_text"] >= 1
    assert row["cost"] > 0


async def test_a_client_that_leaves_before_the_first_byte_ends_the_call_too(llm):
    number = "left-early-1"
    async with llm.aio() as client:
        with pytest.raises(openai.APITimeoutError):
            await client.chat.completions.create(
                model="slow-first", messages=HELLO, timeout=0.5, extra_headers={"x-request-id": number}
            )
    end = time.monotonic() + 3
    while "gone" not in [line["event"] for line in llm.calls(number)]:
        assert time.monotonic() < end
        await asyncio.sleep(0.02)
    (row,) = await asyncio.to_thread(eventually, lambda: llm.rows_of("slow-first"))
    assert (row["outcome"], row["usage_source"], row["output_text"]) == ("gone", "partial", 0)
    assert row["cost"] > 0


def test_a_model_that_drains_knows_what_a_call_cost_though_its_client_left(llm):
    with llm.client.chat.completions.with_streaming_response.create(
        model="drained", messages=says("one two three", latch="drained"), stream=True
    ) as raw:
        number = raw.headers["x-request-id"]
        for chunk in raw.parse():
            if chunk.choices[0].delta.content:
                break
        time.sleep(0.25)  # the sweep watches what has outlived one of its rounds
        raw.close()
    time.sleep(0.5)  # the gateway hears of it within 250 ms; only then is the rest said
    llm.release("drained", 5)
    assert llm.latch("drained", wait=5)["outcome"] == "answered"
    (row,) = eventually(lambda: llm.rows(number))
    assert (row["outcome"], row["usage_source"]) == ("gone", "provider")


async def test_a_crowd_that_leaves_at_any_moment_leaves_a_record_each_and_nothing_open(llm):
    crowd = 40
    key = await asyncio.to_thread(llm.house.key, consumer="crowd")

    async def call(client, number):
        # Every other one is answered whole; the rest leave while the model has more to say, which a latch holds back.
        pieces, held = number % 11 + 1, number % 2
        if held:
            await asyncio.to_thread(llm.release, f"crowd-{number}", pieces)
        words = says("tok " * 12, **({"latch": f"crowd-{number}"} if held else {"pace": 0.02}))
        body, seen = {"model": "plain", "stream": True, "messages": words}, 0
        async with client.stream("POST", f"{llm.base}/chat/completions", json=body) as answer:
            async for line in answer.aiter_lines():
                seen += line.startswith("data: ")
                if held and seen > pieces:
                    return

    async with httpx.AsyncClient(headers={"authorization": f"Bearer {key}"}, timeout=20, trust_env=False) as client:
        await asyncio.gather(*[call(client, number) for number in range(crowd)])

    def quiet():
        found = llm.house.metrics()
        busy = [name for name, value in found.items() if value and ("active_requests" in name or '"used"' in name)]
        row = llm.house.usage("consumer").get(("crowd",))
        return not busy and row is not None and row["requests"] == crowd and row

    row = await asyncio.to_thread(eventually, quiet, 5)
    assert (row["refused"], row["failed"]) == (0, 0)
    kept = records(llm.house.directory, "consumer = 'crowd'")
    assert len({one["exchange"] for one in kept}) == len(kept) == crowd
    assert collections.Counter(one["outcome"] for one in kept) == {"ok": crowd // 2, "gone": crowd // 2}
    assert all(one["cost"] > 0 for one in kept)
    assert sum(one["output_text"] for one in kept) == row["tokens_out"]


# the books ----------------------------------------------------------------------------------------------------
def test_the_report_is_the_sum_of_what_the_clients_were_told(llm):
    with llm.of(llm.house.key(consumer="books")) as client:
        cost, tokens_in, tokens_out = Decimal(0), 0, 0
        for text in ("a", "a b", "a b c"):
            raw = client.chat.completions.with_raw_response.create(model="plain", messages=says(text))
            usage = raw.parse().usage
            cost += Decimal(raw.headers["x-triplegate-cost"])
            tokens_in, tokens_out = tokens_in + usage.prompt_tokens, tokens_out + usage.completion_tokens
        for text in ("a b", "a b c d"):
            stream = client.chat.completions.create(
                model="plain", messages=says(text), stream=True, stream_options={"include_usage": True}
            )
            usage = next(chunk.usage for chunk in stream if chunk.usage)
            stream.close()
            tokens_in, tokens_out = tokens_in + usage.prompt_tokens, tokens_out + usage.completion_tokens
            cost += (Decimal(usage.prompt_tokens) + 2 * Decimal(usage.completion_tokens)) / 1_000_000
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model="nothing", messages=HELLO)
    row = llm.house.usage("consumer")[("books",)]
    assert (row["requests"], row["refused"], row["failed"]) == (6, 1, 0)
    assert (row["tokens_in"], row["tokens_out"], Decimal(row["cost"])) == (tokens_in, tokens_out, cost)
