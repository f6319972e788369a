"""A server as it is called: credentials, times, sessions that are remembered within bounds."""

import pytest
from tests.builders import make_kit

from triplegate.config.documents_mcp import ServerDocument
from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.core.fold import fold
from triplegate.gates.mcp import server as module
from triplegate.gates.mcp.server import Server, ServerState, UpstreamSession
from triplegate.policies.retry import Retry
from triplegate.policies.timeout import Timeout
from triplegate.upstreams.supervisor import TaskSupervisor


def make(kit=None, **document):
    written = ServerDocument.model_validate({"url": "http://127.0.0.1:1/mcp", **document})
    return Server("files", written, kit or make_kit(supervisor=TaskSupervisor()))


def test_what_is_known_outlives_a_swap_but_not_another_address():
    kit = make_kit(supervisor=TaskSupervisor())
    first = make(kit)
    assert make(kit, alias="other", price=1).state is first.state
    assert make(kit, url="http://127.0.0.1:2/mcp").state is not first.state


@pytest.mark.parametrize("document", [{"auth": {"bearer": "env:NO"}}, {"headers": {"x-key": "env:NO"}}])
def test_a_secret_that_is_not_there_stops_calls_before_they_are_sent(document):
    server = make(**document)
    with pytest.raises(Refusal, match="upstream_credentials") as refused:
        server.check()
    assert "env:NO" in refused.value.reason
    assert "env:NO" not in refused.value.detail


def test_our_own_questions_wait_no_longer_than_calls_would():
    server = make(timeouts={"first_byte": "2s", "total": "600s"})
    times = server.own_times(5.0)
    assert (times.first_byte, times.total) == (2.0, 5.0)


def test_sessions_are_bounded_and_the_one_idle_longest_goes_first(monkeypatch):
    monkeypatch.setattr(module, "_MOST_SESSIONS", 3)
    state = ServerState()
    for owner in "abcd":
        state.keep(owner, UpstreamSession(owner.encode(), "2025-11-25"))
    assert list(state.sessions) == ["b", "c", "d"]


def test_sessions_of_ours_are_timed_when_they_are_over(monkeypatch):
    monkeypatch.setattr(module, "_MOST_SESSIONS", 2)
    kit = make_kit(supervisor=TaskSupervisor(), clock=SetClock())
    server = make(kit)
    sessions = [UpstreamSession(b"up-%d" % number, "2025-11-25") for number in range(5)]
    for session in sessions[:4]:
        session.begun = kit.clock.now()
    kit.clock.advance(8.0)
    server.keep("a", sessions[0])
    server.keep("a", sessions[0])
    server.forget("a", sessions[1], "404")
    assert server.state.sessions["a"] is sessions[0], "another one was lost"
    server.forget("a", sessions[0], "404")
    server.forget("a")
    for owner, session in zip("bcd", sessions[1:4], strict=True):
        server.keep(owner, session)
    server.forget("d")
    server.keep("e", sessions[4])
    server.forget("e")  # another node opened it: it is told there
    told = {labels[1]: (sum(cells[:-1]), cells[-1]) for labels, cells in server._ages.client.read().points}
    assert told == {"404": (1, 8.0), "evicted": (1, 8.0), "": (1, 8.0)}


def test_ids_of_a_session_are_never_said_twice_and_fit_json_numbers():
    one, other = UpstreamSession(b"s", "2025-11-25"), UpstreamSession(b"s", "2025-11-25")
    ids = [one.next_id() for _ in range(100)] + [other.next_id() for _ in range(100)]
    assert len(set(ids)) == 200
    assert max(ids) < 2**53


def test_a_chain_changes_its_times_and_its_retries_have_one_budget():
    kit = make_kit(supervisor=TaskSupervisor())
    server = make(kit, timeout="9s")
    policies = (Timeout(first_byte="2s"), Retry(attempts=3, budget=0.5))
    dispatch = server.dispatch(fold(policies, None, kit))
    assert (dispatch.total, dispatch.first_byte, dispatch.retries, dispatch.retry_budget) == (9.0, 2.0, 3, 0.5)
    assert make(kit).spares is server.spares
