"""The bench's upstream, asked as the subjects ask it."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from benchmarks.mock import mcp
from benchmarks.running import Mock, call
from benchmarks.works import REST, TOKENS, WORKS, http, tokens_in


@pytest.fixture(scope="module")
def mock() -> Iterator[Mock]:
    with Mock() as running:
        yield running


LINES = ["Host: mock"]


@pytest.mark.parametrize("name", [name for name, work in WORKS.items() if work.kind != "mcp"])
def test_every_work_gets_the_answer_it_accepts(mock: Mock, name: str) -> None:
    work = WORKS[name]
    status, body = call(mock.port, work.request(work.path, LINES, "echo"))
    assert status == 200
    assert work.good(body)


def test_the_rest_answer_is_one_kilobyte_of_json() -> None:
    assert 1000 <= len(REST) <= 1100
    assert json.loads(REST)["id"] == 42


def test_a_work_refuses_a_damaged_answer(mock: Mock) -> None:
    for name in ("rest", "chat", "stream"):
        work = WORKS[name]
        _, body = call(mock.port, work.request(work.path, LINES, "echo"))
        assert not work.good(body[: len(body) // 2]), name
        assert not work.good(
            body.replace(b"tok100", b"tok99").replace(b"SKU-0003", b"SKU-0004").replace(b"DONE", b"D")
        ), name


def test_a_stream_has_one_event_a_token_and_usage_only_when_asked(mock: Mock) -> None:
    def stream(options: dict[str, object]) -> list[object]:
        body = json.dumps({"model": "mock", "messages": [], "stream": True, **options}).encode()
        status, content = call(mock.port, http("POST", "/v1/chat/completions", LINES, body))
        assert status == 200
        assert tokens_in(content) == TOKENS
        events = [event.removeprefix(b"data: ") for event in content.split(b"\n\n") if event]
        assert events[-1] == b"[DONE]"
        return [json.loads(event) for event in events[:-1]]

    assert len(stream({})) == TOKENS
    with_usage = stream({"stream_options": {"include_usage": True}})
    assert len(with_usage) == TOKENS + 1
    last = with_usage[-1]
    assert isinstance(last, dict)
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == TOKENS


def test_one_connection_serves_many_calls(mock: Mock) -> None:
    connection = HTTPConnection("127.0.0.1", mock.port, timeout=5)
    for _ in range(3):
        connection.request("GET", "/rest/items")
        assert connection.getresponse().read() == REST
    connection.close()


def test_mcp_gives_a_session_and_echoes() -> None:
    head, _, body = mcp(b"POST", b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}').partition(b"\r\n\r\n")
    assert b"Mcp-Session-Id: mock-" in head
    assert json.loads(body)["result"]["serverInfo"]["name"] == "mock"
    call_ = b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hello"}}}'
    assert WORKS["mcp"].good(mcp(b"POST", call_).partition(b"\r\n\r\n")[2])
    assert mcp(b"POST", b'{"jsonrpc":"2.0","method":"notifications/initialized"}').startswith(b"HTTP/1.1 202 ")
    assert mcp(b"GET", b"").startswith(b"HTTP/1.1 405 ")
    unknown = json.loads(mcp(b"POST", b'{"jsonrpc":"2.0","id":2,"method":"nothing"}').partition(b"\r\n\r\n")[2])
    assert unknown["error"]["code"] == -32601
