"""Models as tools: the llm gate's own limits, prices and records."""

import json

import pytest
from tests.gates.mcp.messages import bearer, modern

from triplegate.gates.mcp.inside import Answered
from triplegate.gates.mcp.model_tools import _result
from triplegate.samples.http import Answer

DOCUMENTS = """
providers:
  far: {{base_url: "{upstream}/v1", dialect: openai_chat}}
models: {{"smart/one": {{deployments: [{{provider: far, model: m, key: "env:K", price: {{input: 1, output: 2}}}}]}}}}
servers: {{ask: {{models: ["smart/one"]}}}}
"""


@pytest.fixture
async def asked(house, serve, http):
    seen = []

    async def handler(request):
        seen.append(json.loads(await request.body()))
        usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "four"}}
        return Answer.json(
            {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
        )

    far = await serve(handler)
    made = await house(DOCUMENTS.format(upstream=far.url), secrets={"env:K": "k"})
    http.headers.update(bearer(made.key()))
    made.seen = seen
    return made


async def call(http, made, **arguments):
    params = {"name": "ask__smart_one", "arguments": arguments}
    return (await http.post(made.url + "/mcp", **modern("tools/call", params))).json()


async def test_a_model_is_listed_and_answers_a_prompt(asked, http):
    listed = (await http.post(asked.url + "/mcp", **modern("tools/list"))).json()["result"]["tools"]
    assert [tool["name"] for tool in listed] == ["ask__smart_one"]
    result = (await call(http, asked, prompt="2+2?", system="Be brief.", max_tokens=5))["result"]
    assert result["content"] == [{"type": "text", "text": "four"}]
    assert result["_meta"]["triplegate.dev/usage"]["total_tokens"] == 5
    [sent] = asked.seen
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]
    assert [(record.gate, record.cost) for record in asked.calls][-2:] == [("llm", 70_000), ("mcp", 0)]


async def test_arguments_that_do_not_fit_reach_no_model(asked, http):
    for wrong in ({}, {"prompt": 1}, {"prompt": "x", "other": 1}):
        assert (await call(http, asked, **wrong))["error"]["code"] == -32602
    assert asked.seen == []


def test_what_is_no_completion_is_told_as_it_came():
    headers = [(b"content-type", b"application/json")]
    failed = json.loads(_result(Answered(429, headers, b'{"error":{"message":"slow down"}}', whole=True)))
    assert failed["isError"]
    assert failed["structuredContent"] == {"error": {"message": "slow down"}}
    assert json.loads(_result(Answered(200, headers, b"[]", whole=True)))["content"][0]["text"] == "[]"
