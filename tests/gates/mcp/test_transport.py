"""The seam: what a transport says of itself where nothing else is written."""

from triplegate.gates.mcp.commands import CommandTransport
from triplegate.gates.mcp.transport import Transport
from triplegate.gates.mcp.transports import HttpTransport


def test_a_transport_reaches_sessions_from_any_node_unless_it_says_otherwise():
    assert (Transport.local, Transport.owned, Transport.patience) == (False, False, 3.0)
    assert not HttpTransport.local
    assert CommandTransport.local
    assert CommandTransport.owned
