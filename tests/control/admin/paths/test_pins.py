"""Tool definitions over the admin API: operators decide, callers of one team do not see them."""

from typing import Any

import pytest

from triplegate.control.tools.house import Comparison, NoTools, PinView, pin_views
from triplegate.core.pins import Pin
from triplegate.wire.mcp_definition import Change

WAITS = Pin("files", "read", "c" * 64, first_seen=50.0)


class House(NoTools):
    """Two definitions of a tool."""

    def __init__(self) -> None:
        self.kept = {"c" * 64: WAITS, "a" * 64: Pin("files", "read", "a" * 64, standing="approved", decided=1.0)}
        self.decided: list[tuple[str, ...]] = []

    async def pins(self) -> list[PinView]:
        return pin_views(self.kept.values(), {("files", "read", "c" * 64)})

    async def compared(self, server: str, tool: str, fingerprint: str) -> Comparison:
        [one] = [one for one in await self.pins() if one.fingerprint == self.kept[fingerprint].fingerprint]
        return Comparison(one, "a" * 64, [Change("/description", "changed", "Reads.", "Sends.")])

    async def decide(self, server: str, tool: str, fingerprint: str, standing: Any, actor: str) -> PinView:
        self.kept[fingerprint] = Pin(server, tool, self.kept[fingerprint].fingerprint, standing=standing)
        self.decided.append((server, tool, fingerprint, standing, actor))
        return (await self.compared(server, tool, fingerprint)).pin


@pytest.fixture
def house(stage: Any) -> House:
    stage.parts.tools = House()
    return stage.parts.tools  # type: ignore[no-any-return]


BODY = {"server": "files", "tool": "read", "fingerprint": "c" * 64, "standing": "approved"}
QUERY = {name: BODY[name] for name in ("server", "tool", "fingerprint")}


async def test_an_operator_looks_compares_and_decides(stage: Any, house: House) -> None:
    async with stage.client(await stage.token("operator")) as client:
        waiting = (await client.get("/admin/v1/mcp/pins", params={"standing": "new"})).json()
        assert [(one["tool"], one["change"], one["current"]) for one in waiting] == [("read", "changed", True)]
        assert len((await client.get("/admin/v1/mcp/pins")).json()) == 2
        told = (await client.get("/admin/v1/mcp/pins/diff", params=QUERY)).json()
        assert told["changes"] == [{"place": "/description", "kind": "changed", "before": "Reads.", "after": "Sends."}]
        answer = await client.post("/admin/v1/mcp/pins", json=BODY)
        assert (answer.status_code, answer.json()["standing"]) == (200, "approved")
    [(*what, actor)] = house.decided
    assert what == ["files", "read", "c" * 64, "approved"]
    assert actor.startswith("tester ")


async def test_what_is_not_there_is_not_found_and_what_is_no_decision_is_refused(stage: Any, house: House) -> None:
    async with stage.client(await stage.token("owner")) as client:
        unknown = {**QUERY, "fingerprint": "0" * 64}
        assert (await client.get("/admin/v1/mcp/pins/diff", params=unknown)).status_code == 404
        assert (await client.post("/admin/v1/mcp/pins", json={**BODY, **unknown})).status_code == 404
        assert (await client.post("/admin/v1/mcp/pins", json={**BODY, "standing": "maybe"})).status_code == 422
        assert (await client.post("/admin/v1/mcp/pins", json={**BODY, "fingerprint": "x"})).status_code == 422
    assert house.decided == []


@pytest.mark.parametrize("role", ["viewer", "developer", "auditor"])
async def test_others_may_look_only(stage: Any, house: House, role: str) -> None:
    async with stage.client(await stage.token(role)) as client:
        assert (await client.get("/admin/v1/mcp/pins")).status_code == 200
        assert (await client.post("/admin/v1/mcp/pins", json=BODY)).status_code == 403
    async with stage.client(await stage.token("owner", org="acme")) as client:
        assert (await client.get("/admin/v1/mcp/pins")).status_code == 403
        assert (await client.post("/admin/v1/mcp/pins", json=BODY)).status_code == 403
    assert house.decided == []
