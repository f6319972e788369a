"""Batches: only where 2025-03-26 was agreed, and every message a call of its own."""

from tests.gates.mcp.messages import bearer, initialize
from tests.gates.mcp.test_gate import servers


def message(identity, method, params=None):
    return {
        "jsonrpc": "2.0",
        "method": method,
        **({"id": identity} if identity else {}),
        **({"params": params} if params else {}),
    }


def echo(identity, text):
    return message(identity, "tools/call", {"name": "files__echo", "arguments": {"text": text}})


async def test_a_batch_is_answered_message_by_message(house, sample, http):
    gate = await house(servers(await sample(), s0=", price: 1"))
    url, http.headers = f"{gate.url}/mcp", bearer(gate.key())
    session = {"mcp-session-id": await initialize(http, url, "2025-03-26")}
    slow = message(4, "tools/call", {"name": "files__slow", "arguments": {"seconds": 0}, "_meta": {"progressToken": 1}})
    sent = [echo(1, "a"), message(None, "notifications/x"), echo(2, "b"), message(3, "vendor/x"), slow]
    answer = await http.post(url, json=sent, headers=session)
    assert answer.status_code == 200
    first, second, unknown, last = answer.json()
    assert (first["id"], first["result"]["content"][0]["text"]) == (1, "a")
    assert (second["id"], second["result"]["content"][0]["text"]) == (2, "b")
    assert (unknown["id"], unknown["error"]["code"]) == (3, -32601)
    assert (last["id"], last["result"]["content"][0]["text"]) == (4, "worked for 0 s")
    assert sum(record.cost for record in gate.calls) == 3 * 10**10
    only_notes = await http.post(url, json=[message(None, "notifications/x")], headers=session)
    assert (only_notes.status_code, only_notes.content) == (202, b"")


async def test_every_message_of_a_batch_takes_its_own_place_in_a_limit(house, sample, http):
    limit = "mcp: {policies: [{use: key_auth}, {use: rate_limit, requests: 4, window: 1m}]}\n"
    gate = await house(servers(await sample()) + limit)
    url, http.headers = f"{gate.url}/mcp", bearer(gate.key())
    session = {"mcp-session-id": await initialize(http, url, "2025-03-26")}
    answers = (await http.post(url, json=[echo(n, "a") for n in (1, 2, 3)], headers=session)).json()
    assert ["result" in answer for answer in answers] == [True, True, False]
    assert answers[2]["error"]["code"] == -32002


async def test_other_versions_know_no_batches(house, sample, http):
    gate = await house(servers(await sample()))
    url, http.headers = f"{gate.url}/mcp", bearer(gate.key())
    session = await initialize(http, url)
    for headers in ({"mcp-session-id": session}, {"mcp-session-id": session, "mcp-protocol-version": "2025-11-25"}):
        answer = await http.post(url, json=[echo(1, "a")], headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32600)
    agreed = await initialize(http, url, "2025-03-26")
    nested = await http.post(url, json=[[echo(1, "a")]], headers={"mcp-session-id": agreed})
    assert nested.json()[0]["error"]["code"] == -32600
