"""A hundred reloads under load, half of them wrong: no call fails, and no state is lost."""

import asyncio
from pathlib import Path

import pytest
from tests.chaos.calls import Call, Load, ask
from tests.chaos.houses import chat, furnish
from tests.journeys.running import House, write

from triplegate.samples.start import start_samples

LIMIT = 10


def resident(house: House) -> int:
    """MiB that the gateway holds now."""
    text = Path(f"/proc/{house.process.pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1]) // 1024


def count(house: House, name: str) -> float:
    return house.metrics()[f'triplegate_config_reloads_total{{triplegate_result="{name}"}}']


async def reload_often(folder: Path, times: int, workers: int) -> None:
    with start_samples() as samples:
        path = furnish(folder, samples, settings="allow_local_limits: true", tight=LIMIT)
        text = path.read_text()
        with House(folder, "serve", "--workers", str(workers)) as house:
            key = await asyncio.to_thread(house.key)

            def calls(number: int) -> Call:
                if number % 3:
                    return Call(house.port, "/orders/ord_1001", key=key)
                body = chat({"tokens": 5, "pace": 0.005}, stream=True)
                return Call(house.port, "/v1/chat/completions", key=key, body=body)

            if workers == 1:
                spent = [(await ask(house.port, "/echo", key=key)).status for _ in range(LIMIT + 1)]
                assert spent == [200] * LIMIT + [429]
            async with Load(20, calls, pause=0.02) as load:
                await load.made(100)
                before = await asyncio.to_thread(resident, house)
                for number in range(times):
                    wrong = number % 2
                    change = (
                        f"  fresh-{number}: {{service: orders, match: {{path: /fresh-{number}}}, identity: none}}\n"
                    )
                    broken = change.replace("service: orders", "service: nowhere") if number % 4 == 1 else "  : [\n"
                    write(folder, text.replace("routes:\n", "routes:\n" + (broken if wrong else change)))
                    answer = await asyncio.to_thread(house.admin, "POST", "/config/reload")
                    assert answer.status_code == (409 if wrong else 200), answer.text
                    last = f"/fresh-{number - wrong}/x"  # of the good ones
                    assert f"nothing at {last}" in (await ask(house.port, last)).text, (
                        "by the service: the route is there"
                    )
                await load.made(100)
                grown = await asyncio.to_thread(resident, house) - before
            assert set(load.seen) == {200}, load.seen
            assert grown < 20
            assert await asyncio.to_thread(count, house, "taken") >= times / 2
            assert await asyncio.to_thread(count, house, "refused") >= times / 2
            if workers == 1:
                assert (await ask(house.port, "/echo", key=key)).status == 429, "a spent limit stays spent"


@pytest.mark.long
@pytest.mark.timeout(240)
@pytest.mark.parametrize("workers", [1, 2])
async def test_a_hundred_reloads_under_load_fail_no_call(tmp_path, workers):
    await reload_often(tmp_path, 100, workers)
