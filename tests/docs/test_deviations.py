"""Each row of docs/deviations.md, as the listener's server really behaves: a new version that differs is noticed."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.machine import cores
from benchmarks.running import Process, await_ready, free_port
from benchmarks.subjects import python_module


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    found = free_port()
    log = tmp_path_factory.mktemp("echo") / "output.log"
    process = Process(python_module("tests.docs.echo_server", str(found)), cores()[0], Path(log))
    try:
        await_ready(lambda: ask(found, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")[0] == 200, process, 20)
        yield found
    finally:
        process.stop()


def ask(port: int, request: bytes, *, until_closed: bool = False) -> tuple[int, dict[str, Any], bool]:
    """Status, what the application saw, and whether the server closed the connection (when that is waited for)."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer or (b" 200 " in answer and not answer.endswith(b"}")):
            piece = connection.recv(65536)
            if not piece:
                break
            answer += piece
        closed = until_closed and connection.recv(1) == b""  # TimeoutError after 5 s
    head, _, body = answer.partition(b"\r\n\r\n")
    seen = json.loads(body) if body else {}
    return int(head.split()[1]), seen, closed


def test_chunked_wins_over_content_length_and_the_connection_ends(port: int) -> None:
    request = (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    )
    status, seen, closes = ask(port, request, until_closed=True)
    assert (status, seen["body"], seen["complete"], closes) == (200, "hello", True, True)
    assert "content-length" not in dict(seen["fields"]), "the guard cannot see that there were two"


def test_equal_lengths_are_one_and_different_ones_are_refused(port: int) -> None:
    same = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc"
    status, seen, _ = ask(port, same)
    assert (status, [value for name, value in seen["fields"] if name == "content-length"]) == (200, ["3"])
    assert ask(port, same.replace(b"3\r\n\r\nabc", b"4\r\n\r\nabcd"))[0] == 400


def test_a_bare_line_feed_ends_a_line(port: int) -> None:
    assert ask(port, b"GET /a HTTP/1.1\nHost: a\n\n")[0] == 200


def test_of_an_absolute_target_only_the_path_arrives(port: int) -> None:
    status, seen, _ = ask(port, b"GET http://other.example/p HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (status, seen["path"], dict(seen["fields"])["host"]) == (200, "/p", "a")


def test_broken_chunks_end_the_body_early(port: int) -> None:
    request = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n\r\n"
    status, seen, closes = ask(port, request, until_closed=True)
    assert status == 200
    assert seen["complete"] is False, "the body must not look whole"
    assert closes


def test_trailers_of_a_request_do_not_arrive(port: int) -> None:
    request = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-late: 1\r\n\r\n"
    status, seen, _ = ask(port, request)
    assert (status, seen["complete"]) == (200, True)
    assert "x-late" not in dict(seen["fields"])


def test_folded_lines_are_refused(port: int) -> None:
    assert ask(port, b"GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n")[0] == 400
