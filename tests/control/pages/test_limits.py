"""The page of limits says what the API says."""

import re
from typing import Any

from triplegate.control.view import LimitView


async def test_each_number_is_the_api_s(stage: Any) -> None:
    limit = ("plan:free/token_limit", "token_limit", "free", "team", "total", 200, 60.0, "observe", "")
    made = LimitView(*limit, "acme/web", "acme", "web", 50, 150, 12.34)

    async def limits(keys: Any) -> list[LimitView]:
        return [made]

    stage.view.limits = limits
    async with stage.client(await stage.token("viewer", org="acme", team="web")) as client:
        page = (await client.get("/limits")).text
        [told] = (await client.get("/admin/v1/limits")).json()
    [row] = re.findall(r'<tr data-limit="plan:free/token_limit total acme/web">(.*?)</tr>', page)
    cells = [re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)]
    assert (cells[5], cells[6], cells[8], cells[9]) == tuple(
        str(told[name]) if name != "reset" else f"{told[name]:.1f}" for name in ("used", "quota", "remaining", "reset")
    )
    assert "observed" in row
