"""Gateways as written: defaults, selectors, host names."""

import pytest
from pydantic import ValidationError

from triplegate.config.kubernetes.objects_gateway import GatewaySpec, Listener, ReferenceGrantSpec, Selector


def test_a_listener_takes_routes_of_its_own_namespace_unless_it_says_otherwise():
    one = Listener.model_validate({"name": "http", "port": 80, "protocol": "HTTP"})
    assert (one.hostname, one.tls, one.allowed_routes.namespaces.from_, one.allowed_routes.kinds) == (
        None,
        None,
        "Same",
        (),
    )


@pytest.mark.parametrize("host", ["A.test", "*", "a.*.test", "a_b.test", "-a.test", "1.2.3.4:80"])
def test_a_host_name_is_lower_case_and_has_one_wildcard_at_most(host):
    with pytest.raises(ValidationError):
        Listener.model_validate({"name": "http", "port": 80, "protocol": "HTTP", "hostname": host})


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({}, True),
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "1", "b": "2"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "NotIn", "values": ["1"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, False),
        ({"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "b", "operator": "Exists"}]}, False),
    ],
)
def test_a_selector_wants_all_of_what_it_says(selector, expected):
    assert Selector.model_validate(selector).fits({"a": "1"}) is expected


def test_a_gateway_has_a_listener_and_a_grant_says_from_whom():
    with pytest.raises(ValidationError):
        GatewaySpec.model_validate({"gatewayClassName": "x", "listeners": []})
    grant = ReferenceGrantSpec.model_validate(
        {"from": [{"group": "g", "kind": "k", "namespace": "n"}], "to": [{"group": "", "kind": "Service"}]}
    )
    assert (grant.from_[0].namespace, grant.to[0].name) == ("n", None)
