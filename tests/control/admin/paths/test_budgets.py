"""Budgets over the API: one's own are seen, and an owner alone may raise them, for a time."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.control.budgets.test_reading import budget

from triplegate.control.budgets.listing import Place, view
from triplegate.core.admission import Balance
from triplegate.core.calendar import Calendar
from triplegate.core.raises import Raise

MONTH = Calendar("month")


class House:
    """Three budgets."""

    def __init__(self, clock: Any) -> None:
        self.clock, self.granted = clock, []
        tokens = budget("org:umbrella", "org", MONTH, dimension="total").allowance
        self.places = [
            Place(budget("team:acme/web", "team", MONTH).allowance, "acme/web", "acme", "web"),
            Place(tokens, "umbrella", "umbrella"),
            Place(budget("models", "model", MONTH).allowance, "m"),
        ]

    async def listed(self) -> Any:
        return [view(one, Balance(1, 0, 0), (), self.clock.wall()) for one in self.places]

    async def by_day(self, bucket_id: str) -> Any:
        return {}

    async def grant(self, bucket_id: str, amount: Any, until: float, reason: str, actor: str) -> Any:
        self.granted.append((amount, until, reason, actor))
        found = next(one for one in await self.listed() if one.id == bucket_id)
        place = next(one for one in self.places if one.holder == found.holder)
        return view(place, Balance(1, 0, 0), (Raise("r", "b", 7, until, reason, actor),), self.clock.wall())


@pytest.fixture
def house(stage: Any) -> House:
    stage.parts.budgets = House(stage.clock)
    return stage.parts.budgets  # type: ignore[no-any-return]


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


async def test_budgets_of_ones_own_teams_are_seen_and_no_others(stage: Any, house: House) -> None:
    async with stage.client(await stage.token("viewer")) as anyone:
        assert len((await anyone.get("/admin/v1/budgets")).json()) == 3
    async with stage.client(await stage.token("viewer", org="acme", team="web")) as web:
        (only,) = (await web.get("/admin/v1/budgets")).json()
    assert (only["budget"], only["holder"], only["limit"]) == ("team:acme/web", "acme/web", "0.0000001")


async def test_an_owner_raises_a_budget_until_a_moment(stage: Any, house: House) -> None:
    until = stage.clock.wall() + 3600
    async with stage.client(await stage.token("owner")) as owner:
        found = {one["budget"]: one["id"] for one in (await owner.get("/admin/v1/budgets")).json()}
        asked = {"amount": "2.5", "until": moment(until), "reason": "launch"}
        done = await owner.post(f"/admin/v1/budgets/{found['team:acme/web']}/raise", json=asked)
        assert (done.status_code, done.json()["raised"][0]["reason"]) == (201, "launch")
        wrong = await owner.post(f"/admin/v1/budgets/{found['org:umbrella']}/raise", json=asked)
        assert wrong.status_code == 422, "half a token"
        for late in (stage.clock.wall() - 1, stage.clock.wall() + 400 * 86_400):
            answer = await owner.post(
                f"/admin/v1/budgets/{found['team:acme/web']}/raise", json={**asked, "until": moment(late)}
            )
            assert answer.status_code == 422
        assert (await owner.post("/admin/v1/budgets/0123456789abcdef/raise", json=asked)).status_code == 404
    ((amount, told, reason, actor),) = house.granted
    assert (str(amount), told, reason, bool(actor)) == ("2.5", until, "launch", True)


@pytest.mark.parametrize("role", ["admin", "operator", "developer", "viewer", "auditor"])
async def test_nobody_else_may(stage: Any, house: House, role: str) -> None:
    (first, *_) = await house.listed()
    asked = {"amount": "2.5", "until": moment(stage.clock.wall() + 60), "reason": "launch"}
    async with stage.client(await stage.token(role)) as client:
        assert (await client.post(f"/admin/v1/budgets/{first.id}/raise", json=asked)).status_code == 403
    assert house.granted == []


async def test_an_owner_of_another_org_finds_none(stage: Any, house: House) -> None:
    (first, *_) = await house.listed()
    asked = {"amount": "2.5", "until": moment(stage.clock.wall() + 60), "reason": "launch"}
    async with stage.client(await stage.token("owner", org="umbrella")) as client:
        assert (await client.post(f"/admin/v1/budgets/{first.id}/raise", json=asked)).status_code == 404
    assert house.granted == []


async def test_nobody_raises_what_binds_them(stage: Any, house: House) -> None:
    web, umbrella, _ = await house.listed()
    asked = {"amount": "2", "until": moment(stage.clock.wall() + 60), "reason": "more"}
    for org, team, one, status in (
        ("acme", "web", web, 403),
        ("acme", "", web, 201),
        ("umbrella", "", umbrella, 403),
        ("umbrella", "", web, 404),
        ("", "", umbrella, 201),
    ):
        async with stage.client(await stage.token("owner", org=org, team=team)) as owner:
            answer = await owner.post(f"/admin/v1/budgets/{one.id}/raise", json=asked)
        assert answer.status_code == status, (org, team)
