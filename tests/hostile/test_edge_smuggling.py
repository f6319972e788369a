"""No two requests become three behind the gateway, whether a service reads strictly or carelessly (P-3 … P-7)."""

from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
from tests.hostile.lenient import LAXITIES, Lenient, read_one
from tests.hostile.raw import Recorder, Wire, get
from tests.journeys.running import House, write

MARK = b"GET /smuggled HTTP/1.1\r\nHost: a.test\r\nX-Hidden: "
HEAD = b"POST /public/first HTTP/1.1\r\nHost: a.test\r\n"
AFTER = get("/public/second")

LENGTHS = {
    "none": b"",
    "exact": b"Content-Length: %(whole)d\r\n",
    "short": b"Content-Length: %(short)d\r\n",
    "zero": b"Content-Length: 0\r\n",
    "two": b"Content-Length: 0\r\nContent-Length: %(whole)d\r\n",
    "two the other way": b"Content-Length: %(whole)d\r\nContent-Length: 0\r\n",
    "a list": b"Content-Length: 0, %(whole)d\r\n",
    "blank in the name": b"Content-Length : 0\r\nContent-Length: %(whole)d\r\n",
    "underscore": b"Content_Length: 0\r\nContent-Length: %(whole)d\r\n",
    "folded": b"Content-Length:\r\n %(whole)d\r\n",
    "plus": b"Content-Length: +0\r\n",
    "nominated": b"Connection: Content-Length\r\nContent-Length: %(whole)d\r\n",
}
ENCODINGS = {
    "none": b"",
    "chunked": b"Transfer-Encoding: chunked\r\n",
    "capital": b"Transfer-Encoding: Chunked\r\n",
    "tab": b"Transfer-Encoding:\tchunked\r\n",
    "vertical tab": b"Transfer-Encoding: \x0bchunked\r\n",
    "twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    "listed": b"Transfer-Encoding: identity, chunked\r\n",
    "nearly": b"Transfer-Encoding: xchunked\r\n",
    "quoted": b'Transfer-Encoding: "chunked"\r\n',
    "blank in the name": b"Transfer-Encoding : chunked\r\n",
    "folded": b"Transfer-Encoding:\r\n chunked\r\n",
    "hidden by CR": b"X: y\rTransfer-Encoding: chunked\r\n",
    "hidden by LF": b"X: y\nTransfer-Encoding: chunked\r\n",
    "underscore": b"Transfer_Encoding: chunked\r\n",
    "nominated": b"Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n",
}
BODIES = {
    "after the last chunk": b"0\r\n\r\n" + MARK,
    "within a chunk": b"%x\r\n" % len(MARK) + MARK + b"\r\n0\r\n\r\n",
    "bare": MARK,
    "after a broken size": b"0;\n\r\n\r\n" + MARK,
    "in a trailer": b"0\r\nX: " + MARK + b"\r\n\r\n",
}
PAIRS = list(product(LENGTHS, ENCODINGS, BODIES))


def pair(length: str, encoding: str, body: str) -> bytes:
    """One request with a hidden one in or behind its body, then an ordinary one."""
    content = BODIES[body]
    sizes = {b"whole": len(content), b"short": content.index(MARK) if MARK in content else 0}
    return HEAD + LENGTHS[length] % sizes + ENCODINGS[encoding] + b"\r\n" + content + b"\r\n\r\n" + AFTER


def attack(port: int, requests: list[bytes]) -> list[list[int]]:
    """For each, the statuses that come back until the gateway closes or both requests are answered; 32 at once."""
    with ThreadPoolExecutor(32) as crowd:
        return list(crowd.map(lambda request: _attack(port, request), requests))


def _attack(port: int, request: bytes) -> list[int]:
    found: list[int] = []
    with Wire(port) as wire:
        wire.send(request)
        while len(found) < 3 and (answer := wire.answer()) is not None:
            found.append(answer.status)
            if len(found) == 2:
                wire.send(get("/public/last", "Connection: close"))
    return found


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smuggling")
    services = {laxity.name: Lenient(laxity) for laxity in LAXITIES}
    strict = Recorder()
    behind = {"a.test": strict, **{f"h{n}.test": one for n, one in enumerate(services.values())}}
    lines = ["limits: {body_idle: 500ms}", "orgs: {acme: {teams: {web: {}}}}", "services:"]
    lines += [f"  s{n}: {{endpoints: ['http://127.0.0.1:{one.port}']}}" for n, one in enumerate(behind.values())]
    lines.append("routes:")
    for n, host in enumerate(behind):
        lines.append(f"  r{n}: {{service: s{n}, match: {{path: /public, host: {host}}}, identity: none, owner: web}}")
    write(folder, "\n".join(lines))
    with House(folder) as made:
        yield made, strict, list(services.values())
    for one in (strict, *services.values()):
        one.close()


def test_the_careless_services_do_fall_for_it_when_nobody_stands_before_them():
    """What proves that the attacks are attacks: without the gateway every laxity but the plain one is fooled."""
    fooled = {
        laxity.name
        for laxity in LAXITIES
        for one in PAIRS
        if any(line.startswith(b"GET /smuggled") for line in _all_lines(pair(*one), laxity))
    }
    assert fooled == {laxity.name for laxity in LAXITIES}
    assert len(PAIRS) >= 500


def _all_lines(content: bytes, laxity) -> list[bytes]:
    lines = []
    while (taken := read_one(content, laxity)) is not None:
        line, content = taken
        lines.append(line)
    return lines


@pytest.mark.parametrize("body", BODIES)
def test_a_strict_service_is_sent_only_whole_requests_of_the_public_path(house, body):
    made, strict, _ = house
    found = attack(made.port, [pair(length, encoding, body) for length, encoding in product(LENGTHS, ENCODINGS)])
    assert [200, 200, 200] in found  # the harmless ones pass, and the connection is in step after them
    strict.wait(lambda: strict.begun == strict.ended)
    assert not strict.strange
    for seen in strict.take():
        assert seen.target in ("/public/first", "/public/second", "/public/last"), seen
        assert not any(b"smuggled" in value.encode("latin-1") for _, value in seen.headers)


@pytest.mark.parametrize("laxity", range(len(LAXITIES)), ids=[laxity.name for laxity in LAXITIES])
def test_a_careless_service_is_sent_nothing_it_could_take_for_the_hidden_request(house, laxity):
    made, _, services = house
    service = services[laxity]
    attack(made.port, [pair(*one).replace(b"a.test", b"h%d.test" % laxity) for one in PAIRS])
    service.settle()
    assert not [line for line in service.lines if b"smuggled" in line]
    assert {line.split(b" ")[1] for line in service.lines} <= {b"/public/first", b"/public/second", b"/public/last"}
