"""Who shares answers; the rest of the engine is seen through the policies that use it."""

import pytest

from triplegate.core.identity import Principal
from triplegate.stores.answers.recall import Whole, team_of, tenant_of
from triplegate.wire.neutral_events import Finish

ME = Principal(org="acme", team="web", consumer="ci", key_id="k1", team_ref="acme/web")


@pytest.mark.parametrize(
    ("scope", "shared"),
    [("org", "acme"), ("team", "acme/web"), ("consumer", "acme/web/ci"), ("key", "acme/web/ci/k1")],
)
def test_a_tenant_is_named_by_all_that_it_is(scope, shared):
    assert tenant_of(ME, scope) == f"{scope}:{shared}"


def test_no_two_scopes_meet_in_one_name():
    assert len({tenant_of(ME, scope) for scope in ("org", "team", "consumer", "key")}) == 4


def test_a_call_without_a_principal_is_no_teams():
    assert team_of(None) == ""


async def test_what_is_there_has_no_more_to_come():
    told = Whole([Finish("stop")])
    assert told.whole == [Finish("stop")]
    assert await told.next() == []
