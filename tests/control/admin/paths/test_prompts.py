"""The prompts in force are for callers of the whole house."""

from typing import Any

from triplegate.control.prompted import PromptView


async def test_they_are_told_as_they_are_in_force(stage: Any) -> None:
    one = PromptView("support", "3", True, ("user",), ("question",), (), None, None, "triplegate.yaml:2:3")
    stage.view.prompts = lambda: [one]
    async with stage.client(await stage.token("viewer")) as client:
        [told] = (await client.get("/admin/v1/prompts")).json()
    assert (told["name"], told["version"], told["variables"]) == ("support", "3", ["question"])


async def test_a_caller_of_one_team_does_not_see_those_of_the_house(stage: Any) -> None:
    async with stage.client(await stage.token("viewer", org="acme")) as client:
        assert (await client.get("/admin/v1/prompts")).status_code == 403
