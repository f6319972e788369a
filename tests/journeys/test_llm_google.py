"""Gemini and Vertex behind the real gateway, called by OpenAI's own client."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import openai
import pytest
from tests.journeys.running import House, records, write
from tests.servers.spawn import free_port
from tests.wire.test_google_jwt import KEY, file

CONFIGURATION = """
providers:
  studio:
    base_url: "http://127.0.0.1:{port}/v1beta"
    dialect: gemini
    auth: {{header: x-goog-api-key}}
    key: env:STUDIO_KEY
  cloud:
    base_url: "http://127.0.0.1:{port}/v1/projects/p/locations/l/publishers/google"
    dialect: gemini
    auth: {{google: true}}
    key: env:CLOUD_ACCOUNT
models:
  smart:
    deployments:
      - {{provider: studio, model: gemini-3-pro-preview, price: {{input: 2, cache_read: 1, output: 10}}}}
  cloudy: {{deployments: [{{provider: cloud, model: gemini-2.5-flash}}]}}
llm: {{policies: [{{use: key_auth}}]}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}}}}}}}
"""
TOOL = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}},
}
ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Look."}]


def chunk(*parts, finish=None, candidates=0):
    used = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 40,
        "candidatesTokenCount": candidates,
        "thoughtsTokenCount": 5,
    }
    candidate = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "usageMetadata": used, "modelVersion": "gemini-x", "responseId": "r1"}


LOOK = {"functionCall": {"name": "look", "args": {"at": "sky"}}, "thoughtSignature": "c2lnbmVk"}
STREAM = [
    chunk({"text": "I will "}, candidates=2),
    chunk({"text": "look."}, candidates=4),
    chunk(LOOK, finish="STOP", candidates=15),
]


class Google(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        self.kept, self.status = [], 200
        super().__init__(("127.0.0.1", free_port()), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.kept.append((self.path, dict(self.headers), body))
        kind = "application/json"
        if self.server.status != 200:
            error = {"code": self.server.status, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}
            content = json.dumps({"error": error}).encode()
        elif "stream" in self.path:
            kind = "text/event-stream"
            content = b"".join(b"data: %b\r\n\r\n" % json.dumps(one).encode() for one in STREAM)
        else:
            content = json.dumps(chunk({"text": "A blue sky."}, finish="STOP", candidates=4)).encode()
        self.send_response(self.server.status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *words):
        """Not a word."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder, google = tmp_path_factory.mktemp("google"), Google()
    write(folder, CONFIGURATION.format(port=google.server_address[1]))
    with (
        House(folder, STUDIO_KEY="studio-secret", CLOUD_ACCOUNT=file()) as house,
        openai.OpenAI(base_url=f"{house.url}/v1", api_key=house.key(), max_retries=0, timeout=20) as client,
    ):
        yield house, google, client
    google.shutdown()
    google.server_close()


def test_a_call_is_streamed_counted_and_its_signature_comes_back(place):
    house, google, client = place
    with client.chat.completions.stream(
        model="smart", messages=ASKED, tools=[TOOL], stream_options={"include_usage": True}
    ) as stream:
        seen = stream.get_final_completion()
    message = seen.choices[0].message
    assert (message.content, seen.choices[0].finish_reason, seen.model) == ("I will look.", "tool_calls", "smart")
    assert [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls] == [
        ("look", {"at": "sky"})
    ]
    assert (seen.usage.prompt_tokens, seen.usage.completion_tokens) == (100, 20)
    path, headers, body = google.kept[-1]
    assert path == "/v1beta/models/gemini-3-pro-preview:streamGenerateContent?alt=sse"
    assert (headers["x-goog-api-key"], headers.get("authorization")) == ("studio-secret", None)
    assert body["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    house.usage("team")
    (row,) = records(house.directory, "route = 'smart'")
    assert row["cost"] == (60 * 2 + 40 * 1 + 20 * 10) * 10_000

    (call,) = message.to_dict()["tool_calls"]
    assistant = {"role": "assistant", "content": message.content, "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": call["id"], "content": "blue"}
    answer = client.chat.completions.create(model="smart", messages=[*ASKED, assistant, result], tools=[TOOL])
    assert answer.choices[0].message.content == "A blue sky."
    path, _, body = google.kept[-1]
    assert path == "/v1beta/models/gemini-3-pro-preview:generateContent"
    said = body["contents"][1]["parts"][1]
    assert (said["thoughtSignature"], said["functionCall"]["name"]) == ("c2lnbmVk", "look")
    assert body["contents"][2]["parts"][0]["functionResponse"]["response"] == {"output": "blue"}


def test_vertex_is_called_with_a_token_of_the_service_account(place):
    _, google, client = place
    assert client.chat.completions.create(model="cloudy", messages=ASKED).choices[0].message.content == "A blue sky."
    path, headers, _ = google.kept[-1]
    assert path == "/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-flash:generateContent"
    kind, _, token = headers["authorization"].partition(" ")
    claims = jwt.decode(token, KEY.public_key(), algorithms=["RS256"])
    assert (kind, claims["iss"]) == ("Bearer", "gate@ours.iam.gserviceaccount.com")


def test_a_key_that_google_refuses_is_ours_to_mend_and_no_fault_of_the_clients(place):
    _, google, client = place
    google.status = 400
    try:
        with pytest.raises(openai.InternalServerError) as caught:
            client.chat.completions.create(model="smart", messages=ASKED)
    finally:
        google.status = 200
    assert caught.value.status_code in (502, 503)
    assert "studio-secret" not in caught.value.response.text
