"""Rules of approval are one or a list, bounded in time."""

import pytest
from pydantic import ValidationError

from triplegate.config.documents_mcp import ServerDocument

URL = "http://127.0.0.1:9003/mcp"


def test_one_rule_is_a_list_of_one() -> None:
    [rule] = ServerDocument.model_validate({"url": URL, "approval": {"tools": ["delete_*"], "within": "2m"}}).approval
    assert (rule.tools, rule.by, rule.within) == (("delete_*",), "caller", 120.0)
    assert ServerDocument.model_validate({"url": URL}).approval == ()


@pytest.mark.parametrize(
    "rule", [{}, {"tools": []}, {"tools": ["*"], "within": "2h"}, {"tools": ["*"], "by": "nobody"}]
)
def test_what_is_no_rule_is_refused(rule: object) -> None:
    with pytest.raises(ValidationError):
        ServerDocument.model_validate({"url": URL, "approval": rule})
