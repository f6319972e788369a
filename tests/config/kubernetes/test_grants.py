"""Grants: kind, namespace and name must all be those that the grant says."""

import pytest
from tests.config.kubernetes.read import inventory_of

from triplegate.config.kubernetes.grants import Grants
from triplegate.config.kubernetes.objects import Object

GRANTS = """
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: one, namespace: shop}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: team}]
  to: [{group: "", kind: Service, name: orders}, {group: "", kind: Secret}]
"""


@pytest.mark.parametrize(
    ("kind", "namespace", "target", "expected"),
    [
        ("HTTPRoute", "team", ("Service", "shop", "orders"), True),
        ("HTTPRoute", "team", ("Service", "shop", "other"), False),
        ("HTTPRoute", "team", ("Secret", "shop", "any"), True),
        ("HTTPRoute", "team", ("Service", "else", "orders"), False),
        ("HTTPRoute", "else", ("Service", "shop", "orders"), False),
        ("GRPCRoute", "team", ("Service", "shop", "orders"), False),
        ("GRPCRoute", "shop", ("Service", "shop", "anything"), True),
    ],
)
def test_a_grant_is_for_what_it_says(kind, namespace, target, expected):
    found, _ = inventory_of(GRANTS)
    metadata = {"name": "x", "namespace": namespace}
    source = Object.model_validate({"apiVersion": "v1", "kind": kind, "metadata": metadata})
    assert Grants(found).permit(source, *target) is expected
