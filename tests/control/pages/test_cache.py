"""The page of remembered answers stands in the navigation; the admin API's tests read what it shows."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.control.admin.paths.test_cache import namespace


async def test_it_is_found_from_every_page(stage: Any) -> None:
    async with stage.client(await stage.token("viewer")) as client:
        page = (await client.get("/limits")).text
        assert '<a href="/cache"' in page
        assert "<h1>Remembered answers</h1>" in (await client.get("/cache")).text


@pytest.mark.long
async def test_a_browser_shows_namespaces_and_what_judges_said(
    stage: Any, served: str, page: Any, pictures: Callable[[str], Path]
) -> None:
    stage.view.answers = lambda: [namespace("acme", "web"), namespace("umbrella", "books", closed=True)]
    token = await stage.token("owner")

    def look() -> list[str]:
        page.dark(False)
        page.visit(f"{served}/sign-in")
        page.evaluate(f"document.querySelector('[name=token]').value = '{token}'")
        page.submit("document.querySelector('form').submit()")
        page.visit(f"{served}/cache")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        row = "document.querySelector('[data-namespace=\"acme/web smart\"]')"
        page.evaluate(f"{row}.querySelectorAll('details').forEach(one => one.open = true)")
        assert "apart at 0.88" in page.evaluate(f"{row}.innerText")
        page.picture(pictures("cache"), height=600)
        page.dark(True)
        page.picture(pictures("cache-dark"), height=600)
        page.picture(pictures("cache-narrow"), width=420, height=900)
        return list(page.complaints)

    assert await asyncio.to_thread(look) == []
