"""The price table as a page: the view's numbers, and an alarm for what nobody knows the price of."""

from typing import Any

from triplegate.control.view import PriceView

RATES = {"input_uncached": "2.5", "cache_read": "0.25", "output_text": "10", "reasoning": "10"}


async def test_prices_are_told_as_they_are_and_unknown_ones_raise_an_alarm(stage: Any, make_record: Any) -> None:
    stage.view.prices = lambda: [
        PriceView("llm", "smart", "openai/gpt", "openai", "gpt", "openai/gpt@t#1", "known", "0", RATES),
        PriceView("llm", "odd", "x/y", "x", "y", "none", "unknown", "0"),
        PriceView("api", "paid", "paid", "", "", "route", "known", "0.0001"),
    ]
    now = stage.clock.wall()
    made = make_record(exchange="FREE", gate="llm", route="odd", started=now - 60, price_version="none", billed=True)
    await stage.store.ledger.write([made])
    async with stage.client(await stage.token("viewer")) as client:
        page = (await client.get("/prices")).text
    assert "1 deployment has no known price" in page
    assert '<span data-free="odd">1</span>' in page
    assert "cache read&nbsp;0.25" in page
    assert "reasoning" not in page
    assert ">0.0001<" in page
    async with stage.client(await stage.token("viewer", org="acme")) as client:
        assert (await client.get("/prices")).status_code == 403


async def test_without_unknown_prices_nobody_is_alarmed(stage: Any) -> None:
    stage.view.prices = lambda: [PriceView("api", "paid", "paid", "", "", "route", "known", "0.0001")]
    async with stage.client(await stage.token("viewer")) as client:
        page = (await client.get("/prices")).text
    assert "no known price" not in page
