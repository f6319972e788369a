"""Routes as tools: the same limits, records and answers as over HTTP."""

import json

import pytest
from tests.gates.mcp.conftest import TEAMS
from tests.gates.mcp.messages import bearer, initialize, legacy, modern
from tests.wire.openapi_documents import SHOP

from triplegate.gates.mcp.inside import Answered
from triplegate.gates.mcp.route_tools import read_document, result_of
from triplegate.samples.http import Answer

DOCUMENTS = """
services: {{shop: {{endpoints: ["{upstream}"]}}}}
routes:
  orders:
    service: shop
    match: {{path: /shop, type: prefix}}
    price: 0.25
    policies: [{{use: key_auth}}, {{use: rate_limit, requests: {limit}, window: 1h}}]
servers:
  shop: {{routes: {{openapi: shop.json, base: /shop, largest: 1KiB, largest_body: 2KiB}}, price: 0.5,
    validation: {{results: enforce}}}}
"""


@pytest.fixture
def shop(house, serve, tmp_path, http):
    """A gateway with a shop behind its api gate, and what the shop was asked."""

    async def start(answer, limit=100):
        asked = []

        async def handler(request):
            asked.append((request, await request.body()))
            return answer(request)

        far = await serve(handler)
        (tmp_path / "shop.json").write_text(json.dumps(SHOP))
        made = await house(DOCUMENTS.format(upstream=far.url, limit=limit), base=str(tmp_path))
        http.headers.update(bearer(made.key()))
        made.asked = asked
        return made

    return start


def told(request):
    return Answer.json({"path": request.path, "query": request.query, "amount": 1.5})


async def call(http, made, name, **arguments):
    params = {"name": f"shop__{name}", "arguments": arguments}
    return (await http.post(made.url + "/mcp", **modern("tools/call", params))).json()["result"]


async def test_operations_are_listed_and_called_by_clients_of_both_eras(shop, http):
    made = await shop(told)
    url = made.url + "/mcp"
    listed = (await http.post(url, **modern("tools/list"))).json()["result"]["tools"]
    assert {tool["name"] for tool in listed} >= {"shop__listOrders", "shop__get_orders_id"}
    session = await initialize(http, url)
    params = {"name": "shop__get_orders_id", "arguments": {"id": "a b"}}
    for request in (modern("tools/call", params), legacy("tools/call", params, session=session)):
        result = (await http.post(url, **request)).json()["result"]
        assert result["structuredContent"] == {"path": "/shop/orders/a b", "query": {}, "amount": 1.5}
        assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
        assert result["_meta"]["triplegate.dev/status"] == 200
        assert "isError" not in result


async def test_the_payload_is_the_same_as_over_http_and_no_credential_of_the_client_goes_along(shop, http):
    made = await shop(told)
    body = {"item": "x", "amount": 2}
    await call(http, made, "create_order", body=body)
    await http.post(made.url + "/shop/orders", json=body)
    (tool, sent), (plain, same) = made.asked
    assert json.loads(sent) == json.loads(same) == body
    assert (tool.method, tool.path) == (plain.method, plain.path)
    assert tool.header("authorization") == ""


async def test_limits_and_records_are_those_of_the_route_beside_those_of_the_tool(shop, http):
    made = await shop(told, limit=2)
    assert "isError" not in await call(http, made, "listOrders")
    assert (await http.get(made.url + "/shop/orders")).status_code == 200
    refused = await call(http, made, "listOrders")
    assert (refused["isError"], refused["_meta"]["triplegate.dev/status"]) == (True, 429)
    assert (await http.get(made.url + "/shop/orders")).status_code == 429
    assert len(made.asked) == 2
    inner, outer = [record for record in made.calls if record.consumer][:2]
    assert (inner.gate, outer.gate, inner.parent) == ("api", "mcp", outer.exchange)
    assert (inner.own_cost, outer.own_cost) == (2_500_000_000, 5_000_000_000)
    assert inner.consumer == outer.consumer


async def test_what_a_tool_promises_of_its_answers_is_kept_or_the_call_fails(shop, http):
    said = {"amount": 2, "part": {"item": None}}
    made = await shop(lambda request: Answer.json(said, 201))
    listed = (await http.post(made.url + "/mcp", **modern("tools/list"))).json()["result"]["tools"]
    [schema] = [tool["outputSchema"] for tool in listed if tool["name"] == "shop__create_order"]
    assert schema["type"] == "object"
    good = await call(http, made, "create_order", body={})
    assert (good["structuredContent"], "isError" in good) == (said, False)
    said["amount"] = "much"
    params = {"name": "shop__create_order", "arguments": {"body": {}}}
    answer = (await http.post(made.url + "/mcp", **modern("tools/call", params))).json()
    assert "does not fit its own schema" in json.dumps(answer)
    assert "structuredContent" not in json.dumps(answer)


async def test_files_forms_and_cookies_arrive_as_the_route_wants_them(shop, http):
    made = await shop(lambda request: Answer.json([1, 2]))
    result = await call(http, made, "upload", tenant="a b", body={"title": "t", "picture": "iVBORw=="})
    assert (result["structuredContent"], result["content"][0]["text"]) == ({"result": [1, 2]}, "[1,2]")
    [(request, body)] = made.asked
    assert request.header("cookie") == "tenant=a%20b"
    assert request.header("content-type").startswith("multipart/form-data; boundary=")
    assert b"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n--" in body
    params = {"name": "shop__upload", "arguments": {"tenant": "t", "body": {"picture": "A" * 4000}}}
    answer = await http.post(made.url + "/mcp", **modern("tools/call", params))
    assert (answer.json()["error"]["code"], "more than 2048 bytes" in answer.text) == (-32602, True)
    assert len(made.asked) == 1


async def test_tools_of_a_document_that_is_not_exact_promise_nothing(shop, http):
    made = await shop(told)
    text = (made.path / "triplegate.yaml").read_text()
    made.reload(text.replace("base: /shop,", "base: /shop, outputs: false,"))
    listed = (await http.post(made.url + "/mcp", **modern("tools/list"))).json()["result"]["tools"]
    assert {"shop__create_order"} < {tool["name"] for tool in listed}
    assert not [tool for tool in listed if "outputSchema" in tool]


async def test_a_host_that_is_written_is_the_one_that_routes_match(shop, http):
    made = await shop(told)
    documents = DOCUMENTS.format(upstream="http://127.0.0.1:1", limit=9).replace(
        "match: {path", "match: {host: shop.test, path"
    )
    for host, status in (("shop.test", 502), ("other.test", 404)):
        made.reload(documents.replace("base: /shop,", f"base: /shop, host: {host},") + TEAMS)
        assert (await call(http, made, "listOrders"))["_meta"]["triplegate.dev/status"] == status


async def test_a_document_that_was_changed_is_listed_as_it_is_after_the_next_reload(shop, http):
    made = await shop(told)
    assert "isError" not in await call(http, made, "listOrders")
    fewer = {**SHOP, "paths": {"/orders/{id}": SHOP["paths"]["/orders/{id}"]}}
    (made.path / "shop.json").write_text(json.dumps(fewer))
    documents = DOCUMENTS.format(upstream="http://127.0.0.1:1", limit=9)
    made.reload(documents + TEAMS)
    listed = (await http.post(made.url + "/mcp", **modern("tools/list"))).json()["result"]["tools"]
    assert "shop__listOrders" not in {tool["name"] for tool in listed}
    assert "shop__get_orders_id" in {tool["name"] for tool in listed}


async def test_failures_of_the_route_are_failures_of_the_tool(shop, http):
    made = await shop(lambda request: Answer.json({"error": "no such order"}, 404))
    result = await call(http, made, "get_orders_id", id="1")
    assert (result["isError"], result["structuredContent"]) == (True, {"error": "no such order"})


async def test_a_large_answer_is_cut_off_and_says_so(shop, http):
    made = await shop(lambda request: Answer(b"x" * 5000, content_type="text/plain"))
    result = await call(http, made, "listOrders")
    assert result["isError"]
    assert len(result["content"][0]["text"]) == 1024
    assert "larger than 1024 bytes" in result["content"][1]["text"]


async def test_arguments_that_lead_elsewhere_reach_nobody(shop, http):
    made = await shop(told)
    params = {"name": "shop__get_orders_id", "arguments": {"id": "../../admin"}}
    answer = await http.post(made.url + "/mcp", **modern("tools/call", params))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32602)
    assert made.asked == []


async def test_a_document_that_cannot_be_read_is_a_server_that_cannot_be_called(shop, http):
    made = await shop(told)
    (made.path / "shop.json").write_text("{")
    made.reload(
        DOCUMENTS.format(upstream="http://127.0.0.1:1", limit=9).replace("largest: 1KiB", "largest: 2KiB") + TEAMS
    )
    assert any("shop.json" in fault for fault in made.gateway.snapshot.faults)


def test_pictures_and_texts_are_told_as_what_they_are():
    def told(body, media):
        return json.loads(result_of(Answered(200, [(b"content-type", media)], body, whole=True)))

    assert told(b"\x89PNG", b"image/png")["content"] == [{"type": "image", "data": "iVBORw==", "mimeType": "image/png"}]
    assert told("hä".encode(), b"text/plain; charset=utf-8")["content"] == [{"type": "text", "text": "hä"}]
    listed = told(b"[1, 2]", b"application/json")
    assert ("structuredContent" in listed, listed["content"][0]["text"]) == (False, "[1, 2]")


@pytest.mark.parametrize(
    ("status", "body", "form", "structured", "failed"),
    [
        (200, b"[1]", "wrapped", {"result": [1]}, False),
        (200, b'{"a":1}', "wrapped", {"result": {"a": 1}}, False),
        (200, b"[1", "wrapped", None, False),
        (404, b'{"a":1}', "wrapped", {"a": 1}, True),
        (302, b'{"a":1}', "object", {"a": 1}, True),
        (302, b'{"a":1}', "unknown", {"a": 1}, False),
    ],
)
def test_only_good_answers_have_the_form_that_was_promised(status, body, form, structured, failed):
    answered = Answered(status, [(b"content-type", b"application/json")], body, whole=True)
    result = json.loads(result_of(answered, form))
    assert (result.get("structuredContent"), result.get("isError", False)) == (structured, failed)


@pytest.mark.parametrize("text", ["{", "a: [", "- !!python/object:os.system x"])
def test_what_is_neither_json_nor_plain_yaml_is_refused(tmp_path, text):
    (tmp_path / "x").write_text(text)
    with pytest.raises(ValueError, match=r"no JSON|no YAML"):
        read_document(tmp_path / "x")
