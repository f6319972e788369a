"""A question is asked once: its answer is told again in any dialect, to those who may share it, and costs nothing."""

import asyncio
import contextlib
import gc
import json

import pytest
from tests.gates.built import answer, built
from tests.gates.llm.calls import USAGE, event, one
from tests.hostile.scripted import Upstream

from triplegate.core.clock import SystemClock
from triplegate.core.errors import Refusal
from triplegate.core.identity import KeyRecord, digest_key, new_key
from triplegate.stores.answers.flights import Flight, Flights
from triplegate.stores.answers.purging import purge, purge_before

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"


PEOPLE = "orgs: {acme: {teams: {web: {consumers: {ci: {}, bot: {}}}, ops: {consumers: {ci: {}}}}}}\n"


class Ahead(SystemClock):
    """The machine's clock, some seconds ahead."""

    ahead = 0

    def now(self):
        return SystemClock.now() + self.ahead

    def wall(self):
        return SystemClock.wall() + self.ahead


class Vendor:
    """Answers each call with its number, whole or streamed as it is asked; waits where it is told to."""

    def __init__(self, finish="stop", message=None):
        self.calls, self.bodies = 0, []
        self.finish, self.message = finish, message
        self.go = asyncio.Event()
        self.go.set()
        self.cut = False

    async def __call__(self, talk):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await talk.head()).lower()
                body = json.loads(await talk.read(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])))
                self.calls += 1
                self.bodies.append(body)
                await (self._stream if body.get("stream") else self._whole)(talk, f"answer {self.calls}")

    async def _whole(self, talk, text):
        await self.go.wait()
        message = self.message or {"role": "assistant", "content": text}
        choice = {"index": 0, "finish_reason": self.finish, "message": message}
        body = {"id": "theirs", "object": "chat.completion", "model": "x", "choices": [choice], "usage": USAGE}
        await talk.say(answer(json.dumps(body).encode()))

    async def _stream(self, talk, text):
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        await talk.say(event(id="theirs", choices=[{"index": 0, "delta": {"role": "assistant", "content": text[:3]}}]))
        await self.go.wait()
        if self.cut:
            raise ConnectionError
        await talk.say(event(id="theirs", choices=[{"index": 0, "delta": {"content": text[3:]}}]))
        await talk.say(event(id="theirs", choices=[{"index": 0, "delta": {}, "finish_reason": self.finish}]))
        await talk.say(event(id="theirs", choices=[], usage=USAGE) + b"data: [DONE]\n\n")
        raise ConnectionError  # the stream ends with its connection


@contextlib.asynccontextmanager
async def caching(folder, policy="use: exact_cache", vendor=None, **more):
    vendor = vendor or Vendor()
    async with Upstream(vendor) as upstream:
        text = one(upstream.url, f", policies: [{{{policy}}}]") + PEOPLE
        async with built(folder, text, **more) as made:
            yield made, vendor


def chat(text="How far is the moon?", **more):
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text}], **more}).encode()


def messages(text="How far is the moon?", **more):
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text}], **more}).encode()


def said(wire):
    """The text of an answer, whatever its dialect and form."""
    if wire.field(b"content-type").startswith(b"text/event-stream"):
        told = [json.loads(line[6:]) for line in wire.content.split(b"\n") if line[:7] == b"data: {"]
        parts = [_delta(one) for one in told]
        return "".join(part for part in parts if isinstance(part, str))
    body = json.loads(wire.content)
    if "choices" in body:
        return body["choices"][0]["message"]["content"]
    return "".join(part["text"] for part in body.get("content") or body["output"][0]["content"])


def _delta(told):
    if told.get("choices"):
        return told["choices"][0]["delta"].get("content")
    delta = told.get("delta")
    return delta.get("text") if isinstance(delta, dict) else delta


async def ask(made, body=None, path=CHAT, **more):
    exchange, wire = await made.serve("POST", path, body=body or chat(), **more)
    await settled(made)
    return exchange, wire


async def settled(made):
    """What is kept after an answer is kept."""
    async with asyncio.timeout(5):
        while len(made.kit.states.every(Flights)[0]) if made.kit.states.every(Flights) else False:
            await asyncio.sleep(0)


async def test_the_same_question_is_asked_once_and_told_again_under_an_id_of_its_own(tmp_path):
    async with caching(tmp_path) as (made, vendor):
        _, first = await ask(made)
        exchange, second = await ask(made)
        records = [one for one in made.records if one.kind == "final"]
    assert vendor.calls == 1
    assert (said(first), said(second)) == ("answer 1", "answer 1")
    assert first.field(b"x-triplegate-cache") == b"miss"
    assert second.field(b"x-triplegate-cache").startswith(b"hit; layer=exact; age=")
    body = json.loads(second.content)
    assert body["id"] != "theirs"
    assert body["usage"].items() >= USAGE.items()
    assert [(one.cache, one.cost, one.saved) for one in records] == [("miss", 200_000, 0), ("hit", 0, 200_000)]
    assert (exchange.outcome, records[1].tokens, records[1].target) == ("ok", (0,) * 9, "p/x")


@pytest.mark.parametrize("filled", [{}, {"stream": True}])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, chat()),
        (CHAT, chat(stream=True)),
        (
            CHAT,
            json.dumps(
                {
                    "model": "m",
                    "messages": [{"role": "user", "content": [{"type": "text", "text": "How far is the moon?"}]}],
                }
            ).encode(),
        ),
        (RESPONSES, json.dumps({"model": "m", "input": "How far is the moon?", "store": False}).encode()),
        (
            RESPONSES,
            json.dumps({"model": "m", "input": "How far is the moon?", "store": False, "stream": True}).encode(),
        ),
    ],
)
async def test_an_answer_is_told_in_the_form_and_dialect_of_whoever_asks(tmp_path, filled, path, body):
    async with caching(tmp_path) as (made, vendor):
        await ask(made, chat(**filled))
        _, wire = await ask(made, body, path)
    assert vendor.calls == 1
    assert said(wire) == "answer 1"
    assert wire.ended


@pytest.mark.parametrize("stream", [False, True])
async def test_anthropics_clients_share_with_openais(tmp_path, stream):
    async with caching(tmp_path) as (made, vendor):
        await ask(made, chat(max_tokens=64))
        _, wire = await ask(made, messages(max_tokens=64, stream=stream), MESSAGES)
    assert (vendor.calls, said(wire)) == (1, "answer 1")


ASKED = ("user", "How far is the moon?")


def talk(*turns):
    return json.dumps({"model": "m", "messages": [{"role": role, "content": text} for role, text in turns]}).encode()


CHANGED = {
    "text": chat("How far is Mars?"),
    "system": talk(("system", "Be brief."), ASKED),
    "history": talk(("user", "Hello"), ("assistant", "Hi"), ASKED),
    "temperature": chat(temperature=0.5),
    "top_p": chat(top_p=0.5),
    "max_tokens": chat(max_tokens=10),
    "stop": chat(stop=["x"]),
    "seed": chat(seed=3),
    "format": chat(response_format={"type": "json_object"}),
    "effort": chat(reasoning_effort="low"),
    "penalty": chat(frequency_penalty=1),
    "bias": chat(logit_bias={"1": 5}),
    "unknown": chat(newest_member=True),
}


@pytest.mark.parametrize("changed", CHANGED)
async def test_whatever_may_change_the_answer_makes_it_another_question(tmp_path, changed):
    async with caching(tmp_path) as (made, vendor):
        await ask(made)
        await ask(made, CHANGED[changed])
    assert vendor.calls == 2


@pytest.mark.parametrize("body", [chat(user="somebody"), chat(metadata={"a": "b"}), chat().replace(b'": ', b'":  ')])
async def test_what_changes_no_answer_makes_no_other_question(tmp_path, body):
    async with caching(tmp_path) as (made, vendor):
        await ask(made)
        await ask(made, body)
    assert vendor.calls == 1


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (chat(n=2), CHAT),
        (chat(tools=[{"type": "function", "function": {"name": "f"}}]), CHAT),
        (chat(store=True), CHAT),
        (json.dumps({"model": "m", "input": "How far is the moon?"}).encode(), RESPONSES),
        (chat("x" * 300_000), CHAT),
    ],
)
async def test_what_may_not_be_remembered_passes_by(tmp_path, body, path):
    async with caching(tmp_path) as (made, vendor):
        await ask(made, body, path)
        exchange, wire = await ask(made, body, path)
    assert vendor.calls == 2
    assert wire.field(b"x-triplegate-cache") == b"bypass"
    assert [verdict for _, verdict, _ in exchange.decisions if verdict == "bypass"]


@pytest.mark.parametrize(
    "vendor",
    [
        Vendor(finish="length"),
        Vendor(finish="content_filter"),
        Vendor(message={"role": "assistant", "content": None, "refusal": "No."}),
        Vendor(message={"role": "assistant", "content": ""}),
    ],
)
async def test_answers_that_ended_badly_are_not_remembered(tmp_path, vendor):
    vendor.go = asyncio.Event()
    vendor.go.set()
    async with caching(tmp_path, vendor=vendor) as (made, _):
        await ask(made)
        await ask(made)
    assert vendor.calls == 2


async def test_tools_are_remembered_where_that_is_said(tmp_path):
    function = {"name": "f", "arguments": "{}"}
    call = {"id": "c", "type": "function", "function": function}
    called = {"role": "assistant", "content": None, "tool_calls": [call]}
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    vendor = Vendor(finish="tool_calls", message=called)
    async with caching(tmp_path, "use: exact_cache, tools: true", vendor) as (made, _):
        await ask(made, chat(tools=tools))
        _, wire = await ask(made, chat(tools=tools))
    assert vendor.calls == 1
    assert json.loads(wire.content)["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "f"


async def test_a_stream_that_broke_off_is_not_remembered(tmp_path):
    vendor = Vendor()
    vendor.cut = True
    async with caching(tmp_path, vendor=vendor) as (made, _):
        with contextlib.suppress(Refusal):
            await ask(made, chat(stream=True))
        vendor.cut = False
        _, wire = await ask(made, chat(stream=True))
    assert (vendor.calls, said(wire)) == (2, "answer 2")


async def test_an_answer_is_remembered_no_longer_than_is_said(tmp_path):
    clock = Ahead()
    async with caching(tmp_path, "use: exact_cache, ttl: 60s", clock=clock) as (made, vendor):
        await ask(made)
        clock.ahead = 50
        await ask(made)
        assert vendor.calls == 1
        clock.ahead = 61
        await ask(made)
    assert vendor.calls == 2


async def test_answers_cut_at_their_bound_are_remembered_where_that_is_said(tmp_path):
    async with caching(tmp_path, "use: exact_cache, finishes: [stop, length]", Vendor("length")) as (made, vendor):
        await ask(made)
        await ask(made)
    assert vendor.calls == 1


@pytest.mark.parametrize(("largest", "calls"), [("60B", 2), ("1KiB", 1)])
async def test_what_is_longer_than_is_said_passes_by(tmp_path, largest, calls):
    async with caching(tmp_path, f"use: exact_cache, largest: {largest}") as (made, vendor):
        await ask(made)
        await ask(made)
    assert vendor.calls == calls


@pytest.mark.parametrize(("scope", "calls"), [("org", 1), ("team", 1), ("consumer", 2), ("key", 3)])
async def test_consumers_share_as_widely_as_is_said(tmp_path, scope, calls):
    async with caching(tmp_path, f"use: exact_cache, scope: {scope}") as (made, vendor):
        await ask(made)
        await ask(made, **another(made, "web", "ci"))
        await ask(made, **another(made, "web", "bot"))
    assert vendor.calls == calls


def another(made, team, consumer):
    """A call with a key of somebody else's."""
    text, key_id = new_key("test")
    record, known = KeyRecord(key_id, digest_key(b"pepper", text), "acme", team, consumer, ""), made.kit.keys.find
    made.kit.keys.find = lambda asked: record if asked == key_id else known(asked)
    return {"key": False, "headers": [(b"authorization", b"Bearer " + text.encode())]}


async def test_teams_share_nothing(tmp_path):
    async with caching(tmp_path) as (made, vendor):
        await ask(made)
        call = another(made, "ops", "ci")
        exchange, wire = await ask(made, **call)
        await ask(made, **call)
    assert exchange.principal.team == "ops"
    assert vendor.calls == 2  # one for each team
    assert said(wire) == "answer 2"


@pytest.mark.parametrize(
    ("said_first", "said_next", "calls"),
    [
        (b"no-store", b"", 2),
        (b"", b"no-cache", 2),
        (b"", b"no-store", 2),
        (b"", b"max-age=0", 2),
        (b"", b"max-age=60", 1),
        (b"", b"only-if-cached", 1),
    ],
)
async def test_clients_may_say_what_they_want_of_the_cache(tmp_path, said_first, said_next, calls):
    async with caching(tmp_path, clock=Ahead()) as (made, vendor):
        await ask(made, headers=[(b"cache-control", said_first)] if said_first else [])
        made.house.clock.ahead = 5
        await ask(made, headers=[(b"cache-control", said_next)] if said_next else [])
    assert vendor.calls == calls


async def test_a_client_that_wants_nobody_asked_is_told_so(tmp_path):
    async with caching(tmp_path) as (made, vendor):
        _, wire = await ask(made, headers=[(b"cache-control", b"only-if-cached")])
    assert (wire.status, vendor.calls) == (504, 0)
    assert json.loads(wire.content)["error"]["code"] == "not_cached"


async def test_clients_have_no_say_where_the_operator_says_so(tmp_path):
    async with caching(tmp_path, "use: exact_cache, client_control: false") as (made, vendor):
        await ask(made)
        await ask(made, headers=[(b"cache-control", b"no-store")])
    assert vendor.calls == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_fifty_equal_questions_at_once_are_asked_once(tmp_path, stream):
    async with caching(tmp_path) as (made, vendor):
        vendor.go.clear()
        tasks = [asyncio.create_task(made.serve("POST", CHAT, body=chat(stream=stream))) for _ in range(50)]
        async with asyncio.timeout(10):
            while not vendor.calls or len(made.kit.states.every(Flights)[0]) != 1:
                await asyncio.sleep(0)
            vendor.go.set()
            told = [wire for _, wire in await asyncio.gather(*tasks)]
        records = [one for one in made.records if one.kind == "final"]
    assert vendor.calls == 1
    assert sorted((one.cache, one.cost, one.saved, one.target) for one in records) == [
        ("miss", 200_000, 0, "p/x"),
        *[("shared", 0, 200_000, "p/x")] * 49,
    ]
    assert {said(wire) for wire in told} == {"answer 1"}
    assert sorted(wire.field(b"x-triplegate-cache") for wire in told)[:2] == [b"miss", b"shared"]


async def test_when_the_first_fails_the_next_one_asks(tmp_path):
    async with caching(tmp_path, "use: exact_cache}, {use: timeout, total: 30s") as (made, vendor):
        vendor.go.clear()
        first = asyncio.create_task(made.serve("POST", CHAT, body=chat()))
        async with asyncio.timeout(10):
            while not vendor.calls:
                await asyncio.sleep(0)
            second = asyncio.create_task(made.serve("POST", CHAT, body=chat()))
            await asyncio.sleep(0)
            first.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await first
            for exchange in made.kit.states.every(Flights)[0]._flights.values():
                exchange.fail()
            vendor.go.set()
            _, wire = await second
    assert (vendor.calls, said(wire)) == (2, "answer 2")


async def test_observing_asks_all_the_same_and_notes_what_would_have_been(tmp_path):
    async with caching(tmp_path, "use: exact_cache, mode: observe") as (made, vendor):
        await ask(made)
        exchange, _ = await ask(made)
    assert vendor.calls == 2
    assert "would hit" in {verdict for _, verdict, _ in exchange.decisions}


@pytest.mark.parametrize("by", [{"team": "acme/web"}, {"model": "m"}, {"tag": "help"}, {}])
async def test_answers_are_forgotten_by_team_model_tag_or_all(tmp_path, by):
    async with caching(tmp_path, "use: exact_cache, tags: [help]") as (made, vendor):
        await ask(made)
        assert await purge(made.kit.cache, **{name: f"not {value}" for name, value in by.items()}) == (0 if by else 1)
        await purge(made.kit.cache, **by)
        await ask(made)
    assert vendor.calls == 2


async def test_what_is_older_than_a_moment_is_not_told_any_more(tmp_path):
    async with caching(tmp_path) as (made, vendor):
        await ask(made)
        now = made.house.clock.wall()
        await purge_before(made.kit.cache, now - 60, "acme/web")
        await ask(made)
        assert vendor.calls == 1
        await purge_before(made.kit.cache, now + 60, "acme/ops")
        await ask(made)
        assert vendor.calls == 1
        await purge_before(made.kit.cache, now + 60, "acme/web")
        await ask(made)
    assert vendor.calls == 2


async def test_an_answer_leaves_no_ring_for_the_collector(tmp_path):
    """One that is there for each call is collected in thousands, and meanwhile nobody is served."""
    async with caching(tmp_path) as (made, vendor):
        await ask(made)
        gc.collect()
        gc.disable()
        try:
            for number in range(3):
                await ask(made, chat(f"How far is star {number}?"))
            async with asyncio.timeout(20):
                while made.kit.supervisor.running:
                    await asyncio.sleep(0.002)
            made.house.telemetry.finished_exchanges.clear()  # of the test's own
            left = [one for one in gc.get_objects() if type(one) is Flight]
        finally:
            gc.enable()
    assert vendor.calls == 4
    assert left == []
