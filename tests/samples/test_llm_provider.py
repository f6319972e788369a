"""The scripted provider, through OpenAI's own client."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from triplegate.samples import llm_provider
from triplegate.samples.http import Server
from triplegate.samples.journal import Journal, read
from triplegate.samples.llm_scripts import HINT, NAMED, pieces

ASK = [{"role": "user", "content": "What time is it?"}]


def scripted(**script: Any) -> Any:
    return [{"role": "user", "content": json.dumps({"script": script})}]


async def listen(stream: Any, said: list[str | None]) -> None:
    """Note what a stream says until it fails or ends."""
    async for chunk in stream:
        said.append(chunk.choices[0].delta.content)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with Server(llm_provider.handler()) as server:
        yield server.url


@pytest.fixture
async def client(url: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0, timeout=5) as client:
        yield client


async def test_the_plain_answer_says_how_to_get_the_real_model(client: openai.AsyncOpenAI) -> None:
    for model in ("scripted", "smollm2"):
        reply = await client.chat.completions.create(model=model, messages=ASK)
        assert reply.choices[0].message.content == HINT
        assert reply.choices[0].finish_reason == "stop"
        assert reply.model == model
        assert reply.usage is not None
        assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (5 + 3, len(HINT.split()))
        assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert "make run" in HINT
    assert "pip install xllamacpp" in HINT


async def test_a_stream_says_the_same_word_by_word(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="scripted", messages=ASK, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == HINT
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == len(HINT.split())
    assert len({chunk.id for chunk in chunks}) == 1


async def test_a_stream_has_no_usage_unless_asked_and_ends_with_done(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as raw:
        body = {"model": "scripted", "messages": ASK, "stream": True}
        text = (await raw.post("/v1/chat/completions", json=body)).text
    assert text.endswith("data: [DONE]\n\n")
    assert '"usage"' not in text


async def test_max_tokens_cut_the_answer_short(client: openai.AsyncOpenAI) -> None:
    reply = await client.chat.completions.create(model="scripted", messages=ASK, max_completion_tokens=3)
    assert reply.choices[0].finish_reason == "length"
    assert reply.choices[0].message.content == " ".join(HINT.split()[:3]) + " "


async def test_usage_has_cached_and_reasoning_tokens(client: openai.AsyncOpenAI) -> None:
    messages = scripted(text="Yes.", reasoning="Let me think.", cached=4)
    reply = await client.chat.completions.create(model="scripted", messages=messages)
    usage = reply.usage
    assert usage is not None
    assert usage.prompt_tokens_details is not None
    assert usage.completion_tokens_details is not None
    assert usage.prompt_tokens_details.cached_tokens == 4
    assert (usage.completion_tokens_details.reasoning_tokens, usage.completion_tokens) == (3, 4)


@pytest.mark.parametrize("stream", [False, True])
async def test_tools_on_request(client: openai.AsyncOpenAI, stream: bool) -> None:
    messages = scripted(text="", tool={"name": "get_order", "arguments": {"id": "ord_1001", "all": True}})
    if stream:
        async with client.chat.completions.stream(model="scripted", messages=messages) as events:
            reply: Any = await events.get_final_completion()
    else:
        reply = await client.chat.completions.create(model="scripted", messages=messages)
    assert reply.choices[0].finish_reason == "tool_calls"
    call = reply.choices[0].message.tool_calls[0]
    assert call.function.name == "get_order"
    assert json.loads(call.function.arguments) == {"id": "ord_1001", "all": True}


async def test_a_tool_is_called_by_its_offered_name_and_once(client: openai.AsyncOpenAI) -> None:
    tools: Any = [{"type": "function", "function": {"name": "orders__get_order", "parameters": {}}}]
    messages: Any = [{"role": "user", "content": "Where is it?"}]
    first = await client.chat.completions.create(model="scripted-tools", messages=messages, tools=tools)
    [call] = first.choices[0].message.tool_calls or ()
    assert call.type == "function"
    assert call.function.name == "orders__get_order"
    messages += [first.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "It is shipped."}]
    last = await client.chat.completions.create(model="scripted-tools", messages=messages, tools=tools)
    assert last.choices[0].message.content == "The tool said: It is shipped."


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("scripted-401", openai.AuthenticationError),
        ("scripted-429", openai.RateLimitError),
        ("scripted-500", openai.InternalServerError),
        ("scripted-503", openai.InternalServerError),
        ("no-such-model", openai.NotFoundError),
    ],
)
async def test_refusals_by_model_name(
    client: openai.AsyncOpenAI, model: str, error: type[openai.APIStatusError]
) -> None:
    with pytest.raises(error) as caught:
        await client.chat.completions.create(model=model, messages=ASK)
    assert caught.value.response.headers.get("retry-after") == ("1" if model == "scripted-429" else None)


async def test_a_cut_stream_has_content_and_no_end(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(model="scripted-cut", messages=ASK, stream=True)
    said: list[str | None] = []
    with pytest.raises(openai.APIConnectionError):
        await listen(stream, said)
    assert said == ["", *pieces(HINT)[:2]]


async def test_an_error_inside_the_stream(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(model="scripted-inband-error", messages=ASK, stream=True)
    said: list[str | None] = []
    with pytest.raises(openai.APIError, match="overloaded"):
        await listen(stream, said)
    assert said == ["", *pieces(HINT)[:2]]


async def test_a_stall_is_silence_until_the_client_leaves(client: openai.AsyncOpenAI, url: str) -> None:
    messages = scripted(fault="stall", after=1, latch="s")
    stream = await client.with_options(timeout=0.3).chat.completions.create(
        model="scripted", messages=messages, stream=True
    )
    said: list[str | None] = []
    with pytest.raises(openai.APITimeoutError):
        await listen(stream, said)
    assert said == ["", pieces(HINT)[0]]
    await stream.close()
    async with httpx.AsyncClient(base_url=url) as raw:
        assert (await raw.get("/control/latch/s?wait=5")).json()["outcome"] == "gone"


@pytest.mark.parametrize(
    ("model", "kind", "body"),
    [("scripted-malformed", "text/event-stream", '"del\n\n'), ("scripted-html", "text/html", "</html>")],
)
async def test_malformed_chunks_and_wrong_content_types(url: str, model: str, kind: str, body: str) -> None:
    async with httpx.AsyncClient(base_url=url) as raw:
        reply = await raw.post("/v1/chat/completions", json={"model": model, "messages": ASK, "stream": True})
    assert (reply.status_code, reply.headers["content-type"]) == (200, kind)
    assert reply.text.endswith(body)


@pytest.mark.parametrize("fault", ["cut", "reset", "error", "malformed"])
async def test_faults_of_whole_answers(url: str, fault: str) -> None:
    body = {"model": "scripted", "messages": scripted(fault=fault)}
    async with httpx.AsyncClient(base_url=url) as raw:
        if fault in {"cut", "reset"}:
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                await raw.post("/v1/chat/completions", json=body)
        elif fault == "error":
            reply = await raw.post("/v1/chat/completions", json=body)
            assert (reply.status_code, "error" in reply.json()) == (200, True)
        else:
            with pytest.raises(json.JSONDecodeError):
                (await raw.post("/v1/chat/completions", json=body)).json()


async def test_the_second_chunk_leaves_only_after_its_release(client: openai.AsyncOpenAI, url: str) -> None:
    stream = await client.chat.completions.create(
        model="scripted", messages=scripted(text="one two three", latch="step"), stream=True
    )
    words = aiter(stream)
    assert (await anext(words)).choices[0].delta.content == ""
    assert (await anext(words)).choices[0].delta.content == "one "
    async with httpx.AsyncClient(base_url=url) as raw:
        assert (await raw.get("/control/latch/step")).json()["passed"] == 1
        await raw.post("/control/latch/step?release=1")
        assert (await anext(words)).choices[0].delta.content == "two "
        await raw.post("/control/latch/step?release=1")
        assert (await anext(words)).choices[0].delta.content == "three"
    assert (await anext(words)).choices[0].finish_reason == "stop"


async def test_wrong_requests_and_scripts_say_what_is_wrong(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="unknown field"):
        await client.chat.completions.create(model="scripted", messages=scripted(colour="red"))
    with pytest.raises(openai.BadRequestError, match="array"):
        await client.chat.completions.create(model="scripted", messages="hi")  # type: ignore[arg-type]


async def test_embeddings_are_unit_vectors_of_the_words(client: openai.AsyncOpenAI, url: str) -> None:
    reply = await client.embeddings.create(model="scripted-embeddings", input=["a red car", "a red bus", "the moon"])
    car, bus, moon = (row.embedding for row in reply.data)
    assert len(car) == 576
    assert sum(x * x for x in car) == pytest.approx(1, abs=1e-4)
    assert sum(map(float.__mul__, car, bus)) > sum(map(float.__mul__, car, moon)) + 0.2
    assert reply.usage.prompt_tokens == 8
    again = await client.embeddings.create(
        model="scripted-embeddings", input="a red car", encoding_format="float", dimensions=576
    )
    assert again.data[0].embedding == pytest.approx(car, abs=1e-6)
    short = await client.embeddings.create(model="scripted-embeddings", input=[1, 2, 3], dimensions=8)
    assert [len(row.embedding) for row in short.data] == [8]
    with pytest.raises(openai.BadRequestError):
        await client.embeddings.create(model="scripted-embeddings", input="x", dimensions=100_000)


async def test_the_models_are_listed(client: openai.AsyncOpenAI) -> None:
    assert {model.id async for model in client.models.list()} == set(NAMED)


async def test_the_journal_knows_what_was_used_even_when_the_client_left(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    async with Server(llm_provider.handler(journal)) as server, httpx.AsyncClient(base_url=server.url) as raw:
        body = {"model": "scripted", "stream": True, "messages": scripted(text="one two three", latch="j")}
        async with raw.stream("POST", "/v1/chat/completions", json=body) as reply:
            async for line in reply.aiter_lines():
                if '"one "' in line:
                    break
        assert (await raw.get("/control/latch/j?wait=5")).json()["outcome"] == "gone"
    journal.close()
    end = read(tmp_path / "journal")[-1]
    assert (end["event"], end["model"], end["usage"]["completion_tokens"]) == ("gone", "scripted", 1)
