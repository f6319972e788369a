"""Keys over the API: shown once, known to the gateway at once, never anybody else's."""

import random
from typing import Any

from triplegate.config.documents_budgets import key_allowances
from triplegate.core.identity import digest_key, key_id_of

CI = {"org": "acme", "team": "web", "consumer": "ci"}


async def test_a_key_is_shown_once_and_the_index_knows_its_digest(stage: Any) -> None:
    async with stage.client(await stage.token("developer")) as client:
        made = await client.post("/admin/v1/keys", json={**CI, "name": "laptop", "scopes": ["b", "a"], "env": "test"})
        assert made.status_code == 201
        key = made.json()["key"]
        assert key.startswith("tg_test_")
        assert key_id_of(key) == made.json()["key_id"]
        listed = await client.get("/admin/v1/keys")
    assert key not in listed.text
    assert "digest" not in listed.text
    assert listed.json()[0]["scopes"] == ["a", "b"]
    record = stage.store.index.find(made.json()["key_id"])
    assert record.digest == digest_key(b"p" * 32, key)
    assert (record.org, record.team, record.consumer, record.created) == ("acme", "web", "ci", stage.clock.wall())


async def test_a_revoked_key_is_revoked_in_the_index_and_stays_listed(stage: Any) -> None:
    async with stage.client(await stage.token("developer")) as client:
        key_id = (await client.post("/admin/v1/keys", json=CI)).json()["key_id"]
        assert (await client.delete(f"/admin/v1/keys/{key_id}")).status_code == 204
        assert stage.store.index.find(key_id).revoked == stage.clock.wall()
        assert (await client.get("/admin/v1/keys")).json()[0]["revoked"] is not None


async def test_a_team_sees_makes_and_revokes_its_own_keys_only(stage: Any) -> None:
    async with stage.client(await stage.token()) as owner:
        books = {"org": "umbrella", "team": "books", "consumer": "robot"}
        other = (await owner.post("/admin/v1/keys", json=books)).json()["key_id"]
        mine = (await owner.post("/admin/v1/keys", json=CI)).json()["key_id"]
    async with stage.client(await stage.token("developer", org="acme", team="web")) as web:
        assert {one["key_id"] for one in (await web.get("/admin/v1/keys")).json()} == {mine}
        assert (await web.get("/admin/v1/keys?team=books")).json() == []
        assert (await web.post("/admin/v1/keys", json=books)).status_code == 404
        assert (await web.delete(f"/admin/v1/keys/{other}")).status_code == 404
        assert (await web.delete(f"/admin/v1/keys/{mine}")).status_code == 204
    assert stage.store.index.find(other).revoked is None


async def test_a_team_of_the_same_name_in_another_org_is_another_team(stage: Any) -> None:
    async with stage.client(await stage.token("developer", org="umbrella", team="web")) as impostor:
        async with stage.client(await stage.token()) as owner:
            await owner.post("/admin/v1/keys", json=CI)
        assert (await impostor.get("/admin/v1/keys")).json() == []
        assert (await impostor.post("/admin/v1/keys", json=CI)).status_code == 404


async def test_random_ids_are_404_and_change_nothing(stage: Any) -> None:
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    chance = random.Random(7)
    async with stage.client(await stage.token("developer", org="acme", team="web")) as client:
        for _ in range(200):
            guess = "".join(chance.choices(letters, k=10))
            assert (await client.delete(f"/admin/v1/keys/{guess}")).status_code == 404


async def test_a_consumer_that_the_configuration_does_not_know_gets_no_key(stage: Any) -> None:
    async with stage.client(await stage.token()) as owner:
        for body in ({**CI, "consumer": "nobody"}, {**CI, "team": "ops"}, {**CI, "org": "umbrella"}):
            assert (await owner.post("/admin/v1/keys", json=body)).status_code == 404


async def test_a_key_has_a_plan_that_there_is_or_none(stage: Any) -> None:
    async with stage.client(await stage.token("developer")) as client:
        for plan, status in (("gold", 201), ("x", 404)):
            assert (await client.post("/admin/v1/keys", json={**CI, "plan": plan})).status_code == status
        assert [one["plan"] for one in (await client.get("/admin/v1/keys")).json()] == ["gold"]


async def test_a_key_may_have_budgets_of_its_own(stage: Any) -> None:
    async with stage.client(await stage.token("developer")) as client:
        wanted = [{"money": 10, "per": "month"}, {"tokens": 5, "rolling": "1h"}]
        made = (await client.post("/admin/v1/keys", json={**CI, "budget": wanted})).json()
        assert made["budget"] == [{"money": "10", "per": "month"}, {"tokens": 5, "rolling": 3600.0}]
        for wrong in ([{"money": 10}], {"money": -1, "per": "day"}, {"money": 1, "per": "day", "by": "team"}):
            assert (await client.post("/admin/v1/keys", json={**CI, "budget": wrong})).status_code == 422
    (record,) = stage.store.index.budgeted()
    assert [one.label for one in key_allowances(record.key_id, record.budget, 4)] == [
        f"key:{record.key_id}",
        f"key:{record.key_id}#2",
    ]
