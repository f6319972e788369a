"""Filters, times and retries become policies that our registry reads."""

import pytest

from triplegate.config.kubernetes.filters import MOST_RETRIES, Shaped, dispatch, shape, shape_backend
from triplegate.config.kubernetes.objects_routes import Filter, HttpRule
from triplegate.config.kubernetes.terms import Trouble
from triplegate.policies import registry

EDITS = {"set": [{"name": "X-A", "value": "1"}], "add": [{"name": "x-b", "value": "2"}], "remove": ["X-C"]}


def shaped(*filters):
    return shape([Filter.model_validate(one) for one in filters], lambda ref: ref.name if ref.name != "gone" else None)


def redirect(**more):
    return {"type": "RequestRedirect", "requestRedirect": more}


def rewrite(**more):
    return {"type": "URLRewrite", "urlRewrite": more}


def mirror(name="copy", **more):
    return {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": name, "port": 80}, **more}}


FULL = {"type": "ReplaceFullPath", "replaceFullPath": "/whole"}
PREFIX = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/v2"}
EMPTY = {"type": "ReplacePrefixMatch", "replacePrefixMatch": ""}
POLICIES = [
    (
        {"type": "RequestHeaderModifier", "requestHeaderModifier": EDITS},
        {"use": "request_headers", "set": {"x-a": "1"}, "add": {"x-b": "2"}, "remove": ["x-c"]},
    ),
    (
        {"type": "ResponseHeaderModifier", "responseHeaderModifier": EDITS},
        {"use": "response_headers", "set": {"x-a": "1"}, "add": {"x-b": "2"}, "remove": ["x-c"]},
    ),
    (rewrite(hostname="b.test", path=PREFIX), {"use": "rewrite", "prefix": "/v2", "host": "b.test"}),
    (rewrite(path=FULL), {"use": "rewrite", "path": "/whole"}),
    (rewrite(path=EMPTY), {"use": "rewrite", "prefix": "/"}),
    (
        redirect(scheme="https", hostname="b.test", port=8443, statusCode=308),
        {"use": "redirect", "code": 308, "scheme": "https", "hostname": "b.test", "port": 8443},
    ),
    (redirect(path=PREFIX), {"use": "redirect", "code": 302, "prefix": "/v2"}),
    (mirror(), {"use": "mirror", "service": "copy", "unsafe": True}),
    (mirror(percent=10), {"use": "mirror", "service": "copy", "unsafe": True, "percent": 10}),
    (
        mirror(fraction={"numerator": 1, "denominator": 3}),
        {"use": "mirror", "service": "copy", "unsafe": True, "fraction": {"numerator": 1, "denominator": 3}},
    ),
    (
        {
            "type": "CORS",
            "cors": {
                "allowOrigins": ["https://*.a.test"],
                "allowMethods": ["PUT"],
                "allowHeaders": ["X-A"],
                "exposeHeaders": ["X-B"],
                "allowCredentials": True,
                "maxAge": 60,
            },
        },
        {
            "use": "cors",
            "allow_origins": ["https://*.a.test"],
            "max_age": 60,
            "allow_methods": ["PUT"],
            "allow_headers": ["x-a"],
            "expose_headers": ["x-b"],
            "allow_credentials": True,
        },
    ),
]


@pytest.mark.parametrize(("written", "expected"), POLICIES, ids=lambda one: one.get("use") or one["type"])
def test_a_filter_is_a_policy(written, expected):
    found = shaped(written)
    (policy,) = [*found.first, *found.then]
    assert policy == expected
    registry().policies[policy["use"]].model_validate(policy)


def test_redirects_and_preflights_come_first_and_a_redirect_answers():
    edits = {"type": "RequestHeaderModifier", "requestHeaderModifier": EDITS}
    found = shaped(edits, redirect(scheme="https"), {"type": "CORS", "cors": {"allowOrigins": ["*"]}})
    assert [one["use"] for one in found.first] == ["redirect", "cors"]
    assert [one["use"] for one in found.then] == ["request_headers"]
    assert found.answers
    assert not shaped(edits).answers


def test_what_does_nothing_is_no_policy():
    nothing = [{"type": "RequestHeaderModifier", "requestHeaderModifier": {}}, rewrite(), mirror("gone")]
    assert shaped(*nothing) == Shaped([], [])


def test_several_copies_go_to_several_services_and_a_chain_is_named():
    chain = {"type": "ExtensionRef", "extensionRef": {"group": "triplegate.dev", "kind": "Chain", "name": "slow"}}
    found = shaped(mirror("a"), mirror("b"), chain)
    assert [one if isinstance(one, str) else one["service"] for one in found.then] == ["a", "b", "slow"]


TROUBLES = [
    ([{"type": "ExternalAuth"}], "UnsupportedValue", "filter ExternalAuth is not supported"),
    ([{"type": "CORS"}], "UnsupportedValue", "its own settings"),
    ([{**rewrite(path=FULL), "cors": {}}], "UnsupportedValue", "its own settings"),
    ([redirect(scheme="https"), rewrite(path=FULL)], "IncompatibleFilters", "either redirects or rewrites"),
    ([rewrite(path=FULL), rewrite(path=FULL)], "IncompatibleFilters", "stands there twice"),
    (
        [{"type": "ExtensionRef", "extensionRef": {"group": "x.test", "kind": "Y", "name": "z"}}],
        "UnsupportedValue",
        "not to Y",
    ),
]


@pytest.mark.parametrize(("filters", "reason", "said"), TROUBLES)
def test_filters_that_cannot_be_honoured_say_why(filters, reason, said):
    found = shaped(*filters)
    assert isinstance(found, Trouble)
    assert found.reason == reason
    assert said in found.message


def test_one_backend_has_edits_of_its_own_and_nothing_else():
    edits = Filter.model_validate({"type": "RequestHeaderModifier", "requestHeaderModifier": EDITS})
    assert [one["use"] for one in shape_backend([edits])] == ["request_headers"]
    assert shape_backend([]) == []
    for strange in (mirror(), redirect(scheme="https")):
        assert shape_backend([Filter.model_validate(strange)]).reason == "UnsupportedValue"


def test_times_and_retries_are_policies_and_none_of_0s():
    rule = HttpRule.model_validate(
        {
            "timeouts": {"request": "2s", "backendRequest": "500ms"},
            "retry": {"codes": [503, 500, 503], "attempts": 9, "backoff": "100ms"},
        }
    )
    timeout, retry = dispatch(rule)
    assert timeout == {"use": "timeout", "total": 2.0, "attempt": 0.5}
    assert retry == {
        "use": "retry",
        "attempts": MOST_RETRIES,
        "on": [500, 503],
        "backoff": {"base": 0.1, "max": 2.0},
    }
    for policy in (timeout, retry):
        registry().policies[policy["use"]].model_validate(policy)
    assert dispatch(HttpRule.model_validate({"timeouts": {"request": "0s"}, "retry": {}})) == [
        {"use": "retry", "attempts": 1}
    ]
    assert dispatch(HttpRule()) == []
