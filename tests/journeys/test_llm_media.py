"""Moderations, images, audio and rerank with OpenAI's own client: they pass, and are counted and booked."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import openai
import pytest
from tests.journeys.running import House, records, write
from tests.servers.spawn import free_port

CONFIGURATION = """
providers:
  vendor: {{base_url: "http://127.0.0.1:{port}/v1", key: "env:VENDOR_KEY"}}
models:
  omni-moderation-latest: {{deployments: [{{provider: vendor, model: omni}}]}}
  draw: {{deployments: [{{provider: vendor, model: gpt-image-1, price: {{input: 5, image_in: 10, output: 40}}}}]}}
  sketch: {{deployments: [{{provider: vendor, model: gpt-image-1, price: {{input: 5, output: 40}}}}]}}
  scribe: {{deployments: [{{provider: vendor, model: gpt-4o-transcribe, price: {{input: 1, output: 1}}}}]}}
  tts: {{deployments: [{{provider: vendor, model: tts-1}}]}}
  whisper: {{deployments: [{{provider: vendor, model: whisper-1}}]}}
  rank: {{deployments: [{{provider: vendor, model: rerank-v3.5}}]}}
llm: {{policies: [{{use: key_auth}}]}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}}}}}}}
"""
ANSWERS = {
    "/v1/moderations": {"id": "modr-1", "model": "omni", "results": [{"flagged": False, "categories": {}}]},
    "/v1/images/generations": {
        "created": 1,
        "data": [{"b64_json": "aGk="}],
        "usage": {"input_tokens": 10, "output_tokens": 100, "total_tokens": 110},
    },
    "/v1/images/edits": {
        "created": 1,
        "data": [{"b64_json": "aGk="}],
        "usage": {
            "input_tokens": 60,
            "output_tokens": 100,
            "total_tokens": 160,
            "input_tokens_details": {"text_tokens": 10, "image_tokens": 50},
        },
    },
    "/v1/audio/transcriptions": {"text": "hello", "usage": {"type": "duration", "seconds": 3}},
    "/v1/rerank": {"results": [{"index": 0, "relevance_score": 0.9}], "meta": {"billed_units": {"search_units": 1}}},
}
COUNTED = {"input_tokens": 10, "output_tokens": 100, "total_tokens": 110, "input_tokens_details": {"text_tokens": 10}}


def pictures(kind):
    """Half of a picture, then the whole of it: larger than the bound of an event of text."""
    about = {"created_at": 1, "size": "1024x1024", "quality": "high", "background": "opaque", "output_format": "png"}
    whole = "aGk=" * 500_000
    return [
        {"type": f"{kind}.partial_image", "b64_json": whole[:1_000_000], "partial_image_index": 0, **about},
        {"type": f"{kind}.completed", "b64_json": whole, "usage": COUNTED, **about},
    ]


HEARD = {"type": "tokens", "input_tokens": 14, "output_tokens": 2, "total_tokens": 16}
STREAMS = {
    "/v1/images/generations": pictures("image_generation"),
    "/v1/images/edits": pictures("image_edit"),
    "/v1/audio/transcriptions": [
        {"type": "transcript.text.delta", "delta": "hel"},
        {"type": "transcript.text.done", "text": "hello", "usage": HEARD},
    ],
}
SOUND = bytes(range(256)) * 400


class Vendor(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        self.kept = []
        super().__init__(("127.0.0.1", free_port()), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.kept.append((self.path, dict(self.headers), body))
        if b'"stream":true' in body or b'name="stream"' in body:
            self.stream()
            return
        sound = self.path == "/v1/audio/speech"
        content = SOUND if sound else json.dumps(ANSWERS[self.path]).encode()
        self.send_response(200)
        self.send_header("content-type", "audio/mpeg" if sound else "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def stream(self):
        """Each event in two pieces; one that is asked to break says half of its second event."""
        events = STREAMS[self.path]
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for place, said in enumerate(events):
            text = f"event: {said['type']}\ndata: {json.dumps(said)}\n\n".encode()
            if place and b"broken" in self.server.kept[-1][2]:
                text = text[:60] + b"\n\n"
            for piece in (text[:50], text[50:]):
                self.wfile.write(piece)
                self.wfile.flush()
        self.close_connection = True

    def log_message(self, *words):
        """Not a word."""


class Media:
    def __init__(self, house, vendor):
        self.house, self.vendor, self.key = house, vendor, house.key()
        self.client = openai.OpenAI(base_url=f"{house.url}/v1", api_key=self.key, max_retries=0, timeout=20)

    def last(self):
        return self.vendor.kept[-1]

    def row(self, model):
        self.house.usage("team")
        (row,) = records(self.house.directory, f"route = '{model}'")
        return row


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    folder, vendor = tmp_path_factory.mktemp("media"), Vendor()
    write(folder, CONFIGURATION.format(port=vendor.server_address[1]))
    with House(folder, VENDOR_KEY="sk-vendor") as house:
        made = Media(house, vendor)
        yield made
        made.client.close()
    vendor.shutdown()
    vendor.server_close()


def test_moderations_pass_and_are_free(media):
    assert media.client.moderations.create(input="hi").results[0].flagged is False
    path, headers, body = media.last()
    assert (path, headers["authorization"], json.loads(body)) == (
        "/v1/moderations",
        "Bearer sk-vendor",
        {"input": "hi", "model": "omni"},
    )
    row = media.row("omni-moderation-latest")
    assert (row["cost"], row["usage_source"], row["outcome"]) == (0, "provider", "ok")


def test_images_are_counted_in_tokens_and_pieces(media):
    media.client.images.generate(model="draw", prompt="a house")
    assert json.loads(media.last()[2])["model"] == "gpt-image-1"
    media.client.images.edit(model="draw", image=("a.png", b"\x89PNG" + b"x" * 3_000_000), prompt="a roof")
    path, headers, body = media.last()
    assert path == "/v1/images/edits"
    assert headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="model"\r\n\r\ngpt-image-1\r\n' in body
    assert len(body) > 3_000_000
    media.house.usage("team")
    rows = records(media.house.directory, "route = 'draw'")
    costs = sorted(row["cost"] for row in rows)
    assert costs == [(10 * 5 + 100 * 40) * 10_000, (10 * 5 + 50 * 10 + 100 * 40) * 10_000]
    assert {row["tool_units"] for row in rows} == {'{"images":1}'}


def test_a_picture_comes_while_it_is_drawn_and_is_counted(media):
    generated = list(media.client.images.generate(model="sketch", prompt="a house", stream=True, partial_images=1))
    png = ("a.png", b"\x89PNG")
    edited = list(media.client.images.edit(model="sketch", prompt="a roof", image=png, stream=True))
    assert [event.type for event in generated] == ["image_generation.partial_image", "image_generation.completed"]
    assert [event.type for event in edited] == ["image_edit.partial_image", "image_edit.completed"]
    assert generated[1].b64_json == edited[1].b64_json == "aGk=" * 500_000
    assert generated[1].usage.output_tokens == 100
    media.house.usage("team")
    rows = records(media.house.directory, "route = 'sketch'")
    assert [(row["cost"], row["tool_units"], row["outcome"], row["usage_source"]) for row in rows] == [
        ((10 * 5 + 100 * 40) * 10_000, '{"images":1}', "ok", "provider")
    ] * 2


def test_a_picture_that_breaks_is_an_error_for_the_client_and_was_asked_for_once(media):
    count = len(media.vendor.kept)
    with pytest.raises(openai.APIError) as caught:
        list(media.client.images.generate(model="draw", prompt="broken", stream=True))
    assert caught.value.code == "upstream_malformed"
    assert len(media.vendor.kept) == count + 1
    media.house.usage("team")
    (row,) = records(media.house.directory, "route = 'draw' and outcome = 'failed'")
    assert (row["usage_source"], row["cost"] > 1_000 * 40 * 10_000) == ("partial", True)


def test_what_is_heard_may_come_word_by_word(media):
    words = media.client.audio.transcriptions.create(model="scribe", file=("a.mp3", SOUND), stream=True)
    assert [event.type for event in words] == ["transcript.text.delta", "transcript.text.done"]
    row = media.row("scribe")
    assert (row["cost"], row["usage_source"], row["outcome"]) == (16 * 10_000, "provider", "ok")


def test_speech_streams_as_it_is_and_is_counted_by_characters(media):
    with media.client.audio.speech.with_streaming_response.create(model="tts", voice="alloy", input="hello") as answer:
        assert answer.headers["content-type"] == "audio/mpeg"
        assert b"".join(answer.iter_bytes()) == SOUND
    row = media.row("tts")
    assert (row["tool_units"], row["usage_source"]) == ('{"characters":5}', "estimated")


def test_a_transcription_is_a_form_whose_file_passes_untouched(media):
    answer = media.client.audio.transcriptions.create(model="whisper", file=("a.mp3", SOUND))
    assert answer.text == "hello"
    _, _, body = media.last()
    assert SOUND in body
    assert b'name="model"\r\n\r\nwhisper-1\r\n' in body
    assert media.row("whisper")["tool_units"] == '{"seconds":3}'


def test_rerank_is_counted_in_search_units(media):
    answer = httpx.post(
        f"{media.house.url}/v1/rerank",
        json={"model": "rank", "query": "q", "documents": ["a", "b"]},
        headers={"authorization": f"Bearer {media.key}"},
    )
    assert answer.json()["results"][0]["index"] == 0
    assert media.row("rank")["tool_units"] == '{"search_units":1}'


def test_a_form_that_names_two_models_reaches_nobody(media):
    count = len(media.vendor.kept)
    with pytest.raises(openai.BadRequestError) as caught:
        media.client.post(
            "/audio/transcriptions",
            cast_to=object,
            files=[("model", (None, b"whisper")), ("file", ("a", b"x")), ("model", (None, b"draw"))],
            options={"headers": {"content-type": "multipart/form-data"}},
        )
    assert "more than once" in caught.value.message
    assert len(media.vendor.kept) == count
