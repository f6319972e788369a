"""Controls on a running gate: sizes, schemas of results and remembered results, in every pair of eras."""

import json

import pytest
from tests.gates.mcp.messages import bearer, initialize, legacy, modern
from tests.gates.mcp.offering import Offering

READS = {"readOnlyHint": True, "idempotentHint": True}
OUTPUT = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
TOOLS = [
    {"name": "count", "outputSchema": OUTPUT, "annotations": READS},
    {"name": "search", "annotations": READS},
    {"name": "write"},
]


class Telling(Offering):
    """Tells what a test wants, counted, as JSON or as a stream."""

    result: dict
    streams = False

    def __init__(self, era="modern"):
        super().__init__(era, tools=",".join(map(json.dumps, TOOLS)).encode(), prompts=b'{"name":"p"}')
        self.result = {"content": [{"type": "text", "text": "hello"}]}

    def answer(self, method, params):
        if method == "tools/call":
            number = self.methods.count("tools/call")
            return self.result | {"_meta": {"number": number}}
        return super().answer(method, params)

    async def __call__(self, request):
        answer = await super().__call__(request)
        if self.streams and self.methods[-1] == "tools/call":
            answer.body = b"event: message\ndata: %b\n\n" % answer.body
            answer.headers = [("content-type", "text/event-stream")]
        return answer


async def running(house, serve, controls, era="modern"):
    told = Telling(era)
    server = await serve(told)
    written = f"servers:\n  s:\n    url: {server.url}/mcp\n    alias: files\n    price: 0.5\n{controls}"
    return await house(written), told


class Client:
    def __init__(self, http, gate, era, key):
        self.http, self.url, self.era, self.key, self.session = http, f"{gate.url}/mcp", era, key, None

    async def call(self, name, arguments=None):
        params = {"name": f"files__{name}", "arguments": arguments or {}}
        self.http.headers.update(bearer(self.key))
        if self.era == "modern":
            return self.said(await self.http.post(self.url, **modern("tools/call", params)))
        if self.session is None:
            self.session = await initialize(self.http, self.url)
        return self.said(await self.http.post(self.url, **legacy("tools/call", params, session=self.session)))

    def said(self, answer):
        text = answer.text.strip()
        return json.loads(text.rpartition("data: ")[2] if text.startswith(("event", "id", "data")) else text)


PAIRS = [(client, server) for client in ("modern", "legacy") for server in ("modern", "legacy")]
SIZED = "    results: {largest: 2KiB}\n    validation: {results: enforce}\n"


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(("client", "server"), PAIRS)
async def test_sizes_and_schemas_of_results_hold_in_every_pair(house, serve, http, client, server, streams):
    gate, told = await running(house, serve, SIZED, server)
    told.streams = streams
    who = Client(http, gate, client, gate.key())
    assert (await who.call("search"))["result"]["content"][0]["text"] == "hello"
    told.result = {"content": [{"type": "text", "text": "x" * 100_000}]}
    said = (await who.call("search"))["result"]
    assert len(json.dumps(said)) < 3000
    assert "cut by the gateway" in said["content"][0]["text"]
    assert said["_meta"]["triplegate.dev/cut"]["bytes"] > 100_000
    told.result = {"content": [], "structuredContent": {"n": 1}}
    assert (await who.call("count"))["result"]["structuredContent"] == {"n": 1}
    told.result = {"content": [], "structuredContent": {"n": "secret"}}
    error = (await who.call("count"))["error"]
    assert (error["code"], error["data"]["refusal"]) == (-32003, "result_invalid")
    assert [record.cost for record in gate.calls if record.outcome != "ok"] == ([] if streams else [5_000_000_000])


async def test_what_is_kept_for_a_client_that_lost_its_stream_was_judged_before(house, serve, http, monkeypatch):
    from triplegate.gates.mcp.keeping import KeptFrames

    seen, marked = [], KeptFrames._marked
    monkeypatch.setattr(KeptFrames, "_marked", lambda self, event: seen.append(event) or marked(self, event))
    gate, told = await running(house, serve, SIZED, "legacy")
    told.streams = True
    told.result = {"content": [{"type": "text", "text": "x" * 100_000}]}
    assert "cut by the gateway" in str(await Client(http, gate, "legacy", gate.key()).call("search"))
    assert seen
    assert max(map(len, seen)) < 4096


async def test_an_endless_result_is_refused_within_bounds(house, serve, http):
    gate, told = await running(house, serve, "    results: {largest: 2KiB, over: refuse}\n")
    told.result = {"content": [{"type": "text", "text": "x" * 20_000_000}]}
    error = (await Client(http, gate, "modern", gate.key()).call("search"))["error"]
    assert error["data"]["refusal"] == "result_too_large"


@pytest.mark.parametrize(("client", "server"), PAIRS)
async def test_a_question_is_answered_once_and_costs_once(house, serve, http, client, server):
    gate, told = await running(house, serve, "    remember: {ttl: 1h}\n", server)
    who, other = (Client(http, gate, client, gate.key(consumer=name)) for name in ("ci", "eve"))
    first, again = await who.call("search", {"q": 1}), await who.call("search", {"q": 1})
    assert first == again
    assert told.methods.count("tools/call") == 1
    hits = [record for record in gate.calls if record.cache == "hit"]
    assert [(record.cost, record.saved, record.outcome) for record in hits] == [(0, 5_000_000_000, "ok")]
    assert (await other.call("search", {"q": 1}))["result"] != first["result"]
    await who.call("write")
    assert (await who.call("search", {"q": 1}))["result"] != first[
        "result"
    ]  # a tool that may change something was called
    assert told.methods.count("tools/call") == 4


async def test_two_callers_share_what_is_public_only(house, serve, http):
    gate, told = await running(house, serve, "    remember: {shared: true}\n")
    ci, eve = (Client(http, gate, "modern", gate.key(consumer=name)) for name in ("ci", "eve"))
    told.result |= {"cacheScope": "private"}
    assert (await ci.call("search")) != (await eve.call("search"))
    told.result |= {"cacheScope": "public"}
    assert (await ci.call("search", {"q": 2})) == (await eve.call("search", {"q": 2}))


async def test_a_remembered_result_is_told_to_nobody_who_may_not_ask(house, serve, http):
    rules = '    remember: {shared: true}\n    access: [{tools: [search], when: "args.q == 1"}]\n'
    gate, told = await running(house, serve, rules)
    told.result |= {"cacheScope": "public"}
    who = Client(http, gate, "modern", gate.key())
    await who.call("search", {"q": 1})
    assert (await who.call("search", {"q": 2}))["error"]["code"] == -32602
    gate.reload(
        "orgs: {acme: {teams: {web: {consumers: {ci: {}}}}}}\n"
        f"servers: {{s: {{url: {gate.gateway.snapshot.documents.servers['s'].url}, alias: files, "
        "remember: {shared: true}, access: [{deny: true}]}}\n"
    )
    assert "error" in await who.call("search", {"q": 1})


async def test_without_controls_there_are_none(house, serve, http):
    gate, _ = await running(house, serve, "")
    assert gate.gateway.snapshot.gates["mcp"]._controls is None
