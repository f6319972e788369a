"""Calls that are more than a request and an answer, of budgets: gRPC, WebSockets, copies, answers asked for later."""

import asyncio
import contextlib
from collections import Counter

import grpc
import openai
import pytest
from tests.chaos.calls import ask
from tests.hostile.raw import Recorder
from tests.journeys.running import House, eventually, free_port, records, write
from tests.journeys.test_llm_stored import Vendor
from tests.journeys.websocket_upstream import Service
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from triplegate.core.money import UNITS_PER_DOLLAR
from triplegate.samples.grpc_echo import SERVICE
from triplegate.samples.start import start_grpc

CONFIGURATION = """
services:
  echo: {{endpoints: ["http://127.0.0.1:{grpc}"], protocol: grpc}}
  chat: {{endpoints: ["http://127.0.0.1:{chat}"], websocket: true}}
  plain: {{endpoints: ["http://127.0.0.1:{plain}"]}}
  copies: {{endpoints: ["http://127.0.0.1:{copies}"]}}
routes:
  grpc: {{service: echo, match: {{grpc: {{service: {name}}}}}, price: 0.1, policies: [{{use: key_auth}}]}}
  socket: {{service: chat, match: {{path: /chat}}, price: 0.1, policies: [{{use: key_auth}}]}}
  copied:
    service: plain
    match: {{path: /copied}}
    price: 0.1
    policies: [{{use: key_auth}}, {{use: mirror, service: copies}}, {{use: mirror, name: again, service: copies}}]
providers:
  one:
    base_url: "http://127.0.0.1:{vendor}/v1"
    key: "env:VENDOR_KEY"
    speaks: [openai_responses]
    models: {{gpt: {{input: 10, output: 20}}}}
models: {{keeper: {{deployments: [{{provider: one, model: gpt}}]}}}}
llm: {{policies: [{{use: key_auth}}]}}
orgs:
  acme:
    budget: {{money: 100, per: year}}
    teams:
      grpc: {{budget: {{money: 1, per: year}}, consumers: {{ci: {{}}}}}}
      socket: {{budget: {{money: 1, per: year}}, consumers: {{ci: {{}}}}}}
      copied: {{budget: {{money: 1, per: year}}, consumers: {{ci: {{}}}}}}
      polls: {{budget: {{money: 1, per: year}}, consumers: {{ci: {{}}}}}}
"""


class Patient(Vendor):
    """A hundred may wait to be let in."""

    request_queue_size = 200


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder, port = tmp_path_factory.mktemp("once"), free_port()
    with contextlib.ExitStack() as stack:
        echo = stack.enter_context(start_grpc())
        chat, vendor = Service(), Patient()
        plain, copies = (stack.enter_context(contextlib.closing(Recorder())) for _ in range(2))
        stack.callback(chat.close)
        stack.callback(vendor.close)
        ports = {"grpc": echo.ports["grpc"], "chat": chat.port, "vendor": vendor.port}
        ports |= {"plain": plain.port, "copies": copies.port}
        write(folder, CONFIGURATION.format(name=SERVICE, **ports))
        house = stack.enter_context(House(folder, TRIPLEGATE_GRPC_PORT=str(port), VENDOR_KEY="sk-vendor"))
        house.grpc_port, house.copies, house.vendor = port, copies, vendor
        yield house


def spent(house, team):
    """Units that the ledger has of a team; the counter agrees, and nothing is held."""

    def even():
        cost = house.usage("team").get((team,), {"cost": "0"})["cost"]
        (found,) = [one for one in house.admin("GET", "/budgets").json() if one["budget"] == f"team:acme/{team}"]
        return cost if (found["spent"], found["held"]) == (cost, "0") else None

    cost = eventually(even, 10.0, 0.05)
    rows = records(house.directory, f"team = '{team}'")
    assert sum(row["cost"] for row in rows) == round(float(cost) * UNITS_PER_DOLLAR)
    return round(float(cost) * UNITS_PER_DOLLAR), rows


def test_ten_grpc_calls_of_forty_at_once_pass_whatever_their_kind(world):
    auth = (("authorization", f"Bearer {world.key('grpc')}"),)
    with grpc.insecure_channel(f"127.0.0.1:{world.grpc_port}") as channel:
        unary = channel.unary_unary(f"/{SERVICE}/Echo")
        counting = channel.unary_stream(f"/{SERVICE}/Count")
        calls = [unary.future(b"hello", metadata=auth, timeout=20) for _ in range(20)]
        streams = [counting(b"5", metadata=auth, timeout=20) for _ in range(20)]
        seen = Counter(call.code() for call in calls)
        for stream in streams:
            with contextlib.suppress(grpc.RpcError):
                assert list(stream) == [b"1", b"2", b"3", b"4", b"5"]
            seen[stream.code()] += 1
    assert seen == {grpc.StatusCode.OK: 10, grpc.StatusCode.RESOURCE_EXHAUSTED: 30}
    cost, rows = spent(world, "grpc")
    assert cost == UNITS_PER_DOLLAR
    assert Counter(row["outcome"] for row in rows) == {"ok": 10, "refused": 30}


async def test_ten_websockets_of_forty_at_once_pass_and_messages_cost_nothing_more(world):
    key = await asyncio.to_thread(world.key, "socket")
    url = f"ws://127.0.0.1:{world.port}/chat"

    async def one():
        try:
            async with connect(url, compression=None, additional_headers={"authorization": f"Bearer {key}"}) as client:
                for number in range(5):
                    await client.send(str(number))
                    assert await client.recv() == str(number)
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code

    assert Counter(await asyncio.gather(*(one() for _ in range(40)))) == {101: 10, 429: 30}
    cost, rows = await asyncio.to_thread(spent, world, "socket")
    assert cost == UNITS_PER_DOLLAR
    assert Counter(row["cost"] for row in rows) == {UNITS_PER_DOLLAR // 10: 10, 0: 30}


async def test_copies_of_a_call_cost_nothing_more(world):
    key = await asyncio.to_thread(world.key, "copied")
    answers = [(await ask(world.port, "/copied", key=key)).status for _ in range(11)]
    assert answers == [200] * 10 + [429]
    await asyncio.to_thread(eventually, lambda: len(world.copies.seen) == 20, 10.0, 0.05)
    cost, rows = await asyncio.to_thread(spent, world, "copied")
    assert cost == UNITS_PER_DOLLAR
    assert len([row for row in rows if row["cost"]]) == 10


async def test_a_hundred_who_ask_for_one_background_answer_at_once_have_it_booked_once(world):
    key = await asyncio.to_thread(world.key, "polls")
    url = f"http://127.0.0.1:{world.port}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0, timeout=20) as client:
        response = await client.responses.create(model="keeper", input="hello", background=True)
        answers = await asyncio.gather(*(client.responses.retrieve(response.id) for _ in range(100)))
    assert {one.usage.output_tokens for one in answers} == {900}
    cost, rows = await asyncio.to_thread(spent, world, "polls")
    worth = (90 * 10 + 900 * 20) * UNITS_PER_DOLLAR // 1_000_000
    assert cost == worth
    assert len([row for row in rows if row["cost"]]) == 2, "what it might cost when it began, and the rest once"
