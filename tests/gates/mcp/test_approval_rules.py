"""The first rule that fits a tool's own name and its call counts."""

import msgspec
import pytest

from triplegate.config.documents_approval import ApprovalRule
from triplegate.core.identity import Principal
from triplegate.gates.mcp.approval_rules import ApprovalRules
from triplegate.gates.mcp.call import Item, McpCall, OwnItem

ADA = Principal("acme", "web", "ada", roles=frozenset({"dev"}))


def call(arguments=b"{}"):
    item = Item("tool", "pay", None, OwnItem("pay", b"{}"), b"{}", b"", b"")
    return McpCall("request", method="tools/call", params={"arguments": msgspec.Raw(arguments)}, item=item)


def test_the_first_that_fits_counts() -> None:
    rules = ApprovalRules(
        (ApprovalRule(tools=("delete_all",), by="admin"), ApprovalRule(tools=("delete_*", "send"), within=5.0))
    )
    found = [rules.of(name, call(), ADA) for name in ("delete_all", "delete_one", "send", "sender")]
    assert [None if one is None else one.by for one in found] == ["admin", "caller", "caller", None]


@pytest.mark.parametrize(
    ("arguments", "by"),
    [
        (b'{"amount":1001}', "admin"),
        (b'{"amount":101}', "caller"),
        (b'{"amount":100}', None),
        (b'{"amount":"5"}', "admin"),
        (b'{"amount":null}', "admin"),
        (b'{"sum":5}', "admin"),
        (b"{}", "admin"),
        (b"[5]", "admin"),
        (b'{"amount":1001,"amount":5}', "admin"),
        (b'{"amount":5,"amount":1001}', "admin"),
    ],
)
def test_a_call_that_cannot_be_told_to_need_no_yes_needs_one(arguments: bytes, by: str | None) -> None:
    rules = ApprovalRules(
        (
            ApprovalRule(tools=("pay",), by="admin", when="args.amount > 1000"),
            ApprovalRule(tools=("p*",), when="args.amount > 100"),
        )
    )
    found = rules.of("pay", call(arguments), ADA)
    assert (None if found is None else found.by) == by


def test_what_is_no_verdict_asks_too() -> None:
    assert ApprovalRules((ApprovalRule(tools=("pay",), when="args.amount"),)).of("pay", call(b'{"amount":0}'), ADA)
    assert not ApprovalRules((ApprovalRule(tools=("pay",), when="!('dev' in roles)"),)).of("pay", call(), ADA)


def test_it_is_told_who_approves_which_calls() -> None:
    rules = ApprovalRules(
        (
            ApprovalRule(tools=("pay",), by="admin", when="args.amount > 1000"),
            ApprovalRule(tools=("p*",)),
            ApprovalRule(tools=("*",), by="admin"),
        )
    )
    assert rules.told("pay") == "by the admin when args.amount > 1000; by the caller"
    assert [rules.told("post"), rules.told("get")] == ["by the caller", "by the admin"]
    assert ApprovalRules((ApprovalRule(tools=("pay",)),)).told("get") == ""
