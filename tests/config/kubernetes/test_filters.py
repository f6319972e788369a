"""Filters as policies."""

from triplegate.config.kubernetes.filters import filter_policies
from triplegate.config.kubernetes.objects_routes import Filter
from triplegate.config.kubernetes.terms import Trouble


def test_a_filter_that_cannot_be_honoured_refuses_its_route():
    assert filter_policies([], ()) == []
    found = filter_policies([Filter(type="ExternalAuth")], ())
    assert isinstance(found, Trouble)
    assert (found.reason, found.message) == ("UnsupportedValue", "filter ExternalAuth is not supported")
