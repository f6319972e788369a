"""The page of remembered answers stands in the navigation; the admin API's tests read what it shows."""

from typing import Any


async def test_it_is_found_from_every_page(stage: Any) -> None:
    async with stage.client(await stage.token("viewer")) as client:
        page = (await client.get("/limits")).text
        assert '<a href="/cache"' in page
        assert "<h1>Remembered answers</h1>" in (await client.get("/cache")).text
