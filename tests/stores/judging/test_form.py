"""An answer must be JSON that fits the schema, in every dialect, whole and streamed; else nothing of it is told."""

import asyncio
import contextlib
import json

import pytest
from tests.policies.test_guardrail import CHAT, MESSAGES, RESPONSES, Vendor, ask, body_of, chat, guarded, refused, told

from triplegate.stores.judging import form
from triplegate.stores.judging.form import Form
from triplegate.wire.schemas import compiled
from triplegate.wire.screening.holding import Spoken

SCHEMA = "{type: object, properties: {city: {type: string, maxLength: 9}}, required: [city]}"
POLICY = f"{{use: guardrail, name: form, on: [output], json_schema: {SCHEMA}}}"
GOOD, BAD = '{"city": "Oslo"}', '{"city": "hunter2hunter2"}'


def judge(*, textless=True, schema=None):
    made = compiled(json.dumps(schema or {"type": "object", "required": ["a"]}).encode())
    return Form(made, textless=textless)


def said(text, **more):
    return Spoken("output", (text,), **more)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
async def test_what_fits_passes_and_of_what_does_not_nothing_is_told(tmp_path, path, stream):
    vendor = Vendor(GOOD)
    async with guarded(tmp_path, POLICY, vendor) as (made, _):
        _, good = await ask(made, body_of(path, stream=stream), path)
        vendor.texts = (BAD,)
        exchange, status, content = await refused(made, body_of(path, stream=stream), path)
    assert good.status == 200
    assert "Oslo" in told(good)
    assert status in ((200, 400) if stream else (400,))  # the head of a stream may be out already
    assert b"hunter2" not in content
    assert b"/properties/city/maxLength" in content
    assert ("form", "block", "json_schema=1") in exchange.decisions


async def test_of_several_choices_each_must_fit(tmp_path):
    async with guarded(tmp_path, POLICY, Vendor(GOOD, BAD, GOOD)) as (made, _):
        _, whole = await ask(made, chat(n=3))
        _, wire = await ask(made, chat(n=3, stream=True))
    choices = json.loads(whole.content)["choices"]
    assert [one["finish_reason"] for one in choices] == ["stop", "content_filter", "stop"]
    assert [one["message"]["content"] for one in choices][::2] == [GOOD, GOOD]
    assert b"hunter2" not in whole.content + wire.content
    assert wire.content.count(b'"content_filter"') == 1


async def test_who_only_observes_tells_the_answer_as_it_comes(tmp_path):
    policy = POLICY.replace("name: form", "name: form, mode: observe")
    async with guarded(tmp_path, policy, Vendor(BAD)) as (made, _):
        exchange, wire = await ask(made, chat(stream=True))
        other, _ = await ask(made, chat())
    assert told(wire) == BAD
    for one in (exchange, other):
        assert ("form", "would block", "json_schema=1") in one.decisions


class Calls(Vendor):
    """Answers with a call of a tool only."""

    async def _whole(self, talk, texts):
        call = {"id": "1", "type": "function", "function": {"name": "t", "arguments": "{}"}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        body = {"id": "x", "model": "x", "choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}]}
        with contextlib.suppress(ConnectionError):
            raw = json.dumps(body).encode()
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(raw)
            await talk.say(head + raw)


@pytest.mark.parametrize(("written", "status"), [("pass", 200), ("block", 400)])
async def test_an_answer_that_only_calls_tools_passes_unless_that_is_forbidden(tmp_path, written, status):
    policy = POLICY.replace("name: form", f"name: form, textless: {written}")
    async with guarded(tmp_path, policy, Calls()) as (made, _):
        _, seen, _ = await refused(made, chat())
    assert seen == status


async def test_what_says_nothing_fits_nothing_unless_it_calls_or_refuses():
    assert await judge()(said("", calls=True)) is None
    assert await judge()(said(" ", refuses=True)) is None
    for spoken, textless in ((said(""), True), (said("", calls=True), False), (said("text", calls=True), True)):
        found = await judge(textless=textless)(spoken)
        assert (found.kind, "it is no JSON" in found.why) == ("json_schema", True)


async def test_long_answers_are_compared_beside_the_loop_and_in_time(monkeypatch):
    beside = []
    monkeypatch.setattr(form.asyncio, "to_thread", lambda work, *given: _noted(beside, work, given))
    long = json.dumps({"a": "x" * 100_000})
    assert await judge()(said(long)) is None
    assert len(beside) == 1
    assert "too large" in (await judge()(said(json.dumps({"a": "x" * 2_000_000})))).why
    monkeypatch.setattr(form, "LONGEST", 0.0)
    assert "too long" in (await judge()(said(long))).why


async def _noted(beside, work, given):
    beside.append(work)
    await asyncio.sleep(0)
    return work(*given)
