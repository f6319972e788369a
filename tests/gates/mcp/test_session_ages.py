"""Sessions are timed from their begin to their end, each once."""

import pytest

from triplegate.core.meter_names import TOOL_SECONDS
from triplegate.gates.mcp import session_ages as module
from triplegate.gates.mcp.session_ages import IDLE, SessionAges

V = "2025-11-25"


def told(ages):
    """Label → how many, and seconds together."""
    return {labels: (sum(cells[:-1]), cells[-1]) for labels, cells in ages.server.read().points}


def test_one_that_its_client_ends_lasts_until_then():
    ages = SessionAges()
    ages.begin("a", V, 10.0)
    ages.use("a", 12.0)
    ages.end("a", 14.0)
    ages.end("a", 99.0)
    assert told(ages) == {(V, ""): (1, 4.0)}
    assert ages.server.read().bounds == TOOL_SECONDS


def test_one_that_nobody_uses_any_more_lasted_until_its_last_use():
    ages = SessionAges()
    ages.begin("a", V, 0.0)
    ages.begin("b", "2025-06-18", 0.0)
    ages.use("a", 5.0)
    ages.use("b", 5.0 + IDLE)
    assert told(ages) == {}
    ages.expire(5.1 + IDLE)
    assert told(ages) == {(V, "timeout"): (1, 5.0)}
    ages.end("b", 6.0 + IDLE, "evicted")
    assert told(ages)["2025-06-18", "evicted"] == (1, 6.0 + IDLE)


def test_one_that_was_opened_elsewhere_is_told_there():
    ages = SessionAges()
    ages.use("a", 5.0)
    ages.end("a", 6.0)
    assert told(ages) == {}


def test_only_so_many_are_timed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MOST", 2)
    ages = SessionAges()
    for name in "abc":
        ages.begin(name, V, 1.0)
    assert told(ages) == {(V, "evicted"): (1, 0.0)}
