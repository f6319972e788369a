"""A REST API behind the api gate, from the client's socket to the service and back."""

import hashlib
import json
import socket
import threading
import time
from pathlib import Path

import http_sf
import httpx
import pytest
from tests.journeys.running import House, eventually, free_port, journal, records, write

from triplegate.samples.start import start_samples

CONFIGURATION = """
limits: {{body: 100000000, body_idle: 700ms}}
services:
  orders: {{endpoints: ["http://127.0.0.1:{orders}"], timeouts: {{total: 20s}}}}
  other: {{endpoints: ["http://127.0.0.1:{orders}"], host: other.test}}
  hasty: {{endpoints: ["http://127.0.0.1:{orders}"], timeout: 300ms}}
  down: {{endpoints: ["http://127.0.0.1:{closed}"]}}
  cut: {{endpoints: ["http://127.0.0.1:{cut}"]}}
  stuck: {{endpoints: ["http://127.0.0.1:{stuck}"]}}
  flood: {{endpoints: ["http://127.0.0.1:{flood}"]}}
routes:
  orders:
    service: orders
    match: [{{path: /orders}}, {{path: /upload}}, {{path: /echo}}]
    price: 0.0001
    owner: web
    policies: [{{use: key_auth}}]
  limited:
    service: orders
    match: {{path: /health}}
    owner: web
    policies: [{{use: key_auth}}, {{use: rate_limit, name: tight, requests: 2, window: 1h}}]
  only_get: {{service: orders, match: {{path: /public/orders, methods: [GET, HEAD]}}, identity: none, owner: web}}
  open_echo: {{service: orders, match: {{path: /public/echo}}, identity: none, owner: web}}
  split:
    services: [{{service: orders, weight: 3}}, {{service: other, weight: 1}}]
    match: {{path: /echo, headers: {{x-split: "1"}}}}
    policies: [{{use: key_auth}}]
  slow: {{service: hasty, match: {{path: /slow}}, policies: [{{use: key_auth}}]}}
  down: {{service: down, match: {{path: /down}}, price: 0.5, policies: [{{use: key_auth}}]}}
  cut: {{service: cut, match: {{path: /cut}}, price: 0.0003, policies: [{{use: key_auth}}]}}
  stuck: {{service: stuck, match: {{path: /stuck}}, policies: [{{use: key_auth}}]}}
  flood: {{service: flood, match: {{path: /flood}}, policies: [{{use: key_auth}}]}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}, other: {{}}}}}}}}}}}}
"""


class CutServer:
    """Promises ten bytes, sends four, and closes."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", free_port()))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with client:
                client.recv(65536)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour")

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class StuckServer:
    """Takes a connection and reads nothing before it is told to."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", free_port()))
        self.port = self.socket.getsockname()[1]
        self.go = threading.Event()
        self.read = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        client, _ = self.socket.accept()
        with client:
            self.go.wait(30)
            client.settimeout(2)
            while content := client.recv(1 << 20):
                self.read += len(content)

    def close(self):
        self.go.set()
        self.socket.close()


class Flood:
    """Sends 64 MiB as fast as it is taken."""

    SIZE = 64 << 20

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", free_port()))
        self.port = self.socket.getsockname()[1]
        self.sent = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        client, _ = self.socket.accept()
        with client:
            client.recv(65536)
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % self.SIZE)
            piece = bytes(1 << 18)
            while self.sent < self.SIZE:
                client.sendall(piece)
                self.sent += len(piece)

    def close(self):
        self.socket.close()


class Api:
    """The gateway, its samples, a key, and a client that carries it."""

    def __init__(self, house, samples, log):
        self.house, self.samples, self.log = house, samples, log
        self.key = house.key()
        self.client = httpx.Client(
            base_url=house.url, headers={"authorization": f"Bearer {self.key}"}, timeout=20, trust_env=False
        )
        self.upstream = httpx.Client(base_url=samples.url("orders"), timeout=20, trust_env=False)

    def latch(self, name, **query):
        return self.upstream.get(f"/control/latch/{name}", params=query).json()

    def release(self, name, pieces=1):
        self.upstream.post(f"/control/latch/{name}", params={"release": pieces})

    def seen(self):
        """What the service saw last."""
        return self.upstream.get("/control/requests").json()

    def resident(self):
        """The most MiB that the gateway has held so far."""
        text = Path(f"/proc/{self.house.process.pid}/status").read_text()
        return int(next(line for line in text.splitlines() if line.startswith("VmHWM")).split()[1]) // 1024

    def raw(self, head, body=b"", within=5.0):
        """One connection by hand: the socket, after `head` and `body` were sent."""
        wire = socket.create_connection(("127.0.0.1", self.house.port), timeout=within)
        wire.sendall(head + body)
        return wire


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    log = folder / "journal.jsonl"
    cut, stuck, flood = CutServer(), StuckServer(), Flood()
    with start_samples(journal=log) as samples:
        ports = {
            "orders": samples.ports["orders"],
            "closed": free_port(),
            "cut": cut.port,
            "stuck": stuck.port,
            "flood": flood.port,
        }
        write(folder, CONFIGURATION.format(**ports))
        with House(folder) as house:
            made = Api(house, samples, log)
            made.stuck, made.flood = stuck, flood
            yield made
            made.client.close()
            made.upstream.close()
    cut.close()
    stuck.close()
    flood.close()


def read_all(wire):
    content = b""
    while piece := wire.recv(65536):
        content += piece
    return content


def fields(text):
    """The header fields of an echo, by name."""
    return {name.lower(): value for name, value in text["headers"]}


# what passes ----------------------------------------------------------------------------------------------------
def test_a_call_reaches_the_service_and_its_answer_comes_back_as_it_was(api):
    direct, through = api.upstream.get("/orders/ord_1001"), api.client.get("/orders/ord_1001")
    assert (through.status_code, through.content) == (200, direct.content)
    assert through.headers["etag"] == direct.headers["etag"]
    assert through.headers["content-type"] == "application/json"
    assert "triplegate" in through.headers["via"]
    assert float(through.headers["x-triplegate-overhead-ms"]) >= 0


def test_the_service_sees_the_calls_own_fields_and_ours_and_no_hop_by_hop_ones(api):
    sent = [
        ("x-own", "1"),
        ("x-own", "2"),
        ("connection", "close, x-hop"),
        ("x-hop", "dropped"),
        ("te", "trailers"),
        ("keep-alive", "timeout=5"),
        ("proxy-authorization", "Basic x"),
        ("x-forwarded-for", "6.6.6.6"),
        ("forwarded", "for=6.6.6.6"),
        ("x-request-id", "mine-1"),
    ]
    answer = api.client.post("/echo?a=%20b&c", headers=sent, content=b"hello")
    text = answer.json()
    lines = [(name.lower(), value) for name, value in text["headers"]]
    assert text["target"] == "/echo?a=%20b&c"
    assert [value for name, value in lines if name == "x-own"] == ["1", "2"]
    names = {name for name, _ in lines}
    assert not names & {"x-hop", "te", "keep-alive", "proxy-authorization", "authorization", "forwarded"}
    seen = dict(lines)
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"
    assert seen["x-forwarded-host"] == f"127.0.0.1:{api.house.port}"
    assert seen["via"] == "1.1 triplegate"
    assert seen["x-request-id"] == answer.headers["x-request-id"] == "mine-1"
    assert len(seen["traceparent"].split("-")) == 4
    assert text["sha256"] == hashlib.sha256(b"hello").hexdigest()


def test_a_trace_is_continued(api):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    seen = fields(api.client.get("/echo", headers={"traceparent": parent}).json())
    version, trace, span, flags = seen["traceparent"].split("-")
    assert (version, trace, flags) == ("00", "0af7651916cd43dd8448eb211c80319c", "01")
    assert span != "b7ad6b7169203331"


@pytest.mark.parametrize("name", ["authorization", "x-api-key"])
@pytest.mark.parametrize("path", ["/echo", "/public/echo"])
def test_a_virtual_key_never_reaches_the_service_wherever_it_stands(api, path, name):
    value = f"Bearer {api.key}" if name == "authorization" else api.key
    answer = httpx.get(api.house.url + path, headers={name: value}, timeout=10, trust_env=False)
    assert answer.status_code == 200
    assert api.key not in answer.text
    assert api.key not in json.dumps(api.seen())


def test_a_key_after_several_blanks_never_reaches_the_service(api):
    head = f"GET /public/echo HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer   {api.key}\r\nConnection: close\r\n\r\n"
    with api.raw(head.encode()) as wire:
        answer = read_all(wire)
    assert answer.startswith(b"HTTP/1.1 200")
    assert api.key.encode() not in answer


def test_an_applications_own_bearer_token_passes_an_open_route(api):
    answer = httpx.get(f"{api.house.url}/public/echo", headers={"authorization": "Bearer their-own"}, trust_env=False)
    assert fields(answer.json())["authorization"] == "Bearer their-own"


def test_answers_without_content_keep_their_form(api):
    whole = api.client.get("/orders/ord_1002")
    head = api.client.head("/orders/ord_1002")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]
    unchanged = api.client.get("/orders/ord_1002", headers={"if-none-match": whole.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    order = {"customer": "A", "items": [{"sku": "s", "quantity": 1, "price": 5}]}
    made = api.client.post("/orders", json=order)
    gone = api.client.delete(made.headers["location"])
    assert (made.status_code, gone.status_code, gone.content) == (201, 204, b"")
    assert "content-length" not in gone.headers
    assert api.client.get("/orders/ord_1002").status_code == 200  # the connection is still in step


# streams ----------------------------------------------------------------------------------------------------------
def test_a_stream_comes_piece_by_piece_and_its_head_at_once(api):
    with api.client.stream("GET", "/orders/stream", params={"interval": 0, "count": 3, "latch": "pieces"}) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        pieces = answer.iter_raw()
        text = b""
        for number in (1, 2, 3):
            while text.count(b"event: order") < number:  # the service sends no more before it is released
                text += next(pieces)
            assert text.count(b"event: order") == number
            assert api.latch("pieces")["passed"] == number
            api.release("pieces")
        for piece in pieces:
            text += piece
    assert text.startswith(b"retry: 1000\n\n")
    assert api.latch("pieces")["outcome"] == "answered"


def test_a_head_alone_is_flushed_before_the_body(api):
    begun = time.monotonic()
    with api.client.stream("GET", "/orders/stream", params={"interval": 30, "count": 2}) as answer:
        assert answer.status_code == 200
        assert time.monotonic() - begun < 5


def test_a_client_that_leaves_ends_the_call_at_the_service_within_a_quarter_second(api):
    with api.client.stream("GET", "/orders/stream", params={"interval": 0, "count": 0, "latch": "left"}) as answer:
        pieces = answer.iter_raw()
        text = b""
        while b"event: order" not in text:
            text += next(pieces)
        number = answer.headers["x-request-id"]
        time.sleep(0.25)  # the sweep watches only what has outlived one of its rounds
        left = time.time_ns()
    state = api.latch("left", wait=5)
    assert state["outcome"] == "gone"
    ended = next(line for line in journal(api.log) if line["event"] == "gone" and line["id"] == number)
    assert (ended["ns"] - left) / 1e9 < 0.25
    row = eventually(lambda: api.house.usage("route") and records(api.house.directory, f"exchange = '{number}'"))
    assert [one["outcome"] for one in row] == ["gone"]


def test_an_upload_is_passed_on_as_it_comes_and_is_never_held_whole(api):
    piece = bytes(range(256)) * 4096
    api.client.post("/upload", content=piece)
    before = api.resident()
    digest = hashlib.sha256()

    def pieces():
        for _ in range(50):
            digest.update(piece)
            yield piece

    answer = api.client.post("/upload", content=pieces())
    assert answer.json() == {"bytes": 50 * len(piece), "sha256": digest.hexdigest()}
    assert api.resident() - before < 25


def test_a_service_that_does_not_read_stops_the_client(api):
    head = f"POST /stuck HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {api.key}\r\nContent-Length: 60000000\r\n\r\n"
    before, piece, sent = api.resident(), bytes(1 << 20), 0
    with api.raw(head.encode(), within=0.5) as wire:
        try:
            while sent < 60_000_000:
                sent += wire.send(piece)
        except TimeoutError:
            pass
        assert sent < 30_000_000  # what lies in the kernel's buffers and in two of ours
        assert api.resident() - before < 25
    api.stuck.go.set()
    eventually(lambda: api.stuck.read >= sent, 5)  # and nothing of it was lost


def test_a_client_that_does_not_read_stops_the_service(api):
    before = api.resident()
    with api.client.stream("GET", "/flood") as answer:
        pieces = answer.iter_raw()
        size = len(next(pieces))
        taken = -1
        while taken != api.flood.sent:  # until nothing moves any more
            taken = api.flood.sent
            time.sleep(0.2)
        assert taken < 30 << 20  # what lies in the kernel's buffers and in two of ours
        assert api.resident() - before < 25
        size += sum(map(len, pieces))
    assert size == api.flood.SIZE
    assert api.resident() - before < 25


def test_an_upload_begins_at_the_service_before_the_client_has_sent_it_all(api):
    head = f"POST /upload HTTP/1.1\r\nHost: a\r\nX-Request-Id: early\r\nAuthorization: Bearer {api.key}\r\n"
    with api.raw(f"{head}Content-Length: 8\r\nConnection: close\r\n\r\n".encode(), b"half") as wire:
        eventually(lambda: any(line["id"] == "early" for line in journal(api.log)), 3)
        wire.sendall(b"half")
        answer = read_all(wire)
    assert b'"bytes":8' in answer


def test_a_client_that_asks_first_is_told_to_go_on_or_why_not(api):
    head = "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n"
    with api.raw(f"{head}Authorization: Bearer {api.key}\r\nConnection: close\r\n\r\n".encode()) as wire:
        assert wire.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        wire.sendall(b"four")
        assert b'"bytes":4' in read_all(wire)
    with api.raw(f"{head}\r\n".encode()) as wire:
        assert wire.recv(65536).startswith(b"HTTP/1.1 401")


# refusals ---------------------------------------------------------------------------------------------------------
def test_without_a_key_the_answer_comes_before_any_of_the_body(api):
    begun = time.monotonic()
    head = b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10000000\r\n\r\n"
    with api.raw(head) as wire:
        answer = wire.recv(65536)
    assert answer.startswith(b"HTTP/1.1 401")
    assert b"www-authenticate: Bearer" in answer
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize(
    "key", ["tg_live_nonsense", "tg_live_4ylCG46fmb_YW8Se8qWgeROR3G3kkhkuYI4MusKx9Ps8tjxYUFqB3k0OoyZ6"]
)
def test_a_key_that_is_not_one_is_refused(api, key):
    answer = httpx.get(f"{api.house.url}/orders", headers={"authorization": f"Bearer {key}"}, trust_env=False)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith("/invalid-credentials")


def test_what_no_route_takes_is_a_problem(api):
    missing = api.client.get("/nowhere")
    assert (missing.status_code, missing.json()["status"]) == (404, 404)
    assert missing.json()["instance"] == "urn:request:" + missing.headers["x-request-id"]
    method = api.client.delete("/public/orders")
    assert (method.status_code, method.headers["allow"]) == (405, "GET, HEAD")
    assert method.json()["type"].endswith("/method-not-supported")


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET /orders/%2e%2e/x HTTP/1.1\r\nHost: a\r\n\r\n", b"400"),
        (b"GET /orders%2fx HTTP/1.1\r\nHost: a\r\n\r\n", b"400"),
        (b"GET /orders HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", b"414"),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", b"404"),
    ],
)
def test_what_can_be_read_in_two_ways_is_not_read(api, line, status):
    with api.raw(line) as wire:
        answer = wire.recv(65536)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"application/problem+json" in answer


def test_a_spent_limit_says_how_long_to_wait(api):
    answers = [api.client.get("/health") for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    for one, left in zip(answers, (1, 0, 0), strict=True):
        (told,) = http_sf.parse(one.headers["ratelimit"].encode(), tltype="list")
        assert (told[0], told[1]["r"]) == ("tight", left)
        (policy,) = http_sf.parse(one.headers["ratelimit-policy"].encode(), tltype="list")
        assert (policy[0], policy[1]["q"], policy[1]["w"]) == ("tight", 2, 3600)
    refused = answers[2]
    assert 1700 < int(refused.headers["retry-after"]) <= 1801
    assert refused.json()["violated-policies"] == ["tight"]
    other = httpx.get(
        f"{api.house.url}/health", headers={"x-api-key": api.house.key(consumer="other")}, trust_env=False
    )
    assert other.status_code == 200  # another consumer has an allowance of its own


# upstreams in trouble -----------------------------------------------------------------------------------------------
def test_calls_are_shared_by_weight(api):
    answers = [api.client.get("/echo", headers={"x-split": "1"}).json() for _ in range(8)]
    hosts = [fields(one)["host"] for one in answers]
    assert hosts.count("other.test") == 2
    assert hosts[:4].count("other.test") == 1  # smooth: not all of one and then all of the other


def test_a_service_that_is_down_is_502_and_costs_nothing(api):
    answer = api.client.get("/down")
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (502, "upstream-unreachable")
    row = api.house.usage("route")[("down",)]
    assert (row["requests"], row["failed"], float(row["cost"])) == (1, 1, 0)


def test_a_service_that_is_slow_is_504(api):
    begun = time.monotonic()
    answer = api.client.get("/slow", params={"seconds": 5})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (504, "upstream-timeout")
    assert time.monotonic() - begun < 2


def test_a_service_that_stops_in_the_middle_leaves_the_message_incomplete(api):
    with pytest.raises(httpx.RemoteProtocolError):
        api.client.get("/slow", params={"seconds": 5, "where": "body"})
    with pytest.raises(httpx.RemoteProtocolError):
        api.client.get("/cut")
    row = api.house.usage("route")[("cut",)]
    assert (row["requests"], row["failed"]) == (1, 1)


def test_an_upload_that_stalls_is_408(api):
    head = f"POST /upload HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {api.key}\r\nContent-Length: 100\r\n\r\n"
    with api.raw(head.encode(), b"some of it") as wire:
        answer = wire.recv(65536)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"/body-timeout" in answer


def test_an_upload_that_never_begins_is_408(api):
    head = f"POST /upload HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {api.key}\r\nContent-Length: 100\r\n\r\n"
    with api.raw(head.encode()) as wire:
        answer = wire.recv(65536)
    assert answer.startswith(b"HTTP/1.1 408")


def test_a_client_that_leaves_in_the_middle_of_its_upload_is_gone(api):
    head = f"POST /upload HTTP/1.1\r\nHost: a\r\nX-Request-Id: half\r\nAuthorization: Bearer {api.key}\r\n"
    with api.raw(f"{head}Content-Length: 100\r\n\r\n".encode(), b"some of it"):
        eventually(lambda: any(line["id"] == "half" for line in journal(api.log)), 3)
    ends = eventually(
        lambda: [line for line in journal(api.log) if line["id"] == "half" and line["event"] != "request"], 3
    )
    assert [line["event"] for line in ends] == ["gone"]  # the service never takes half a body for a whole one


# the books ----------------------------------------------------------------------------------------------------------
def test_a_priced_call_is_one_record_and_a_refused_one_costs_nothing(api):
    before = api.house.usage("consumer")[("ci",)]
    api.client.get("/orders")
    api.client.get("/health")
    after = api.house.usage("consumer")[("ci",)]
    assert after["requests"] - before["requests"] == 2
    assert after["refused"] - before["refused"] == 1
    assert round(float(after["cost"]) - float(before["cost"]), 10) == 0.0001
