"""What ran on at a provider is booked when its end is seen: once, less what its begin was charged."""

import json

import msgspec
import pytest
from tests.gates.built import ListWire, answer, built
from tests.gates.llm.calls import configuration
from tests.hostile.scripted import Upstream

from triplegate.edge.pump import pump

PRICES = "orgs: {acme: {teams: {web: {consumers: {ci: {}}}, ops: {consumers: {ci: {}}}}}}\n"
USAGE = {"input_tokens": 1000, "output_tokens": 2000, "input_tokens_details": {"cached_tokens": 100}}


def at(url, more=""):
    text = configuration({"p": url}, {"m": f"{{deployments: [{{provider: p, model: x}}]{more}}}"})
    return text.replace("auth: null,", "auth: null, dialect: openai_responses,") + PRICES


def response(status, usage=None, **more):
    return {"id": "resp_1", "object": "response", "status": status, "model": "x-2026", "usage": usage, **more}


class Vendor:
    """Answers each call with what it has to say now."""

    def __init__(self):
        self.says, self.paths = response("queued"), []

    async def __call__(self, talk):
        while True:
            head = await talk.head()
            self.paths.append(head.split(b" ", 2)[1].decode())
            size = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0)
            await talk.read(size)
            said = self.says if isinstance(self.says, bytes) else answer(json.dumps(self.says).encode())
            await talk.say(said)


async def begin(made):
    _, wire = await made.serve("POST", "/v1/responses", body=b'{"model":"m","input":"hello","background":true}')
    return json.loads(wire.content)["id"]


async def look(made, identity, query=""):
    exchange = made.open("GET", f"/v1/responses/{identity}")
    exchange.inbound = msgspec.structs.replace(exchange.inbound, query=query.encode())
    reply = await made.gateway.answer(exchange.gate, exchange)
    wire = ListWire()
    await pump(exchange, reply, exchange.gate.encoder(exchange, reply), wire)
    return wire


def totals(records):
    finals = {(record.exchange, record.part): record for record in records if record.kind == "final"}.values()
    tokens = [sum(each) for each in zip(*[record.tokens for record in finals], strict=True)]
    return tokens, sum(record.cost for record in finals)


TRUTH = ([900, 100, 0, 0, 0, 0, 2000, 0, 0], 50_000_000)


async def test_a_response_in_the_background_is_charged_by_an_estimate_and_corrected_once(tmp_path):
    vendor = Vendor()
    async with Upstream(vendor) as upstream, built(tmp_path, at(upstream.url)) as made:
        identity = await begin(made)
        begun = made.records[-1]
        assert (begun.usage_source, begun.tokens[6], begun.cost > 0) == ("estimated", 512, True)
        vendor.says = response("in_progress")
        for _ in range(2):  # it keeps its note however often it is asked for
            identity = json.loads((await look(made, identity)).content)["id"]
        assert totals(made.records)[1] == begun.cost
        vendor.says = response("completed", USAGE)
        for _ in range(3):
            wire = await look(made, identity)
            assert json.loads(wire.content)["usage"] == USAGE
    assert totals(made.records) == TRUTH
    (booked,) = [record for record in made.records if record.usage_source == "provider"]
    assert (booked.route, booked.target, booked.team, booked.parent != "") == ("m", "p/x", "web", True)
    assert vendor.paths[1:] == ["/v1/responses/resp_1"] * 5


async def test_a_gateway_that_remembers_nothing_books_it_under_the_same_id(tmp_path):
    vendor, records = Vendor(), []
    async with Upstream(vendor) as upstream:
        async with built(tmp_path, at(upstream.url)) as made:
            identity = await begin(made)
            vendor.says = response("completed", USAGE)
            await look(made, identity)
            records += made.records
        async with built(tmp_path, at(upstream.url)) as other:
            await look(other, identity)
            records += other.records
    assert len([record for record in records if record.usage_source == "provider"]) == 2
    assert totals(records) == TRUTH


async def test_what_was_charged_too_much_is_given_back(tmp_path):
    vendor = Vendor()
    async with Upstream(vendor) as upstream, built(tmp_path, at(upstream.url)) as made:
        identity = await begin(made)
        vendor.says = response("cancelled", {"input_tokens": 3, "output_tokens": 0})
        await look(made, identity)
    assert totals(made.records) == ([3, 0, 0, 0, 0, 0, 0, 0, 0], 30_000)


async def test_a_stream_of_it_is_heard_to_its_end(tmp_path):
    vendor = Vendor()
    event = {"type": "response.completed", "response": response("completed", USAGE)}
    async with Upstream(vendor) as upstream, built(tmp_path, at(upstream.url)) as made:
        identity = await begin(made)
        text = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
        vendor.says = answer(text, kind=b"text/event-stream")
        wire = await look(made, identity, "stream=true")
        assert f'"{identity}"'.encode() in wire.content
        await look(made, identity, "stream=true")
    assert totals(made.records) == TRUTH


def stream(*events):
    lines = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]
    return answer("".join(lines).encode(), kind=b"text/event-stream")


CREATED = {"type": "response.created", "response": response("in_progress")}
DELTA = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "word"}
COMPLETED = {"type": "response.completed", "response": response("completed", USAGE)}
STREAMED = b'{"model":"m","input":"hello","background":true,"stream":true}'


async def test_a_stream_in_the_background_that_is_heard_to_its_end_is_booked_then_and_not_again(tmp_path):
    vendor = Vendor()
    async with Upstream(vendor) as upstream, built(tmp_path, at(upstream.url)) as made:
        vendor.says = stream(CREATED, DELTA, COMPLETED)
        _, wire = await made.serve("POST", "/v1/responses", body=STREAMED)
        assert totals(made.records) == TRUTH
        vendor.says = response("completed", USAGE)
        identity = json.loads(wire.content.split(b"data: ")[1].split(b"\n")[0])["response"]["id"]
        await look(made, identity)
    assert totals(made.records) == TRUTH
    assert [record.usage_source for record in made.records if record.kind == "final"][:2] == ["provider", "estimated"]


async def test_a_stream_in_the_background_is_read_to_its_end_though_its_reader_leaves(tmp_path):
    vendor = Vendor()
    async with Upstream(vendor) as upstream, built(tmp_path, at(upstream.url)) as made:
        vendor.says = stream(CREATED, DELTA, COMPLETED)
        exchange, reply = await made.answer("POST", "/v1/responses", body=STREAMED)
        assert reply.on_gone == "finish"
        reply.frames.close()
        exchange.close("gone")


async def test_a_stream_in_the_background_that_broke_is_booked_when_its_end_is_seen(tmp_path):
    vendor = Vendor()
    async with Upstream(vendor) as upstream, built(tmp_path, at(upstream.url)) as made:
        vendor.says = stream(CREATED, DELTA)
        _, wire = await made.serve("POST", "/v1/responses", body=STREAMED)
        assert totals(made.records)[0][6] == 512
        vendor.says = response("completed", USAGE)
        identity = json.loads(wire.content.split(b"data: ")[1].split(b"\n")[0])["response"]["id"]
        await look(made, identity)
    assert totals(made.records) == TRUTH


@pytest.mark.parametrize("says", [response("completed"), response("failed"), {"object": "response.deleted"}, []])
async def test_what_does_not_say_what_it_used_stays_as_it_was_charged(tmp_path, says):
    vendor = Vendor()
    async with Upstream(vendor) as upstream, built(tmp_path, at(upstream.url)) as made:
        identity = await begin(made)
        charged = totals(made.records)
        vendor.says = says
        await look(made, identity)
    assert totals(made.records) == charged


async def test_a_response_that_was_answered_at_once_is_not_booked_again(tmp_path):
    vendor = Vendor()
    async with Upstream(vendor) as upstream, built(tmp_path, at(upstream.url)) as made:
        vendor.says = response("completed", USAGE)
        identity = await begin(made)
        await look(made, identity)
    assert totals(made.records) == TRUTH
