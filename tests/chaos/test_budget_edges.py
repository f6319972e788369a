"""Budgets at their edges: calls that outlast a window or their hold, answers cut to the token, streams left."""

import asyncio
import contextlib
import json
from decimal import Decimal

import httpx
import openai
import pytest
from tests.chaos.calls import Call, cuts
from tests.gates.built import ListWire, answer, built
from tests.gates.llm.calls import chat
from tests.hostile.scripted import Upstream
from tests.journeys.running import House, eventually, journal, records, write

from triplegate.config.budgets import budgets_of
from triplegate.core.admission import Claim
from triplegate.core.clock import SystemClock
from triplegate.core.money import UNITS_PER_DOLLAR
from triplegate.edge.heartbeats import Heartbeats
from triplegate.edge.pump import pump
from triplegate.samples.start import start_samples

CHAT = "/v1/chat/completions"
CALL = UNITS_PER_DOLLAR // 10
DAY = 86_400.0
WINDOWED = """
providers: {{p: {{base_url: "{url}/v1", auth: null, models: {{x: {{call: 0.1}}}}}}}}
models: {{m: {{deployments: [{{provider: p, model: x}}]}}}}
llm: {{policies: [{{use: key_auth}}]}}
orgs: {{acme: {{teams: {{web: {{budget: {{money: {money}, {window}}}, consumers: {{ci: {{}}}}}}}}}}}}
"""
PIECE = b'data: {"choices":[{"index":0,"delta":{"content":"word"}}]}\n\n'
END = (
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b'data: {"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}\n\n'
    b"data: [DONE]\n\n"
)


# windows and holds, with a clock that is set -----------------------------------------------------------------------
class Ahead(SystemClock):
    """A clock that goes as the loop's does, and can be put forward; begins at `wall`."""

    def __init__(self, wall=1_767_225_600.0):
        self._ahead, self._begun, self._wall = 0.0, super().now(), wall

    def now(self):
        return super().now() + self._ahead

    def wall(self):
        return self._wall + self.now() - self._begun

    def advance(self, seconds):
        self._ahead += seconds


class Held:
    """An upstream whose streams end when they are told to; whole answers come at once."""

    def __init__(self):
        self.end = asyncio.Event()

    async def __call__(self, talk):
        while True:
            head = await talk.head()
            asked = json.loads(await talk.read(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])))
            if asked.get("stream"):
                break
            await talk.say(answer(b'{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}'))
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + PIECE)
        await self.end.wait()
        await talk.say(END)


@contextlib.asynccontextmanager
async def windowed(folder, clock, held, money, window):
    """A gateway whose team `web` has that budget."""
    async with Upstream(held) as upstream:
        text = WINDOWED.format(url=upstream.url, money=money, window=window)
        async with built(folder, text, clock=clock) as made:
            yield made


async def balance(made):
    allowance = budgets_of(made.gateway.snapshot.documents)["team:acme/web"].allowance
    (found,) = await made.kit.admission.balances((Claim(allowance.bucket("acme/web"), allowance.limit),))
    return found


async def under_way(made):
    """A stream whose first piece has come: its exchange, and what ends it."""
    exchange, reply = await made.answer("POST", CHAT, body=chat(stream=True))
    assert exchange.refusal is None
    wire = ListWire()
    running = asyncio.create_task(pump(exchange, reply, exchange.gate.encoder(exchange, reply), wire))
    async with asyncio.timeout(5):
        while b"word" not in wire.content:
            await asyncio.sleep(0.005)
    return exchange, running


async def status(made):
    return (await made.serve("POST", CHAT, body=chat()))[1].status


@pytest.mark.parametrize("window", ["per: day", "per: month", "rolling: 1d"])
async def test_a_stream_over_the_end_of_a_window_is_charged_to_the_one_that_let_it_in(tmp_path, window):
    clock = Ahead(wall=1_767_225_600.0 + 31 * DAY - 30.0)  # half a minute before February
    held = Held()
    async with windowed(tmp_path, clock, held, 0.2, window) as made:
        exchange, running = await under_way(made)
        first = await balance(made)
        assert (first.spent, first.held) == (0, CALL)
        clock.advance(60.0)
        held.end.set()
        await running
        after = await balance(made)
        calendar = window.startswith("per")
        assert (after.spent, after.held) == ((0, 0) if calendar else (CALL, 0))
        assert [await status(made) for _ in range(3)] == ([200, 200, 429] if calendar else [200, 429, 429])
        record = next(one for one in made.records if one.exchange == exchange.id and one.kind == "final")
        assert record.cost == CALL
        assert record.started < 1_767_225_600.0 + 31 * DAY, "the ledger has it in the first one, too"


async def test_a_hold_that_nobody_prolonged_is_spent_once_when_its_call_ends_after_all(tmp_path):
    clock, held = Ahead(), Held()
    async with windowed(tmp_path, clock, held, 0.1, "per: year") as made:
        _, running = await under_way(made)
        assert await status(made) == 429
        clock.advance(121.0)  # its worker could not run for two minutes
        assert (await balance(made)).held == 0
        held.end.set()
        await running
        assert ((await balance(made)).spent, (await balance(made)).held) == (CALL, 0)
        assert await status(made) == 429
        assert sum(one.cost for one in made.records) == CALL


async def test_a_stream_of_an_hour_keeps_its_hold_by_heartbeats(tmp_path):
    clock, held = Ahead(), Held()
    async with windowed(tmp_path, clock, held, 0.1, "per: year") as made:
        exchange, running = await under_way(made)

        class Live:
            def exchanges(self):
                return [exchange]

        beats = Heartbeats(Live(), clock)
        for _ in range(90):
            clock.advance(40.0)
            await beats.look()
            assert (await balance(made)).held == CALL
        assert (beats.beats, beats.refused) == (90, 0)
        held.end.set()
        await running
        assert ((await balance(made)).spent, (await balance(made)).held) == (CALL, 0)


# through the real gateway ------------------------------------------------------------------------------------------
CONFIGURATION = """
providers:
  scripted:
    {{base_url: "http://127.0.0.1:{llm}/v1", auth: null, models: {{scripted: {{input: 100, output: 200}}}}}}
models: {{smart: {{deployments: [{{provider: scripted, model: scripted}}]}}}}
llm: {{policies: [{{use: key_auth}}]}}
orgs:
  acme:
    teams:
      cut: {{budget: {{money: 0.12, per: year, hard_cutoff: true}}, consumers: {{ci: {{}}}}}}
      web: {{budget: {{money: 1000, per: year}}, consumers: {{ci: {{}}}}}}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edges")
    log = folder / "journal.jsonl"
    with start_samples(journal=log) as samples:
        write(folder, CONFIGURATION.format(llm=samples.ports["llm"]))
        with House(folder) as house:
            house.log, house.llm = log, samples.url("llm")
            yield house


def test_an_answer_is_cut_at_the_token_that_its_budget_does_not_pay(world):
    heard, latch = 0, f"{world.llm}/control/latch/token"
    with openai.OpenAI(base_url=world.url + "/v1", api_key=world.key("cut"), max_retries=0, timeout=20) as client:
        httpx.post(latch, params={"release": 499}).raise_for_status()
        asked = [{"role": "user", "content": '{"script": {"tokens": 2000, "latch": "token"}}'}]
        with pytest.raises(openai.APIError, match="budget"):  # noqa: PT012 - it is raised by the loop
            for chunk in client.chat.completions.create(model="smart", stream=True, messages=asked):
                heard += bool(chunk.choices[0].delta.content)
                if heard >= 500:  # from here on one by one: none comes together with the next
                    httpx.post(latch, params={"release": 1}).raise_for_status()
    (row,) = eventually(lambda: world.usage("team").get(("cut",)) and records(world.directory, "team = 'cut'"))
    assert abs(row["output_text"] - heard) <= 1
    chunk = 200 * UNITS_PER_DOLLAR // 1_000_000
    budget = UNITS_PER_DOLLAR * 12 // 100
    assert budget - 2 * chunk < row["cost"] <= budget + chunk
    (found,) = [one for one in world.admin("GET", "/budgets").json() if one["budget"] == "team:acme/cut"]
    assert (Decimal(found["spent"]) * UNITS_PER_DOLLAR, found["held"]) == (row["cost"], "0")


async def leave(house: House, count: int) -> None:
    """So many streams, each left after its first words; what remains of them."""
    key = await asyncio.to_thread(house.key)
    before = {row["exchange"] for row in await asyncio.to_thread(records, house.directory)}
    seen: dict[str, int] = {}
    places = asyncio.Semaphore(50)

    async def one() -> None:
        script = json.dumps({"script": {"tokens": 500, "pace": 0.01}})
        body = {"model": "smart", "stream": True, "max_tokens": 500, "messages": [{"role": "user", "content": script}]}
        call = Call(house.port, CHAT, key=key, body=body)
        async with places, cuts([call]):
            await call.begin()
            await call.until(lambda raw: raw.count(b"tok ") >= 3)
            seen[call.id] = call.raw.count(b"tok ")

    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(one())
    assert len(seen) == count

    def ended() -> list[dict]:
        house.usage("team")
        rows = [row for row in records(house.directory, "team = 'web'") if row["exchange"] not in before]
        return rows if len(rows) >= count else []

    rows = await asyncio.to_thread(eventually, ended, 20.0, 0.1)
    assert sorted(row["exchange"] for row in rows) == sorted(seen), "each one record"
    assert {row["outcome"] for row in rows} == {"gone"}
    for row in rows:
        assert seen[row["exchange"]] <= row["output_text"] + 1, "what was heard is charged"
        assert row["output_text"] < 100, "and not what was never said"
        assert row["cost"] == row["input_uncached"] * CALL // 1_000 + row["output_text"] * CALL // 500
    told = lambda: {line["id"] for line in journal(house.log) if line["event"] != "request"}  # noqa: E731
    await asyncio.to_thread(eventually, lambda: set(seen) <= told(), 10.0, 0.1)
    (found,) = [one for one in await asyncio.to_thread(budgets, house) if one["budget"] == "team:acme/web"]
    spent = sum(row["cost"] for row in records(house.directory, "team = 'web'"))
    assert (Decimal(found["spent"]) * UNITS_PER_DOLLAR, found["held"]) == (spent, "0")


def budgets(house: House) -> list[dict]:
    return house.admin("GET", "/budgets").json()


async def test_fifty_streams_that_are_left_hold_nothing_and_have_each_one_record(world):
    await leave(world, 50)


@pytest.mark.long
async def test_a_thousand_streams_that_are_left_hold_nothing_and_have_each_one_record(world):
    await leave(world, 1_000)
