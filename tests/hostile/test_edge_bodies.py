"""Bodies nobody reads, clients that stall, leave or do not listen: nothing is smuggled or held (P-15 … P-17)."""

import threading
import time
from pathlib import Path

import pytest
from tests.hostile.attacked import attacked
from tests.hostile.raw import OK, Wire, ask, get, post
from tests.journeys.running import eventually, records

SMUGGLED = get("/admin/smuggled") + get("/public/smuggled")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    limits = "body_idle: 600ms, write_idle: 700ms, header_timeout: 1s, connections: 64, exchanges: 24"
    with attacked(tmp_path_factory.mktemp("bodies"), limits) as made:
        yield made


@pytest.fixture(autouse=True)
def _fresh(gateway):
    gateway.forget()
    yield
    gateway.opened.say = gateway.opened.fine


def chunked(body):
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def resident(gateway):
    """MiB that the gateway holds."""
    status = Path(f"/proc/{gateway.house.process.pid}/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmRSS")).split()[1]) // 1024


def descriptors(gateway):
    """Open files of the gateway."""
    return len(list(Path(f"/proc/{gateway.house.process.pid}/fd").iterdir()))


# P-17: the body of a refused call is never a request ----------------------------------------------------------------
REFUSED = {
    401: ("/admin", ()),
    404: ("/nowhere", ()),
    405: ("/v1/models", ()),
    400: ("/public", ("X_A: 1",)),
    429: ("/limited", ("key",)),
    508: ("/public", ("Via: 1 triplegate, 1 triplegate",)),
}


@pytest.mark.parametrize("framed", ["length", "chunks"])
@pytest.mark.parametrize("times", [1, 500])
@pytest.mark.parametrize("status", list(REFUSED))
def test_p17_a_request_in_the_body_of_a_refused_one_is_not_one(gateway, status, times, framed):
    """CVE-2025-4366."""
    target, lines = REFUSED[status]
    lines = [f"Authorization: Bearer {gateway.key}" if line == "key" else line for line in lines]
    if status == 429:
        ask(gateway.port, get(target, *lines))
        gateway.forget()
    body = SMUGGLED * times
    if framed == "length":
        request = post(target, body, *lines)
    else:
        request = get(target, *lines, "Transfer-Encoding: chunked", method="POST") + chunked(body)
    with Wire(gateway.port) as wire:
        answer = wire.send(request).answer()
        assert answer.status == status
        after = wire.send(get("/public/after")).answer()  # None: the connection was closed
    assert after is None or after.status == 200
    assert [seen.target for seen in gateway.opened.take()] == (["/public/after"] if after else [])
    assert gateway.untouched()


def test_p17_a_body_that_comes_after_the_refusal_is_not_a_request_either(gateway):
    with Wire(gateway.port) as wire:
        wire.send(get("/admin", f"Content-Length: {len(SMUGGLED)}", method="POST"))
        assert wire.answer().status == 401
        wire.send(SMUGGLED)
        answers = [wire.send(get("/public/after")).answer()]
    assert [answer.status for answer in answers if answer] in ([], [200])
    assert all(seen.target == "/public/after" for seen in gateway.opened.take())
    assert gateway.untouched()


def test_p15_a_refusal_does_not_wait_for_the_body(gateway):
    for lines in (
        ["Content-Length: 100000"],
        ["Transfer-Encoding: chunked"],
        ["Content-Length: 9", "Expect: 100-continue"],
    ):
        begun = time.monotonic()
        with Wire(gateway.port) as wire:
            answer = wire.send(get("/admin", *lines, method="POST")).answer()
            assert (answer.status, wire.closed()) == (401, True)
        assert time.monotonic() - begun < 0.4
    assert gateway.untouched()


def test_p15_a_wanted_body_is_asked_for(gateway):
    with Wire(gateway.port) as wire:
        wire.send(get("/public", "Expect: 100-continue", "Content-Length: 5", method="POST"))
        eventually(lambda: b"100 Continue" in wire.rest or not wire.more() or b"100 Continue" in wire.rest)
        assert wire.send(b"hello").answer().status == 200
    (seen,) = gateway.opened.take()
    assert (seen.body, seen.all("expect")) == (b"hello", [])


def test_p16_an_early_answer_comes_before_the_rest_of_the_body(gateway):
    def early(connection):
        connection.sendall(b"HTTP/1.1 409 Conflict\r\nContent-Length: 5\r\nConnection: close\r\n\r\nearly")

    gateway.opened.early = early
    try:
        with Wire(gateway.port) as wire:
            wire.send(get("/public", "Content-Length: 200000", method="POST") + b"x" * 1000)
            answer = wire.answer()
            assert (answer.status, answer.body) == (409, b"early")
            wire.send(SMUGGLED)
            assert wire.closed()
    finally:
        gateway.opened.early = None
    assert all(not seen.complete for seen in gateway.opened.take())
    assert not gateway.guarded.seen


# slow clients ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("framed", ["Content-Length: 100", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("begun", [b"", b"5\r\nhello\r\n"])
def test_a_body_that_stops_is_408_and_the_connection_ends(gateway, framed, begun):
    with Wire(gateway.port) as wire:
        answer = wire.send(get("/public", framed, method="POST") + begun).answer()
        assert (answer.status, answer.one("connection")) == (408, "close")
        wire.send(SMUGGLED)
        assert wire.closed()
    assert all(not seen.complete for seen in gateway.opened.take())
    assert not gateway.guarded.seen


def test_a_body_that_drips_is_408(gateway):
    with Wire(gateway.port, within=0.2) as wire:
        wire.send(get("/public", "Content-Length: 1000", method="POST"))
        begun = time.monotonic()
        while time.monotonic() - begun < 3:
            wire.send(b"x")
            try:
                wire.more()
                break
            except TimeoutError:
                continue
        assert wire.answer().status == 408
    assert 0.5 < time.monotonic() - begun < 5


def test_a_slow_but_steady_body_passes(gateway):
    with Wire(gateway.port) as wire:
        wire.send(get("/public", "Content-Length: 4000", method="POST"))
        for _ in range(10):
            wire.send(b"x" * 400)
            time.sleep(0.1)
        assert wire.answer().status == 200
    assert [len(seen.body) for seen in gateway.opened.take() if seen.complete] == [4000]


def test_silent_connections_shut_nobody_out(gateway):
    """Twice as many as the listener takes, over and over: each is closed after the time for a head."""
    for first in (b"", b"G", b"PRI * HTTP/2.0\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"):
        wires = [Wire(gateway.port).send(first) for _ in range(128)]
        begun = time.monotonic()
        assert ask(gateway.port, get("/public")).status == 200
        assert time.monotonic() - begun < 8
        for wire in wires:
            wire.socket.close()


def test_calls_above_the_limit_are_told_so_at_once(gateway):
    gate = threading.Event()
    gateway.opened.say = lambda seen, connection: gate.wait(10) and connection.sendall(OK)
    before = gateway.opened.begun
    wires = [Wire(gateway.port).send(get("/public")) for _ in range(24)]
    try:
        gateway.opened.wait(lambda: gateway.opened.begun == before + 24)
        begun = time.monotonic()
        answer = ask(gateway.port, get("/public"))
        assert (answer.status, answer.one("retry-after")) == (503, "1")
        assert time.monotonic() - begun < 1
    finally:
        gate.set()
    assert {wire.answer().status for wire in wires} == {200}
    for wire in wires:
        wire.socket.close()
    assert ask(gateway.port, get("/public")).status == 200


# clients that leave ---------------------------------------------------------------------------------------------------
def test_a_client_cut_at_any_byte_leaves_nothing_behind(gateway):
    whole = get("/public", "X-Own: 1", "Transfer-Encoding: chunked", method="POST") + chunked(b"hello")
    ask(gateway.port, get("/public"))
    before = descriptors(gateway)
    for stop in range(0, len(whole), 3):
        for leave in ("close", "reset"):
            wire = Wire(gateway.port).send(whole[:stop])
            wire.socket.close() if leave == "close" else wire.reset()
    assert ask(gateway.port, get("/public")).status == 200
    eventually(lambda: descriptors(gateway) <= before + 2)
    assert all(seen.body == b"hello" for seen in gateway.opened.take() if seen.complete and seen.method == "POST")
    assert not gateway.guarded.seen
    assert not any("Traceback" in line for line in gateway.house.lines)


def test_a_client_that_leaves_before_the_answer_frees_the_service(gateway):
    freed = threading.Event()

    def wait(seen, connection):
        connection.settimeout(10)
        if connection.recv(1) == b"":
            freed.set()
        return True

    gateway.opened.say = wait
    for leave in ("close", "reset"):
        freed.clear()
        wire = Wire(gateway.port).send(get(f"/public/{leave}"))
        gateway.opened.wait(gateway.opened.take)
        time.sleep(0.25)  # a client is watched from the second sweep on
        assert not freed.is_set()
        wire.socket.close() if leave == "close" else wire.reset()
        assert freed.wait(1)


# clients that do not read ---------------------------------------------------------------------------------------
def test_replies_nobody_reads_stop_at_the_service_and_cost_little(gateway):
    sent = {}

    def flood(seen, connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"10000\r\n" + bytes(65536) + b"\r\n"
        while True:
            connection.sendall(piece)
            sent[seen.target] = sent.get(seen.target, 0) + len(piece)

    gateway.opened.say = flood
    before = resident(gateway)
    wires = [Wire(gateway.port, window=4096).send(get(f"/public/{n}")) for n in range(16)]
    try:
        gateway.opened.wait(lambda: len(sent) == 16)
        gateway.opened.wait(lambda: not gateway.opened.answering)  # let go after write_idle
        assert max(sent.values()) < 100_000_000  # the kernel's buffers on two connections: tens of MB where it has room
        assert resident(gateway) - before < 16 * 3
        gateway.opened.say = gateway.opened.fine
        assert ask(gateway.port, get("/public/other")).status == 200  # nobody else waits for them
        for wire in wires:
            answer = wire.answer()
            assert (answer.status, answer.complete) == (200, False)
    finally:
        for wire in wires:
            wire.socket.close()


def test_a_slow_reader_gets_all_of_its_reply(gateway):
    body = bytes(range(256)) * 40_000

    def large(seen, connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    gateway.opened.say = large
    with Wire(gateway.port, window=65536) as wire:
        wire.send(get("/public"))
        while len(wire.rest) < 3_000_000:
            time.sleep(0.005)
            wire.more()
        answer = wire.answer()
    assert (answer.status, answer.complete, answer.body == body) == (200, True, True)


def test_all_of_this_left_one_record_each_and_no_trace_of_a_failure(gateway):
    gateway.house.usage("route")
    rows = records(gateway.house.directory, "route = 'public'")
    assert len(rows) == len({row["exchange"] for row in rows})
    assert {row["outcome"] for row in rows} <= {"ok", "gone", "refused", "failed"}
    assert {"ok", "gone"} <= {row["outcome"] for row in rows}
    assert gateway.house.process.poll() is None
