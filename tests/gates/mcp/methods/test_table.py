"""The table of methods: what is not in it does not exist."""

import pytest

from triplegate.core.errors import Refusal
from triplegate.gates.mcp.methods.table import METHODS, method_of


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_has_an_answer_or_an_item_whose_server_has_one(method):
    assert METHODS[method].answer is not None or METHODS[method].find is not None
    assert ("/" in method or method in ("initialize", "ping")) is bool(METHODS[method].eras)


@pytest.mark.parametrize(
    ("method", "era"),
    [
        ("ping", "modern"),
        ("initialize", "modern"),
        ("server/discover", "legacy"),
        ("vendor/x", "legacy"),
        ("", "modern"),
    ],
)
def test_a_method_of_the_other_era_is_unknown(method, era):
    with pytest.raises(Refusal) as caught:
        method_of(method, era)
    assert caught.value.code == "rpc_method_not_found"
