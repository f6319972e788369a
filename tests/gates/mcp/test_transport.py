"""The seam: what a transport says of itself where nothing else is written."""

from tests.gates.mcp.test_transports import make

from triplegate.gates.mcp.commands import CommandTransport


async def test_a_transport_reaches_sessions_from_any_node_unless_it_says_otherwise():
    plain = make(transport="http")
    assert (plain.local, plain.owned, plain.patience, plain.first_list) == (False, False, 3.0, 10.0)
    assert not await plain.older()
    assert CommandTransport.local
    assert CommandTransport.owned
