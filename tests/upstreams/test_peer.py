"""What a process says, and what it is told: ids both ways, one greeting, bounds."""

import json

import pytest
from tests.upstreams.commands import message, tool

from triplegate.core.errors import Refusal
from triplegate.upstreams import peer as module
from triplegate.upstreams.coming import Coming
from triplegate.upstreams.peer import Peer
from triplegate.wire.jsonrpc import read


class Wire:
    """Stands for the process: keeps what it is sent."""

    def __init__(self):
        self.sent = []

    def send(self, line):
        assert b"\n" not in line
        self.sent.append(json.loads(line))


@pytest.fixture
def peer():
    made = Peer("far", lambda peer, why: None)
    made.link = Wire()
    return made


def ask(peer, body, *, legacy=True):
    coming = Coming("far", lambda: peer.left(coming))
    peer.request(read(body), coming, legacy=legacy)
    return coming


def said(coming):
    return b"".join(coming._buffer).decode()


def line(peer, **body):
    peer.line(json.dumps({"jsonrpc": "2.0", **body}).encode())


def test_ids_are_our_own_and_whole_messages_stand_on_one_line(peer):
    first = ask(peer, b'{"jsonrpc":"2.0",\n"id":"x",\r\n"method":"tools/list"}')
    second = ask(peer, message("tools/list", identity="x"))
    assert [each["id"] for each in peer.link.sent] == [1, 2]
    line(peer, id=2, result={"n": 2})
    line(peer, id=1, result={"n": 1})
    assert (json.loads(said(first)), json.loads(said(second))) == (
        {"jsonrpc": "2.0", "id": "x", "result": {"n": 1}},
        {"jsonrpc": "2.0", "id": "x", "result": {"n": 2}},
    )


def test_it_is_greeted_once_and_all_get_its_answer(peer):
    early = [ask(peer, message("initialize", identity=n)) for n in range(2)]
    assert len(peer.link.sent) == 1
    line(peer, id=1, result={"protocolVersion": "2025-11-25"})
    late = ask(peer, message("initialize", identity=9))
    assert [json.loads(said(each))["id"] for each in (*early, late)] == [0, 1, 9]
    assert {dict(each.headers)[b"mcp-session-id"] for each in (*early, late)} == {peer.session}
    for _ in range(3):
        peer.told(read(message("notifications/initialized", identity=None)))
    assert len(peer.link.sent) == 2


def test_a_refused_greeting_is_no_greeting(peer):
    first = ask(peer, message("initialize"))
    line(peer, id=1, error={"code": -32602, "message": "no"})
    assert "error" in said(first)
    ask(peer, message("initialize"))
    assert len(peer.link.sent) == 2


def test_a_cancel_of_what_is_not_under_way_is_not_passed_on(peer):
    peer.told(read(message("notifications/cancelled", {"requestId": 5}, None)))
    assert peer.link.sent == []


def test_what_belongs_to_no_call_goes_to_the_only_one_or_to_listeners(peer):
    log = {"method": "notifications/message", "params": {"level": "info", "data": 1}}
    line(peer, **log)
    one = ask(peer, tool("echo", 1))
    line(peer, **log)
    other = ask(peer, tool("echo", 2))
    listener = Coming("far", lambda: peer.left(listener))
    peer.listen(listener)
    line(peer, **log)
    line(peer, method="notifications/tools/list_changed")
    assert (said(one).count("data:"), said(other), said(listener).count("data:")) == (1, "", 2)


def test_its_questions_go_to_the_newest_call_else_to_a_listener_else_they_are_answered_here(peer):
    line(peer, id="ping", method="ping")
    line(peer, id="q0", method="roots/list")
    assert peer.link.sent[0] == {"jsonrpc": "2.0", "id": "ping", "result": {}}
    assert peer.link.sent[1]["error"]["code"] == -32601
    listener = Coming("far", lambda: peer.left(listener))
    peer.listen(listener)
    line(peer, id="q1", method="roots/list")
    one, two = ask(peer, tool("echo", 1)), ask(peer, tool("echo", 2))
    line(peer, id="q2", method="roots/list")
    assert ("q1" in said(listener), said(one), "q2" in said(two)) == (True, "", True)


def test_too_many_calls_are_refused_but_those_that_nobody_waits_for_give_way(peer, monkeypatch):
    monkeypatch.setattr(module, "_MOST", 2)
    first = ask(peer, tool("wait", 1))
    ask(peer, tool("wait", 2))
    with pytest.raises(Refusal, match="upstream_busy"):
        ask(peer, tool("wait", 3))
    first.close()
    ask(peer, tool("wait", 4))
    assert len(peer._calls) == 2
    assert set(peer._numbers) == {b"2", b"4"}


def test_streams_and_questions_are_bounded(peer, monkeypatch):
    monkeypatch.setattr(module, "_MOST_LISTENERS", 1)
    monkeypatch.setattr(module, "_MOST_ASKED", 1)
    listener = Coming("far", lambda: peer.left(listener))
    peer.listen(listener)
    with pytest.raises(Refusal, match="upstream_busy"):
        peer.listen(Coming("far", lambda: None))
    line(peer, id="q1", method="roots/list")
    line(peer, id="q2", method="roots/list")
    assert [each["id"] for each in peer.link.sent] == ["q2"]


def test_a_slow_client_misses_progress_and_never_the_answer(peer, monkeypatch):
    from triplegate.upstreams import coming

    monkeypatch.setattr(coming, "FULL", 100)
    call = ask(peer, tool("echo", 1, meta={"progressToken": 7}))
    for step in range(1000):
        line(peer, method="notifications/progress", params={"progressToken": 1, "progress": step})
    line(peer, id=1, result={"content": []})
    assert 1 <= said(call).count("notifications/progress") < 5
    assert '"result"' in said(call)


def test_all_who_wait_are_told_when_it_is_gone(peer):
    waiting = [
        ask(peer, tool("wait", 1)),
        ask(peer, message("initialize")),
        ask(peer, message("initialize", identity=2)),
    ]
    peer.gone("it ended")
    for coming in waiting:
        assert coming._error.code == "upstream_reset"
    with pytest.raises(Refusal, match="upstream_unreachable"):
        ask(peer, tool("wait", 2))
