"""Responses with tools of MCP servers that are asked for again: by whom, how, and until when."""

import asyncio
import json
import re

import pytest
from tests.docs.reference import DOCS
from tests.gates.llm.tool_place import ends, house, http, items, place, sample, serve, texts  # noqa: F401 - fixtures
from tests.gates.mcp.messages import bearer

from triplegate.samples.http import Answer

# ruff: noqa: F811 - fixtures

ECHO = ("orders__echo", {"text": "hi"})


async def again(at, answer, after="", method="GET", **query):
    path = f"{at.house.url}/v1/responses/{answer if isinstance(answer, str) else answer['id']}{after}"
    return await at.http.request(method, path, params=query)


async def refused(at, answer, *how, **query):
    reply = await again(at, answer, *how, **query)
    return reply.status_code, reply.json()["error"]["code"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_response_is_told_again_as_it_was_until_it_is_deleted(place, stream):
    at = await place()
    at.model.calls(ECHO).says("It said hi.")
    answer = await at.ask(stream=stream, tools=[{"authorization": "theirs"}])
    found = await again(at, answer)
    assert (found.status_code, found.json(), answer["store"]) == (200, answer, True)
    assert (answer["status"], "theirs" in found.text) == ("completed", False)
    listed = (await again(at, answer, "/input_items")).json()
    assert [(item["role"], item["content"][0]["text"]) for item in listed["data"]] == [("user", "Echo hi.")]
    gone = await again(at, answer, "", "DELETE")
    assert gone.json() == {"id": answer["id"], "object": "response", "deleted": True}
    for how in ((), ("", "DELETE"), ("/input_items",), ("/cancel", "POST")):
        assert await refused(at, answer, *how) == (404, "response_not_found")
    assert (await at.send(previous_response_id=answer["id"])).json()["error"]["code"] == "previous_response_not_found"
    mine = [record for record in at.house.calls if record.route == "llm"]
    assert {(record.cost, record.consumer) for record in mine} == {(0, "ci")}


async def test_each_of_a_chain_is_kept_for_itself(place):
    at = await place()
    at.model.says("Hello.")
    first = await at.ask()
    second = await at.ask(previous_response_id=first["id"], input=[{"role": "user", "content": "And?"}])
    assert (await again(at, second)).json()["previous_response_id"] == first["id"]
    asked = {"order": "asc", "limit": 1}
    [item] = (await again(at, second, "/input_items", **asked)).json()["data"]
    assert item["content"] == [{"type": "input_text", "text": "And?"}]
    await again(at, first, "", "DELETE")
    third = await at.ask(previous_response_id=second["id"])
    assert texts(third) == ["Hello."]


async def test_nobody_else_finds_it_and_nobody_can_guess_it(place):
    at = await place(more="llm: {identity: none, owner: acme/web}\nmcp: {identity: none, owner: acme/web}")
    at.model.says("Hello.")
    answer = await at.ask()
    assert (await again(at, answer)).status_code == 200
    for headers in (bearer(at.house.key(team="lab")), {}):
        at.http.headers.pop("authorization", None)
        at.http.headers.update(headers)
        for how in ((), ("/input_items",), ("", "DELETE")):
            assert await refused(at, answer, *how) == (404, "response_not_found")
    one, other = [(await at.ask())["id"] for _ in range(2)]
    assert one[-16:] != other[-16:]


async def test_who_keeps_nothing_finds_nothing(place):
    at = await place(more="llm: {mcp_tools: {keep: 0}}")
    at.model.says("Hello.")
    for answer in (await at.ask(), await at.ask(store=True)):
        assert (await refused(at, answer), answer["store"]) == ((404, "response_not_found"), False)
    at = await place()
    at.model.says("Hello.")
    answer = await at.ask(store=False)
    assert (await refused(at, answer), answer["store"]) == ((404, "response_not_found"), False)
    assert await refused(at, "resp_mcp_nowhere") == (404, "response_not_found")
    large = await at.ask(instructions="x" * 1_100_000)
    assert await refused(at, large) == (404, "response_not_found")


async def test_one_that_failed_on_the_way_is_told_again_and_not_gone_on_from(place):
    at = await place()
    at.model.turns = [(ECHO,), Answer.json({"error": {"message": "down", "type": "server_error"}}, 400)]
    answer = await at.ask()
    found = (await again(at, answer)).json()
    assert (found, found["status"]) == (answer, "failed")
    assert (await at.send(previous_response_id=answer["id"])).json()["error"]["code"] == "previous_response_not_found"


async def test_what_cannot_be_done_with_it_is_refused_by_name(place):
    at = await place()
    at.model.says("Hello.")
    answer = await at.ask()
    assert await refused(at, answer, "/cancel", "POST") == (400, "unsupported_parameter")
    assert await refused(at, answer, stream="true") == (400, "unsupported_parameter")
    assert await refused(at, answer, **{"include[]": "message.output_text.logprobs"}) == (400, "unsupported_parameter")
    assert await refused(at, answer, "/input_items", limit=0) == (400, "invalid_query")
    assert (await again(at, answer)).status_code == 200


async def test_what_the_provider_keeps_of_its_turns_is_deleted_there_first(place):
    at = await place("openai_responses")
    at.model.more = {"store": True}
    at.model.calls(ECHO).says("Done.")
    answer = await at.ask()
    deleted, status = [], 500

    async def far(request):
        deleted.append((request.method, request.path))
        return Answer.json({"deleted": True}, status)

    at.model.other = far
    assert await refused(at, answer, "", "DELETE") == (502, "upstream_failed")
    assert ((await again(at, answer)).json(), len(deleted)) == (answer, 1)
    deleted.clear()
    status = 200
    assert (await again(at, answer, "", "DELETE")).json()["deleted"]
    assert deleted == [("DELETE", "/v1/responses/resp_1"), ("DELETE", "/v1/responses/resp_0")]
    assert await refused(at, answer) == (404, "response_not_found")
    assert json.dumps(answer).count("resp_mcp_") == 1


@pytest.mark.long
async def test_the_program_of_the_docs_runs(place, monkeypatch, capsys):
    """As it stands, with the vendor's own client."""
    [program] = re.findall(r"^```python\n(.*?)^```$", (DOCS / "mcp-responses.md").read_text(), re.DOTALL | re.MULTILINE)
    at = await place()
    at.model.calls(ECHO).says("It said hi.")
    key = at.http.headers["authorization"].removeprefix("Bearer ")
    for name, value in {"GATEWAY": at.house.url, "GATEWAY_KEY": key, "NO_PROXY": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    program = program.replace("smart", "m")
    await asyncio.to_thread(exec, compile(program, "docs/mcp-responses.md", "exec"), {})
    assert capsys.readouterr().out == "['mcp_list_tools', 'mcp_call', 'message'] 1\nIt said hi.\n"
