"""A house that overrides nothing says nothing, and never raises for it."""

import pytest

from triplegate.control.view import AdminToken, GatewayView


def test_a_silent_house_is_empty_everywhere() -> None:
    view = GatewayView()
    assert view.running().generation == 0
    for told in (
        view.routes(),
        view.upstreams(),
        view.endpoints(),
        view.teams(),
        view.degraded(),
        view.not_ready(),
        view.spool(),
    ):
        assert list(told) == []
    assert (view.gates(), view.active(), view.ledger_lag(), view.reloads()) == ({}, {}, 0.0, (0, 0))
    assert list(view.pools()) == list(view.budget_drift()) == []


async def test_what_it_cannot_do_it_says() -> None:
    with pytest.raises(NotImplementedError):
        await GatewayView().reload()
    with pytest.raises(NotImplementedError):
        await GatewayView().validate({})


def test_a_token_belongs_to_nobody_until_it_says_so() -> None:
    assert AdminToken("id", b"").roles == frozenset()
