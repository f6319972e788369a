"""Calls that wait for a yes over the admin API: operators of the team decide, once."""

from typing import Any

import msgspec
import pytest

from triplegate.core.approvals import Approval

WAITS = Approval(
    "A1", "files", "files__delete", "acme", "web", "ci", "k1", "d" * 64, '{"path":"/x"}', "admin", 100.0, 400.0
)


class House:
    """Two calls that wait: one for an admin, one for its caller."""

    def __init__(self) -> None:
        self.kept = {"A1": WAITS, "A2": msgspec.structs.replace(WAITS, approval_id="A2", ask="caller", org="umbrella")}
        self.told: list[tuple[Any, ...]] = []

    async def newest(self) -> list[Approval]:
        return list(self.kept.values())

    async def find(self, approval_id: str) -> Approval | None:
        return self.kept.get(approval_id)

    async def resolve(self, approval_id: str, *, approve: bool, actor: str) -> bool:
        if self.kept[approval_id].state != "waiting":
            return False
        state: Any = "approved" if approve else "declined"
        self.kept[approval_id] = msgspec.structs.replace(
            self.kept[approval_id], state=state, actor=actor, decided=120.0
        )
        self.told.append((approval_id, approve, actor))
        return True


@pytest.fixture
def house(stage: Any) -> House:
    stage.parts.approvals = House()
    return stage.parts.approvals  # type: ignore[no-any-return]


async def test_an_operator_says_yes_once(stage: Any, house: House) -> None:
    async with stage.client(await stage.token("operator", org="acme")) as client:
        [one] = (await client.get("/admin/v1/mcp/approvals")).json()
        assert (one["id"], one["state"], one["arguments"], one["decided"]) == ("A1", "waiting", '{"path":"/x"}', None)
        done = await client.post("/admin/v1/mcp/approvals/A1", json={"approve": True})
        assert (done.status_code, done.json()["state"]) == (200, "approved")
        assert (await client.post("/admin/v1/mcp/approvals/A1", json={"approve": False})).status_code == 409
    [(number, approve, actor)] = house.told
    assert (number, approve) == ("A1", True)
    assert actor.startswith("tester ")


async def test_who_may_not_decide_does_not(stage: Any, house: House) -> None:
    async with stage.client(await stage.token("viewer")) as client:
        assert len((await client.get("/admin/v1/mcp/approvals")).json()) == 2
        assert (await client.post("/admin/v1/mcp/approvals/A1", json={"approve": True})).status_code == 403
    async with stage.client(await stage.token("owner", org="umbrella")) as client:
        assert (await client.post("/admin/v1/mcp/approvals/A1", json={"approve": True})).status_code == 404
        assert (await client.post("/admin/v1/mcp/approvals/A2", json={"approve": True})).status_code == 404
    async with stage.client(await stage.token("owner")) as client:
        assert (await client.post("/admin/v1/mcp/approvals/A9", json={"approve": True})).status_code == 404
        assert (await client.post("/admin/v1/mcp/approvals/A1", json={"approve": "maybe"})).status_code == 422
    assert house.told == []
