"""A configuration changes while calls are under way, and workers share a dollar: budgets and holds know of no seam."""

import asyncio
import json
import os
import signal
from collections import Counter
from decimal import Decimal

import httpx
import pytest
from tests.chaos.budgeted import UNITS, check_ledger, furnish_budgets
from tests.chaos.calls import Call, ask, cuts
from tests.chaos.test_kill import workers
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


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_what_a_killed_worker_had_under_way_is_spent_of_the_budgets_that_the_other_one_counts(tmp_path):
    log = tmp_path / "journal.jsonl"
    folder = tmp_path / "house"
    folder.mkdir()
    with start_samples(journal=log) as samples:
        furnish_budgets(folder, samples, settings="state: sql")
        with House(folder, "serve", "--workers", "2") as house:
            key = await asyncio.to_thread(house.key)
            streams = [stream(house, key, number) for number in range(20)]
            async with cuts(streams):
                await asyncio.gather(*(one.begin() for one in streams))
                assert {one.status for one in streams} == {200}
                os.kill(workers(house)[-1], signal.SIGKILL)
                for number in range(20):
                    await ask(samples.ports["llm"], f"/control/latch/r{number}?release=100", body={})
                await asyncio.gather(*(one.finish() for one in streams))
            whole = sum(one.complete and b"[DONE]" in one.raw for one in streams)
            assert 0 < whole < 20, "each of them had some"
            # holds of the dead end after two minutes, and what the ledger knows of them is added by then
            await asyncio.to_thread(eventually, lambda: even(house), 240.0, 1.0)
            kinds = check_ledger(folder, log)
            assert kinds == {"final": whole, "unknown": 20 - whole}


def even(house: House) -> bool:
    """Nothing is held, and each counter has what the ledger has."""
    try:
        house.usage("team")
        told = [shown(house, name) for name in ("consumer:acme/web/ci", "team:acme/web", "org:acme")]
    except (httpx.HTTPError, AssertionError):
        return False  # whoever has the control port is starting anew
    booked = sum(row["cost"] for row in records(house.directory))
    return booked > 0 and all((spent * UNITS, held) == (booked, 0) for spent, held, _ in told)
