"""How a server is reached: over HTTP, with credentials that are sent and never shown."""

from tests.builders import DictSecrets, make_kit
from tests.gates.mcp.messages import bearer, initialize, legacy, modern
from tests.upstreams.sse_sample import OldServer

from triplegate.config.documents_mcp import ServerDocument
from triplegate.gates.mcp.commands import CommandTransport
from triplegate.gates.mcp.transports import HttpTransport, transport_of
from triplegate.upstreams.legacy_sse import SseServer
from triplegate.upstreams.supervisor import TaskSupervisor


def make(kit=None, **document):
    written = ServerDocument.model_validate({"url": "http://127.0.0.1:1/mcp", **document})
    return transport_of("files", written, kit or make_kit(supervisor=TaskSupervisor()), "/v1/chat/completions")


def test_an_address_is_reached_over_http_in_the_times_of_its_document():
    transport = make(timeouts={"first_byte": "2s", "total": "9s"})
    assert isinstance(transport, HttpTransport)
    assert transport.place == "http://127.0.0.1:1/mcp"
    assert (transport.dispatch().first_byte, transport.dispatch().total) == (2.0, 9.0)


def test_a_command_is_reached_by_its_input_and_output():
    written = ServerDocument.model_validate({"command": ["server"]})
    assert isinstance(transport_of("one", written, make_kit(supervisor=TaskSupervisor()), ""), CommandTransport)


def test_secrets_are_sent_and_never_shown():
    kit = make_kit(supervisor=TaskSupervisor(), secrets=DictSecrets({"env:A": "s3cret"}))
    transport = make(kit, auth={"bearer": "env:A"}, headers={"x-plain": "v"})
    assert transport.missing == ""
    assert (b"authorization", b"Bearer s3cret") in transport._fixed
    assert (b"x-plain", b"v") in transport._fixed
    assert "s3cret" not in repr(transport)


def test_a_secret_that_is_not_there_is_named_by_its_place():
    assert make(auth={"bearer": "env:NO"}).missing == "nothing at env:NO"
    assert make(headers={"x-key": "env:NO"}).missing == "nothing at env:NO"


async def test_a_server_of_2024_is_used_by_clients_of_both_eras(house, serve, http):
    old = OldServer()
    far = await serve(old)
    made = await house(
        f"servers: {{old: {{url: '{far.url}/sse', transport: sse, auth: {{bearer: 'env:T'}}}}}}\n",
        secrets={"env:T": "s3"},
    )
    http.headers.update(bearer(made.key()))
    url = made.url + "/mcp"
    session = await initialize(http, url)
    listed = (await http.post(url, **modern("tools/list"))).json()["result"]["tools"]
    assert [tool["name"] for tool in listed] == ["old__bye", "old__echo"]
    params = {"name": "old__echo", "arguments": {"text": "x"}}
    for request in (modern("tools/call", params), legacy("tools/call", params, session=session)):
        answer = await http.post(url, **request)
        assert answer.json()["result"]["content"][0]["text"].endswith(" x")
    assert {request.header("authorization") for request in old.seen} == {"Bearer s3"}
    for far in made.gateway.kit.states.every(SseServer):
        await far.close()
