"""The statement page: every number is the report's, only the own team's is shown, and it prints on paper."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.control.pages.test_costs import Table

from triplegate.config.documents_chargeback import ChargebackDocument

SHARED = [{"name": "Gateway <platform>", "money": 90}, {"name": "Support", "money": 20, "rule": "use"}]
PERIOD = {"period": "2025-12"}
COUNTS = ("requests", "refused", "failed", "tokens_in", "tokens_out")


@pytest.fixture
def billed(stage: Any) -> Any:
    """The stage with shared cost and tags."""
    stage.view.chargeback = ChargebackDocument.model_validate(
        {"shared": SHARED, "tags": {"web": {"cost_center": "4711"}}, "operator": "Acme Platform"}
    )
    return stage


async def page_of(stage: Any, team: str = "acme/web", **who: str) -> str:
    async with stage.client(await stage.token("viewer", **who)) as client:
        answer = await client.get("/statement", params={**PERIOD, **({"team": team} if team else {})})
    assert answer.status_code == 200, answer.text
    return str(answer.text)


async def report_of(stage: Any, **query: str) -> Any:
    async with stage.client(await stage.token("viewer", org="acme", team="web")) as client:
        return (await client.get("/admin/v1/reports/chargeback", params={**PERIOD, **query})).json()


async def test_every_number_is_the_reports(billed: Any) -> None:
    text = await page_of(billed)
    told = await report_of(billed, by="consumer")
    numbers = Table(text, "consumer").numbers
    for name in COUNTS:
        assert int(numbers[name]) == told["totals"][name]
    for name in ("total", "cost", "shared", "previous", "saved", "surcharge", "wasted"):
        assert Decimal(numbers[name]) == Decimal(told["totals"][name]), name
    usage = {line["consumer"]: line for line in told["lines"] if line["kind"] == "usage"}
    rows = Table(text, "consumer").rows
    assert {name: row[1:] for name, row in rows.items()} == {
        name: [str(line["requests"]), str(line["tokens_in"]), str(line["tokens_out"]), line["previous"], line["total"]]
        for name, line in usage.items()
    }
    shared = {line["item"]: line["shared"] for line in told["lines"] if line["kind"] == "shared"}
    assert {name: row[-1] for name, row in Table(text, "shared").rows.items()} == shared


async def test_models_and_prices_sum_to_the_teams_cost(billed: Any) -> None:
    text = await page_of(billed)
    cost = Decimal(Table(text, "model").numbers["cost"])
    assert cost == Decimal("0.0125000001")
    for attribute in ("model", "price"):
        assert sum(Decimal(row[-1]) for row in Table(text, attribute).rows.values()) == cost
    assert set(Table(text, "model").rows) == {"llm smart"}


async def test_it_says_for_whom_by_whom_and_as_of_when(billed: Any) -> None:
    text = await page_of(billed)
    for said in (
        "acme/web",
        "Acme Platform",
        "cost center",
        "4711",
        "2025-12-01, 2026-01-01",
        "As of 2026-01-01 00:00:00 UTC",
    ):
        assert said in text, said
    assert "Gateway &lt;platform&gt;" in text
    assert "<script" not in text


async def test_a_teams_reader_sees_its_own_and_no_other(billed: Any) -> None:
    assert "acme/web" in await page_of(billed, "web", org="acme")
    async with billed.client(await billed.token("viewer", org="acme", team="web")) as client:
        alone = await client.get("/statement", params=PERIOD)  # the only team there is for them
        assert "Statement of usage" in alone.text
        assert "books" not in alone.text
        assert (await client.get("/statement", params={**PERIOD, "team": "umbrella/books"})).status_code == 404
        assert (await client.get("/statement", params={**PERIOD, "team": "acme/ops"})).status_code == 404


async def test_without_a_team_it_asks_for_one_and_a_wrong_period_is_said(billed: Any) -> None:
    async with billed.client(await billed.token("viewer")) as client:
        assert "Choose a team" in (await client.get("/statement")).text
        assert (await client.get("/statement?team=acme/web&period=soon")).status_code == 422
        assert "No calls." in (await client.get("/statement?team=acme/ops&period=2020")).text


@pytest.mark.long
async def test_it_looks_well_on_screen_and_on_paper(
    billed: Any, served: str, page: Any, pictures: Callable[[str], Path]
) -> None:
    token = await billed.token("viewer")
    shown = [{**SHARED[0], "name": "Gateway platform"}, SHARED[1]]
    tags = {"web": {"cost_center": "4711"}}
    billed.view.chargeback = ChargebackDocument.model_validate(
        {"shared": shown, "tags": tags, "operator": "Acme Platform"}
    )

    def look() -> list[str]:
        page.visit(f"{served}/sign-in")
        page.submit(
            f"document.querySelector('[name=token]').value = '{token}'; document.querySelector('form').submit()"
        )
        page.visit(f"{served}/statement?team=acme/web&period=2025-12")
        page.picture(pictures("statement"), height=1250)
        page.dark(on=True)
        page.picture(pictures("statement-dark"), height=1250)
        page.call("Emulation.setEmulatedMedia", media="print", features=[])
        assert page.evaluate("getComputedStyle(document.querySelector('header.top')).display") == "none"
        page.picture(pictures("statement-print"), width=794, height=1123)
        return list(page.complaints)

    assert await asyncio.to_thread(look) == []
