"""The edge as clients meet it: listeners with TLS, PROXY and HTTP/2, and those who try to be somebody else."""

import asyncio
import base64
import contextlib
import json
import os
import signal
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import h2.events
import httpx
import pytest
from tests.certificates import Authority
from tests.edge.fronted import Client, Http2
from tests.journeys.running import House, eventually, free_port, write
from tests.journeys.websocket_upstream import Service
from websockets.asyncio.client import connect

CONFIGURATION = """
listeners:
  secure:
    port: {secure}
    tls: {{certificates: [{{certificate: local.pem, key: "file:local.key"}}, {{certificate: other.pem, key: "file:other.key"}}]}}
  mutual:
    port: {mutual}
    tls:
      certificates: {{certificate: local.pem, key: "file:local.key"}}
      client_auth: optional
      client_ca: authority.pem
  balanced: {{port: {balanced}, transport: loop, proxy_protocol: {{trusted: [127.0.0.1/32]}}}}
  clear: {{port: {clear}, http2: true}}
services:
  echo: {{endpoints: ["http://127.0.0.1:{upstream}"]}}
  chat: {{endpoints: ["http://127.0.0.1:{chat}"], websocket: true}}
routes:
  echo: {{service: echo, match: {{path: /echo}}, identity: none, owner: web}}
  chat: {{service: chat, match: {{path: /chat}}, identity: none, owner: web}}
  agents:
    service: echo
    match: {{path: /agents}}
    policies:
      - {{use: hsts}}
      - {{use: client_cert, uris: ["spiffe://house/one"], team: web, consumer: ci, forward: true}}
  secure:
    service: echo
    match: {{path: /secure}}
    identity: none
    owner: web
    policies: [{{use: https_redirect, port: {secure}}}, {{use: hsts}}, {{use: body_limit, max: 1000}}]
  small: {{service: echo, match: {{path: /small}}, identity: none, owner: web, policies: [{{use: compress, types: [text/plain], min_size: 100}}]}}
  near: {{service: echo, match: {{path: /near}}, identity: none, owner: web, policies: [{{use: ip_access, deny: [192.0.2.0/24]}}]}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}}}}}}}
"""  # noqa: E501
NAMES = ("secure", "mutual", "balanced", "clear")


class Echo:
    """A service that says which fields it got, and how long the body was."""

    def __init__(self):
        self.left, self.enough = threading.Event(), threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                if self.path == "/echo/drip":
                    self.drip()
                    return
                size = int(self.headers.get("content-length") or 0)
                self.rfile.read(size)
                if self.headers.get("transfer-encoding") == "chunked":
                    while length := int(self.rfile.readline().strip() or b"0", 16):  # cut short, or its end
                        size += len(self.rfile.read(length + 2)) - 2
                fields = {name.lower(): value for name, value in self.headers.items()}
                content = json.dumps({"fields": fields, "size": size, "path": self.path}).encode()
                self.send_response(200)
                self.send_header("content-type", "text/plain")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def drip(self):
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.end_headers()
                try:
                    while not outer.enough.wait(0.02):
                        self.wfile.write(b"data: x\n\n")
                except OSError:
                    outer.left.set()
                self.close_connection = True

            do_POST = do_GET  # noqa: N815

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Edge(House):
    """A house with a listener of each kind."""

    def __init__(self, directory: Path, authority: Authority, upstream: int, *arguments: str, chat: int = 9) -> None:
        super().__init__(directory, "serve", *arguments)
        self.chat = chat
        self.ports = {name: free_port() for name in NAMES}
        self.authority = authority
        write(directory, self.text(upstream))

    def text(self, upstream: int) -> str:
        return CONFIGURATION.format(upstream=upstream, chat=self.chat, **self.ports)

    def client(self, *, pair=None, http2=False) -> httpx.Client:
        return httpx.Client(verify=self.authority.client(pair), http2=http2, trust_env=False, timeout=10)

    def at(self, listener: str, path: str = "/echo", scheme: str = "http") -> str:
        return f"{scheme}://localhost:{self.ports[listener]}{path}"

    def fields(self, answer: httpx.Response) -> dict[str, str]:
        assert answer.status_code == 200, answer.text
        return answer.json()["fields"]


@pytest.fixture(scope="module")
def echo():
    made = Echo()
    yield made
    made.enough.set()
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    found = Authority(tmp_path_factory.mktemp("edge"))
    found.sign("local", "localhost", "127.0.0.1")
    found.sign("other", "other.test")
    return found


@pytest.fixture(scope="module")
def pairs(authority):
    return {name: authority.sign(name, f"spiffe://house/{name}") for name in ("one", "two")}


@pytest.fixture(scope="module")
def edge(authority, echo):
    chat = Service()
    with Edge(authority.folder, authority, echo.port, chat=chat.port) as running:
        yield running
    chat.close()


def raw(port: int, content: bytes, within: float = 10.0) -> bytes:
    """What comes back until the connection ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=within) as connection:
        connection.sendall(content)
        found = b""
        try:
            while piece := connection.recv(65_536):
                found += piece
        except ConnectionError:
            pass
        return found


GET = b"GET /echo HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"


def test_every_listener_is_said_to_be_ready_with_its_own_scheme(edge):
    for name in NAMES:
        scheme = "https" if name in ("secure", "mutual") else "http"
        assert f"{name:8} {scheme}://127.0.0.1:{edge.ports[name]}" in edge.lines


@pytest.mark.parametrize("http2", [False, True])
def test_a_call_by_tls_says_https_to_the_service(edge, http2):
    with edge.client(http2=http2) as client:
        answers = [client.get(edge.at("secure", scheme="https")) for _ in range(3)]
        assert {answer.http_version for answer in answers} == {"HTTP/2" if http2 else "HTTP/1.1"}
        fields = edge.fields(answers[0])
        assert (fields["x-forwarded-proto"], fields["x-forwarded-for"]) == ("https", "127.0.0.1")
        large = client.post(edge.at("secure", scheme="https"), content=b"x" * 2_000_000)
        assert large.json()["size"] == 2_000_000


def test_http2_without_tls_is_spoken_by_prior_knowledge_and_http1_beside_it(edge):
    with httpx.Client(http1=False, http2=True, trust_env=False, timeout=10) as client:
        answer = client.get(edge.at("clear"))
        assert (answer.http_version, edge.fields(answer)["x-forwarded-proto"]) == ("HTTP/2", "http")
        assert client.get(edge.at("clear", "/nowhere")).status_code == 404
    assert raw(edge.ports["clear"], GET).startswith(b"HTTP/1.1 200")
    upgrade = GET.replace(b"close\r\n", b"Upgrade, HTTP2-Settings, close\r\nupgrade: h2c\r\nhttp2-settings: AA\r\n")
    assert b" 101 " not in raw(edge.ports["clear"], upgrade)


def test_a_stream_comes_as_it_is_sent_and_ends_at_the_service_when_the_client_leaves(edge, echo):
    echo.left.clear()
    with edge.client() as client, client.stream("GET", edge.at("secure", "/echo/drip", "https")) as answer:
        pieces = answer.iter_raw()
        assert b"data: x" in next(pieces)
        assert b"data: x" in next(pieces)
    assert echo.left.wait(10)


async def test_a_stream_of_http2_that_is_reset_ends_at_the_service_and_no_other_does(edge, echo):
    echo.left.clear()
    streams = await asyncio.open_connection(
        "localhost", edge.ports["secure"], ssl=edge.authority.client(None, "h2"), server_hostname="localhost"
    )
    http2 = Http2(Client(*streams))
    kept, reset = http2.begin("/echo/drip"), http2.begin("/echo/drip")
    for stream in (kept, reset):
        await http2.until(h2.events.DataReceived, stream)
    http2.h2.reset_stream(reset)
    http2.flush()
    assert await asyncio.to_thread(echo.left.wait, 10)
    http2.events.clear()
    await http2.until(h2.events.DataReceived, kept)
    http2.client.close()


async def test_websockets_go_through_a_front(edge):
    url = edge.at("secure", "/chat", "wss")
    async with connect(url, ssl=edge.authority.client(), proxy=None) as client:
        for message in ("hello", b"\x00" * 100_000):
            await client.send(message)
            assert await client.recv() == message


def test_a_host_of_another_certificate_is_misdirected(edge):
    with edge.client() as client:
        for host, status in (("localhost", 200), ("other.test", 421), ("nobody.test", 200)):
            answer = client.get(edge.at("secure", scheme="https"), headers={"host": host})
            assert answer.status_code == status, host
            assert ("misdirected" in answer.text) is (status == 421)


def test_a_balancers_word_is_the_clients_address_and_nobody_elses_is(edge):
    answer = raw(edge.ports["balanced"], b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n" + GET)
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["fields"]["x-forwarded-for"] == "192.0.2.7"
    forged = GET.replace(b"host:", b"x-forwarded-for: 203.0.113.9\r\nforwarded: for=203.0.113.9\r\nhost:")
    answer = raw(edge.ports["balanced"], b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n" + forged)
    assert b"203.0.113.9" not in answer
    for content in (GET, b"PROXY TCP4 x 10.0.0.1 4711 80\r\n" + GET, b"PROXY TCP4 192.0.2.7\r\n" + GET):
        assert raw(edge.ports["balanced"], content) == b""
    twice = b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n" * 2 + GET
    assert b" 200 " not in raw(edge.ports["balanced"], twice)
    assert b" 200 " not in raw(edge.port, b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n" + GET)


def test_who_calls_is_known_by_the_certificate_and_not_by_a_header(edge, pairs):
    url = edge.at("mutual", "/agents", "https")
    forged = {"client-cert": ":Zm9yZ2Vk:", "client-cert-chain": ":Zm9yZ2Vk:"}
    for pair, status in ((pairs["one"], 200), (pairs["two"], 403), (None, 401)):
        with edge.client(pair=pair, http2=True) as client:
            answer = client.get(url, headers=forged)
            assert answer.status_code == status
            assert answer.headers["strict-transport-security"] == "max-age=31536000"
            if pair is pairs["one"]:
                fields = edge.fields(answer)
                assert base64.b64decode(fields["client-cert"].strip(":")) == pair.der
                assert "client-cert-chain" not in fields
    with edge.client() as client:
        assert "client-cert" not in edge.fields(client.get(edge.at("mutual", scheme="https"), headers=forged))


def test_what_a_front_refuses_is_counted_by_listener_and_reason(edge):
    raw(edge.ports["secure"], GET)
    raw(edge.ports["balanced"], GET)
    told = {name: value for name, value in edge.metrics().items() if name.startswith("triplegate_front")}
    reasons = [("secure", "TLS handshake"), ("balanced", "malformed PROXY header")]
    for listener, reason in reasons:
        assert any(f'"{listener}"' in name and f'"{reason}"' in name and value for name, value in told.items()), told
    assert sum(name.startswith("triplegate_front_connections") for name in told) == len(NAMES)


def test_http_is_sent_to_https_and_bodies_are_bounded_by_the_route(edge):
    with edge.client() as client:
        plain = client.get(f"http://localhost:{edge.port}/secure/a?b=1", headers={"x-forwarded-proto": "https"})
        assert (plain.status_code, plain.headers["location"]) == (308, edge.at("secure", "/secure/a?b=1", "https"))
        assert "strict-transport-security" not in plain.headers
        followed = client.get(f"http://localhost:{edge.port}/secure", follow_redirects=True)
        assert (followed.status_code, followed.url.scheme) == (200, "https")
        url = edge.at("secure", "/secure", "https")
        assert client.post(url, content=b"x" * 1000).json()["size"] == 1000
        assert client.post(url, content=b"x" * 1001).status_code == 413
        chunked = client.post(url, content=iter([b"x" * 600, b"x" * 600]))
        assert chunked.status_code == 413


def test_a_reply_is_compressed_for_who_wants_it_by_http1_and_http2(edge):
    for http2 in (False, True):
        with edge.client(http2=http2) as client:
            for wanted in ("gzip", "br", "zstd", "identity"):
                answer = client.get(edge.at("secure", "/small", "https"), headers={"accept-encoding": wanted})
                assert answer.headers.get("content-encoding", "identity") == wanted
                assert (answer.json()["path"], answer.headers["vary"]) == ("/small", "Accept-Encoding")
                length = int(answer.headers.get("content-length", answer.num_bytes_downloaded))
                assert length == answer.num_bytes_downloaded, "of what is sent, where it is told at all"


def test_an_address_is_judged_as_the_balancer_tells_it(edge):
    near = GET.replace(b"/echo", b"/near")
    for source, status in (("192.0.2.7", b"403"), ("198.51.100.7", b"200")):
        header = f"PROXY TCP4 {source} 10.0.0.1 4711 80\r\n".encode()
        assert raw(edge.ports["balanced"], header + near).startswith(b"HTTP/1.1 " + status)


def test_the_servers_behind_the_fronts_answer_nobody_who_dials_them(edge):
    known = {*edge.ports.values(), edge.port, edge.admin_port}
    behind = listening(edge.process.pid) - known
    assert len(behind) == 1 + 3 * 2, "HTTP/1.1 for each of the four, HTTP/2 for three"
    refused = 0
    for port in behind:
        refused += raw(port, GET, 3).startswith(b"HTTP/1.1 403")
    assert refused == 4


def listening(pid: int) -> set[int]:
    """Ports of IPv4 on which a process listens."""
    sockets = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            sockets.add(str(link.readlink()))
        except OSError:
            continue
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets}


@pytest.mark.timeout(30)
def test_certificates_change_under_load_without_an_error(echo, tmp_path):
    """F-13: new handshakes get the new certificate, open connections live, a bad pair is refused and told."""
    authority = Authority(tmp_path)
    pair = authority.sign("local", "localhost", "127.0.0.1")
    authority.sign("other", "other.test")
    with Edge(tmp_path, authority, echo.port) as house:
        stop, errors, calls = threading.Event(), [], [0]

        def load():
            while not stop.is_set():
                try:
                    with house.client() as client:
                        for _ in range(5):
                            assert client.get(house.at("secure", scheme="https")).status_code == 200
                            calls[0] += 1
                except Exception as error:  # noqa: BLE001 - whatever it is, it is one too many
                    errors.append(repr(error))

        with house.client(http2=True) as old:
            assert old.get(house.at("secure", scheme="https")).status_code == 200
            loaders = [threading.Thread(target=load) for _ in range(3)]
            for loader in loaders:
                loader.start()
            try:
                assert serial(house) == pair.serial
                fresh = authority.sign("fresh", "localhost", "127.0.0.1")
                for source, target in ((fresh.key, pair.key), (fresh.certificate, pair.certificate)):
                    target.write_bytes(source.read_bytes())
                os.kill(house.process.pid, signal.SIGHUP)
                eventually(lambda: serial(house) == fresh.serial)
                pair.key.write_text("nonsense")
                os.kill(house.process.pid, signal.SIGHUP)
                eventually(lambda: any("certificates secure" in name for name in house.metrics()))
                assert serial(house) == fresh.serial
                before = calls[0]
                eventually(lambda: calls[0] > before + 5)
            finally:
                stop.set()
                for loader in loaders:
                    loader.join(20)
            assert errors == []
            assert old.get(house.at("secure", scheme="https")).status_code == 200, "on the connection from before"


def serial(house: Edge) -> int:
    """Of the certificate that a new handshake gets."""
    with (
        socket.create_connection(("127.0.0.1", house.ports["secure"]), timeout=10) as plain,
        house.authority.client().wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        return int(tls.getpeercert()["serialNumber"], 16)


@pytest.mark.long
@pytest.mark.timeout(60)
def test_two_workers_share_the_listeners_with_fronts_and_drain_them(authority, echo, tmp_path):
    for file in authority.folder.iterdir():
        if file.suffix in (".pem", ".key"):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    house = Edge(tmp_path, authority, echo.port, "--workers", "2")
    write(tmp_path, "allow_local_limits: true\n" + house.text(echo.port))
    with house:
        for _ in range(6):
            with house.client(http2=True) as client:
                assert client.get(house.at("secure", scheme="https")).status_code == 200
        with house.client(http2=True) as client:
            assert client.get(house.at("secure", scheme="https")).status_code == 200
            assert house.stop() == 0, "an idle connection of HTTP/2 keeps nobody from ending"


def test_a_certificate_that_is_not_there_starts_nothing_and_is_named(authority, echo, tmp_path):
    house = Edge(tmp_path, authority, echo.port)
    with pytest.raises(AssertionError, match=r"local\.pem: No such file"):
        house.start()
    house.stop()


@pytest.mark.long
@pytest.mark.timeout(120)
def test_a_house_that_has_no_more_files_lives_and_recovers(authority, echo, tmp_path):
    """F-20: 1000 connections where 256 files may be open."""
    for file in authority.folder.iterdir():
        if file.suffix in (".pem", ".key"):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    house = Edge(tmp_path, authority, echo.port)
    house.arguments = ["sh", "-c", 'ulimit -n 256; exec "$@"', "sh", *house.arguments]
    with house:
        held = []
        for _ in range(1000):
            with contextlib.suppress(OSError):
                held.append(socket.create_connection(("127.0.0.1", house.ports["clear"]), timeout=0.05))
        before = cpu(house.process.pid)
        time.sleep(2)
        assert cpu(house.process.pid) - before < 1.5, "it must not spin"
        assert house.process.poll() is None
        for connection in held:
            connection.close()
        eventually(lambda: raw(house.ports["clear"], GET, 2).startswith(b"HTTP/1.1 200"), 20, 0.2)


def cpu(pid: int) -> float:
    """Seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
