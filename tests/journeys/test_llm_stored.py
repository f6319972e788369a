"""Files and batches with OpenAI's own client: ids are sealed for one team, and lead back to their own provider."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai
import pytest
from tests.journeys.running import House, write

CONFIGURATION = """
providers:
  one: {{base_url: "http://127.0.0.1:{one}/v1", key: "env:VENDOR_KEY"}}
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


class Vendor(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        self.kept = []
        super().__init__(("127.0.0.1", 0), Handler)
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
        content = b'{"custom_id":"1"}\n' if self.path.endswith("/content") else None
        if content is None:
            content = json.dumps(BATCH if "/batches" in self.path else FILE).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json" if content[:10] != b'{"custom_i' else "text/plain")
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
        file = client.files.create(file=("a.jsonl", b"{}\n" * 500_000), purpose="batch")
        assert file.id.startswith("file-ab12_tg")
        assert one.kept[-1][:2] == ("POST", "/v1/files")
        assert len(one.kept[-1][2]) > 1_500_000
        batch = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
        assert json.loads(one.kept[-1][2])["input_file_id"] == "file-ab12"
        assert client.batches.retrieve(batch.id).status == "completed"
        assert client.files.content(batch.output_file_id).read() == b'{"custom_id":"1"}\n'
        assert one.kept[-1][:2] == ("GET", "/v1/files/file-out9/content")
        client.files.delete(file.id)
        assert one.kept[-1][:2] == ("DELETE", "/v1/files/file-ab12")
        assert two.kept == []


def test_another_teams_ids_are_not_there(stored):
    house, one, _ = stored
    with client_of(house) as mine, client_of(house, team="ops") as theirs:
        file = mine.files.create(file=("a.jsonl", b"{}\n"), purpose="batch")
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
