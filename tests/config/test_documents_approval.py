"""Rules of approval are one or a list, bounded in time."""

import pytest
from pydantic import ValidationError
from tests.config.test_validate import notes

from triplegate.config.documents_mcp import ServerDocument

URL = "http://127.0.0.1:9003/mcp"


def test_a_condition_is_compiled_at_load_and_told_with_its_place() -> None:
    written = "servers: {{a: {{url: {url}, approval: [{{tools: [pay], when: '{when}'}}]}}}}\n"
    for when, why in (("args.amount >", "no CEL expression"), ("arg.amount > 5", "unknown name arg: there are")):
        [told] = notes(written.format(url=URL, when=when))
        assert told.startswith(f"x:1:79 when: {why}")
    [rule] = ServerDocument.model_validate(
        {"url": URL, "approval": {"tools": ["pay"], "when": "args.amount > 5 && claims.level < 2"}}
    ).approval
    assert rule.when == "args.amount > 5 && claims.level < 2"


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
