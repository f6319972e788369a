"""The first rule that fits a tool's own name counts."""

from triplegate.config.documents_approval import ApprovalRule
from triplegate.gates.mcp.approval_rules import ApprovalRules


def test_the_first_that_fits_counts() -> None:
    rules = ApprovalRules(
        (ApprovalRule(tools=("delete_all",), by="admin"), ApprovalRule(tools=("delete_*", "send"), within=5.0))
    )
    found = [rules.of(name) for name in ("delete_all", "delete_one", "send", "sender")]
    assert [None if one is None else one.by for one in found] == ["admin", "caller", "caller", None]
