"""Files and batches with OpenAI's own client: ids are sealed for one team, and lead back to their own provider."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai
import pytest
from tests.journeys.running import House, eventually, records, write
from tests.servers.spawn import free_port

CONFIGURATION = """
providers:
  one:
    base_url: "http://127.0.0.1:{one}/v1"
    key: "env:VENDOR_KEY"
    speaks: [openai_responses]
    models: {{gpt: {{input: 10, output: 20, service: {{batch: {{input: 5, output: 10}}}}}}}}
  two: {{base_url: "http://127.0.0.1:{two}/v1", key: "env:VENDOR_KEY"}}
models:
  other: {{deployments: [{{provider: two, model: gpt}}]}}
  keeper: {{deployments: [{{provider: one, model: gpt}}]}}
llm: {{policies: [{{use: key_auth}}], files: keeper}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}, ops: {{consumers: {{ci: {{}}}}}}}}}}}}
"""
FILE = {"id": "file-ab12", "object": "file", "bytes": 3, "created_at": 1, "filename": "a.jsonl", "purpose": "batch"}
BATCH = {
    "id": "batch_77",
    "object": "batch",
    "endpoint": "/v1/chat/completions",
    "input_file_id": "file-ab12",
    "completion_window": "24h",
    "status": "completed",
    "created_at": 1,
    "output_file_id": "file-out9",
}
CALL = b'{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt","messages":[]}}\n'
CALLS = CALL.replace(b"[]", b'["' + b"x" * 900 + b'"]') * 1_600
OUTPUT = (
    b'{"custom_id":"1","response":{"status_code":200,"body":{"object":"chat.completion","model":"gpt",'
    b'"usage":{"prompt_tokens":7,"completion_tokens":3}}}}\n'
)
RESPONSE = {"id": "resp_5", "object": "response", "created_at": 1, "model": "gpt", "output": []}


class Vendor(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        self.kept = []
        super().__init__(("127.0.0.1", free_port()), Handler)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.kept.append((self.command, self.path, body))
        content = OUTPUT if self.path.endswith("/content") else None
        if "/responses" in self.path:
            ended = {"status": "completed", "usage": {"input_tokens": 90, "output_tokens": 900}}
            content = json.dumps(RESPONSE | ({"status": "queued"} if self.command == "POST" else ended)).encode()
        elif content is None:
            content = json.dumps(BATCH if "/batches" in self.path else FILE).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json" if content != OUTPUT else "text/plain")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        self.answer()

    def do_POST(self):
        self.answer()

    def do_DELETE(self):
        self.answer()

    def log_message(self, *words):
        """Not a word."""


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder, one, two = tmp_path_factory.mktemp("stored"), Vendor(), Vendor()
    write(folder, CONFIGURATION.format(one=one.port, two=two.port))
    with House(folder, VENDOR_KEY="sk-vendor") as house:
        yield house, one, two
    one.close()
    two.close()


def client_of(house, **who):
    return openai.OpenAI(base_url=f"{house.url}/v1", api_key=house.key(**who), max_retries=0, timeout=20)


def test_a_batch_runs_where_its_file_was_put_and_its_result_is_read_there(stored):
    house, one, two = stored
    with client_of(house) as client:
        file = client.files.create(file=("a.jsonl", CALLS), purpose="batch")
        assert file.id.startswith("file-ab12_tg")
        assert one.kept[-1][:2] == ("POST", "/v1/files")
        assert len(one.kept[-1][2]) > 1_500_000
        batch = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
        assert json.loads(one.kept[-1][2])["input_file_id"] == "file-ab12"
        assert client.batches.retrieve(batch.id).status == "completed"
        assert client.files.content(batch.output_file_id).read() == OUTPUT
        assert ("GET", "/v1/files/file-out9/content") in [call[:2] for call in one.kept]
        client.files.delete(file.id)
        assert ("DELETE", "/v1/files/file-ab12") in [call[:2] for call in one.kept]
        assert two.kept == []


def test_another_teams_ids_are_not_there(stored):
    house, one, _ = stored
    with client_of(house) as mine, client_of(house, team="ops") as theirs:
        file = mine.files.create(file=("a.jsonl", CALL), purpose="batch")
        count = len(one.kept)
        for identity in (file.id, "file-ab12", file.id.replace("ab12", "ab13")):
            with pytest.raises(openai.ConflictError):
                theirs.files.retrieve(identity)
        assert len(one.kept) == count


def test_what_would_show_other_teams_files_is_not_served(stored):
    house, one, _ = stored
    count = len(one.kept)
    with client_of(house) as client, pytest.raises(openai.APIStatusError) as caught:
        client.files.list()
    assert caught.value.status_code == 405
    assert len(one.kept) == count


def test_a_batch_for_a_model_that_is_not_there_is_refused_with_its_line(stored):
    house, one, _ = stored
    with client_of(house) as client, pytest.raises(openai.NotFoundError, match=r"Line 1601 .* 'o3'"):
        client.files.create(file=("a.jsonl", CALLS + CALL.replace(b"gpt", b"o3")), purpose="batch")
    assert not any(b"o3" in body and body.endswith(b"--\r\n") for _, _, body in one.kept)  # it never arrives whole


@pytest.mark.long
def test_what_ran_on_at_the_provider_is_booked_once_though_the_gateway_forgot_it(tmp_path):
    one, two = Vendor(), Vendor()
    write(tmp_path, CONFIGURATION.format(one=one.port, two=two.port))
    house = House(tmp_path, VENDOR_KEY="sk-vendor")
    with house, client_of(house) as client:
        key = client.api_key
        response = client.responses.create(model="keeper", input="hello", background=True)
        file = client.files.create(file=("a.jsonl", CALL), purpose="batch")
        batch = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
        ask(client, response.id, batch.id)
        eventually(lambda: house.usage("team") and len(records(tmp_path, "cost != 0")) == 3)
    with house, openai.OpenAI(base_url=f"{house.url}/v1", api_key=key, max_retries=0, timeout=20) as client:
        ask(client, response.id, batch.id)
        eventually(lambda: [path for _, path, _ in one.kept].count("/v1/files/file-out9/content") == 2)
    with house:  # what the last one wrote is in the ledger by now
        house.usage("team")
        rows = records(tmp_path, "cost != 0")
    assert sum(row["cost"] for row in rows) == (90 * 10 + 900 * 20 + 7 * 5 + 3 * 10) * 10_000
    assert sorted(row["usage_source"] for row in rows) == ["estimated", "provider", "provider"]
    one.close()
    two.close()


def ask(client, response, batch):
    for _ in range(2):
        assert client.responses.retrieve(response).usage.output_tokens == 900
        assert client.batches.retrieve(batch).status == "completed"
