"""A running gateway takes changes without losing what it knows; several limits are one question to the shared store."""

import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
import redis
from tests.journeys.running import House, eventually, write
from tests.servers.spawn import free_port

CONFIGURATION = """
services: {{s: {{endpoints: ["http://127.0.0.1:{port}"]}}}}
routes:
  plain: {{service: s, match: {{path: /plain}}, policies: [{{use: key_auth}}]}}
  spent: {{service: s, match: {{path: /spent}}, policies: [{{use: key_auth}}, {{use: rate_limit, name: two, requests: 2, window: 1h}}]}}
  changing: {{service: s, match: {{path: /changing}}, policies: [{{use: key_auth}}, {{use: rate_limit, requests: {number}, window: 1h}}]}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}}}}}}}
"""  # noqa: E501
THREE = """
state: {{kind: redis, redis: "{redis}"}}
services: {{s: {{endpoints: ["http://127.0.0.1:{port}"]}}}}
routes:
  three:
    service: s
    match: {{path: /three}}
    policies:
      - {{use: key_auth}}
      - {{use: rate_limit, name: a-second, requests: 500, window: 1s}}
      - {{use: rate_limit, name: a-minute, requests: 5000, window: 1m, by: team}}
      - {{use: rate_limit, name: an-hour, requests: 20, window: 1h, by: key}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}}}}}}}
"""


class Counting:
    """A service that counts its connections, and can hold an answer back."""

    def __init__(self):
        self.connections = 0
        self.go, self.begun = threading.Event(), threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                outer.connections += 1
                super().setup()

            def do_GET(self):
                if "hold" in self.path:
                    outer.begun.set()
                    outer.go.wait(20)
                self.send_response(200)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *words):
                """Not a word."""

        self.server = ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def service():
    made = Counting()
    yield made
    made.close()


class Running:
    """The gateway whose configuration changes."""

    def __init__(self, house, service):
        self.house, self.service, self.number = house, service, 10
        self.headers = {"authorization": f"Bearer {house.key()}"}
        self.client = httpx.Client(base_url=house.url, headers=self.headers, timeout=20, trust_env=False)

    def change(self):
        """Another configuration on disk; its `changing` limit has the number that comes back."""
        self.number += 1
        write(self.house.directory, CONFIGURATION.format(port=self.service.port, number=self.number))
        return self.number

    def config(self):
        return self.house.admin("GET", "/config").json()

    def limit(self):
        return int(self.client.get("/changing").headers["ratelimit-policy"].split("q=")[1].split(";")[0])


@pytest.fixture(scope="module")
def running(tmp_path_factory, service):
    folder = tmp_path_factory.mktemp("reload")
    write(folder, CONFIGURATION.format(port=service.port, number=10))
    with House(folder) as house:
        made = Running(house, service)
        yield made
        made.client.close()


def test_a_changed_file_is_taken_by_itself(running):
    before = running.config()
    number = running.change()
    eventually(lambda: running.limit() == number, 8)
    after = running.config()
    assert after["generation"] > before["generation"]
    assert after["hash"] != before["hash"]


def test_a_broken_edit_keeps_the_last_good_one_and_says_where_it_is_wrong(running):
    before, refused = running.config(), reloads(running, "refused")
    path = running.house.directory / "triplegate.yaml"
    good = path.read_text()
    write(running.house.directory, good.replace("service: s, match", "servce: s, match", 1))
    try:
        told = eventually(lambda: running.config()["last_error"], 8)
        assert "triplegate.yaml:4:" in told
        assert "servce" in told
        assert running.config()["hash"] == before["hash"]
        assert running.client.get("/plain").status_code == 200
        assert reloads(running, "refused") > refused
        answer = running.house.admin("POST", "/config/reload")
        assert answer.status_code == 409
        assert answer.json()["errors"][0]["pointer"].startswith("triplegate.yaml:4:")
    finally:
        write(running.house.directory, good)
    eventually(lambda: not running.config()["last_error"], 8)
    assert running.config()["hash"] == before["hash"]


def reloads(running, result):
    found = [
        value
        for name, value in running.house.metrics().items()
        if name.startswith("triplegate_config_reloads") and f'"{result}"' in name
    ]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("times", [20, pytest.param(100, marks=pytest.mark.long)])
def test_many_reloads_keep_limits_spent_and_connections_open(running, times):
    assert [running.client.get("/spent").status_code for _ in range(3)][2] == 429
    assert running.client.get("/plain").status_code == 200
    opened, generation = running.service.connections, running.config()["generation"]
    for _ in range(times):
        number = running.change()
        answer = running.house.admin("POST", "/config/reload")
        assert answer.status_code == 200
    assert running.limit() == number
    assert running.config()["generation"] >= generation + times
    assert running.client.get("/spent").status_code == 429
    assert running.client.get("/plain").status_code == 200
    assert running.service.connections == opened


def test_a_hangup_reads_the_files_now_and_calls_under_way_finish(running):
    answers = []

    def call():
        answers.append(httpx.get(f"{running.house.url}/plain/hold", headers=running.headers, timeout=20).status_code)

    held = threading.Thread(target=call)
    held.start()
    assert running.service.begun.wait(5)
    number = running.change()
    os.kill(running.house.process.pid, signal.SIGHUP)
    begun = time.monotonic()
    eventually(lambda: running.limit() == number, 5)
    assert time.monotonic() - begun < 5
    assert answers == []
    running.service.go.set()
    held.join(5)
    assert answers == [200]


def test_a_revoked_key_is_refused_at_once(running):
    key = running.house.key()
    headers = {"authorization": f"Bearer {key}"}
    assert httpx.get(f"{running.house.url}/plain", headers=headers).status_code == 200
    key_id = key.split("_")[2]
    assert running.house.admin("DELETE", f"/keys/{key_id}").status_code in (200, 204)
    assert httpx.get(f"{running.house.url}/plain", headers=headers).status_code == 401


def test_three_limits_on_one_route_are_one_call_to_the_store(tmp_path, service, redis_url):
    write(tmp_path, THREE.format(port=service.port, redis=redis_url))
    with House(tmp_path) as house, redis.Redis.from_url(redis_url) as store:
        client = httpx.Client(base_url=house.url, headers={"x-api-key": house.key()}, timeout=20, trust_env=False)
        assert client.get("/three").status_code == 200  # scripts are loaded by now

        def asked():
            found = store.info("commandstats")
            return sum(found.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("evalsha", "eval", "fcall"))

        before = asked()
        answers = [client.get("/three") for _ in range(10)]
        assert asked() - before == 10
        told = answers[-1].headers["ratelimit"]
        assert all(f'"{name}"' in told for name in ("a-second", "a-minute", "an-hour"))
        refused = [client.get("/three").status_code for _ in range(12)]
        assert refused == [200] * 9 + [429] * 3
        client.close()
