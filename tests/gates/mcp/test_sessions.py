"""Sessions of legacy clients on every store: bound, bounded, sliding."""

import re

import pytest

from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.core.identity import Principal
from triplegate.gates.mcp import sessions as module
from triplegate.gates.mcp.session_log import SessionLog
from triplegate.gates.mcp.sessions import ClientSessions, owner_of
from triplegate.stores.memory.sessions import MemorySessions

ANN = Principal("acme", "web", "ann", "k1", team_ref="acme/web")


@pytest.fixture
def sessions(state):
    return ClientSessions(state.sessions, SessionLog(), SetClock())


async def found(sessions, identity, principal=ANN, virtual=""):
    try:
        return await sessions.find(identity.encode(), principal, virtual)
    except Refusal as refusal:
        return refusal.code


async def test_a_session_is_found_by_its_owner_on_its_path_only(sessions):
    identity = await sessions.open(ANN, "dev", "2025-06-18", b'{"name":"c"}')
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", identity)
    session = await found(sessions, identity, virtual="dev")
    assert (session.id, session.version, session.client) == (identity, "2025-06-18", b'{"name":"c"}')
    for other in (
        Principal("acme", "web", "ann", "k2", team_ref="acme/web"),
        Principal("acme", "web", "bob", "k1", team_ref="acme/web"),
        Principal("acme", "lab", "ann", "k1", team_ref="acme/lab"),
    ):
        assert await found(sessions, identity, other, "dev") == "session_not_found"
    assert await found(sessions, identity) == "session_not_found"
    assert await found(sessions, "A" * 32) == "session_not_found"
    assert await found(sessions, "of:" + owner_of(ANN).decode()) == "session_not_found"
    with pytest.raises(Refusal, match="rpc_invalid_request"):
        await sessions.find(None, ANN, "dev")


async def test_use_keeps_it_alive_and_idleness_ends_it(sessions, state, monkeypatch):
    monkeypatch.setattr(module, "TTL", 0.5)
    identity = await sessions.open(ANN, "", "2025-11-25", b"")
    for _ in range(3):
        await state.outlive(0.3)
        assert (await found(sessions, identity)).id == identity
    await state.outlive(0.6)
    assert await found(sessions, identity) == "session_not_found"


async def test_the_oldest_ends_when_there_are_too_many(sessions, monkeypatch):
    monkeypatch.setattr(module, "MOST", 3)
    opened = [await sessions.open(ANN, "", "2025-11-25", b"") for _ in range(5)]
    other = await sessions.open(Principal("acme", "web", "bob", team_ref="acme/web"), "", "2025-11-25", b"")
    assert other
    living = [identity for identity in opened if not isinstance(await found(sessions, identity), str)]
    assert living == opened[2:]


async def test_ended_sessions_make_room(sessions, monkeypatch):
    monkeypatch.setattr(module, "MOST", 3)
    first = await sessions.open(ANN, "", "2025-11-25", b"")
    for _ in range(5):
        identity = await sessions.open(ANN, "", "2025-11-25", b"")
        await sessions.end(await found(sessions, identity), ANN)
        assert await found(sessions, identity) == "session_not_found"
    assert (await found(sessions, first)).id == first


async def test_each_session_is_timed_once_by_what_ended_it(sessions, monkeypatch):
    monkeypatch.setattr(module, "MOST", 2)
    opened = [await sessions.open(ANN, "", "2025-11-25", b"") for _ in range(3)]
    await sessions.end(await found(sessions, opened[2]), ANN)
    told = {labels: sum(cells[:-1]) for labels, cells in sessions._log.ages.server.read().points}
    assert told == {("2025-11-25", "evicted"): 1, ("2025-11-25", ""): 1}


async def test_what_was_opened_at_a_server_is_seen_by_every_node(sessions):
    identity = await sessions.open(ANN, "", "2025-11-25", b"")
    await sessions.note_upstream(await found(sessions, identity), "files", "2025-06-18", b"up-1")
    assert (await found(sessions, identity)).upstream == {"files": b"2025-06-18 up-1"}
    for number in range(80):  # a record has a bound; beyond it other nodes open their own
        await sessions.note_upstream(await found(sessions, identity), f"s{number}", "2025-06-18", b"x")
    assert len((await found(sessions, identity)).upstream) <= 64


async def test_what_another_node_notes_is_seen_at_once(sessions, state):
    identity = await sessions.open(ANN, "", "2025-11-25", b"")
    assert (await found(sessions, identity)).level == ""
    other = ClientSessions(state.sessions, SessionLog(), SetClock())
    session = await found(other, identity)
    await other.set_level(session, "error")
    await other.note_upstream(session, "files", "2025-06-18", b"up-1")
    seen = await found(sessions, identity)
    assert (seen.level, seen.upstream) == ("error", {"files": b"2025-06-18 up-1"})
    await other.end(session, ANN)
    assert await found(sessions, identity) == "session_not_found"


async def test_a_session_is_known_at_once_where_this_process_has_it_and_it_says_what_it_said():
    store = MemorySessions(SetClock())
    sessions, other = (ClientSessions(store, SessionLog(), SetClock()) for _ in range(2))
    identity = await sessions.open(ANN, "dev", "2025-11-25", b"")
    key = identity.encode()
    assert sessions.known(None, ANN, "dev") is None
    assert sessions.known(key, ANN, "dev") is None  # it was never read here
    session = await sessions.find(key, ANN, "dev")
    assert sessions.known(key, ANN, "dev") is session
    for principal, virtual in ((Principal("acme", "web", "ann", "k2", team_ref="acme/web"), "dev"), (ANN, "")):
        assert sessions.known(key, principal, virtual) is None
    await other.set_level(await other.find(key, ANN, "dev"), "error")
    assert sessions.known(key, ANN, "dev") is None
    assert (await sessions.find(key, ANN, "dev")).level == "error"
    assert sessions.known(key, ANN, "dev").level == "error"
    await other.end(session, ANN)
    assert sessions.known(key, ANN, "dev") is None


async def test_an_endless_client_description_is_left_out(sessions):
    identity = await sessions.open(ANN, "", "2025-11-25", b'{"name":"' + b"x" * 100_000 + b'"}')
    assert (await found(sessions, identity)).client == b""
