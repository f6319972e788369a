"""What every object has."""

import pytest
from pydantic import ValidationError

from triplegate.config.kubernetes.objects import (
    EndpointSliceObject,
    NamespaceObject,
    Object,
    SecretObject,
    ServiceObject,
)


def made(model=Object, *, metadata=None, **more):
    return model.model_validate({"apiVersion": "v1", "kind": "X", "metadata": {"name": "x"} | (metadata or {}), **more})


def test_names_namespaces_and_our_annotations():
    one = made(metadata={"annotations": {"triplegate.dev/owner": "acme/web"}, "uid": "ignored", "managedFields": []})
    assert (one.full_name, one.namespace) == ("default/x", "default")
    assert (one.annotation("owner"), one.annotation("identity")) == ("acme/web", None)
    assert made(metadata={"namespace": "shop"}).full_name == "shop/x"
    with pytest.raises(ValidationError):
        made(metadata={"namespace": "a/b"})


def test_the_older_object_comes_first_and_one_without_age_last():
    ages = [None, "2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z", "never"]
    objects = [made(metadata={"name": f"n{n}", "creationTimestamp": age}) for n, age in enumerate(ages)]
    assert [one.name for one in sorted(objects, key=lambda one: one.age)] == ["n2", "n1", "n0", "n3"]


def test_a_namespace_has_its_name_as_a_label():
    one = made(NamespaceObject, metadata={"name": "shop", "labels": {"a": "b"}})
    assert one.labels == {"a": "b", "kubernetes.io/metadata.name": "shop"}


def test_types_are_exact():
    ports = [{"port": 80, "targetPort": "http"}, {"port": 81, "targetPort": 8080}]
    assert [one.target_port for one in made(ServiceObject, spec={"ports": ports}).spec.ports] == ["http", 8080]
    for port in ("80", 0, 65536, True, 80.0):
        with pytest.raises(ValidationError):
            made(ServiceObject, spec={"ports": [{"port": port}]})


def test_endpoints_count_as_ready_when_nothing_is_said():
    slices = made(
        EndpointSliceObject,
        metadata={"labels": {"kubernetes.io/service-name": "orders"}},
        addressType="IPv4",
        endpoints=[
            {"addresses": ["192.0.2.1"]},
            {"addresses": ["192.0.2.2"], "conditions": {"ready": False, "serving": True, "terminating": True}},
        ],
    )
    assert slices.service == "orders"
    assert [one.ready for one in slices.endpoints] == [True, False]
    assert made(EndpointSliceObject, addressType="IPv4").service is None


def test_a_secrets_values_do_not_print():
    assert "canary" not in repr(made(SecretObject, data={"tls.key": "canary"}, stringData={"a": "canary"}))
