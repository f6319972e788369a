"""The price table is for callers of the whole house; it is what the view says."""

from typing import Any

from triplegate.control.view import PriceView


async def test_the_table_is_told_as_it_is_in_force(stage: Any) -> None:
    one = PriceView("llm", "smart", "openai/gpt", "openai", "gpt", "v1", "known", "0", {"input_uncached": "2.5"})
    stage.view.prices = lambda: [one]
    async with stage.client(await stage.token("viewer")) as client:
        [told] = (await client.get("/admin/v1/prices")).json()
    assert (told["name"], told["state"], told["rates"]) == ("smart", "known", {"input_uncached": "2.5"})


async def test_a_caller_of_one_team_does_not_see_the_house_s_prices(stage: Any) -> None:
    async with stage.client(await stage.token("viewer", org="acme")) as client:
        assert (await client.get("/admin/v1/prices")).status_code == 403
