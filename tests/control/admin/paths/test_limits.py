"""Limits and their use over the admin API: a team's caller sees its own."""

from typing import Any

from triplegate.control.view import LimitView


def line(subject: str, org: str = "", team: str = "") -> LimitView:
    limit = ("all", "rate_limit", "all", "consumer", "requests", 10, 60.0, "enforce", "")
    return LimitView(*limit, subject, org, team, 3, 7)


async def test_everybody_is_told_of_what_is_theirs(stage: Any) -> None:
    async def limits(keys: Any) -> list[LimitView]:
        return [line("acme/web/ci", "acme", "web"), line("umbrella/books/robot", "umbrella", "books"), line("")]

    stage.view.limits = limits
    async with stage.client(await stage.token("viewer")) as client:
        assert len((await client.get("/admin/v1/limits")).json()) == 3
        assert "umbrella/books/robot" in (await client.get("/limits")).text
    async with stage.client(await stage.token("viewer", org="acme")) as client:
        [own] = (await client.get("/admin/v1/limits")).json()
        page = (await client.get("/limits")).text
    assert (own["subject"], own["used"], own["remaining"]) == ("acme/web/ci", 3, 7)
    assert "umbrella" not in page
    assert 'value="3"' in page
