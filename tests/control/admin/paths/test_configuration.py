"""What is in force, what a change would do, and how the house stands."""

from typing import Any

from triplegate.control.view import Degraded
from triplegate.core.errors import Fault


async def test_the_running_configuration_is_told_with_its_last_error(stage: Any) -> None:
    async with stage.client(await stage.token("viewer")) as client:
        told = (await client.get("/admin/v1/config")).json()
    assert (told["generation"], told["origin"], told["last_error"]) == (3, "my-gateway", "")


async def test_documents_are_judged_and_nothing_is_applied(stage: Any) -> None:
    async with stage.client(await stage.token("operator")) as client:
        good = await client.post("/admin/v1/config/validate", json={"documents": {"a.yaml": "routes: {}"}})
        bad = await client.post("/admin/v1/config/validate", json={"documents": {"a.yaml": "wrong"}})
    assert good.json() == {"ok": True, "faults": []}
    assert bad.json() == {"ok": False, "faults": [{"pointer": "a.yaml:1:1", "message": "unknown field"}]}


async def test_a_reload_that_is_refused_is_409_with_every_fault(stage: Any) -> None:
    async with stage.client(await stage.token("operator")) as client:
        assert (await client.post("/admin/v1/config/reload")).json()["changed"] is True
        stage.view.faults = [Fault("a.yaml:3:1", "unknown field 'x'"), Fault("b.yaml:1:1", "not YAML")]
        answer = await client.post("/admin/v1/config/reload")
    assert answer.status_code == 409
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["a.yaml:3:1", "b.yaml:1:1"]


async def test_status_shows_what_is_degraded_and_why_it_is_not_ready(stage: Any) -> None:
    stage.view.trouble = [Degraded("redis", "limits are local")]
    stage.view.reasons = ["draining"]
    async with stage.client(await stage.token("viewer")) as client:
        told = (await client.get("/admin/v1/status")).json()
    assert told["degraded"][0]["part"] == "redis"
    assert (told["ready"], told["not_ready"]) == (False, ["draining"])
    assert told["active"] == {"api": 2, "llm": 1, "mcp": 0}


async def test_a_team_sees_the_routes_it_owns(stage: Any) -> None:
    async with stage.client(await stage.token("viewer")) as client:
        assert [one["name"] for one in (await client.get("/admin/v1/routes")).json()] == ["orders", "bills", "smart"]
    async with stage.client(await stage.token("viewer", org="acme", team="web")) as client:
        assert [one["name"] for one in (await client.get("/admin/v1/routes")).json()] == ["orders"]


async def test_endpoints_tell_how_they_stand(stage: Any) -> None:
    async with stage.client(await stage.token("viewer")) as client:
        first, second = (await client.get("/admin/v1/endpoints")).json()
    assert (first["service"], first["state"], first["active"], first["weight"]) == ("orders", "up", 2, 3)
    assert (second["state"], second["reason"], second["ejections"]) == ("ejected", "5 failures in a row", 2)


async def test_upstreams_tell_state_and_reason(stage: Any) -> None:
    async with stage.client(await stage.token("viewer")) as client:
        told = {one["name"]: one for one in (await client.get("/admin/v1/upstreams")).json()}
    assert told["orders"]["state"] == "up"
    assert (told["bills"]["state"], told["bills"]["reason"]) == ("down", "connection refused")
