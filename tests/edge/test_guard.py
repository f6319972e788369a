"""The edge guard, rule by rule (reliability P-2 … P-13, P-32, P-33)."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.errors import Refusal
from triplegate.core.http import BytesBody, Headers, Peer
from triplegate.edge.guard import LIMITS, Canonical, Limits, canonical

PEER = Peer("192.0.2.7", 50123)
HOST = (b"host", b"api.test")


def guard(
    target: bytes = b"/orders",
    headers: Headers | None = None,
    method: str = "GET",
    version: str = "1.1",
    scheme: str = "http",
    limits: Limits = LIMITS,
) -> Canonical | Refusal:
    return canonical("web", method, target, [HOST] if headers is None else headers, version, scheme, PEER, limits)


def accepted(*args: object, **kwargs: object) -> Canonical:
    result = guard(*args, **kwargs)  # type: ignore[arg-type]
    assert isinstance(result, Canonical), result
    return result


def refused(*args: object, **kwargs: object) -> Refusal:
    result = guard(*args, **kwargs)  # type: ignore[arg-type]
    assert isinstance(result, Refusal), result
    return result


def test_an_ordinary_request_becomes_the_noun_the_gates_read() -> None:
    headers = [(b"host", b"API.test:8080"), (b"accept", b"*/*"), (b"content-length", b"3")]
    head = accepted(b"/orders/7?limit=10&x=%20", headers, method="POST")
    inbound = head.inbound(BytesBody(b"abc"), deadline=12.5)
    assert (inbound.listener, inbound.method, inbound.scheme, inbound.host, inbound.port) == (
        "web",
        "POST",
        "http",
        "api.test",
        8080,
    )
    assert (inbound.path, inbound.query, inbound.http_version) == ("/orders/7", b"limit=10&x=%20", "1.1")
    assert inbound.headers is headers
    assert inbound.peer is PEER
    assert inbound.client == "192.0.2.7"
    assert inbound.deadline == 12.5
    assert (head.content_length, head.chunked, head.expect_continue, head.has_body) == (3, False, False, True)


# P-12: paths


def words(text: str) -> list[str]:
    return text.split(" ")


TRAVERSALS = words(r"/.. /%2e%2e /.%2e /%2E. /%252e%252e /..; /..;x=1 /..%00 /%c0%ae%c0%ae /..\ /..%5c /..%2f %2f..")
ADMINS = words("admin %61dmin adm%69n %61%64%6D%69%6e %2561dmin")
ENDINGS = words(r" / // /. /x/.. ;x %2f %00 %3bx %23 %3f \ %5c /%2e /..;/admin #x")
PREFIXES = words("/public /public/x/.. /public// /public/./")
DIRECT = words(r"/ // /// /./ /.// /%2e/ /;/ /%2f \/ /\ /%5c /public/../ //public//..//")
BELOW = [p + t + "/" + a for p, t, a in product(PREFIXES, TRAVERSALS, ADMINS)]
ASIDE = [d + a + e for d, a, e in product(DIRECT, ADMINS, ENDINGS)]
VARIANTS = BELOW + ASIDE


def test_p12_no_variant_of_admin_becomes_another_path() -> None:
    assert len(set(VARIANTS)) >= 200
    through = 0
    for variant in VARIANTS:
        result = guard(variant.encode())
        if isinstance(result, Canonical):
            assert result.path == "/admin" or result.path.startswith("/admin/"), variant
            through += 1
        else:
            assert result.status == 400
    assert through >= 20  # the plain spellings still work


@given(
    st.lists(st.sampled_from(["/", ".", "..", "a", "%2e", "%41", "%c3%a9", "{", "?", "%20", "&", "//"]), max_size=10)
)
def test_p12_the_canonical_path_canonicalises_to_itself(parts: list[str]) -> None:
    first = guard(("/" + "".join(parts)).encode())
    if isinstance(first, Canonical):
        again = accepted(first.path.encode() + (b"?" + first.query if first.query else b""))
        assert (again.path, again.query) == (first.path, first.query)


# P-11: target forms


@pytest.mark.parametrize(
    "target",
    [
        b"",
        b"x",
        b"/a#f",
        b"/a?b#f",
        b"/a\\b",
        b"/\xc3\xa9",
        b"/a?\xff",
        b"/%zz",
        b"/%00",
        b"/a?%zz",
        b"*",
        b"ftp://api.test/",
    ],
)
def test_p11_a_malformed_target_is_refused(target: bytes) -> None:
    refusal = refused(target)
    assert refusal.code == "malformed_request"
    assert (b"connection", b"close") in refusal.headers


def test_p11_the_asterisk_belongs_to_options() -> None:
    assert accepted(b"*", method="OPTIONS").path == "*"
    assert refused(b"*?x", method="OPTIONS").code == "malformed_request"


def test_p11_connect_is_405_and_says_what_is_allowed() -> None:
    refusal = refused(b"api.test:443", method="CONNECT")
    assert refusal.status == 405
    assert dict(refusal.headers)[b"allow"].startswith(b"GET, ")


# P-9: absolute form


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"http://api.test/a?b", "/a"),
        (b"HTTP://API.test:80/a", "/a"),
        (b"http://api.test", "/"),
        (b"http://api.test/../x", None),
    ],
)
def test_p9_an_absolute_target_of_the_same_origin_is_its_path(target: bytes, path: str | None) -> None:
    result = guard(target)
    assert (result.path if isinstance(result, Canonical) else None) == path


@pytest.mark.parametrize(
    "target",
    [
        b"http://other.test/a",
        b"http://api.test:81/a",
        b"https://api.test/a",
        b"http://u@api.test/a",
        b"http:///a",
        b"http://api.test@other/a",
    ],
)
def test_p9_an_absolute_target_of_another_origin_is_refused(target: bytes) -> None:
    assert refused(target).code == "invalid_host"


def test_p9_swapped_virtual_hosts_are_refused_both_ways() -> None:
    for named, host in ((b"a.test", b"b.test"), (b"b.test", b"a.test")):
        assert refused(b"http://" + named + b"/x", [(b"host", host)]).code == "invalid_host"


def test_options_of_an_origin_without_path_is_the_asterisk() -> None:
    assert accepted(b"http://api.test", method="OPTIONS").path == "*"


# P-10: Host


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"host", b"")],
        [HOST, HOST],
        [HOST, (b"host", b"b.test")],
        [(b"host", b"a,b")],
        [(b"host", b"u@api.test")],
        [(b"host", b"a/#@x")],
    ],
)
def test_p10_anything_but_one_plain_host_is_refused(headers: Headers) -> None:
    assert refused(headers=headers).code == "invalid_host"


def test_p10_forwarded_host_never_stands_in_for_host() -> None:
    assert refused(headers=[(b"x-forwarded-host", b"api.test")]).code == "invalid_host"
    assert accepted(headers=[HOST, (b"x-forwarded-host", b"admin.test")]).host == "api.test"


def test_http2_authority_is_the_host() -> None:
    assert accepted(headers=[(b":authority", b"api.test")], version="2").host == "api.test"
    assert refused(headers=[(b":authority", b"api.test"), HOST], version="2").code == "invalid_host"
    assert refused(headers=[(b":authority", b"api.test")]).code == "malformed_request"


# P-3 … P-5: framing


@pytest.mark.parametrize(
    "lines",
    [
        [(b"content-length", b"3"), (b"transfer-encoding", b"chunked")],
        [(b"Transfer-Encoding", b"chunked"), (b"CONTENT-LENGTH", b"3")],
    ],
)
def test_p3_length_with_encoding_is_refused_and_closes(lines: Headers) -> None:
    refusal = refused(headers=[HOST, *lines], method="POST")
    assert refusal.code == "malformed_request"
    assert (b"connection", b"close") in refusal.headers


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"+5",
        b"-1",
        b"0x5",
        b"1_0",
        b"5, 5",
        b"5,5",
        b" 5",
        b"5 ",
        b"\t5",
        b"9223372036854775808",
        b"99999999999999999999",
        b"\xd9\xa3",
        b"5.0",
    ],
)
def test_p4_a_length_that_is_not_digits_is_refused(value: bytes) -> None:
    assert refused(headers=[HOST, (b"content-length", value)]).code == "malformed_request"


def test_p4_two_lengths_are_refused_even_when_equal() -> None:
    assert refused(headers=[HOST, (b"content-length", b"3"), (b"content-length", b"3")]).code == "malformed_request"


def test_p4_the_largest_length_passes() -> None:
    assert accepted(headers=[HOST, (b"content-length", b"9223372036854775807")]).content_length == 2**63 - 1


@pytest.mark.parametrize(
    "value",
    [b"gzip, chunked", b"chunked, chunked", b"xchunked", b"\tchunked", b"\x0bchunked", b"chunked ", b"identity", b""],
)
def test_p5_any_encoding_but_one_chunked_is_refused(value: bytes) -> None:
    assert refused(headers=[HOST, (b"transfer-encoding", value)]).code == "malformed_request"


def test_p5_two_encoding_lines_and_old_versions_are_refused() -> None:
    line = (b"transfer-encoding", b"chunked")
    assert refused(headers=[HOST, line, line]).code == "malformed_request"
    assert refused(headers=[HOST, line], version="1").code == "malformed_request"
    assert accepted(headers=[HOST, (b"transfer-encoding", b"Chunked")]).chunked


# P-7: header syntax


@pytest.mark.parametrize(
    "name", [b"", b"x y", b"x:", b"x\t", b"x\x00", b"x_user", b"X_User", b"\xc3\xa9", b"x(", b"x\r"]
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_p7_a_bad_header_name_is_refused_wherever_it_stands(name: bytes, place: int) -> None:
    headers = [HOST, (b"accept", b"*/*")]
    headers.insert(place, (name, b"1"))
    assert refused(headers=headers).code == "malformed_request"


@pytest.mark.parametrize("value", [b"a\r\nb", b"a\nb", b"a\rb", b"\x00", b"\x0b", b"\x1b[31m", b"\x7f"])
def test_p7_a_control_character_in_a_value_is_refused(value: bytes) -> None:
    assert refused(headers=[HOST, (b"x-a", value)]).code == "malformed_request"


def test_names_come_out_in_lower_case_and_values_untouched() -> None:
    head = accepted(headers=[(b"HOST", b"api.test"), (b"X-Name", b"J\xc3\xbcrgen\tx")])
    assert head.headers == [(b"host", b"api.test"), (b"x-name", b"J\xc3\xbcrgen\tx")]


# P-2: Connection


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "host",
        "Content-Length",
        "cache-control",
        "COOKIE",
        "X-Forwarded-For",
        "x-triplegate-user",
        "mcp-method",
        "Traceparent",
        "X-Api-Key",
    ],
)
@pytest.mark.parametrize("form", ["{}", "close, {}", "{},keep-alive", "close ,\t{}\t, TE"])
def test_p2_nominating_a_header_we_rely_on_is_refused(name: str, form: str) -> None:
    assert refused(headers=[HOST, (b"connection", form.format(name).encode())]).code == "malformed_request"


def test_p2_ordinary_nominations_pass() -> None:
    for value in (b"keep-alive", b"close, TE", b"Upgrade", b"x-private", b"keep-alive, Upgrade, HTTP2-Settings"):
        accepted(headers=[HOST, (b"connection", value)])


@pytest.mark.parametrize("name", [b"connection", b"transfer-encoding", b"keep-alive", b"proxy-connection", b"upgrade"])
def test_connection_headers_do_not_exist_in_http2(name: bytes) -> None:
    refusal = refused(headers=[HOST, (name, b"chunked")], version="2")
    assert refusal.code == "malformed_request"
    assert refusal.headers == []


def test_te_in_http2_may_only_ask_for_trailers() -> None:
    accepted(headers=[HOST, (b"te", b"trailers")], version="2")
    assert refused(headers=[HOST, (b"te", b"gzip")], version="2").code == "malformed_request"


# methods, expectations, overrides, limits


@pytest.mark.parametrize("method", ["", "GE T", "G\x00", "A" * 33, "get", "Delete", "connect", "GÉT", "G{T"])
def test_a_method_that_is_no_plain_token_is_refused(method: str) -> None:
    assert refused(method=method).code == "malformed_request"


@pytest.mark.parametrize("method", ["GET", "QUERY", "PROPFIND", "A" * 32, "M-SEARCH"])
def test_unknown_methods_of_the_grammar_pass(method: str) -> None:
    assert accepted(method=method).method == method


def test_p15_only_100_continue_can_be_expected() -> None:
    assert accepted(headers=[HOST, (b"expect", b"100-Continue"), (b"content-length", b"3")]).expect_continue
    assert not accepted(headers=[HOST, (b"expect", b"100-continue")], version="1.0").expect_continue
    assert refused(headers=[HOST, (b"expect", b"200-ok")]).status == 417


@pytest.mark.parametrize("name", [b"x-http-method-override", b"X-HTTP-Method", b"x-method-override"])
def test_p32_a_method_override_reaches_nobody(name: bytes) -> None:
    head = accepted(headers=[HOST, (name, b"DELETE"), (b"accept", b"*/*")])
    assert head.method == "GET"
    assert head.headers == [HOST, (b"accept", b"*/*")]


@pytest.mark.parametrize("name", [b"authorization", b"Content-Type", b"origin", b"X-API-Key"])
def test_of_a_field_that_policies_read_there_is_only_one(name: bytes) -> None:
    accepted(headers=[HOST, (name, b"a")])
    assert refused(headers=[HOST, (name, b"a"), (name.lower(), b"a")]).code == "malformed_request"


def test_all_cookie_lines_are_one_for_every_reader() -> None:
    lines = [HOST, (b"cookie", b"a=1"), (b"accept", b"*/*"), (b"cookie", b"b=2; c=3")]
    assert accepted(headers=lines, version="2").headers == [HOST, (b"accept", b"*/*"), (b"cookie", b"a=1; b=2; c=3")]
    one = [HOST, (b"cookie", b"a=1")]
    assert accepted(headers=one).headers is one


def test_p33_limits_hold_just_under_and_just_over() -> None:
    assert accepted(b"/" + b"a" * 8191).path
    assert refused(b"/" + b"a" * 8192).status == 414
    accepted(headers=[HOST, *[(b"x", b"1")] * 99])
    assert refused(headers=[HOST, *[(b"x", b"1")] * 100]).status == 431
    room = 65536 - len(b"hostapi.test") - 1
    accepted(headers=[HOST, (b"x", b"v" * room)])
    assert refused(headers=[HOST, (b"x", b"v" * (room + 1))]).status == 431


@pytest.mark.parametrize("version", ["0.9", "3.0", "", "1.2"])
def test_other_http_versions_are_refused(version: str) -> None:
    assert refused(version=version).code == "malformed_request"


@given(
    st.binary(max_size=40),
    st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=12)), max_size=4),
    st.text(max_size=8),
)
def test_no_bytes_make_the_guard_raise(target: bytes, headers: Headers, method: str) -> None:
    result = guard(target, [HOST, *headers], method)
    assert isinstance(result, Canonical | Refusal)
