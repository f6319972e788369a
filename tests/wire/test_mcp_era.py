"""The era of a request by the table, and versions."""

import pytest

from triplegate.wire.mcp_era import era_of, negotiate, status_of

NEW, OLD, ODD = "2026-07-28", "2025-06-18", "2031-01-01"


@pytest.mark.parametrize(
    ("version", "enveloped", "session", "method", "era"),
    [
        (NEW, True, False, "tools/list", "modern"),
        (NEW, False, False, "tools/list", "modern"),
        (NEW, False, True, "tools/list", "modern"),
        (None, True, False, "tools/list", "modern"),
        (OLD, True, True, "tools/list", "modern"),
        (ODD, False, False, "tools/list", "modern"),
        (ODD, False, True, "tools/list", "legacy"),
        (ODD, False, False, "initialize", "legacy"),
        (None, False, False, "initialize", "legacy"),
        (OLD, False, False, "initialize", "legacy"),
        (OLD, False, True, "tools/list", "legacy"),
        (OLD, False, False, "tools/list", "legacy"),
        (None, False, True, "tools/list", "legacy"),
        (None, False, False, "tools/list", "legacy"),
        (None, True, False, "initialize", "modern"),
    ],
)
def test_the_truth_table_of_eras(version, enveloped, session, method, era):
    assert era_of(version, enveloped=enveloped, session=session, method=method) == era


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("2025-03-26", "2025-03-26"),
        ("2024-11-05", "2025-11-25"),
        (NEW, "2025-11-25"),
        (7, "2025-11-25"),
        (None, "2025-11-25"),
    ],
)
def test_a_version_that_is_not_served_gets_the_newest_of_its_era(asked, given):
    assert negotiate(asked) == given


@pytest.mark.parametrize(("code", "status"), [(-32700, 400), (-32020, 400), (-32601, 404), (-32603, 200), (7, 200)])
def test_statuses_are_those_of_the_specification(code, status):
    from mcp.shared.inbound import ERROR_CODE_HTTP_STATUS

    assert status_of(code) == status == ERROR_CODE_HTTP_STATUS.get(code, 200)
