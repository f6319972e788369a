"""A batch that has ended is booked once: as it says itself, or line by line of its output."""

import asyncio
import json

import pytest
from tests.gates.built import answer, built
from tests.gates.llm.calls import configuration
from tests.gates.llm.test_kept import totals
from tests.hostile.scripted import Upstream

LINE_USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4}}
PRICE = (
    "{input: 2, output: 4, service: {batch: {input: 1, output: 2}}, above: [{tokens: 1000, input: 200, output: 400}]}"
)


def at(url):
    return configuration(
        {"p": url},
        {
            "m": f"{{deployments: [{{provider: p, model: gpt, price: {PRICE}}}]}}",
            "e": f"{{deployments: [{{provider: p, model: embed, price: {PRICE}}}]}}",
            "ops-only": "{deployments: [{provider: p, model: secret}], teams: [ops]}",
        },
        "policies: [{use: key_auth}], files: m",
    )


def output(*models, status=200):
    return b"".join(
        json.dumps({"response": {"status_code": status, "body": {"model": model, "usage": LINE_USAGE}}}).encode()
        + b"\n"
        for model in models
    )


class Vendor:
    """Keeps one batch, and its output."""

    def __init__(self, output=b"", **batch):
        self.batch = {"id": "batch_1", "status": "completed", "created_at": 17, "output_file_id": "file-out", **batch}
        self.output, self.paths, self.bodies = output, [], []

    async def __call__(self, talk):
        while True:
            head = await talk.head()
            path = head.split(b" ", 2)[1].decode()
            size = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0)
            self.bodies.append(await talk.read(size))
            self.paths.append(path)
            if path.endswith("/content"):
                await talk.say(self.output if self.output[:4] == b"HTTP" else answer(self.output, kind=b"text/plain"))
            else:
                await talk.say(answer(json.dumps(self.batch if "batch" in path else {"id": "file-in"}).encode()))


async def put(made, content=b"", purpose=b"batch"):
    form = (
        b'--B\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n%b\r\n--B\r\nContent-Disposition: form-data; '
        b'name="file"; filename="a.jsonl"\r\n\r\n%b\r\n--B--\r\n' % (purpose, content)
    )
    headers = [(b"content-type", b"multipart/form-data; boundary=B")]
    _, wire = await made.serve("POST", "/v1/files", headers=headers, body=form)
    return wire


async def make(made):
    file = json.loads((await put(made)).content)["id"]
    body = json.dumps({"input_file_id": file, "endpoint": "/v1/chat/completions"}).encode()
    _, wire = await made.serve("POST", "/v1/batches", body=body)
    return json.loads(wire.content)["id"]


async def look(made, identity):
    await made.serve("GET", f"/v1/batches/{identity}")
    async with asyncio.timeout(10):
        while made.kit.supervisor.running:
            await asyncio.sleep(0.005)


async def test_an_output_is_read_line_by_line_and_booked_once_with_the_prices_of_batches(tmp_path):
    vendor = Vendor(output("gpt-2026", "gpt-2026", "embed", "gpt-2026"))
    async with Upstream(vendor) as upstream, built(tmp_path, at(upstream.url)) as made:
        identity = await make(made)
        for _ in range(3):
            await look(made, identity)
    assert vendor.paths.count("/v1/files/file-out/content") == 1
    tokens, cost = totals(made.records)
    assert tokens == [24, 16, 0, 0, 0, 0, 20, 0, 0]
    assert cost == 40 * 10_000 + 20 * 20_000
    booked = [record for record in made.records if record.cost]
    assert {(record.route, record.target, record.tokens[6], record.team) for record in booked} == {
        ("m", "p/gpt", 15, "web"),
        ("e", "p/embed", 5, "web"),
    }


async def test_a_gateway_that_remembers_nothing_books_under_the_same_ids(tmp_path):
    vendor, records = Vendor(output("gpt", "embed")), []
    async with Upstream(vendor) as upstream:
        for _ in range(2):
            async with built(tmp_path, at(upstream.url)) as made:
                await look(made, await make(made))
                records += made.records
    assert len([record for record in records if record.cost]) == 4
    assert totals(records)[0][6] == 10


async def test_a_batch_that_says_itself_what_it_used_is_taken_at_its_word(tmp_path):
    usage = {"input_tokens": 9000, "output_tokens": 900, "input_tokens_details": {"cached_tokens": 0}}
    vendor = Vendor(model="gpt-2026", usage=usage, request_counts={"completed": 9})
    async with Upstream(vendor) as upstream, built(tmp_path, at(upstream.url)) as made:
        identity = await make(made)
        for _ in range(2):
            await look(made, identity)
    assert totals(made.records) == ([9000, 0, 0, 0, 0, 0, 900, 0, 0], 9000 * 10_000 + 900 * 20_000)
    assert "/v1/files/file-out/content" not in vendor.paths


@pytest.mark.parametrize(
    "vendor",
    [
        Vendor(output("gpt"), status="in_progress"),
        Vendor(output("gpt"), output_file_id=None),
        Vendor(output("gpt", status=400)),
        Vendor(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9999\r\n\r\n" + output("gpt")),
        Vendor(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"),
    ],
    ids=["runs", "nothing", "failed", "cut", "gone"],
)
async def test_what_has_not_ended_or_cannot_be_read_whole_is_not_booked(tmp_path, vendor):
    async def ending(talk):
        await vendor(talk) if b"9999" not in vendor.output else await cut(talk)

    async def cut(talk):
        while True:
            head = await talk.head()
            size = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0)
            await talk.read(size)
            if b"/content" in head:
                await talk.say(vendor.output)
                return
            await talk.say(answer(json.dumps(vendor.batch if b"batches" in head else {"id": "file-in"}).encode()))

    async with Upstream(ending) as upstream, built(tmp_path, at(upstream.url)) as made:
        await look(made, await make(made))
    assert totals(made.records) == ([0] * 9, 0)


async def test_a_model_that_nobody_knows_is_counted_at_the_provider_of_files(tmp_path):
    vendor = Vendor(output("other"))
    async with Upstream(vendor) as upstream, built(tmp_path, at(upstream.url)) as made:
        await look(made, await make(made))
    assert totals(made.records)[0][6] == 5


# uploads -----------------------------------------------------------------------------------------------------
def call(model):
    return json.dumps({"custom_id": "1", "body": {"model": model}}).encode() + b"\n"


async def test_a_batch_for_a_model_of_other_teams_never_arrives_whole(tmp_path):
    vendor = Vendor()
    async with Upstream(vendor) as upstream, built(tmp_path, at(upstream.url)) as made:
        wire = await put(made, call("gpt") + call("embed") + call("secret"))
        error = json.loads(wire.content)["error"]
        assert (wire.status, error["code"]) == (404, "model_not_found")
        assert "Line 3" in error["message"]
        assert "'secret'" in error["message"]
        assert (await put(made, call("gpt") + call("embed"))).status == 200
        assert (await put(made, call("secret"), b"fine-tune")).status == 200
    assert len(vendor.bodies) == 2
    assert b"secret" not in vendor.bodies[0]


async def test_servers_of_clients_never_arrive_unless_every_model_of_that_name_leaves_them_to_its_provider(tmp_path):
    vendor = Vendor()
    line = {"model": "gpt", "tools": [{"type": "mcp", "server_label": "x", "server_url": "https://mcp.example.com"}]}
    file = call("gpt") + json.dumps({"custom_id": "2", "body": line}).encode() + b"\n"
    forward = ("m: {deployments", "m: {mcp_elsewhere: forward, deployments")
    async with Upstream(vendor) as upstream:
        text = at(upstream.url)
        assert forward[0] in text
        async with built(tmp_path, text) as made:
            wire = await put(made, file)
            error = json.loads(wire.content)["error"]
            assert (wire.status, error["code"], error["param"]) == (400, "mcp_server_unknown", "tools")
            assert "line 2" in error["message"]
            assert (await put(made, file, b"fine-tune")).status == 200
            made.take(text.replace(*forward))
            assert (await put(made, file)).status == 200
            made.take(text.replace(*forward).replace("model: embed", "model: gpt"))
            assert (await put(made, file)).status == 400
            made.take(
                text.replace(
                    "policies: [{use: key_auth}]", "policies: [{use: key_auth}], mcp_tools: {elsewhere: forward}"
                )
            )
            assert (await put(made, file)).status == 200
