"""Whatever is written into a manifest, reading it never fails, and native documents go on being served."""

import copy
import json

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.gateway_api.manifests import (
    authorities,
    backend_tls,
    gateway,
    grant,
    listener,
    manifest,
    route,
    rule_to,
    secret,
    service,
    slice_of,
)

from triplegate.config.load import load
from triplegate.policies import registry

NATIVE = """
gateway: {policies: [{use: key_auth}]}
services: {own: {endpoints: ["http://127.0.0.1:1"]}}
routes: {own: {service: own, match: {path: /own}}}
"""
EDITS = {"set": [{"name": "x-a", "value": "1"}], "add": [{"name": "x-b", "value": "2"}], "remove": ["x-c"]}
FILTERS = [
    {"type": "RequestHeaderModifier", "requestHeaderModifier": EDITS},
    {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/x"}}},
    {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "a", "port": 80}, "percent": 5}},
    {"type": "CORS", "cors": {"allowOrigins": ["https://a.test"], "maxAge": 5}},
]
RULE = rule_to(
    {"name": "a", "port": 80, "weight": 2, "filters": FILTERS[:1]},
    path="/one",
    headers={"x-a": "1"},
    query={"q": "1"},
    method="GET",
    filters=FILTERS,
    timeouts={"request": "1s"},
    retry={"codes": [503], "attempts": 2, "backoff": "1ms"},
)
OBJECTS = [
    {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": "triplegate"},
        "spec": {"controllerName": "triplegate.dev/gateway"},
    },
    gateway(
        listener(),
        listener("tls", 443, "HTTPS", tls={"certificateRefs": [{"name": "s"}]}),
        listener("some", hosts="*.a.test", routes={"namespaces": {"from": "All"}, "kinds": [{"kind": "HTTPRoute"}]}),
    ),
    route("r", RULE, hosts=["b.a.test"]),
    route("g", {"matches": [{"method": {"service": "a.B", "method": "C"}}], **rule_to("a")}, kind="GRPCRoute"),
    service("a"),
    slice_of("a", 9001),
    grant("HTTPRoute", "else", ("Service", "a")),
    secret("s", "x", "y"),
    authorities("ca", "x"),
    backend_tls("a", "a.test", "ca"),
    manifest("Namespace", "shop", version="v1", labels={"a": "b"}),
]
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 70_000),
    st.sampled_from(
        ["", "/", "*", "a", "a.test", "*.test", "none", "/a//b", "%", "(", "é", "{}", "HTTP", "Exact", "x" * 300]
    ),
    st.sampled_from([[], {}, [[]], [{}], {"a": {}}, ["a", 1], {"name": "a"}, [None]]),
)


def places(value, path=()):
    """Every place in a manifest."""
    yield path
    if isinstance(value, dict):
        for name, one in value.items():
            yield from places(one, (*path, name))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from places(one, (*path, index))


PLACES = [(number, path) for number, one in enumerate(OBJECTS) for path in places(one) if path]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(changes=[((2, ("spec", "parentRefs", 0, "name")), "/")])
@example(changes=[((7, ("data", "tls.crt")), "é")])
@given(changes=st.lists(st.tuples(st.sampled_from(PLACES), JUNK), min_size=1, max_size=4))
def test_no_manifest_takes_anything_down(tmp_path, changes):
    objects = copy.deepcopy(OBJECTS)
    for (number, path), junk in changes:
        holder = objects[number]
        try:
            for part in path[:-1]:
                holder = holder[part]
            holder[path[-1]] = junk
        except (KeyError, IndexError, TypeError):
            continue  # what was there has been replaced before
    (tmp_path / "apis").mkdir(exist_ok=True)
    (tmp_path / "triplegate.yaml").write_text(NATIVE)
    marked = [one for one in objects if isinstance(one, dict) and {"apiVersion", "kind"} <= one.keys()]
    (tmp_path / "apis" / "k.yaml").write_text("\n---\n".join(json.dumps(one) for one in marked) + "\n")
    found = load(tmp_path, registry(), environment={})
    assert "own" in found.documents.routes
    for status in found.manifests.statuses:
        assert json.dumps(status.manifest())
