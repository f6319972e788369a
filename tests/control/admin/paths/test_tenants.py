"""Orgs, teams and consumers: each caller sees its own."""

from typing import Any


async def test_the_operator_sees_everybody(stage: Any) -> None:
    async with stage.client(await stage.token("viewer")) as client:
        orgs = (await client.get("/admin/v1/orgs")).json()
        consumers = (await client.get("/admin/v1/consumers")).json()
    assert orgs == [{"org": "acme", "teams": ["web", "ops"]}, {"org": "umbrella", "teams": ["books"]}]
    assert [one["consumer"] for one in consumers] == ["ci", "shop", "bot", "robot"]


async def test_an_org_sees_its_teams_and_a_team_itself(stage: Any) -> None:
    async with stage.client(await stage.token("viewer", org="acme")) as client:
        assert [one["team"] for one in (await client.get("/admin/v1/teams")).json()] == ["web", "ops"]
    async with stage.client(await stage.token("viewer", org="acme", team="web")) as client:
        assert [one["team"] for one in (await client.get("/admin/v1/teams")).json()] == ["web"]
        assert [one["consumer"] for one in (await client.get("/admin/v1/consumers")).json()] == ["ci", "shop"]
        assert (await client.get("/admin/v1/orgs")).json() == [{"org": "acme", "teams": ["web"]}]
