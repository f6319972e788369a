"""Filters, times and retries of the Gateway API, on a gateway made from manifests with backends behind it."""

import json

import pytest
from tests.gateway_api.manifests import gateway, loaded, ref, route, rule_to, service, slice_of, verdicts, world


def edits(kind, **more):
    field = kind[0].lower() + kind[1:]
    return {"type": kind, field: more}


def lines(said, name):
    return [value for key, value in said["headers"] if key.lower() == name]


HEADERS = edits(
    "RequestHeaderModifier",
    set=[{"name": "X-Set", "value": "new"}],
    add=[{"name": "x-add", "value": "more"}],
    remove=["X-Gone"],
)


async def test_set_replaces_add_appends_and_remove_has_no_case(tmp_path):
    async with world(tmp_path, gateway(), route("r", rule_to("a", filters=[HEADERS]))) as made:
        status, said = await made.call("a.test/", x_set="old", x_add="one", x_gone="here", x_stays="yes")
        assert status == 200
        assert (lines(said, "x-set"), lines(said, "x-add"), lines(said, "x-gone")) == (["new"], ["one", "more"], [])
        assert lines(said, "x-stays") == ["yes"]


async def test_answers_are_edited_too_and_a_backend_has_edits_of_its_own(tmp_path):
    answers = edits("ResponseHeaderModifier", set=[{"name": "content-type", "value": "text/x"}])
    own = ref("a", filters=[edits("RequestHeaderModifier", set=[{"name": "x-own", "value": "a"}])])
    async with world(tmp_path, gateway(), route("r", rule_to(own, "b", filters=[answers]))) as made:
        for _ in range(4):
            _, said = await made.call("a.test/")
            assert lines(said, "x-own") == (["a"] if said["backend"] == "a" else [])
            assert made.wire.field(b"content-type") == b"text/x"


REDIRECTS = [
    ({"hostname": "b.test"}, 302, b"http://b.test/one/two?q=1"),
    ({"scheme": "https", "statusCode": 301}, 301, b"https://a.test/one/two?q=1"),
    ({"scheme": "https", "port": 443}, 302, b"https://a.test/one/two?q=1"),
    ({"port": 8443, "statusCode": 307}, 307, b"http://a.test:8443/one/two?q=1"),
    ({"path": {"type": "ReplaceFullPath", "replaceFullPath": "/x"}, "statusCode": 303}, 303, b"http://a.test/x?q=1"),
    (
        {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/x/"}, "statusCode": 308},
        308,
        b"http://a.test/x/two?q=1",
    ),
    ({"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}, 302, b"http://a.test/two?q=1"),
]


@pytest.mark.parametrize(("written", "status", "location"), REDIRECTS)
async def test_a_redirect_says_where_to_ask(tmp_path, written, status, location):
    rule = rule_to(path="/one", filters=[edits("RequestRedirect", **written)])
    async with world(tmp_path, gateway(), route("r", rule)) as made:
        assert (await made.call("a.test/one/two", query=b"q=1"))[0] == status
        assert made.wire.field(b"location") == location


REWRITES = [
    ({"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/v2"}}, "/one/two", "/v2/two", "a.test"),
    ({"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/v2/"}}, "/one/two", "/v2/two", "a.test"),
    ({"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}, "/one", "/", "a.test"),
    ({"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": ""}}, "/one/two", "/two", "a.test"),
    ({"path": {"type": "ReplaceFullPath", "replaceFullPath": "/x"}}, "/one/two", "/x", "a.test"),
    ({"hostname": "b.test"}, "/one/two", "/one/two", "b.test"),
]


@pytest.mark.parametrize(("written", "path", "target", "host"), REWRITES)
async def test_a_rewrite_changes_what_the_backend_is_asked(tmp_path, written, path, target, host):
    rule = rule_to("a", path="/one", filters=[{"type": "URLRewrite", "urlRewrite": written}])
    async with world(tmp_path, gateway(), route("r", rule)) as made:
        _, said = await made.call("a.test" + path)
        assert (said["target"], lines(said, "host")) == (target, [host])


def mirror(name, **more):
    return edits("RequestMirror", backendRef={"name": name, "port": 80, **more})


async def test_copies_go_to_others_and_their_answers_nowhere(tmp_path):
    rule = rule_to("a", filters=[mirror("b"), mirror("c")])
    async with world(tmp_path, gateway(), route("r", rule)) as made:
        status, said = await made.call("a.test/x", "POST")
        assert (status, said["backend"], said["method"]) == (200, "a", "POST")
        for name in "bc":
            upstream = made.upstreams[name]
            await upstream.until(lambda upstream=upstream: any(talk.received for talk in upstream.talks))
            assert upstream.talks[0].received.startswith(b"POST /x HTTP/1.1\r\n")


async def test_a_copy_that_leads_nowhere_is_told_and_the_calls_go_on(tmp_path):
    async with world(tmp_path, gateway(), route("r", rule_to("a", filters=[mirror("gone")]))) as made:
        assert await made.backend("a.test/") == "a"
        assert made.verdicts.route(type_="ResolvedRefs") == "False BackendNotFound"
        assert made.verdicts.route() == "True Accepted"


async def test_a_preflight_is_answered_before_anyone_is_known(tmp_path):
    cors = {"type": "CORS", "cors": {"allowOrigins": ["https://app.test"], "allowMethods": ["PUT"], "maxAge": 60}}
    native = "gateway: {policies: [{use: key_auth}]}\norgs: {acme: {teams: {web: {consumers: {ci: {}}}}}}\n"
    objects = gateway(annotations={}), route("r", rule_to("a", filters=[cors]))
    async with world(tmp_path, *objects, native=native) as made:
        asked = {"origin": "https://app.test", "access_control_request_method": "PUT"}
        assert (await made.call("a.test/", "OPTIONS", **asked))[0] == 204
        assert made.wire.field(b"access-control-allow-origin") == b"https://app.test"
        assert made.wire.field(b"access-control-max-age") == b"60"
        assert (await made.call("a.test/", "PUT", origin="https://app.test"))[0] == 401


async def test_times_and_retries_are_the_rules_own(tmp_path):
    rule = rule_to(
        "a", timeouts={"request": "3s", "backendRequest": "1s"}, retry={"codes": [500], "attempts": 2, "backoff": "1ms"}
    )
    async with world(tmp_path, gateway(), route("r", rule)) as made:
        assert await made.backend("a.test/") == "a"
        timeout, retry = made.found.documents.routes["shop.r.0"].policies
        assert (timeout.total, timeout.attempt) == (3.0, 1.0)
        assert (retry.attempts, retry.on, retry.backoff.base) == (2, {500}, 0.001)


REFUSED = {
    "unsupported": [{"type": "ExternalAuth", "externalAuth": {"protocol": "HTTP"}}],
    "incompatible": [edits("RequestRedirect", scheme="https"), {"type": "URLRewrite", "urlRewrite": {"hostname": "b"}}],
    "forbidden": [edits("RequestHeaderModifier", set=[{"name": "content-length", "value": "1"}])],
    "nowhere": [edits("RequestRedirect", statusCode=301)],
    "chain": [{"type": "ExtensionRef", "extensionRef": {"group": "triplegate.dev", "kind": "Chain", "name": "gone"}}],
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_route_whose_filters_cannot_be_honoured_is_not_served(tmp_path, case):
    backend = service("a"), slice_of("a", 1)
    found = loaded(tmp_path, gateway(), route("r", rule_to("a", filters=REFUSED[case])), route("s"), *backend)
    expected = "False IncompatibleFilters" if case == "incompatible" else "False UnsupportedValue"
    assert verdicts(found).route() == expected
    assert list(found.documents.routes) == ["shop.s.0"]


def test_a_prefix_is_replaced_only_where_a_prefix_was_matched(tmp_path):
    replace = {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/x"}}
    rule = rule_to("a", path="/one", type="Exact", filters=[{"type": "URLRewrite", "urlRewrite": replace}])
    assert verdicts(loaded(tmp_path, gateway(), route("r", rule), service("a"))).route() == "False UnsupportedValue"


def test_a_rule_may_name_a_chain_of_ours(tmp_path):
    chain = {"type": "ExtensionRef", "extensionRef": {"group": "triplegate.dev", "kind": "Chain", "name": "slow"}}
    native = "policies: {slow: [{use: rate_limit, requests: 5, window: 1m}]}\norgs: {acme: {teams: {web: {}}}}\n"
    found = loaded(tmp_path, gateway(), route("r", rule_to("a", filters=[chain])), service("a"), native=native)
    assert [one.use for one in found.documents.routes["shop.r.0"].policies] == ["rate_limit"]
    assert json.dumps(found.documents.canonical())
