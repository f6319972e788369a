"""Admin tokens over the API: shown once, bounded by the giver's own powers, revoked at once."""

from typing import Any

import pytest


async def test_a_token_is_shown_once_works_and_is_revoked_at_once(stage: Any) -> None:
    async with stage.client(await stage.token()) as owner:
        made = await owner.post("/admin/v1/tokens", json={"roles": ["viewer"], "name": "grafana"})
        assert made.status_code == 201
        token, token_id = made.json()["token"], made.json()["token_id"]
        listed = await owner.get("/admin/v1/tokens")
        assert token not in listed.text
        assert "digest" not in listed.text
        assert token_id in {one["token_id"] for one in listed.json()}
        async with stage.client(token) as viewer:
            assert (await viewer.get("/admin/v1/whoami")).json()["name"] == "grafana"
            assert (await owner.delete(f"/admin/v1/tokens/{token_id}")).status_code == 204
            assert (await viewer.get("/admin/v1/whoami")).status_code == 401


async def test_expiry_is_kept_to_the_second(stage: Any) -> None:
    async with stage.client(await stage.token()) as owner:
        made = await owner.post("/admin/v1/tokens", json={"roles": ["viewer"], "expires": "2026-01-01T00:01:00Z"})
        async with stage.client(made.json()["token"]) as viewer:
            stage.clock.advance(59)
            assert (await viewer.get("/admin/v1/whoami")).status_code == 200
            stage.clock.advance(1)
            assert (await viewer.get("/admin/v1/whoami")).status_code == 401


async def test_an_admin_makes_and_revokes_no_owner(stage: Any) -> None:
    owner_token, owner = await stage.parts.tokens.issue({"owner"})
    async with stage.client(await stage.token("admin")) as admin:
        assert (await admin.post("/admin/v1/tokens", json={"roles": ["viewer", "owner"]})).status_code == 403
        assert (await admin.delete(f"/admin/v1/tokens/{owner.token_id}")).status_code == 403
    async with stage.client(owner_token) as client:
        assert (await client.get("/admin/v1/whoami")).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"roles": ["viewer"]},  # of the whole house
        {"roles": ["viewer"], "org": "umbrella"},
        {"roles": ["viewer"], "org": "acme"},  # of all teams
        {"roles": ["viewer"], "org": "acme", "team": "ops"},
    ],
)
async def test_nobody_hands_out_more_tenants_than_they_have(stage: Any, body: dict[str, Any]) -> None:
    async with stage.client(await stage.token("owner", org="acme", team="web")) as bound:
        assert (await bound.post("/admin/v1/tokens", json=body)).status_code == 404
        assert (await bound.post("/admin/v1/tokens", json={**body, "org": "acme", "team": "web"})).status_code == 201


async def test_tokens_of_others_are_not_there(stage: Any) -> None:
    _, other = await stage.parts.tokens.issue({"viewer"}, org="umbrella")
    async with stage.client(await stage.token("admin", org="acme")) as bound:
        assert other.token_id not in (await bound.get("/admin/v1/tokens")).text
        assert (await bound.delete(f"/admin/v1/tokens/{other.token_id}")).status_code == 404
        assert (await bound.delete("/admin/v1/tokens/0123456789")).status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"roles": []}, {"roles": ["root"]}, {"roles": "owner"}, {"roles": ["viewer"], "digest": "x"}, {"roles": None}],
)
async def test_what_does_not_fit_is_422(stage: Any, body: dict[str, Any]) -> None:
    async with stage.client(await stage.token()) as owner:
        assert (await owner.post("/admin/v1/tokens", json=body)).status_code == 422


async def test_a_team_without_its_org_is_refused(stage: Any) -> None:
    async with stage.client(await stage.token()) as owner:
        assert (await owner.post("/admin/v1/tokens", json={"roles": ["viewer"], "team": "web"})).status_code == 403
