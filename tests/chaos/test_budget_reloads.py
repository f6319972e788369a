"""A configuration changes while calls are under way, and workers share a dollar: budgets and holds know of no seam."""

import asyncio
import json
from collections import Counter
from decimal import Decimal

import pytest
from tests.chaos.budgeted import UNITS, check_ledger, furnish_budgets
from tests.chaos.calls import Call, ask, cuts
from tests.journeys.running import House, eventually, records, write

from triplegate.samples.start import start_samples

STREAMS = 50


def shown(house: House, name: str) -> tuple[Decimal, Decimal, Decimal]:
    """What a budget says was spent, is held and is its limit."""
    (found,) = [one for one in house.admin("GET", "/budgets").json() if one["budget"] == name]
    return Decimal(found["spent"]), Decimal(found["held"]), Decimal(found["limit"])


async def test_fifty_calls_through_two_reloads_keep_what_they_hold_and_are_charged_once(tmp_path):
    log = tmp_path / "journal.jsonl"
    with start_samples(journal=log) as samples:
        path = furnish_budgets(tmp_path, samples)
        with House(tmp_path) as house:
            key = await asyncio.to_thread(house.key)
            streams = [stream(house, key, number) for number in range(STREAMS)]
            async with cuts(streams):
                await asyncio.gather(*(one.begin() for one in streams))
                assert {one.status for one in streams} == {200}
                before = await asyncio.to_thread(shown, house, "consumer:acme/web/ci")
                assert before[0] == 0
                assert before[1] > 0
                for change in (
                    ("money: 5,", "money: 6,"),
                    (
                        "  free:",
                        "  other: {service: orders, match: {path: /other}, policies: [{use: key_auth}]}\n  free:",
                    ),
                ):
                    write(tmp_path, path.read_text().replace(*change))
                    answer = await asyncio.to_thread(house.admin, "POST", "/config/reload")
                    assert answer.status_code == 200, answer.text
                    after = await asyncio.to_thread(shown, house, "consumer:acme/web/ci")
                    assert after == (before[0], before[1], 6)
                    order = await ask(house.port, "/orders/ord_1001", key=key)
                    assert order.status == 200, "counters stay open"
                    before = await asyncio.to_thread(shown, house, "consumer:acme/web/ci")
                assert before[0] == Decimal("0.0002")
                for number in range(STREAMS):
                    await ask(samples.ports["llm"], f"/control/latch/r{number}?release=100", body={})
                await asyncio.gather(*(one.finish() for one in streams))
            assert all(one.complete and b"[DONE]" in one.raw for one in streams)
            await asyncio.to_thread(eventually, lambda: shown(house, "consumer:acme/web/ci")[1] == 0)
            await asyncio.to_thread(house.usage, "team")
            assert check_ledger(tmp_path, log) == {"final": STREAMS + 2}
            booked = sum(row["cost"] for row in records(tmp_path))
            for name in ("consumer:acme/web/ci", "team:acme/web", "org:acme"):
                assert (await asyncio.to_thread(shown, house, name))[0] * UNITS == booked


def stream(house: House, key: str, number: int) -> Call:
    script = json.dumps({"script": {"tokens": 6, "latch": f"r{number}"}})
    body = {"model": "plain", "stream": True, "max_tokens": 10, "messages": [{"role": "user", "content": script}]}
    return Call(house.port, "/v1/chat/completions", key=key, body=body)


@pytest.mark.long
@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_two_workers_without_redis_spend_a_dollar_and_no_more(tmp_path, fresh_postgres_url, kind):
    store = "" if kind == "sqlite" else f"\nstore: {fresh_postgres_url}"
    log = tmp_path / "journal.jsonl"
    folder = tmp_path / "house"
    folder.mkdir()
    with start_samples(journal=log) as samples:
        path = furnish_budgets(folder, samples, settings=f"state: sql{store}", ci=1)
        write(folder, path.read_text().replace("price: 0.0001", "price: 0.1"))
        with House(folder, "serve", "--workers", "2") as house:
            key = await asyncio.to_thread(house.key)
            answers = Counter(
                one.status
                for one in await asyncio.gather(*(ask(house.port, "/orders/ord_1001", key=key) for _ in range(200)))
            )
            assert answers == {200: 10, 429: 190}
            used = await asyncio.to_thread(eventually, lambda: house.usage("team").get(("web",)))
            assert used["cost"] == "1"
            assert (await asyncio.to_thread(shown, house, "consumer:acme/web/ci"))[:2] == (1, 0)
