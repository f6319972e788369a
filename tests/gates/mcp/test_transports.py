"""How a server is reached: over HTTP, with credentials that are sent and never shown."""

import asyncio
import itertools

import pytest
from tests.builders import DictSecrets, make_kit
from tests.gates.mcp.messages import bearer, initialize, legacy, modern
from tests.upstreams.sse_sample import OldServer

from triplegate.config.documents_mcp import ServerDocument
from triplegate.gates.mcp.commands import CommandTransport
from triplegate.gates.mcp.connecting import session_headers
from triplegate.gates.mcp.transports import FoundTransport, HttpTransport, transport_of
from triplegate.samples import mcp_server
from triplegate.samples.http import Answer
from triplegate.upstreams.dial import HttpxDial
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


def test_a_secret_that_is_no_value_of_a_field_stops_that_server_only():
    kit = make_kit(supervisor=TaskSupervisor(), secrets=DictSecrets({"env:A": "s3\nhost: other"}))
    assert (
        make(kit, auth={"bearer": "env:A"}).missing == "a header value or the target would change the request's syntax"
    )


@pytest.mark.parametrize("transport", ["", ", transport: sse"])
async def test_a_server_of_2024_is_used_by_clients_of_both_eras(house, serve, http, transport):
    old = OldServer()
    far = await serve(old)
    made = await house(
        f"servers: {{old: {{url: '{far.url}/sse'{transport}, auth: {{bearer: 'env:T'}}}}}}\n",
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


async def test_what_takes_no_post_and_begins_no_stream_is_no_server_and_one_that_says_http_is_not_asked(
    house, serve, http
):
    asked = []

    async def elsewhere(request):
        asked.append(request.method)
        return Answer(b"no", 404)

    far = await serve(elsewhere)
    made = await house(f"servers: {{a: {{url: '{far.url}/mcp'}}}}\n")
    http.headers.update(bearer(made.key()))
    told = (await http.post(made.url + "/mcp", **modern("tools/list"))).json()["result"]
    assert told["_meta"]["triplegate.dev/unavailable"] == ["a"]
    assert asked == ["POST", "POST", "GET"]
    assert not made.gateway.snapshot.gates["mcp"].servers["a"].local
    assert type(make(transport="http")) is HttpTransport
    assert type(make()) is FoundTransport


async def test_one_that_begins_no_stream_any_more_is_met_anew(house, serve, http):
    old, both = OldServer(), mcp_server.handler()
    now = [old]

    async def handler(request):
        return await now[0](request)

    far = await serve(handler)
    made = await house(f"servers: {{a: {{url: '{far.url}/mcp'}}}}\n")
    http.headers.update(bearer(made.key()))
    call = modern("tools/call", {"name": "a__echo", "arguments": {"text": "x"}})
    assert (await http.post(made.url + "/mcp", **call)).json()["result"]["content"][0]["text"].endswith(" x")
    (server,) = made.gateway.snapshot.gates["mcp"].servers.values()
    assert server.local
    now[0] = both
    for _, session in list(server.state.sessions.items()):
        await server.send(session_headers(session), b"", server.own_times(5), None, "DELETE")
    async with asyncio.timeout(20):
        while "result" not in (answer := (await http.post(made.url + "/mcp", **call)).json()):
            await asyncio.sleep(0.02)
    assert answer["result"]["content"][0]["text"] == "x"
    assert not server.local


async def test_tokens_are_had_for_its_stream_and_its_messages(house, serve, http):
    issued = itertools.count(1)

    async def issuer(request):
        return Answer.json({"access_token": f"t{next(issued)}", "token_type": "Bearer", "expires_in": 3600})

    class Guarded(OldServer):
        async def __call__(self, request):
            if request.header("authorization") in ("", "Bearer t1"):
                return Answer(b"no", 401)
            return await super().__call__(request)

    guarded = Guarded()
    far, tokens = await serve(guarded), await serve(issuer)
    credentials = f"{{token_url: '{tokens.url}/token', client_id: us, client_secret: 'env:S'}}"
    auth = f"transport: sse, auth: {{client_credentials: {credentials}}}"
    made = await house(
        f"servers: {{a: {{url: '{far.url}/sse', {auth}}}}}\n",
        secrets={"env:S": "s3"},
        dial=HttpxDial(allow_private=True),
    )
    http.headers.update(bearer(made.key()))
    call = modern("tools/call", {"name": "a__echo", "arguments": {"text": "x"}})
    answer = (await http.post(made.url + "/mcp", **call)).json()
    assert answer["result"]["content"][0]["text"].endswith(" x"), answer
    assert {request.header("authorization") for request in guarded.seen} == {"Bearer t2"}
