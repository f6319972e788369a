"""Remembered answers over the admin API and its page: everybody sees their own, owners forget their own."""

from typing import Any

from triplegate.control.remembered import NamespaceView


def namespace(org: str, team: str, *, closed: bool = False) -> NamespaceView:
    told = (
        120,
        30,
        0.25,
        5_000_000_000,
        12,
        1,
        0.015,
        0.354,
        90,
        0.951,
        closed,
        {"numbers": 3},
        (("numbers", "0.91"),),
        *("cheap", 1_234_000, {"same": 5, "apart": 2}, (("apart", "0.88"),)),
    )
    return NamespaceView("semantic_cache", "team", org, team, "", "smart", *told)


async def test_everybody_is_told_of_their_own(stage: Any) -> None:
    stage.view.answers = lambda: [namespace("acme", "web"), namespace("umbrella", "books", closed=True)]
    async with stage.client(await stage.token("viewer")) as client:
        assert len((await client.get("/admin/v1/cache")).json()) == 2
        page = (await client.get("/cache")).text
        assert "equal questions only" in page
    async with stage.client(await stage.token("viewer", org="acme", team="web")) as client:
        [own] = (await client.get("/admin/v1/cache")).json()
        page = (await client.get("/cache")).text
    assert (own["questions"], own["hits"], own["vetoes"], own["error_high"]) == (120, 30, {"numbers": 3}, 0.354)
    assert "umbrella" not in page
    assert all(told in page for told in ("25.0 %", "1.5–35.4 %", "0.5000", "serves from 0.951", "vetoes: numbers 3"))
    assert (own["judge"], own["judge_cost"], own["judged"]) == ("cheap", 1_234_000, {"same": 5, "apart": 2})
    assert all(told in page for told in ("<code>cheap</code>: same 5, apart 2", "apart at 0.88", "0.0001"))


async def test_nothing_compared_yet_is_said(stage: Any) -> None:
    async with stage.client(await stage.token("viewer")) as client:
        assert "Nothing was compared yet" in (await client.get("/cache")).text


async def test_owners_forget_answers_and_bound_ones_only_their_teams(stage: Any) -> None:
    asked: list[Any] = []

    async def purge(team: str, model: str, tag: str, before: float | None) -> int:
        asked.append((team, model, tag, before))
        return 7

    stage.view.purge_answers = purge
    async with stage.client(await stage.token("owner")) as client:
        assert (await client.post("/admin/v1/cache/purge", json={"model": "smart"})).json() == {"forgotten": 7}
        body = {"team": "acme/web", "before": "2026-11-24T00:00:00Z"}
        assert (await client.post("/admin/v1/cache/purge", json=body)).status_code == 200
        assert (await client.post("/admin/v1/cache/purge", json={"modell": "x"})).status_code == 422
    assert asked == [("", "smart", "", None), ("acme/web", "", "", 1795478400.0)]
    async with stage.client(await stage.token("owner", org="acme", team="web")) as client:
        assert (await client.post("/admin/v1/cache/purge", json={"team": "acme/web"})).status_code == 200
        for body in ({}, {"team": "acme/ops"}, {"team": "umbrella/web"}, {"model": "smart"}):
            assert (await client.post("/admin/v1/cache/purge", json=body)).status_code == 403
    async with stage.client(await stage.token("viewer")) as client:
        assert (await client.post("/admin/v1/cache/purge", json={})).status_code == 403
    assert len(asked) == 3
