"""The usage report over the API: sums by hand, own teams only, exact money."""

from typing import Any


async def test_by_team_it_sums_what_the_ledger_holds(stage: Any) -> None:
    async with stage.client(await stage.token("viewer")) as client:
        report = (await client.get("/admin/v1/usage")).json()
    assert report["as_of"] == "2026-01-01T00:00:00Z"
    assert report["rows"] == [
        {
            "labels": {"org": "acme", "team": "web"},
            "requests": 3,
            "refused": 1,
            "failed": 1,
            "tokens_in": 130,
            "tokens_out": 57,
            "cost": "0.0125000001",
        },
        {
            "labels": {"org": "umbrella", "team": "books"},
            "requests": 1,  # the other one was more than a day ago
            "refused": 0,
            "failed": 0,
            "tokens_in": 11,
            "tokens_out": 13,
            "cost": "1.5",
        },
    ]


async def test_a_team_sees_its_own_sums_whatever_it_sums_by(stage: Any) -> None:
    async with stage.client(await stage.token("viewer", org="acme", team="web")) as client:
        by_model = (await client.get("/admin/v1/usage?by=model")).json()["rows"]
        by_consumer = (await client.get("/admin/v1/usage?by=consumer")).json()["rows"]
    assert [(row["labels"], row["requests"]) for row in by_model] == [({"model": "smart"}, 3)]
    assert [(row["labels"]["consumer"], row["requests"]) for row in by_consumer] == [("ci", 2), ("shop", 1)]


async def test_the_period_is_the_callers_and_a_time_without_zone_is_utc(stage: Any) -> None:
    async with stage.client(await stage.token("viewer")) as client:
        query = "/admin/v1/usage?by=team&since=2025-12-30T00:00:00&until=2025-12-31T00:00:00Z"
        report = (await client.get(query)).json()
        assert [(row["labels"]["team"], row["requests"]) for row in report["rows"]] == [("books", 1)]
        backwards = await client.get("/admin/v1/usage?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z")
        unknown = await client.get("/admin/v1/usage?by=shoe_size")
    assert backwards.status_code == 422
    assert unknown.status_code == 422
