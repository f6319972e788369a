"""Threats where servers ask and streams are resumed: forged answers, foreign streams, dangerous links, false ids."""

import asyncio
import json

import httpx
import pytest
from tests.gates.mcp.messages import META, bearer, legacy, modern
from tests.journeys.running import House, write
from tests.servers.mcp_double import Double, answer, event, said, stream, tool

CONFIGURATION = """
servers:
  sessions: {{url: "{sessions}"}}
  good: {{url: "{good}"}}
  waiting: {{url: "{sessions}", parked: true}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}, other: {{}}}}}}}}}}}}
"""
ELICITATION = {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}}


class Place:
    def __init__(self, house: House, sessions: Double, good: Double):
        self.house, self.sessions, self.good = house, sessions, good
        self.url = f"{house.url}/mcp"
        self.key, self.other = house.key(), house.key(consumer="other")
        self.clients: list[httpx.AsyncClient] = []

    async def session(self, key: str) -> "Session":
        """A session of a client that can be asked."""
        able = {"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}}
        hello = {"protocolVersion": "2025-11-25", "capabilities": able, "clientInfo": {"name": "t", "version": "1"}}
        http = httpx.AsyncClient(headers=bearer(key), timeout=15)
        self.clients.append(http)
        opened = await http.post(self.url, **legacy("initialize", hello, version=None))
        return Session(http, self.url, opened.headers["mcp-session-id"])


class Session:
    def __init__(self, http: httpx.AsyncClient, url: str, identity: str):
        self.http, self.url, self.id = http, url, identity

    @property
    def headers(self) -> dict[str, str]:
        return {"mcp-session-id": self.id, "mcp-protocol-version": "2025-11-25"}

    async def say(self, message: dict) -> int:
        return (await self.http.post(self.url, json=message, headers=self.headers)).status_code

    def call(self, server: str = "sessions"):
        request = legacy("tools/call", {"name": f"{server}__t", "arguments": {}}, session=self.id)
        return self.http.stream("POST", self.url, **request)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("questions")
    with Double(tool("t"), era="legacy") as sessions, Double(tool("t")) as good:
        write(folder, CONFIGURATION.format(sessions=sessions.url, good=good.url))
        with House(folder) as house:
            yield Place(house, sessions, good)


@pytest.fixture(autouse=True)
async def behave_again(place):
    yield
    for http in place.clients:
        await http.aclose()
    place.clients.clear()
    for double in (place.sessions, place.good):
        double.behave.clear()
        double.seen.clear()


def answered(double: Double) -> list[dict]:
    """Answers to its questions that reached a server."""
    return [message for _, message in double.seen if "method" not in message]


def asking(double: Double, params: dict):
    """A tool that asks its caller, waits for the answer and tells it."""

    async def ask(message):
        yield event({"jsonrpc": "2.0", "id": "q1", "method": "elicitation/create", "params": params})
        async with asyncio.timeout(10):
            while not answered(double):
                await asyncio.sleep(0.01)
        yield event(answer(message, said(json.dumps(answered(double)[0]))))

    return lambda message: stream(ask(message))


FORM = {
    "message": "Go on?",
    "requestedSchema": {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]},
}


async def heard(streamed: httpx.Response):
    """The messages of a stream, one by one."""
    async for line in streamed.aiter_lines():
        if line.startswith("data:") and line[5:].strip():
            yield json.loads(line[5:])


async def test_only_the_session_that_was_asked_can_answer(place):
    place.sessions.behave["tools/call t"] = asking(place.sessions, FORM)
    mine, mine_too, theirs = await asyncio.gather(
        place.session(place.key), place.session(place.key), place.session(place.other)
    )
    async with mine.call() as streamed:
        messages = heard(streamed)
        question = await anext(messages)
        assert question["method"] == "elicitation/create"
        assert question["id"] != "q1"  # ids are the gateway's own
        forged = {"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {"ok": "forged"}}}
        for session in (mine_too, theirs):
            assert await session.say(forged) in (202, 400, 404)
        stolen = await theirs.http.post(place.url, json=forged, headers=mine.headers)
        assert stolen.status_code == 404
        for identity in ("q1", "gw:sessions:1", f"{question['id']}x"):
            assert await mine.say({**forged, "id": identity}) in (202, 400, 404)
        assert not answered(place.sessions)
        right = {**forged, "result": {"action": "accept", "content": {"ok": True}}}
        assert await mine.say(right) == 202
        result = await anext(messages)
    assert '"ok": true' in result["result"]["content"][0]["text"]
    assert len(answered(place.sessions)) == 1
    assert await mine.say(right) in (202, 400, 404)  # again: nobody asks any more
    assert len(answered(place.sessions)) == 1


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "file:///etc/passwd"]
)
async def test_no_dangerous_link_reaches_a_user_of_a_session(place, url):
    asked = {"mode": "url", "message": "Sign in", "elicitationId": "e1", "url": url}
    place.sessions.behave["tools/call t"] = asking(place.sessions, asked)
    session = await place.session(place.key)
    async with session.call() as streamed:
        messages = [message async for message in heard(streamed)] if streamed.status_code == 200 else []
    assert not any(message.get("method") == "elicitation/create" for message in messages)
    (told,) = answered(place.sessions)  # the server hears at once that nobody will follow that link
    assert "error" in told or told["result"]["action"] in ("decline", "cancel")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x"])
@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_nor_one_of_a_server_of_today(place, url, era):
    asked = {"method": "elicitation/create", "params": {"mode": "url", "message": "Sign in", "url": url}}
    place.good.behave["tools/call t"] = lambda _: {"resultType": "input_required", "inputRequests": {"a": asked}}
    if era == "legacy":
        session = await place.session(place.key)
        async with session.call("good") as streamed:
            text = (await streamed.aread()).decode()
    else:
        request = modern("tools/call", {"name": "good__t", "arguments": {}, "_meta": META | ELICITATION})
        async with httpx.AsyncClient(headers=bearer(place.key), timeout=15) as http:
            text = (await http.post(place.url, **request)).text
    assert url not in text


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://example.com/sign-in"])
async def test_nor_one_of_a_call_that_waits_for_a_client_of_today(place, url):
    asked = {"mode": "url", "message": "Sign in", "elicitationId": "e1", "url": url}
    place.sessions.behave["tools/call t"] = asking(place.sessions, asked)
    request = modern("tools/call", {"name": "waiting__t", "arguments": {}, "_meta": META | ELICITATION})
    async with httpx.AsyncClient(headers=bearer(place.key), timeout=15) as http:
        text = (await http.post(place.url, **request)).text
    assert (url in text) is url.startswith("https:")


async def test_a_stream_is_resumed_by_its_own_session_only(place):
    async def parted(message):
        yield b"id: e-1\nretry: 50\ndata:\n\n"
        yield event({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "one"}})
        async with asyncio.timeout(10):
            while "go" not in place.sessions.behave:
                await asyncio.sleep(0.01)
        yield b"id: e-2\n" + event(answer(message, said("a secret answer")))

    place.sessions.behave["tools/call t"] = lambda message: stream(parted(message))
    mine, theirs = await asyncio.gather(place.session(place.key), place.session(place.other))
    async with mine.call() as streamed:
        lines = []
        async for line in streamed.aiter_lines():
            lines.append(line)
            if "one" in line:
                break
    events = [line[3:].strip() for line in lines if line.startswith("id:")]
    place.sessions.behave["go"] = lambda _: {}
    for last in [*events, "sessions~e-1", "e-1", "sessions~e-2"]:
        for headers in (theirs.headers, mine.headers):
            wanted = {**headers, "last-event-id": last, "accept": "text/event-stream"}
            try:
                async with asyncio.timeout(0.5), theirs.http.stream("GET", place.url, headers=wanted) as resumed:
                    if headers is mine.headers:
                        assert resumed.status_code == 404
                    async for line in resumed.aiter_lines():
                        assert "secret" not in line
            except TimeoutError:
                pass  # an open stream with nothing on it


async def test_a_server_answers_only_the_call_it_was_asked(place):
    async def lies():
        yield event({"jsonrpc": "2.0", "id": "another", "result": said("stolen")})
        yield event({"jsonrpc": "2.0", "id": 10**9, "result": said("stolen")})

    for double, server in ((place.good, "good"), (place.sessions, "sessions")):
        double.behave["tools/call t"] = lambda _: stream(lies())
        async with httpx.AsyncClient(headers=bearer(place.key), timeout=15) as http:
            told = await http.post(place.url, **modern("tools/call", {"name": f"{server}__t", "arguments": {}}))
        assert "stolen" not in told.text
        assert '"error"' in told.text
        session = await place.session(place.key)
        async with session.call(server) as streamed:
            text = (await streamed.aread()).decode()
        assert "stolen" not in text
        assert '"error"' in text


async def test_no_server_asks_a_client_of_today_on_its_stream(place):
    async def ask(message):
        yield event({"jsonrpc": "2.0", "id": "q1", "method": "elicitation/create", "params": FORM})
        yield event(answer(message, {"resultType": "complete", **said("done")}))

    place.good.behave["tools/call t"] = lambda message: stream(ask(message))
    request = modern("tools/call", {"name": "good__t", "arguments": {}, "_meta": META | ELICITATION})
    async with httpx.AsyncClient(headers=bearer(place.key), timeout=15) as http:
        text = (await http.post(place.url, **request)).text
    assert "elicitation/create" not in text
    assert "done" in text


async def test_a_client_is_asked_nothing_that_it_did_not_declare(place):
    place.sessions.behave["tools/call t"] = asking(place.sessions, FORM)
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    async with httpx.AsyncClient(headers=bearer(place.key), timeout=15) as http:
        opened = await http.post(place.url, **legacy("initialize", hello, version=None))
        session = Session(http, place.url, opened.headers["mcp-session-id"])
        async with session.call() as streamed:
            text = (await streamed.aread()).decode()
    assert '"method":"elicitation/create"' not in text.replace(" ", "")
    (told,) = answered(place.sessions)
    assert "error" in told
