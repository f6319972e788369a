"""How streams that only listen are written, and how they end."""

from tests.gates.mcp.session_client import CAN

from triplegate.core.errors import Refusal
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.sessions import ClientSession
from triplegate.gates.mcp.streams import STANDING, HearEncoder, stands, subscribed
from triplegate.wire.json_members import encode
from triplegate.wire.mcp_marks import Marks
from triplegate.wire.sse import SseReader

MARKS = Marks(b"pepper")


def session(version):
    return ClientSession("s1", version, b"", {}, encode(CAN))


def test_a_sessions_stream_begins_with_a_place_to_come_back_to():
    writing = stands(session("2025-11-25"), MARKS)
    (first,) = SseReader().feed(writing.first)
    assert (first.data, first.retry) == (b"", 500)
    assert MARKS.read_event("s1", first.id).event == STANDING
    assert writing.last == writing.first
    # older clients do not know events without data
    older = stands(session("2025-06-18"), MARKS)
    assert SseReader().feed(older.first) == []
    assert older.last == b""


def test_changes_are_written_with_what_tells_the_subscription():
    plain = stands(session("2025-11-25"), MARKS)
    assert plain.change("tools", "").endswith(
        b'data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n'
    )
    assert b'"params":{"uri":"mem://a"}' in plain.change("updated", "mem://a")
    tagged = subscribed(McpCall(id=b"7"), {"toolsListChanged": True})
    for event in (tagged.first, tagged.change("tools", ""), tagged.change("updated", "mem://a"), tagged.last):
        assert b'"io.modelcontextprotocol/subscriptionId":7' in event


class Frames:
    last = b"last"


def test_only_the_drain_ends_a_subscription_with_its_result():
    encoder = HearEncoder(Frames, b'"l1"')
    assert encoder.fail(Refusal("draining")) == b"last"
    told = encoder.fail(Refusal("invalid_credentials", "Revoked."))
    assert b'"id":"l1"' in told
    assert b"-32001" in told
    assert b"secret" not in encoder.fail(ValueError("secret"))
    # a session's own stream answers nothing: it just ends
    assert HearEncoder(Frames, b"null").fail(Refusal("invalid_credentials")) == b"last"
