"""Events through the gateway: each as it comes, for as long as both like, and never after access was lost."""

import contextlib
import socket
import threading
import time

import httpx
import pytest
from tests.journeys.running import House, eventually, records, write
from tests.servers.spawn import free_port

CONFIGURATION = """
limits: {{recheck: {recheck}, interim: 200ms}}
services:
  feed: {{endpoints: ["http://127.0.0.1:{feed}"], timeouts: {{total: 300ms, first_byte: 300ms, idle: 900ms}}}}
routes:
  feed: {{service: feed, match: {{path: /feed}}, records: each, policies: [{{use: key_auth}}{more}]}}
  kept:
    service: feed
    match: {{path: /kept}}
    price: 0.0001
    policies: [{{use: key_auth}}, {{use: sse, keep_alive: 150ms, retry: 3s}}, {{use: compress, streams: true}}]
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}, other: {{}}}}}}}}}}}}
"""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\r\n"


class Feed:
    """Sends what `say` is given to whoever listens; `heads` are the requests, `left` counts those who went away."""

    def __init__(self):
        self.heads, self.left = [], 0
        self._clients = []
        self._server = socket.create_server(("127.0.0.1", free_port()))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client:
            self.heads.append(client.recv(65536))
            client.sendall(HEAD)
            self._clients.append(client)
            try:
                while client.recv(1024):
                    pass
            except OSError:
                pass
            self._clients.remove(client)
            self.left += 1

    @property
    def listening(self):
        return len(self._clients)

    def say(self, content):
        for client in list(self._clients):
            with contextlib.suppress(OSError):
                client.sendall(content)

    def close(self):
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()


@pytest.fixture(scope="module")
def feed():
    feed = Feed()
    yield feed
    feed.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory, feed):
    folder = tmp_path_factory.mktemp("sse")
    write(folder, CONFIGURATION.format(feed=feed.port, recheck="1m", more=""))
    with House(folder) as house:
        house.ci = house.key()
        yield house


def listen(house, key=None, path="/feed", **headers):
    headers["authorization"] = f"Bearer {key or house.ci}"
    return httpx.stream("GET", house.url + path, headers=headers, timeout=10)


def test_p31_each_event_comes_before_the_next_is_sent_and_the_total_time_does_not_end_it(house, feed):
    begun = time.monotonic()
    with listen(house, **{"last-event-id": "41"}) as reply:
        assert reply.headers["content-type"] == "text/event-stream"
        eventually(lambda: feed.listening == 1)
        pieces = reply.iter_raw()
        number = 0
        while time.monotonic() - begun < 1.0:
            feed.say(b"id: %d\ndata: x\n\n" % number)
            assert next(pieces) == b"id: %d\ndata: x\n\n" % number
            number += 1
            time.sleep(0.05)
    assert b"last-event-id: 41" in feed.heads[-1].lower()
    eventually(lambda: feed.listening == 0)


def test_silence_ends_it_visibly(house, feed):
    with listen(house) as reply:
        eventually(lambda: feed.listening == 1)
        feed.say(b"data: last\n\n")
        pieces = reply.iter_raw()
        assert next(pieces) == b"data: last\n\n"
        with pytest.raises(httpx.RemoteProtocolError):
            next(pieces)
    eventually(lambda: feed.listening == 0)


def test_a_listener_that_leaves_is_let_go_at_the_service(house, feed):
    with listen(house):
        eventually(lambda: feed.listening == 1)
    eventually(lambda: feed.listening == 0)
    eventually(lambda: (house.usage("route"), records(house.directory, "outcome = 'gone'"))[1])


def test_silence_between_events_is_filled_and_the_service_must_still_speak_in_time(house, feed):
    eventually(lambda: feed.listening == 0)
    with listen(house, path="/kept", **{"accept-encoding": "identity"}) as reply:
        eventually(lambda: feed.listening == 1)
        pieces = reply.iter_raw()
        assert next(pieces) == b"retry: 3000\n\n"
        assert next(pieces) == b":\n\n"  # nothing was said yet
        feed.say(b"data: 1\ndata:")
        got = b"".join(iter(lambda: next(pieces), b"data: 1\ndata:"))
        assert got.replace(b":\n\n", b"") == b""
        time.sleep(0.4)
        feed.say(b" 2\n\n")
        assert next(pieces) == b" 2\n\n"  # no comment in between
        rest = []
        with pytest.raises(httpx.RemoteProtocolError):
            rest.extend(iter(lambda: next(pieces), None))
    assert set(rest) == {b":\n\n"}
    assert len(rest) <= 8  # 900 ms of silence are too long, whatever we say meanwhile
    eventually(lambda: feed.listening == 0)


def test_comments_are_compressed_like_the_events_around_them(house, feed):
    with listen(house, path="/kept", **{"accept-encoding": "gzip"}) as reply:
        eventually(lambda: feed.listening == 1)
        assert reply.headers["content-encoding"] == "gzip"
        feed.say(b"data: 1\n\n")
        text, pieces = "", reply.iter_text()
        while not ("data: 1" in text and text.endswith(":\n\n")):
            text += next(pieces)
    assert text.replace(":\n\n", "") == "retry: 3000\n\ndata: 1\n\n"
    eventually(lambda: feed.listening == 0)


def test_what_lasts_is_booked_in_parts_that_add_up(house, feed):
    eventually(lambda: feed.listening == 0)
    pieces = []
    with listen(house, path="/kept", **{"accept-encoding": "identity"}) as reply:
        eventually(lambda: feed.listening == 1)
        feed.say(b"data: 1\n\n")
        with pytest.raises(httpx.RemoteProtocolError):
            pieces.extend(reply.iter_raw())
    got = b"".join(pieces)
    rows = eventually(lambda: parts_of(house, reply.headers["x-request-id"]))
    assert [row["part"] for row in rows] == list(range(1, len(rows) + 1))  # the intent was the first
    assert [row["kind"] for row in rows] == ["interim"] * (len(rows) - 1) + ["final"]
    assert len(rows) >= 2
    assert [row["cost"] for row in rows] == [0] * (len(rows) - 1) + [1_000_000]
    assert len(got) <= sum(row["bytes_out"] for row in rows) <= len(got) + 64
    assert sum(row["duration_us"] for row in rows) > 800_000
    assert len({row["started"] // 0.1 for row in rows}) <= 2


def parts_of(house, exchange):
    house.usage("route")
    rows = records(house.directory, f"exchange = '{exchange}' ORDER BY part")
    return rows if rows and rows[-1]["kind"] == "final" else None


def chatter(feed, over):
    while not over.wait(0.1):
        feed.say(b": x\n\n")


@pytest.mark.parametrize("change", ["revoked", "swapped"])
def test_whoever_may_no_longer_listen_is_cut_off(house, feed, change):
    key = house.key(consumer="other")
    eventually(lambda: feed.listening == 0)
    over = threading.Event()
    threading.Thread(target=chatter, args=(feed, over), daemon=True).start()
    try:
        with listen(house, key) as goes, listen(house) as stays:
            eventually(lambda: feed.listening == 2)
            pieces = goes.iter_raw()
            next(pieces)
            if change == "revoked":
                assert house.admin("DELETE", f"/keys/{key.split('_')[2]}").status_code < 300
            else:
                more = ", {use: access, consumers: [ci]}"
                write(house.directory, CONFIGURATION.format(feed=feed.port, recheck="1m", more=more))
            with pytest.raises(httpx.RemoteProtocolError):
                list(pieces)
            rest = stays.iter_raw()  # held: one that is thrown away takes its connection along
            next(rest)
            eventually(lambda: feed.listening == 1)
    finally:
        over.set()
    code = "invalid_credentials" if change == "revoked" else "forbidden"
    eventually(lambda: (house.usage("route"), records(house.directory, f"refusal = '{code}'"))[1])


def test_an_expired_key_is_noticed_by_the_clock(tmp_path, feed):
    write(tmp_path, CONFIGURATION.format(feed=feed.port, recheck="200ms", more=""))
    over = threading.Event()
    threading.Thread(target=chatter, args=(feed, over), daemon=True).start()
    try:
        with House(tmp_path) as house:
            key = house.key(expires=time.time() + 1.5)
            with listen(house, key) as reply, pytest.raises(httpx.RemoteProtocolError):
                list(reply.iter_raw())
    finally:
        over.set()
