"""Access rules and filters: what may be written."""

import pytest
from pydantic import ValidationError

from triplegate.config.documents_access import AccessRule, PromptFilter, ResourceFilter, ToolFilter


@pytest.mark.parametrize("kind", [ToolFilter, PromptFilter, ResourceFilter])
def test_everything_is_passed_on_unless_told_otherwise(kind: type[ToolFilter]) -> None:
    assert (kind().allow, kind().deny) == (("*",), ())


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"tools": ["a"]},
        {"tools": ["a b"], "deny": True},
        {"resources": ["file:///a b"], "deny": True},
        {"consumers": ["a/b/c/d"]},
        {"scopes": ["a b"]},
        {"when": "args.x =="},
        {"when": "arg.x == 1"},
        {"when": ""},
        {"team": ["web"]},
    ],
)
def test_a_rule_that_would_let_everyone_pass_or_could_not_be_judged_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AccessRule.model_validate(wrong)


def test_a_rule_may_be_a_mere_no() -> None:
    assert AccessRule.model_validate({"tools": ["rm"], "deny": True}).deny
