"""What can be called, and which calls are billed."""

import pytest

from triplegate.core.catalog import Route
from triplegate.core.money import Price


@pytest.mark.parametrize(
    ("route", "billed"),
    [
        (Route("r", "api"), False),
        (Route("r", "api", price=Price(call=1)), True),
        (Route("r", "llm"), True),
        (Route("r", "mcp"), True),
    ],
)
def test_llm_mcp_and_priced_api_calls_are_billed(route, billed):
    assert route.billed is billed
