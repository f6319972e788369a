"""Budgets as pages: every number is the API's, days add up, and only an owner who is not bound may raise one."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from triplegate.control.budgets.listing import BudgetView, RaiseView
from triplegate.control.pages.budgets import burnt, whole_of

DAY = 86_400
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
WEB = BudgetView(
    *(
        "b1",
        "team:acme/web",
        "acme/web",
        "team",
        "acme",
        "web",
        "USD",
        "month",
        BEGIN,
        datetime(2026, 2, 1, tzinfo=UTC),
    ),
    *("enforce", "100", [], "40.5", "1.5", "58", [0.5, 0.8, 1.0], None),
)
OPS = msgspec.structs.replace(
    WEB, id="b2", budget="team:acme/ops", holder="acme/ops", team="ops", spent="99", crossed=0.8
)
BOOKS = msgspec.structs.replace(WEB, id="b3", budget="org:umbrella", holder="umbrella", org="umbrella", team="")


class House:
    """Three budgets that can be raised."""

    def __init__(self) -> None:
        self.budgets, self.granted = [WEB, OPS, BOOKS], []
        self.days = {int(BEGIN.timestamp()): Decimal(30), int(BEGIN.timestamp()) + 2 * DAY: Decimal("10.5")}

    async def listed(self) -> Any:
        return self.budgets

    async def by_day(self, bucket_id: str) -> Any:
        return self.days

    async def grant(self, bucket_id: str, amount: Decimal, until: float, reason: str, actor: str) -> Any:
        self.granted.append((bucket_id, amount, reason))
        more = RaiseView(str(amount), datetime.fromtimestamp(until, UTC), reason, actor)
        self.budgets = [
            msgspec.structs.replace(one, raised=[more]) if one.id == bucket_id else one for one in self.budgets
        ]
        return self.budgets[0]


@pytest.fixture
def house(stage: Any) -> House:
    stage.parts.budgets = House()
    stage.clock.advance(4 * DAY)
    return stage.parts.budgets  # type: ignore[no-any-return]


def cells(page: str, name: str) -> list[str]:
    [row] = re.findall(rf'<tr data-budget="{name}">(.*?)</tr>', page)
    return [re.sub(r"<[^>]*>", "", cell).strip() for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)]


async def test_the_list_says_what_the_api_says_the_fullest_first(stage: Any, house: House) -> None:
    async with stage.client(await stage.token("viewer")) as client:
        page = (await client.get("/budgets")).text
        told = {one["id"]: one for one in (await client.get("/admin/v1/budgets")).json()}
    assert re.findall(r'data-budget="(\w+)"', page) == ["b2", "b1", "b3"]
    for name, one in told.items():
        shown = cells(page, name)
        assert shown[2] == f"{one['limit']} {one['unit']}"
        assert shown[4:7] == [one["spent"], one["held"], one["remaining"]]
    assert "over 80 %" in cells(page, "b2")[0]


async def test_a_team_sees_its_own_budgets_and_no_others(stage: Any, house: House) -> None:
    async with stage.client(await stage.token("owner", org="acme", team="web")) as client:
        page = (await client.get("/budgets")).text
        assert (await client.get("/budgets/b1")).status_code == 200
        assert (await client.get("/budgets/b2")).status_code == 404
        assert (await client.get("/budgets/b3")).status_code == 404
    assert "acme/ops" not in page
    assert "umbrella" not in page


def test_days_add_up_to_what_was_spent_and_the_even_line_ends_at_nothing() -> None:
    spent = {int(BEGIN.timestamp()): Decimal(30), int(BEGIN.timestamp()) + 2 * DAY: Decimal("10.5")}
    days = burnt(WEB, spent, BEGIN.timestamp() + 3.5 * DAY)
    assert len(days) == 31
    assert [day.left for day in days[:5]] == [70, 70, Decimal("59.5"), Decimal("59.5"), None]
    assert days[-1].even == 0
    assert sum(day.spent for day in days) == Decimal("40.5")
    raised = msgspec.structs.replace(WEB, raised=[RaiseView("20", BEGIN, "", "")], end=None)
    assert whole_of(raised) == 120
    assert [day.left for day in burnt(raised, spent, BEGIN.timestamp() + DAY)] == [90, 90]


async def test_an_owner_raises_a_budget_with_the_page_s_form(stage: Any, house: House) -> None:
    good = {"amount": "25.5", "until": "2026-01-20T12:00", "reason": "launch <week>"}
    async with stage.client(await stage.token("owner")) as owner:
        assert 'name="reason"' in (await owner.get("/budgets/b1")).text
        for wrong in (
            {"amount": "much"},
            {"until": "soon"},
            {"reason": ""},
            {"until": "2020-01-01T00:00"},
            {"amount": "-1"},
        ):
            assert (await owner.post("/budgets/b1", data=good | wrong)).status_code == 422, wrong
        assert house.granted == []
        done = await owner.post("/budgets/b1", data=good)
        assert (done.status_code, done.headers["location"]) == (303, "/budgets/b1")
        page = (await owner.get("/budgets/b1")).text
    assert house.granted == [("b1", Decimal("25.5"), "launch <week>")]
    assert "launch &lt;week&gt;" in page
    assert "<week>" not in page


async def test_nobody_else_may_raise_it_and_no_other_site(stage: Any, house: House) -> None:
    good = {"amount": "1", "until": "2026-01-20T12:00", "reason": "x"}
    async with stage.client(await stage.token("admin")) as admin:
        assert 'name="reason"' not in (await admin.get("/budgets/b1")).text
        assert (await admin.post("/budgets/b1", data=good)).status_code == 403
    token = await stage.token("owner")
    async with stage.client() as browser:
        await browser.post("/sign-in", data={"token": token})
        assert (await browser.post("/budgets/b1", data=good)).status_code == 403, "without the page's own field"
        page = (await browser.get("/budgets/b1")).text
        [csrf] = set(re.findall(r'name="csrf" value="([^"]*)"', page))
        assert (await browser.post("/budgets/b1", data=good | {"csrf": csrf})).status_code == 303
    assert len(house.granted) == 1


@pytest.mark.long
async def test_a_browser_shows_how_a_budget_burns_down(
    stage: Any, served: str, page: Any, pictures: Callable[[str], Path], house: House
) -> None:
    import asyncio

    token = await stage.token("owner")

    def look() -> list[str]:
        page.visit(f"{served}/sign-in")
        page.evaluate(f"document.querySelector('[name=token]').value = '{token}'")
        page.submit("document.querySelector('form').submit()")
        page.visit(f"{served}/budgets")
        page.picture(pictures("budgets"), height=500)
        page.visit(f"{served}/budgets/b1")
        page.until("document.querySelector('figure[data-drawn=\"31\"] canvas')")
        page.picture(pictures("budget"), height=900)
        return list(page.complaints)

    assert await asyncio.to_thread(look) == []
